-- Each checkpoint names the size of the one before it, so that one that was dropped leaves a gap.
ALTER TABLE checkpoints ADD COLUMN previous BIGINT NOT NULL DEFAULT -1;
UPDATE checkpoints SET previous = COALESCE((SELECT MAX(c.size) FROM checkpoints c WHERE c.size < checkpoints.size), 0);
CREATE UNIQUE INDEX checkpoints_previous ON checkpoints (previous);

-- Digests as they were made, one after the other without a gap: `n` counts them, and 0 is the moment when they were first asked
-- for. Where each is posted, and how far: `lines` and `messages` stand there already; `sending` is the nonce of what may have been
-- sent, on a chat that would not recognise it.
CREATE TABLE digests (
    n BIGINT PRIMARY KEY,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    document TEXT
);
CREATE INDEX digests_to ON digests (to_at);

CREATE TABLE digest_posts (
    digest BIGINT NOT NULL,
    platform TEXT NOT NULL,
    place TEXT NOT NULL,
    channel TEXT,
    message TEXT,
    lines BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    sending TEXT,
    PRIMARY KEY (digest, platform, place)
);

-- When no hallpass ran on this store, as far as the next one that started could tell.
CREATE TABLE absences (
    from_at BIGINT PRIMARY KEY,
    to_at BIGINT NOT NULL
);

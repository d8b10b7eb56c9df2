-- The full members of the chats' workspaces, so that a start without the chat knows everybody. Who left keeps the row, and the
-- name with it. `person`: as whom the account was recorded to count by its address.
CREATE TABLE members (
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    time_zone TEXT,
    since BIGINT NOT NULL,
    left_at BIGINT,
    person TEXT,
    PRIMARY KEY (platform, account)
);

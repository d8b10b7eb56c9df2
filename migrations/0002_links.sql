-- Accounts that were joined to a person with a one-time code, the codes (salted hashes only), and wrong tries.
-- `n` counts changes of a row: a write that expects another one is stale.
CREATE TABLE links (
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    person TEXT NOT NULL,
    at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (platform, account)
);
CREATE UNIQUE INDEX links_person ON links (person, platform) WHERE ended_at IS NULL;

CREATE TABLE link_codes (
    person TEXT PRIMARY KEY,
    salt TEXT NOT NULL,
    hash TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used BOOLEAN NOT NULL,
    made BIGINT NOT NULL,
    made_since BIGINT NOT NULL,
    n BIGINT NOT NULL
);
CREATE INDEX link_codes_live ON link_codes (expires_at) WHERE NOT used;

CREATE TABLE link_tries (
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    wrong BIGINT NOT NULL,
    wrong_since BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (platform, account)
);

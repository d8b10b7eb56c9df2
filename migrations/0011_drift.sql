-- How a provider's holders differ from what was given, from when it was first seen until it was gone or not looked at any more, and afterwards.
-- `found_at`: seen twice, and told then. `doubted`: the newest look did not show it. `alarm`: which one speaks of it.
CREATE TABLE drift (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    target TEXT NOT NULL,
    principal TEXT NOT NULL,
    grant_id TEXT,
    kind TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    found_at BIGINT,
    doubted BOOLEAN NOT NULL,
    gone_at BIGINT,
    unwatched_at BIGINT,
    places TEXT NOT NULL,
    request TEXT,
    alarm TEXT
);
CREATE INDEX drift_open ON drift (provider, first_seen) WHERE gone_at IS NULL AND unwatched_at IS NULL;
CREATE INDEX drift_gone ON drift (gone_at) WHERE gone_at IS NOT NULL;
CREATE INDEX drift_unwatched ON drift (unwatched_at) WHERE unwatched_at IS NOT NULL;

-- Looks that one process makes for all: whoever finds `n` as it was has the turn. `read_at`: when all of it was last read.
CREATE TABLE looks (
    name TEXT PRIMARY KEY,
    n BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    read_at BIGINT NOT NULL
);

-- Entitlements that are over, where the target tells what is ours: what comes back there is taken away again.
-- `object`: the name by which the target's object carries it.
CREATE TABLE past_entitlements (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    object TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX past_entitlements_object ON past_entitlements (provider, object);
CREATE INDEX past_entitlements_ended ON past_entitlements (provider, ended_at);

-- Sessions that were seen open while access was live.
CREATE TABLE sightings (
    entitlement TEXT NOT NULL,
    session TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    origin TEXT,
    about TEXT,
    PRIMARY KEY (entitlement, session)
);

-- When it was looked for them, and the longest time between two looks, in seconds. `since`: the access works since then, or
-- since earlier; what was looked before that was about other access.
CREATE TABLE samples (
    entitlement TEXT PRIMARY KEY,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    longest BIGINT NOT NULL,
    since BIGINT NOT NULL
);
CREATE INDEX samples_last ON samples (last_at);

-- One list for SQLite and PostgreSQL: BIGINT, TEXT and BOOLEAN only. Instants are microseconds since 1970.
CREATE TABLE inbox (
    platform TEXT NOT NULL,
    interaction TEXT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    open BOOLEAN NOT NULL,
    PRIMARY KEY (platform, interaction)
);
CREATE INDEX inbox_open ON inbox (at) WHERE open;

CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    n BIGINT NOT NULL,
    requester TEXT NOT NULL,
    subject TEXT NOT NULL,
    resource TEXT NOT NULL,
    open BOOLEAN NOT NULL,
    opened_at BIGINT NOT NULL,
    wake_at BIGINT,
    document TEXT NOT NULL
);
CREATE INDEX requests_wake ON requests (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX requests_requester ON requests (requester, opened_at);
CREATE INDEX requests_subject ON requests (subject, opened_at);
CREATE INDEX requests_resource ON requests (resource, opened_at);
CREATE INDEX requests_open ON requests (opened_at) WHERE open;

CREATE TABLE entitlements (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    gen BIGINT NOT NULL,
    due_at BIGINT,
    urgent BOOLEAN NOT NULL,
    leased_until BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX entitlements_due ON entitlements (provider, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE claims (
    entitlement TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    request TEXT NOT NULL,
    wanted BOOLEAN NOT NULL,
    until BIGINT,
    extend_to BIGINT,
    latest BIGINT NOT NULL,
    give_up_at BIGINT NOT NULL,
    duration BIGINT NOT NULL,
    PRIMARY KEY (entitlement, grant_id)
);
CREATE INDEX claims_until ON claims (until);

CREATE TABLE tasks (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    queue TEXT NOT NULL,
    wanted BIGINT NOT NULL,
    due_at BIGINT,
    leased_until BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX tasks_due ON tasks (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE posts (
    request TEXT NOT NULL,
    platform TEXT NOT NULL,
    place TEXT NOT NULL,
    channel TEXT,
    message TEXT,
    shown TEXT,
    told BIGINT NOT NULL,
    PRIMARY KEY (request, platform, place)
);

CREATE TABLE alarms (
    id TEXT PRIMARY KEY,
    request TEXT,
    raised_at BIGINT NOT NULL,
    cleared_at BIGINT,
    what TEXT NOT NULL,
    told TEXT NOT NULL
);
CREATE INDEX alarms_open ON alarms (raised_at) WHERE cleared_at IS NULL;

CREATE TABLE inputs (
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (person, name)
);

CREATE TABLE words (
    id TEXT PRIMARY KEY,
    salt TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE streams (
    stream TEXT PRIMARY KEY,
    n BIGINT NOT NULL,
    at BIGINT NOT NULL
);

-- `id` is the append order, taken from the one counter below while the ledger's row lock is held.
CREATE TABLE entries (
    id BIGINT PRIMARY KEY,
    stream TEXT NOT NULL,
    n BIGINT NOT NULL,
    at BIGINT NOT NULL,
    bytes TEXT NOT NULL,
    UNIQUE (stream, n)
);

CREATE TABLE unsealed (
    entry BIGINT PRIMARY KEY
);

CREATE TABLE seals (
    leaf BIGINT PRIMARY KEY,
    entry BIGINT NOT NULL UNIQUE,
    hash TEXT NOT NULL
);

CREATE TABLE checkpoints (
    size BIGINT PRIMARY KEY,
    root TEXT NOT NULL,
    note TEXT NOT NULL,
    at BIGINT NOT NULL
);

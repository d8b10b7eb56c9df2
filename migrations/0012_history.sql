-- What happened, beside the documents: no question about the past has to read those. A row is there from the first decision to
-- give, or from the close of what never came so far. `node`: the place of a span that is over, for finding all that hold an
-- instant. Access was there from `held_from` to `ended_at`; it may have been there from `begun_at` to `gone_at`.
CREATE TABLE history (
    request TEXT PRIMARY KEY,
    stage BIGINT NOT NULL,
    resource TEXT NOT NULL,
    role TEXT NOT NULL,
    requester TEXT NOT NULL,
    subject TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    begun_at BIGINT,
    held_from BIGINT,
    had_before BOOLEAN NOT NULL,
    absent_at BIGINT,
    ended_at BIGINT,
    gone_at BIGINT,
    closed_at BIGINT,
    ending TEXT,
    closed_by TEXT,
    sessions BIGINT,
    sampled BOOLEAN NOT NULL,
    less BOOLEAN NOT NULL,
    settled_at BIGINT,
    settled_by TEXT,
    node BIGINT
);
CREATE INDEX history_begun ON history (resource, node, begun_at) WHERE node IS NOT NULL;
CREATE INDEX history_gone ON history (resource, node, gone_at) WHERE node IS NOT NULL;
CREATE INDEX history_live ON history (resource, begun_at) WHERE closed_at IS NULL;
-- These hold all that is counted of a span: a day of a hundred thousand requests is counted without a look at its rows.
CREATE INDEX history_held ON history (held_from, resource, less) WHERE held_from IS NOT NULL;
CREATE INDEX history_closed ON history (closed_at, ending, resource, held_from, ended_at, had_before, sessions, sampled, request)
    WHERE closed_at IS NOT NULL;
CREATE INDEX history_subject ON history (subject, closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX history_requester ON history (requester, closed_at) WHERE closed_at IS NOT NULL AND requester <> subject;
CREATE INDEX history_settled ON history (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX requests_opened ON requests (opened_at, resource);

-- Access that was found at its target again after it had been said to be gone, until it was read as gone once more.
CREATE TABLE came_back (
    request TEXT NOT NULL,
    resource TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT,
    PRIMARY KEY (request, from_at)
);
CREATE INDEX came_back_resource ON came_back (resource, from_at);

-- What people did about requests, other than asking. `took`: seconds since it could be done. `decided`: on the one act that
-- decided the request, seconds since it was asked.
CREATE TABLE acts (
    person TEXT NOT NULL,
    at BIGINT NOT NULL,
    request TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    resource TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    took BIGINT,
    decided BIGINT,
    PRIMARY KEY (person, at, request, kind)
);
CREATE INDEX acts_at ON acts (at, kind, decided, took, resource, person, subject);
CREATE INDEX acts_opened ON acts (person, opened_at DESC, request, at);

-- How far the running check of the ledger has come: one row. `note`: what it says, signed with the ledger's key.
CREATE TABLE verified (
    id BIGINT PRIMARY KEY,
    size BIGINT NOT NULL,
    frontier TEXT NOT NULL,
    note TEXT NOT NULL,
    since BIGINT NOT NULL,
    at BIGINT NOT NULL,
    wrong BOOLEAN NOT NULL
);

-- Up to when (by the requests' opening) what an older hallpass wrote was read into these tables: the highest number, all of it.
INSERT INTO marks (name, value) SELECT 'history', 9223372036854775807 WHERE NOT EXISTS (SELECT 1 FROM requests);

-- Environments in which a change of a flag takes effect only when somebody else has approved it.
CREATE TABLE flag_guard (
    tenant_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, environment)
);

-- A change of a flag in one environment that somebody has asked for: what its settings were then and what they are to be, null where
-- there are none. due_ms is when it takes effect, at once when approved if null; version is the one that it made.
CREATE TABLE flag_request (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    flag_key TEXT NOT NULL,
    environment TEXT NOT NULL,
    state TEXT NOT NULL,
    was JSONB NULL,
    wanted JSONB NULL,
    reason TEXT NOT NULL,
    due_ms BIGINT NULL,
    asked_by TEXT NOT NULL,
    decided_by TEXT NULL,
    version BIGINT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX flag_request_by_age ON flag_request (tenant_id, created_ms, id);
CREATE INDEX flag_request_by_due ON flag_request (state, due_ms);

-- At most one row, of the whole installation: while it is there, flags change in no way but being turned off.
CREATE TABLE flag_freeze (
    scope TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    since_ms BIGINT NOT NULL
);

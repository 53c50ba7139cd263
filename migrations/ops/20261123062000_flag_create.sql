-- Grows with every change of a tenant's flags and segments; who has read them at one number need not read them again.
CREATE TABLE flag_head (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);

-- content is all that people decide: description, purpose, type of value, and values and rules of each environment. is_archived says
-- again what it says, for lists. version grows with every change.
CREATE TABLE flag (
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    version BIGINT NOT NULL,
    is_archived BOOLEAN NOT NULL,
    content JSONB NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX flag_by_age ON flag (tenant_id, is_archived, created_ms, key);

-- Constraints that flags share, by name.
CREATE TABLE flag_segment (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    content JSONB NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- One change of a flag or a segment (kind), which made this version: its content before and after. It outlives what it is about,
-- and a flag that is made anew goes on counting.
CREATE TABLE flag_change (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    request_id TEXT NULL,
    was JSONB NULL,
    became JSONB NULL,
    time_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, kind, name, version)
);

-- How often clients say that they found a flag on or off.
CREATE TABLE flag_usage (
    tenant_id TEXT NOT NULL,
    flag_key TEXT NOT NULL,
    environment TEXT NOT NULL,
    yes BIGINT NOT NULL,
    no BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, flag_key, environment),
    FOREIGN KEY (tenant_id, flag_key) REFERENCES flag (tenant_id, key) ON DELETE CASCADE
);

-- Applications that have said that they fetch flags.
CREATE TABLE flag_client (
    tenant_id TEXT NOT NULL,
    app_name TEXT NOT NULL,
    environment TEXT NOT NULL,
    sdk TEXT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, app_name, environment)
);
CREATE INDEX flag_client_by_age ON flag_client (tenant_id, last_ms, app_name, environment);

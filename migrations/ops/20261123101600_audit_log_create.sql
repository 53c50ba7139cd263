-- The log of a tenant: how many entries it has, the checkpoint that was signed over them (a C2SP signed note), and the Ed25519 key that
-- signs. secret is wrapped where is_wrapped says so.
CREATE TABLE audit_log (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    checkpoint TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    secret BYTEA NOT NULL,
    is_wrapped BOOLEAN NOT NULL,
    created_ms BIGINT NOT NULL
);

-- seq counts from 0. entry is the very text whose hash is leaf_hash; the columns behind it say again what it says, for searches.
CREATE TABLE audit_entry (
    tenant_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    entry TEXT NOT NULL,
    leaf_hash BYTEA NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    request_id TEXT NULL,
    time_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX audit_entry_by_time ON audit_entry (tenant_id, time_ms, seq);
CREATE INDEX audit_entry_by_actor ON audit_entry (tenant_id, actor, time_ms, seq);
CREATE INDEX audit_entry_by_action ON audit_entry (tenant_id, action, time_ms, seq);
CREATE INDEX audit_entry_by_resource ON audit_entry (tenant_id, resource, time_ms, seq);
CREATE INDEX audit_entry_by_request ON audit_entry (tenant_id, request_id, time_ms, seq);

-- The hash of a whole subtree of 256^level leaves, the idx-th of its kind; those of level 0 are in audit_entry.
CREATE TABLE audit_node (
    tenant_id TEXT NOT NULL,
    level BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, level, idx)
);

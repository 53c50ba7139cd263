-- A key of a tenant: its secret as a SHA-256, and what it may, a list of permissions. A key that was revoked is gone.
CREATE TABLE api_key (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    secret_sha256 BYTEA NOT NULL,
    permissions JSONB NOT NULL,
    created_by TEXT NOT NULL,
    expires_ms BIGINT NULL,
    last_used_ms BIGINT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX api_key_by_age ON api_key (tenant_id, created_ms, id);
-- Whose key it is, is what a request asks.
CREATE INDEX api_key_by_id ON api_key (id);

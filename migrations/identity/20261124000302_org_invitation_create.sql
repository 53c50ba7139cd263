-- Somebody who is invited to a tenant: where he shall belong, lists of the ids of the roles and teams that he shall have, and what he
-- accepts it by, as a SHA-256. One that was accepted or revoked is gone.
CREATE TABLE org_invitation (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NULL,
    node_id TEXT NOT NULL,
    roles JSONB NOT NULL,
    teams JSONB NOT NULL,
    token_sha256 BYTEA NOT NULL,
    invited_by TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);
CREATE INDEX org_invitation_by_age ON org_invitation (tenant_id, created_ms, id);
CREATE INDEX org_invitation_by_id ON org_invitation (id);

-- A domain that a tenant says is its own, in lower case. token is what the domain's owner puts into its DNS. proven_ms is when that was
-- found there last, null while it is not. Who gets an account with an
-- address of it belongs to node_id, which is root for the tenant itself.
CREATE TABLE org_domain (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    token TEXT NOT NULL,
    node_id TEXT NOT NULL,
    proven_ms BIGINT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);
CREATE INDEX org_domain_by_age ON org_domain (tenant_id, created_ms, id);
CREATE INDEX org_domain_by_name ON org_domain (name, proven_ms);

-- How a tenant looks: an object. version grows with every change.
CREATE TABLE org_brand (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    content JSONB NOT NULL,
    version BIGINT NOT NULL
);

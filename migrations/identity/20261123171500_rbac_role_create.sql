-- A role of a tenant: a name, one among its roles, and what it gives, a list of permissions. version grows with every change.
CREATE TABLE rbac_role (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    permissions JSONB NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);
CREATE INDEX rbac_role_by_age ON rbac_role (tenant_id, created_ms, id);

-- That a person has a role, for good or until expires_ms. One that was revoked is gone; one that has ended is removed when the person
-- is given another role.
CREATE TABLE rbac_binding (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    expires_ms BIGINT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, user_id, role_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES rbac_role (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX rbac_binding_by_age ON rbac_binding (tenant_id, created_ms, id);
CREATE INDEX rbac_binding_by_role ON rbac_binding (tenant_id, role_id, user_id);

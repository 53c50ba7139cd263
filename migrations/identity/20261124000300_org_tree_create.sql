-- A sub-organization of a tenant. parent_id is that above it, root right below the tenant itself, which has no row. version grows with
-- every change.
CREATE TABLE org_node (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, parent_id, name)
);
CREATE INDEX org_node_by_age ON org_node (tenant_id, created_ms, id);

-- What lies above what: each is above itself by 0 levels. The tenant itself, which is above all, has no rows.
CREATE TABLE org_closure (
    tenant_id TEXT NOT NULL,
    ancestor_id TEXT NOT NULL,
    descendant_id TEXT NOT NULL,
    depth BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, descendant_id, ancestor_id),
    FOREIGN KEY (tenant_id, ancestor_id) REFERENCES org_node (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, descendant_id) REFERENCES org_node (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX org_closure_by_ancestor ON org_closure (tenant_id, ancestor_id, descendant_id);

-- Where a person belongs. Who has no row belongs to the tenant itself.
CREATE TABLE org_member (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, node_id) REFERENCES org_node (tenant_id, id)
);
CREATE INDEX org_member_by_node ON org_member (tenant_id, node_id, user_id);

-- A role that everybody has who belongs to a sub-organization or below it.
CREATE TABLE org_node_role (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, node_id, role_id),
    FOREIGN KEY (tenant_id, node_id) REFERENCES org_node (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES rbac_role (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX org_node_role_by_role ON org_node_role (tenant_id, role_id, node_id);

-- What is set at a sub-organization, or at the tenant itself (root): an object, by the names of the settings. version grows with every
-- change.
CREATE TABLE org_settings (
    tenant_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    own JSONB NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, node_id)
);

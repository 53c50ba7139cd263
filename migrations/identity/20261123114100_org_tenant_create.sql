-- Whoever has resources here. state is active or suspended. slug is its name in headers, one among all tenants. version grows with
-- every change.
CREATE TABLE tenant (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    UNIQUE (slug)
);
CREATE INDEX tenant_by_age ON tenant (created_ms, tenant_id);

INSERT INTO tenant (tenant_id, slug, name, state, version, created_ms, updated_ms)
VALUES ('ten_default', 'default', 'Default', 'active', 1, 0, 0);

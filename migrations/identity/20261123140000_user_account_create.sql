-- A person of a tenant. email is in lower case. state is active or suspended. permissions is a list of what he may, preferences an
-- object that programs keep for him. search is his name in lower case. version grows with every change.
CREATE TABLE user_account (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    locale TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    state TEXT NOT NULL,
    permissions JSONB NOT NULL,
    preferences JSONB NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);
CREATE INDEX user_account_by_age ON user_account (tenant_id, created_ms, id);

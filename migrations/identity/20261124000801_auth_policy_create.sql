-- What a tenant asks of its people when they sign in; one that has no row asks for what is usual. domains are those of e-mail addresses that
-- let in, all where there are none. version grows with every change.
CREATE TABLE auth_policy (
    tenant_id TEXT NOT NULL,
    needs_second_factor BOOLEAN NOT NULL,
    domains JSONB NOT NULL,
    min_password BIGINT NOT NULL,
    session_s BIGINT NOT NULL,
    allows_impersonation BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id)
);

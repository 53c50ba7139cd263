-- What is taken in: scope `all` for all tenants together, `each` for a tenant without a row of its own, `tenant` for the one
-- named. Without a number there is no limit.
CREATE TABLE admission_limit (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    open_assets BIGINT NULL,
    stored_bytes BIGINT NULL,
    cpu_s_per_day BIGINT NULL,
    PRIMARY KEY (scope, name)
);

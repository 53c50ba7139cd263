-- For how many days the log of a tenant keeps what its entries say; for good without a row. Everything before swept_ms was looked at.
CREATE TABLE audit_retention (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    days BIGINT NOT NULL,
    swept_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);

-- What is kept for longer all the same: entries of a resource and all below it, by or about a person, from a time up to another. What
-- is NULL says nothing.
CREATE TABLE audit_hold (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    reason TEXT NOT NULL,
    resource TEXT NULL,
    person TEXT NULL,
    from_ms BIGINT NULL,
    to_ms BIGINT NULL,
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_hold_by_time ON audit_hold (tenant_id, created_ms, id);

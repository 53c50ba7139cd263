-- What a tenant's attempts have taken, by the day since 1970 on which they ended.
CREATE TABLE queue_usage (
    tenant_id TEXT NOT NULL,
    day BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    took_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, day)
);

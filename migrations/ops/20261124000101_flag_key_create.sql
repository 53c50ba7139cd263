-- Keys that stand in pages and apps: id is the key itself, which is no secret, and opens what flags come to in one environment.
CREATE TABLE flag_key (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    environment TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX flag_key_by_id ON flag_key (id);

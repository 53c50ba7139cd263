-- What the source and the fragments of a protected recording are sealed under: one key for each, wrapped like content keys.
CREATE TABLE data_key (
    tenant_id TEXT NOT NULL,
    asset_id TEXT NOT NULL,
    wrapped BYTEA NOT NULL,
    kek_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, asset_id)
);
CREATE INDEX data_key_by_kek ON data_key (kek_id, tenant_id, asset_id);

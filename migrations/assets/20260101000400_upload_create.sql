CREATE TABLE upload (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    asset_id TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    received_bytes BIGINT NOT NULL,
    state TEXT NOT NULL,
    filename TEXT NOT NULL,
    metadata JSONB NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, asset_id) REFERENCES asset (tenant_id, id)
);
CREATE INDEX upload_by_asset ON upload (tenant_id, asset_id, created_ms, id);
CREATE INDEX upload_open ON upload (updated_ms) WHERE state IN ('waiting', 'receiving', 'received');

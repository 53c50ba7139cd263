-- flow is the state machine's whole memory; state repeats its phase for the lists; generation is the last one handed out.
CREATE TABLE asset (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    playback_id TEXT NOT NULL,
    filename TEXT NOT NULL,
    state TEXT NOT NULL,
    flow JSONB NOT NULL,
    generation BIGINT NOT NULL,
    source_size BIGINT NULL,
    source_sha256 TEXT NULL,
    ladder TEXT NOT NULL,
    ladder_sha256 TEXT NULL,
    duration_ms BIGINT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    uploaded_ms BIGINT NULL,
    playable_ms BIGINT NULL,
    complete_ms BIGINT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, playback_id)
);
CREATE INDEX asset_by_age ON asset (tenant_id, created_ms, id);
CREATE INDEX asset_by_state ON asset (tenant_id, state, created_ms, id);
-- The origin's side knows no tenant; the playback id alone is unguessable.
CREATE INDEX asset_by_playback ON asset (playback_id);
CREATE INDEX asset_active ON asset (tenant_id, id) WHERE state IN ('processing', 'deleting');

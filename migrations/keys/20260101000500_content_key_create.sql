-- wrapped is the key under the key-encryption key that kek_id names, never the key itself. A key id means one key within a
-- tenant; a recording has at most one key for each scheme, class of tracks and period (0 where keys do not change).
CREATE TABLE content_key (
    tenant_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    playback_id TEXT NOT NULL,
    scheme TEXT NOT NULL,
    track_class TEXT NOT NULL,
    period BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    kek_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key_id),
    UNIQUE (tenant_id, playback_id, scheme, track_class, period)
);
CREATE INDEX content_key_by_kek ON content_key (kek_id, tenant_id, key_id);

-- Who is sent the log of a tenant: entries from next_seq on, when due_ms is over. credential is sealed under the key of the stream's own id
-- in audit_subject.
CREATE TABLE audit_stream (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    has_personal BOOLEAN NOT NULL,
    credential TEXT NULL,
    next_seq BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    last_error TEXT NULL,
    last_ms BIGINT NULL,
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_stream_due ON audit_stream (due_ms);

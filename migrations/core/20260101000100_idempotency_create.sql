-- A request's answer under its Idempotency-Key; status is null while the first request is still running.
CREATE TABLE idempotency (
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    request_sha256 TEXT NOT NULL,
    status BIGINT NULL,
    content_type TEXT NULL,
    body BYTEA NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_ms);

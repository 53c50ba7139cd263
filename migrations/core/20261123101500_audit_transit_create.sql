-- Requests that change something, on their way to the audit log: 'open' until they have been answered, then 'done', or 'unknown' when
-- nobody knows what became of one. writer is the process that answers; beat is its sign of life while it does, and only grows.
CREATE TABLE audit_transit (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    writer TEXT NOT NULL,
    beat BIGINT NOT NULL,
    state TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    request_id TEXT NULL,
    status BIGINT NULL,
    time_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_transit_open ON audit_transit (writer) WHERE state = 'open';
CREATE INDEX audit_transit_ended ON audit_transit (tenant_id, time_ms, id) WHERE state <> 'open';

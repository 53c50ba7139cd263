-- Events numbered up to seq have been handed to the endpoints of the tenant.
CREATE TABLE webhook_cursor (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);

-- Gets events numbered above since_seq that events, a list of filters, lets through. version grows with every change that a
-- person makes. A secret is wrapped where is_wrapped says so; previous_secret signs too until previous_until_ms.
CREATE TABLE webhook_endpoint (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    events JSONB NOT NULL,
    state TEXT NOT NULL,
    disabled_reason TEXT NULL,
    since_seq BIGINT NOT NULL,
    version BIGINT NOT NULL,
    secret BYTEA NOT NULL,
    is_wrapped BOOLEAN NOT NULL,
    previous_secret BYTEA NULL,
    previous_is_wrapped BOOLEAN NOT NULL,
    previous_until_ms BIGINT NULL,
    failing_since_ms BIGINT NULL,
    failures BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX webhook_endpoint_by_age ON webhook_endpoint (tenant_id, created_ms, id);

-- One event for one endpoint; seq is null of a test. attempt is the fencing token and only grows; tries counts attempts of
-- this round and begins anew with a replay. attempts is a list of the latest ones.
CREATE TABLE webhook_delivery (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    seq BIGINT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    attempts JSONB NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, endpoint_id, event_id),
    FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoint (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (tenant_id, endpoint_id, next_ms, id) WHERE state = 'pending';
CREATE INDEX webhook_delivery_open ON webhook_delivery (tenant_id, endpoint_id, subject, seq)
    WHERE state IN ('pending', 'sending');
CREATE INDEX webhook_delivery_sending ON webhook_delivery (tenant_id, id) WHERE state = 'sending';
CREATE INDEX webhook_delivery_by_age ON webhook_delivery (tenant_id, endpoint_id, created_ms, id);
CREATE INDEX webhook_delivery_over ON webhook_delivery (updated_ms) WHERE state IN ('delivered', 'failed');

-- Events in commit order: seq is handed out by the one row of outbox_head inside the writing transaction.
CREATE TABLE outbox_head (
    id BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);
INSERT INTO outbox_head (id, seq) VALUES (1, 0);

CREATE TABLE outbox (
    seq BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    data JSONB NOT NULL,
    time_ms BIGINT NOT NULL,
    UNIQUE (tenant_id, id)
);
CREATE INDEX outbox_by_tenant ON outbox (tenant_id, seq);

-- How far each reader of the outbox is, over all tenants: handlers of units (org.people), the dispatcher of webhooks (webhook), bridges
-- (bridge.nats). seq is the last event that it has taken, and below 0 when it is to forget what it made of them and begin anew. Of a
-- bridge one process is the holder until until_ms; error is what the last attempt failed of, null once one has not.
CREATE TABLE event_reader (
    name TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    holder TEXT NULL,
    until_ms BIGINT NOT NULL,
    error TEXT NULL
);

-- An event that a handler has failed to take, or that waits behind such a one about the same subject. tries counts failures; one that has
-- failed often enough is tried again only when somebody says so.
CREATE TABLE event_waiting (
    tenant_id TEXT NOT NULL,
    reader TEXT NOT NULL,
    subject TEXT NOT NULL,
    seq BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    error TEXT NULL,
    PRIMARY KEY (tenant_id, reader, subject, seq)
);
CREATE INDEX event_waiting_by_time ON event_waiting (reader, next_ms, seq);

-- Events of all tenants, in the order of commits.
CREATE INDEX outbox_by_seq ON outbox (seq);

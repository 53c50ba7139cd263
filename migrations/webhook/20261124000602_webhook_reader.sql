-- The dispatcher reads the events of all tenants at once, from one place: the first that some tenant's endpoints have not been handed, or
-- the end. webhook_cursor is for processes of the version before, which may still run: what both hand out is one delivery.
INSERT INTO event_reader (name, seq, holder, until_ms, error)
SELECT 'webhook', COALESCE(
    (SELECT MIN(c.seq) FROM webhook_cursor c
        WHERE EXISTS (SELECT 1 FROM outbox o WHERE o.tenant_id = c.tenant_id AND o.seq > c.seq)),
    (SELECT MAX(h.seq) FROM outbox_head h),
    0
), NULL, 0, NULL;

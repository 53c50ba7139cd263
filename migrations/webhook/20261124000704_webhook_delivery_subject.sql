CREATE INDEX webhook_delivery_by_subject ON webhook_delivery (tenant_id, subject);

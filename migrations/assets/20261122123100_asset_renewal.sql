-- renewal_state repeats what flow says of a renewal, renewal_ms is when it was asked for: they are begun in that order.
-- renewed_ms is since when what a renewal made is served; none while it is the first making's.
ALTER TABLE asset ADD COLUMN renewal_state TEXT NULL;
ALTER TABLE asset ADD COLUMN renewal_ms BIGINT NULL;
ALTER TABLE asset ADD COLUMN renewed_ms BIGINT NULL;
CREATE INDEX asset_renewing ON asset (renewal_state, renewal_ms, tenant_id, id) WHERE renewal_state IS NOT NULL;
CREATE INDEX asset_by_ladder ON asset (tenant_id, ladder, created_ms, id) WHERE state = 'ready';

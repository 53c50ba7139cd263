-- Where each tenant stands in the order in which tenants take turns: tag_ms is where its next job starts on the virtual
-- clock that all share, start_ms where the job that it was last given started. A tenant without a row has jobs that only a
-- version of before knows; it is added by whoever enqueues for it next, and within a minute by any worker.
CREATE TABLE queue_share (
    tenant_id TEXT NOT NULL,
    tag_ms BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id)
);
CREATE INDEX queue_share_turn ON queue_share (tag_ms, tenant_id);
CREATE INDEX queue_share_start ON queue_share (start_ms, tenant_id);
INSERT INTO queue_share (tenant_id, tag_ms, start_ms)
    SELECT DISTINCT tenant_id, 0, 0 FROM job WHERE state IN ('waiting', 'ready', 'running');

-- job_ready serves claims of the version before this one.
-- What is ready waits for nothing: said only so that nothing that looks for a tenant takes this index for the next one.
CREATE INDEX job_kind ON job (stage, priority, run_at_ms, tenant_id) WHERE state = 'ready' AND waits_for = 0;
CREATE INDEX job_lane ON job (stage, priority, tenant_id, run_at_ms, id) WHERE state = 'ready';
CREATE INDEX job_running_class ON job (priority, tenant_id) WHERE state = 'running';

-- What a worker must offer to claim a job: words in their order between commas, '' for nothing in particular. A worker without
-- offers is of a version that says nothing and claims everything.
ALTER TABLE job ADD COLUMN needs TEXT NOT NULL DEFAULT '';
ALTER TABLE queue_worker ADD COLUMN offers TEXT NULL;

-- In place of those without needs. Claims of the version before find what they look for by the beginning of these.
DROP INDEX job_kind;
DROP INDEX job_lane;
CREATE INDEX job_kind_needs ON job (stage, priority, needs, run_at_ms, tenant_id) WHERE state = 'ready' AND waits_for = 0;
CREATE INDEX job_lane_needs ON job (stage, priority, needs, tenant_id, run_at_ms, id) WHERE state = 'ready';

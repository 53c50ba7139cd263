-- What a done job's result follows from: of what is equal in that, the result may be used again.
ALTER TABLE job ADD COLUMN result_key TEXT NULL;
CREATE INDEX job_by_result_key ON job (tenant_id, result_key, finished_ms, id) WHERE state = 'done' AND result_key IS NOT NULL;

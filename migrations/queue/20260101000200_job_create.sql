-- attempt is the fencing token and only grows; returned counts the attempts that a worker handed back untried, which do
-- not count against max_attempts; heartbeat grows while the worker lives and moves.
CREATE TABLE job (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    asset_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    payload JSONB NOT NULL,
    state TEXT NOT NULL,
    priority BIGINT NOT NULL,
    weight BIGINT NOT NULL,
    run_at_ms BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    returned BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    waits_for BIGINT NOT NULL,
    heartbeat BIGINT NOT NULL,
    progress DOUBLE PRECISION NOT NULL,
    worker TEXT NULL,
    dedupe_key TEXT NULL,
    error_code TEXT NULL,
    error_detail TEXT NULL,
    result JSONB NULL,
    created_ms BIGINT NOT NULL,
    started_ms BIGINT NULL,
    finished_ms BIGINT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX job_ready ON job (priority DESC, run_at_ms, id, tenant_id, stage) WHERE state = 'ready';
CREATE INDEX job_running ON job (tenant_id, id, stage) WHERE state = 'running';
CREATE INDEX job_held_up ON job (tenant_id, id, stage, state) WHERE state IN ('waiting', 'parked');
CREATE INDEX job_by_asset ON job (tenant_id, asset_id, created_ms, id);
CREATE INDEX job_by_age ON job (tenant_id, created_ms, id);
CREATE UNIQUE INDEX job_dedupe ON job (tenant_id, dedupe_key)
    WHERE state IN ('waiting', 'ready', 'running');

-- job_id starts only after every needs_id is done; job.waits_for counts the rows that are not.
CREATE TABLE job_dependency (
    tenant_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    needs_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, job_id, needs_id),
    FOREIGN KEY (tenant_id, job_id) REFERENCES job (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, needs_id) REFERENCES job (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX job_dependency_by_need ON job_dependency (tenant_id, needs_id, job_id);

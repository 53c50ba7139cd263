-- What claims nothing more: everything (scope queue, name ''), the jobs of a stage, or a worker.
CREATE TABLE queue_drain (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    reason TEXT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
);
-- Who works on the queue; heartbeat grows while it lives. For people to look at: leases alone decide who holds a job.
CREATE TABLE queue_worker (
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    makes TEXT NOT NULL,
    places BIGINT NOT NULL,
    heartbeat BIGINT NOT NULL,
    started_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    PRIMARY KEY (name)
);

-- Units that are closed for a while, in every process: refuses is 'changes' or 'all'.
CREATE TABLE unit_maintenance (
    unit TEXT NOT NULL,
    reason TEXT NOT NULL,
    refuses TEXT NOT NULL,
    retry_after_s BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (unit)
);

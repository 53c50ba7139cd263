-- Variants of a flag in one environment that are compared. design is what was decided when it began: the control, the shares of all
-- variants, and the events that are counted.
CREATE TABLE flag_experiment (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    flag_key TEXT NOT NULL,
    environment TEXT NOT NULL,
    design JSONB NOT NULL,
    created_ms BIGINT NOT NULL,
    stopped_ms BIGINT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX flag_experiment_by_age ON flag_experiment (tenant_id, created_ms, id);

-- Who has seen which variant: the first one of each. unit is a hash.
CREATE TABLE flag_exposure (
    tenant_id TEXT NOT NULL,
    experiment_id TEXT NOT NULL,
    unit TEXT NOT NULL,
    variant TEXT NOT NULL,
    PRIMARY KEY (tenant_id, experiment_id, unit),
    FOREIGN KEY (tenant_id, experiment_id) REFERENCES flag_experiment (tenant_id, id) ON DELETE CASCADE
);

-- What they have done since, each event once.
CREATE TABLE flag_conversion (
    tenant_id TEXT NOT NULL,
    experiment_id TEXT NOT NULL,
    unit TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (tenant_id, experiment_id, unit, event),
    FOREIGN KEY (tenant_id, experiment_id) REFERENCES flag_experiment (tenant_id, id) ON DELETE CASCADE
);

-- How many of both there are, by variant.
CREATE TABLE flag_tally (
    tenant_id TEXT NOT NULL,
    experiment_id TEXT NOT NULL,
    variant TEXT NOT NULL,
    event TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, experiment_id, variant, event),
    FOREIGN KEY (tenant_id, experiment_id) REFERENCES flag_experiment (tenant_id, id) ON DELETE CASCADE
);

-- How far the entries of a log were looked at, and what was found that somebody should look at: by which rule, at which entry.
CREATE TABLE audit_judged (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    next_seq BIGINT NOT NULL
);

CREATE TABLE audit_finding (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    rule TEXT NOT NULL,
    seq BIGINT NOT NULL,
    actor TEXT NOT NULL,
    count BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, rule, seq)
);
CREATE INDEX audit_finding_by_time ON audit_finding (tenant_id, time_ms, id);

-- What people know by a name. One that was removed is gone.
CREATE TABLE __table__ (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX __table___by_age ON __table__ (tenant_id, created_ms, id);

-- session and subject say again what the entry says, for searches: in which session it was asked for, and which person it was done to.
ALTER TABLE audit_entry ADD COLUMN session TEXT NULL;
ALTER TABLE audit_entry ADD COLUMN subject TEXT NULL;
CREATE INDEX audit_entry_by_session ON audit_entry (tenant_id, session, time_ms, seq) WHERE session IS NOT NULL;
CREATE INDEX audit_entry_by_subject ON audit_entry (tenant_id, subject, time_ms, seq) WHERE subject IS NOT NULL;

-- Under what the log has what is personal of somebody: secret has 256 bits, wrapped where is_wrapped says so. It is NULL, and stays so,
-- once he was erased, at erased_ms; until a hold ends that keeps it, it is there beside that.
CREATE TABLE audit_subject (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    secret BYTEA NULL,
    is_wrapped BOOLEAN NOT NULL,
    created_ms BIGINT NOT NULL,
    erased_ms BIGINT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_subject_to_erase ON audit_subject (tenant_id, id) WHERE erased_ms IS NOT NULL AND secret IS NOT NULL;

-- Who sees to somebody who is a minor, and speaks for him. It outlives the guardian: nobody comes of age by that. relation says for people who that is.
CREATE TABLE user_guardian (
    tenant_id TEXT NOT NULL,
    ward_id TEXT NOT NULL,
    guardian_id TEXT NOT NULL,
    relation TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, ward_id, guardian_id),
    FOREIGN KEY (tenant_id, ward_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_guardian_by_guardian ON user_guardian (tenant_id, guardian_id, ward_id);

-- What somebody has agreed to, or no longer does: one row each time, and none ever changes. It outlives the person, under an id that
-- leads to nobody then. said_by is the person, his guardian, or who has it from him on paper.
CREATE TABLE user_consent (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    version TEXT NOT NULL,
    is_given BOOLEAN NOT NULL,
    said_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX user_consent_by_user ON user_consent (tenant_id, user_id, created_ms, id);

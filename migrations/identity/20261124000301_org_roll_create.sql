-- A list of people of a tenant that has a name: kind is team or licence. seats is how many may be on it, null of a team without a bound.
-- version grows with every change.
CREATE TABLE org_roll (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    seats BIGINT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, kind, name)
);
CREATE INDEX org_roll_by_age ON org_roll (tenant_id, kind, created_ms, id);

-- Who is on it: who belongs to a team, and who of these sees to it; who has a seat of a licence.
CREATE TABLE org_roll_member (
    tenant_id TEXT NOT NULL,
    roll_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    is_manager BOOLEAN NOT NULL,
    added_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, roll_id, user_id),
    FOREIGN KEY (tenant_id, roll_id) REFERENCES org_roll (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX org_roll_member_by_user ON org_roll_member (tenant_id, user_id, roll_id);

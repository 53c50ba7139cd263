-- Who has an account at which tenant and in which state, as events of accounts tell: what the organisation counts, and is made anew from
-- those events.
CREATE TABLE org_person (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

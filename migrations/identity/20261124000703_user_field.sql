-- What a tenant keeps of its people besides: kind is text, number, boolean, date or choice (one of choices, a list); visibility is self,
-- staff or everyone. version grows with every change.
CREATE TABLE user_field (
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    label TEXT NOT NULL,
    kind TEXT NOT NULL,
    visibility TEXT NOT NULL,
    choices JSONB NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX user_field_by_age ON user_field (tenant_id, created_ms, key);

-- What that is of one person: a list of the one value.
CREATE TABLE user_field_value (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value JSONB NOT NULL,
    PRIMARY KEY (tenant_id, user_id, key),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, key) REFERENCES user_field (tenant_id, key) ON DELETE CASCADE
);
CREATE INDEX user_field_value_by_key ON user_field_value (tenant_id, key, user_id);

-- What a school's directory says of a person: user_name is what it knows him by, in lower case, his e-mail address without one;
-- external_id its own name for him; scim all that it says, an object.
ALTER TABLE user_account ADD COLUMN user_name TEXT NULL;
ALTER TABLE user_account ADD COLUMN external_id TEXT NULL;
ALTER TABLE user_account ADD COLUMN scim JSONB NULL;
CREATE UNIQUE INDEX user_account_by_user_name ON user_account (tenant_id, (COALESCE(user_name, email)));
CREATE INDEX user_account_by_external_id ON user_account (tenant_id, external_id, created_ms, id);

-- Every e-mail address that a directory says of a person, in lower case.
CREATE TABLE user_address (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (tenant_id, address, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_address_by_user ON user_address (tenant_id, user_id);

-- A team of people of a tenant. version grows with every change.
CREATE TABLE user_group (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    external_id TEXT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX user_group_by_age ON user_group (tenant_id, created_ms, id);
CREATE INDEX user_group_by_external_id ON user_group (tenant_id, external_id, created_ms, id);

-- Who belongs to it.
CREATE TABLE user_group_member (
    tenant_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, group_id, user_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES user_group (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_group_member_by_user ON user_group_member (tenant_id, user_id, group_id);

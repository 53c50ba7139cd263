-- The password of a person, as a PHC string of argon2id.
CREATE TABLE auth_password (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);

-- The link by which a person sets his password, once: the last one that was made, its token as a SHA-256.
CREATE TABLE auth_password_link (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    token_sha256 BYTEA NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX auth_password_link_by_id ON auth_password_link (id);

-- Where a person has signed in. What all refresh tokens of the session begin with, and the one that holds, as SHA-256s. A session
-- that has ended is gone.
CREATE TABLE auth_session (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_agent TEXT NULL,
    family_sha256 BYTEA NOT NULL,
    token_sha256 BYTEA NOT NULL,
    expires_ms BIGINT NOT NULL,
    last_used_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX auth_session_by_user ON auth_session (tenant_id, user_id, last_used_ms, id);
CREATE INDEX auth_session_by_id ON auth_session (id);

-- The Ed25519 keys that sign access tokens, of the tenant that the installation itself is. state is next, current or retired; there
-- is one next and one current. secret is wrapped where is_wrapped says so.
CREATE TABLE auth_signing_key (
    tenant_id TEXT NOT NULL,
    kid TEXT NOT NULL,
    state TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    secret BYTEA NOT NULL,
    is_wrapped BOOLEAN NOT NULL,
    retired_ms BIGINT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, kid)
);
CREATE UNIQUE INDEX auth_signing_key_in_use ON auth_signing_key (tenant_id, state) WHERE state <> 'retired';

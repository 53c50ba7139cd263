-- How the person has proved who he is, when the session began and since: words of RFC 8176 with spaces between them; and when last.
ALTER TABLE auth_session ADD COLUMN methods TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE auth_session ADD COLUMN authenticated_ms BIGINT NOT NULL DEFAULT 0;
UPDATE auth_session SET authenticated_ms = created_ms;

-- What somebody was asked and has not answered yet, as a SHA-256: what a passkey is to sign, or the token of a sign-in that waits for a
-- code. purpose is code, register or sign_in. What a passkey is to sign that is anybody's is of no person, and of the tenant that the
-- installation itself is.
CREATE TABLE auth_challenge (
    tenant_id TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    user_id TEXT NULL,
    purpose TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, sha256),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX auth_challenge_by_sha256 ON auth_challenge (sha256);
CREATE INDEX auth_challenge_by_user ON auth_challenge (tenant_id, purpose, user_id, expires_ms);
CREATE INDEX auth_challenge_by_end ON auth_challenge (expires_ms);

-- The secret that codes of a person are made from (RFC 6238), wrapped where is_wrapped says so; the first 20 bytes count. It asks for
-- codes once a first one has confirmed it. last_step is that of the code that was taken last.
CREATE TABLE auth_totp (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    secret BYTEA NOT NULL,
    is_wrapped BOOLEAN NOT NULL,
    last_step BIGINT NOT NULL,
    confirmed_ms BIGINT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);

-- A code that stands in once for one of those, as a SHA-256. One that was used is gone.
CREATE TABLE auth_recovery_code (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, user_id, sha256),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);

-- A passkey of a person: what its authenticator knows it by, its key as a COSE_Key, and how often it was used as far as the authenticator
-- counts.
CREATE TABLE auth_passkey (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    credential_id BYTEA NOT NULL,
    public_key BYTEA NOT NULL,
    counter BIGINT NOT NULL,
    is_backup_eligible BOOLEAN NOT NULL,
    is_backed_up BOOLEAN NOT NULL,
    last_used_ms BIGINT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, credential_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX auth_passkey_by_user ON auth_passkey (tenant_id, user_id, created_ms, id);
CREATE INDEX auth_passkey_by_credential ON auth_passkey (credential_id);

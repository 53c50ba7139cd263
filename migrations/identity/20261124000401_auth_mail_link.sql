-- What somebody whom nobody knows yet has asked a letter for, whether there is such a person or not: whoever answers it finds that out.
-- purpose is sign_in or password. email is in its normal form, and empty of what is no address. browser_sha256 is of what the browser
-- keeps that has asked for a link to sign in. It is of the tenant that the installation itself is.
CREATE TABLE auth_mail_ask (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    slug TEXT NOT NULL,
    email TEXT NOT NULL,
    browser_sha256 BYTEA NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- A link that was sent to a person and signs him in once: its token, and what the browser keeps that has asked for it, as SHA-256s.
CREATE TABLE auth_sign_in_link (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    token_sha256 BYTEA NOT NULL,
    browser_sha256 BYTEA NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX auth_sign_in_link_by_end ON auth_sign_in_link (expires_ms);
CREATE INDEX auth_sign_in_link_by_id ON auth_sign_in_link (id);
CREATE INDEX auth_sign_in_link_by_user ON auth_sign_in_link (tenant_id, user_id, expires_ms);

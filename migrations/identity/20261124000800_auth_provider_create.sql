-- What a sign-in that waits for a code has been begun by: words of RFC 8176 with spaces between them.
ALTER TABLE auth_challenge ADD COLUMN methods TEXT NOT NULL DEFAULT 'pwd';

-- A provider of OpenID Connect that people of a tenant sign in by. secret is what the tenant is known to it by, encrypted under data_key,
-- which is wrapped where is_wrapped says so; both are null where the provider asks for none. domains are those of e-mail addresses that
-- are believed. version grows with every change.
CREATE TABLE auth_provider (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    data_key BYTEA NULL,
    is_wrapped BOOLEAN NOT NULL,
    secret BYTEA NULL,
    scopes JSONB NOT NULL,
    domains JSONB NOT NULL,
    provisions BOOLEAN NOT NULL,
    is_enabled BOOLEAN NOT NULL,
    created_by TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX auth_provider_by_age ON auth_provider (tenant_id, created_ms, id);

-- Who a person is at a provider: what that calls him, and never changes.
CREATE TABLE auth_identity (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL,
    last_used_ms BIGINT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, provider_id, subject),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, provider_id) REFERENCES auth_provider (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX auth_identity_by_user ON auth_identity (tenant_id, user_id, created_ms, id);

-- Somebody who was sent to a provider and has not come back: what he comes back with, and what only the browser or the program knows that
-- has sent him, as SHA-256s. purpose is page, program or link; asked is what a client has asked for at the page, and user_id who links.
CREATE TABLE auth_provider_sign_in (
    tenant_id TEXT NOT NULL,
    state_sha256 BYTEA NOT NULL,
    provider_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    bound_sha256 BYTEA NOT NULL,
    asked TEXT NOT NULL,
    user_id TEXT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, state_sha256),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES auth_provider (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX auth_provider_sign_in_by_state ON auth_provider_sign_in (state_sha256);
CREATE INDEX auth_provider_sign_in_by_provider ON auth_provider_sign_in (tenant_id, provider_id);
CREATE INDEX auth_provider_sign_in_by_user ON auth_provider_sign_in (tenant_id, user_id);
CREATE INDEX auth_provider_sign_in_by_end ON auth_provider_sign_in (expires_ms);

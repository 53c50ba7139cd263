-- A program that people of a tenant sign in to. secret_sha256 is null of one that keeps none. redirect_uris, logout_uris, grants and
-- scopes are lists of words. version grows with every change.
CREATE TABLE oauth_client (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    secret_sha256 BYTEA NULL,
    redirect_uris JSONB NOT NULL,
    logout_uris JSONB NOT NULL,
    grants JSONB NOT NULL,
    scopes JSONB NOT NULL,
    created_by TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX oauth_client_by_age ON oauth_client (tenant_id, created_ms, id);
-- Whose client it is, is what a request asks.
CREATE INDEX oauth_client_by_id ON oauth_client (id);

-- Of a session that was begun for a client, which one and what it was given.
ALTER TABLE auth_session ADD COLUMN client_id TEXT NULL;
ALTER TABLE auth_session ADD COLUMN scope TEXT NULL;
CREATE INDEX auth_session_by_client ON auth_session (tenant_id, client_id);

-- What a client changes for tokens, once, as a SHA-256. browser_id is the session of the browser that it was given in, and methods and
-- authenticated_ms are as that had them. session_id is the session that has come of it; null of one that was not used yet.
CREATE TABLE oauth_code (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    browser_id TEXT NOT NULL,
    code_sha256 BYTEA NOT NULL,
    redirect_uri TEXT NOT NULL,
    scope TEXT NOT NULL,
    nonce TEXT NULL,
    challenge TEXT NOT NULL,
    methods TEXT NOT NULL,
    authenticated_ms BIGINT NOT NULL,
    session_id TEXT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, browser_id) REFERENCES auth_session (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES oauth_client (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX oauth_code_by_id ON oauth_code (id);
CREATE INDEX oauth_code_by_browser ON oauth_code (tenant_id, browser_id, id);
CREATE INDEX oauth_code_by_client ON oauth_code (tenant_id, client_id);
CREATE INDEX oauth_code_by_end ON oauth_code (expires_ms);

-- A device that waits for somebody to enter user_code: what it asks with is a SHA-256. state is waiting, allowed or denied; user_id,
-- browser_id, methods and authenticated_ms are of whoever has let it in.
CREATE TABLE oauth_device (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    device_sha256 BYTEA NOT NULL,
    user_code TEXT NOT NULL,
    scope TEXT NOT NULL,
    state TEXT NOT NULL,
    user_id TEXT NULL,
    browser_id TEXT NULL,
    methods TEXT NULL,
    authenticated_ms BIGINT NULL,
    interval_s BIGINT NOT NULL,
    asked_ms BIGINT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, browser_id) REFERENCES auth_session (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES oauth_client (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX oauth_device_by_id ON oauth_device (id);
CREATE INDEX oauth_device_by_user_code ON oauth_device (user_code);
CREATE INDEX oauth_device_by_browser ON oauth_device (tenant_id, browser_id);
CREATE INDEX oauth_device_by_client ON oauth_device (tenant_id, client_id);
CREATE INDEX oauth_device_by_end ON oauth_device (expires_ms);

-- Where a client is told that somebody has signed out.
ALTER TABLE oauth_client ADD COLUMN backchannel_uri TEXT NULL;

-- A session that was begun for such a client, which is told when it is gone before its time: how often that was tried, and when it is again.
CREATE TABLE auth_logout (
    tenant_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    living_tenant_id TEXT NULL,
    living_session_id TEXT NULL,
    tries BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, session_id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES oauth_client (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (living_tenant_id, living_session_id) REFERENCES auth_session (tenant_id, id) ON DELETE SET NULL
);
CREATE INDEX auth_logout_by_living ON auth_logout (living_tenant_id, living_session_id);
CREATE INDEX auth_logout_due ON auth_logout (next_ms, session_id) WHERE living_session_id IS NULL;
CREATE INDEX auth_logout_by_end ON auth_logout (expires_ms);
CREATE INDEX auth_logout_by_client ON auth_logout (tenant_id, client_id);

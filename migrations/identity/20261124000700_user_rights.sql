-- That somebody is to be erased: who has asked for it, and when it is done. From then on the person's state is erasing.
CREATE TABLE user_erasure (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_erasure_by_time ON user_erasure (due_ms);

-- What has ended is removed by its age, and all that somebody has by who he is.
CREATE INDEX auth_session_by_end ON auth_session (expires_ms);
CREATE INDEX auth_password_link_by_end ON auth_password_link (expires_ms);
CREATE INDEX rbac_binding_by_end ON rbac_binding (expires_ms) WHERE expires_ms IS NOT NULL;
CREATE INDEX oauth_code_by_user ON oauth_code (tenant_id, user_id);
CREATE INDEX oauth_device_by_user ON oauth_device (tenant_id, user_id);
CREATE INDEX org_invitation_by_end ON org_invitation (expires_ms);

-- What somebody is found by: his e-mail address, and his name from the beginning of each of its words on; in lower case, as bytes, which
-- both engines compare alike, so that all that begins in one way lies together.
CREATE TABLE user_word (
    tenant_id TEXT NOT NULL,
    word BYTEA NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, word, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_word_by_user ON user_word (tenant_id, user_id);

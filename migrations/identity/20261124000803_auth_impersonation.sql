-- Of a session in which somebody acts as its person: who that is, the session in which he has asked for it, and why.
ALTER TABLE auth_session ADD COLUMN acted_by TEXT NULL;
ALTER TABLE auth_session ADD COLUMN acted_session_id TEXT NULL;
ALTER TABLE auth_session ADD COLUMN reason TEXT NULL;

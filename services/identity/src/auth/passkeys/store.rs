//! Passkeys in their table.

macro_rules! passkey_columns {
    () => {
        "id, name, credential_id, is_backed_up, last_used_ms, created_ms"
    };
}

pub(super) const INSERT: &str = concat!(
    "INSERT INTO auth_passkey (tenant_id, id, user_id, name, credential_id, public_key, counter, is_backup_eligible, is_backed_up,
        last_used_ms, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10) RETURNING ",
    passkey_columns!()
);
/// Those of a person, of whom none has more than 20.
pub(super) const LIST: &str = concat!(
    "SELECT ",
    passkey_columns!(),
    " FROM auth_passkey WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_ms, id LIMIT 20"
);
pub(in crate::auth) const COUNT: &str = "SELECT COUNT(*) FROM auth_passkey WHERE tenant_id = $1 AND user_id = $2";
pub(super) const RENAME: &str = concat!(
    "UPDATE auth_passkey SET name = $4 WHERE tenant_id = $1 AND user_id = $2 AND id = $3 RETURNING ",
    passkey_columns!()
);
pub(super) const DELETE: &str = "DELETE FROM auth_passkey WHERE tenant_id = $1 AND user_id = $2 AND id = $3";
/// Whosever it is.
pub(super) const KNOWN: &str = "SELECT id FROM auth_passkey WHERE credential_id = $1 LIMIT 1";
/// Of a person who may sign in.
pub(super) const SHOWN: &str =
    "SELECT p.tenant_id, p.id, p.user_id, p.public_key, p.counter, p.is_backup_eligible, t.state AS tenant_state
    FROM auth_passkey p JOIN user_account u ON u.tenant_id = p.tenant_id AND u.id = p.user_id
    JOIN tenant t ON t.tenant_id = p.tenant_id
    WHERE p.credential_id = $1 AND p.user_id = $2 AND u.state = 'active' LIMIT 1";
/// Unless it was used meanwhile.
pub(super) const USED: &str = "UPDATE auth_passkey SET counter = $5, is_backed_up = $6, last_used_ms = $7
    WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND counter = $4";
pub(super) const PERSON: &str = "SELECT email, name FROM user_account WHERE tenant_id = $1 AND id = $2";

pub(in crate::auth) const STATEMENTS: &[&str] = &[INSERT, LIST, COUNT, RENAME, DELETE, KNOWN, SHOWN, USED, PERSON];

database::row! {
    /// A passkey as its person sees it.
    pub(super) struct PasskeyRow {
        pub(super) id: String,
        pub(super) name: String,
        pub(super) credential_id: Vec<u8>,
        pub(super) is_backed_up: bool,
        pub(super) last_used_ms: Option<i64>,
        pub(super) created_ms: i64,
    }
}

database::row! {
    /// A passkey that somebody shows, and whose it is.
    pub(super) struct ShownRow {
        pub(super) tenant_id: String,
        pub(super) id: String,
        pub(super) user_id: String,
        pub(super) public_key: Vec<u8>,
        pub(super) counter: i64,
        pub(super) is_backup_eligible: bool,
        pub(super) tenant_state: String,
    }
}

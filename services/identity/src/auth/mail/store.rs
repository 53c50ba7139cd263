//! What was asked for by people whom nobody knows yet, and links that sign in, in their tables.

pub(super) const WAITING: &str = "SELECT COUNT(*) FROM auth_mail_ask";
pub(super) const ASK: &str =
    "INSERT INTO auth_mail_ask (tenant_id, id, purpose, slug, email, browser_sha256, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(super) const ANY: &str = "SELECT id FROM auth_mail_ask LIMIT 1";
/// Whoever deletes it answers it.
pub(super) const TAKE_ASKS: &str = "DELETE FROM auth_mail_ask WHERE (tenant_id, id) IN
    (SELECT tenant_id, id FROM auth_mail_ask ORDER BY id LIMIT $1)
    RETURNING purpose, slug, email, browser_sha256, created_ms";
/// Who may sign in.
pub(super) const READER: &str = "SELECT u.tenant_id, u.id, u.email, u.locale FROM user_account u
    JOIN tenant t ON t.tenant_id = u.tenant_id
    WHERE t.slug = $1 AND u.email = $2 AND u.state = 'active' AND t.state = 'active' LIMIT 1";
pub(super) const RECIPIENT: &str = "SELECT email, locale FROM user_account WHERE tenant_id = $1 AND id = $2";

/// Of a person there are five, with the one that is about to be made, and none that holds no more.
pub(super) const TRIM_LINKS: &str = "DELETE FROM auth_sign_in_link WHERE tenant_id = $1 AND user_id = $2
    AND (expires_ms <= $3 OR id NOT IN (SELECT id FROM auth_sign_in_link WHERE tenant_id = $1 AND user_id = $2
        ORDER BY expires_ms DESC, id DESC LIMIT 4))";
pub(super) const PUT_LINK: &str =
    "INSERT INTO auth_sign_in_link (tenant_id, id, user_id, token_sha256, browser_sha256, expires_ms)
    VALUES ($1, $2, $3, $4, $5, $6)";
/// Of a person who may sign in.
pub(super) const LINK: &str = "SELECT l.tenant_id, l.id, l.user_id, l.token_sha256, l.browser_sha256, l.expires_ms,
    c.confirmed_ms AS code_since_ms, t.state AS tenant_state FROM auth_sign_in_link l
    JOIN user_account u ON u.tenant_id = l.tenant_id AND u.id = l.user_id JOIN tenant t ON t.tenant_id = l.tenant_id
    LEFT JOIN auth_totp c ON c.tenant_id = l.tenant_id AND c.user_id = l.user_id
    WHERE l.id = $1 AND u.state = 'active' LIMIT 1";
/// Whoever deletes it has it.
pub(super) const TAKE_LINK: &str = "DELETE FROM auth_sign_in_link WHERE tenant_id = $1 AND id = $2 AND expires_ms > $3";

pub(in crate::auth) const STATEMENTS: &[&str] =
    &[WAITING, ASK, ANY, TAKE_ASKS, READER, RECIPIENT, TRIM_LINKS, PUT_LINK, LINK, TAKE_LINK];

database::row! {
    /// What was asked for.
    pub(super) struct AskRow {
        pub(super) purpose: String,
        pub(super) slug: String,
        pub(super) email: String,
        pub(super) browser_sha256: Vec<u8>,
        pub(super) created_ms: i64,
    }
}

database::row! {
    /// Who gets a letter for it.
    pub(super) struct ReaderRow {
        pub(super) tenant_id: String,
        pub(super) id: String,
        pub(super) email: String,
        pub(super) locale: String,
    }
}

database::row! {
    /// A link that signs in, and whose it is.
    pub(super) struct LinkRow {
        pub(super) tenant_id: String,
        pub(super) id: String,
        pub(super) user_id: String,
        pub(super) token_sha256: Vec<u8>,
        pub(super) browser_sha256: Vec<u8>,
        pub(super) expires_ms: i64,
        pub(super) code_since_ms: Option<i64>,
        pub(super) tenant_state: String,
    }
}

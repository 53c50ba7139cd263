//! Links by which people set their passwords, each once: the last one of each person, as long as it holds.

use database::{DbError, Tx, args};
use media_types::TenantId;

use super::secret::Secret;

/// How long a link holds.
pub(crate) const HOLDS_MS: i64 = 3_600_000;

const PUT: &str = "INSERT INTO auth_password_link (tenant_id, user_id, id, token_sha256, expires_ms)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, user_id) DO UPDATE
    SET id = excluded.id, token_sha256 = excluded.token_sha256, expires_ms = excluded.expires_ms";
/// Of a person who may sign in.
pub(super) const FIND: &str = "SELECT l.tenant_id, l.user_id, l.token_sha256, l.expires_ms, u.email
    FROM auth_password_link l JOIN user_account u ON u.tenant_id = l.tenant_id AND u.id = l.user_id
    JOIN tenant t ON t.tenant_id = l.tenant_id
    WHERE l.id = $1 AND u.state = 'active' AND t.state = 'active' LIMIT 1";
/// Whoever deletes it has it.
pub(super) const TAKE: &str =
    "DELETE FROM auth_password_link WHERE tenant_id = $1 AND user_id = $2 AND token_sha256 = $3 AND expires_ms > $4";

const FORGET: [&str; 2] = [
    "DELETE FROM auth_password_link WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM auth_sign_in_link WHERE tenant_id = $1 AND user_id = $2",
];

pub(super) const STATEMENTS: &[&str] = &[PUT, FIND, TAKE, FORGET[0], FORGET[1]];

database::row! {
    /// A link, and whose it is.
    pub(super) struct LinkRow {
        pub(super) tenant_id: String,
        pub(super) user_id: String,
        pub(super) token_sha256: Vec<u8>,
        pub(super) expires_ms: i64,
        pub(super) email: String,
    }
}

/// Makes the link of a person, in the place of one that there is.
pub(crate) async fn put(
    tx: &mut Tx,
    (tenant, user): (&TenantId, &str),
    secret: &Secret,
    now_ms: i64,
) -> Result<(), DbError> {
    let args = args![tenant, user, &secret.id, &secret.sha256()[..], now_ms + HOLDS_MS];
    tx.execute(PUT, args).await.map(drop)
}

/// Has every link of a person open nothing: whoever reads letters to his old address is not he.
pub(crate) async fn forget(tx: &mut Tx, (tenant, user): (&TenantId, &str)) -> Result<(), DbError> {
    for statement in FORGET {
        tx.execute(statement, args![tenant, user]).await?;
    }
    Ok(())
}

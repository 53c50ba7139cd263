//! What somebody was asked and has not answered yet, where every process finds it: what a passkey is to sign, and sign-ins that wait
//! for a code. Each is answered once, within five minutes, and known by its hash alone.

use database::{DbError, Tx, args};
use media_types::TenantId;

/// How long there is to answer.
pub(super) const HOLDS_MS: i64 = 5 * 60_000;

/// What the answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A sign-in that lacks a code, behind what was shown for it so far.
    Code(&'static [&'static str]),
    /// A new passkey.
    Register,
    /// A passkey that is shown, whosever it is.
    SignIn,
}

impl Purpose {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Code(_) => "code",
            Self::Register => "register",
            Self::SignIn => "sign_in",
        }
    }

    /// What is stored of what was shown so far.
    fn methods(self) -> String {
        match self {
            Self::Code(methods) => methods.join(" "),
            Self::Register | Self::SignIn => String::new(),
        }
    }
}

const FORGET: &str = "DELETE FROM auth_challenge WHERE expires_ms <= $1";
/// Of a person's own there are five, with the one that is about to be made.
const TRIM: &str = "DELETE FROM auth_challenge WHERE tenant_id = $1 AND purpose = $2 AND user_id = $3 AND sha256 NOT IN
    (SELECT sha256 FROM auth_challenge WHERE tenant_id = $1 AND purpose = $2 AND user_id = $3
        ORDER BY expires_ms DESC, sha256 LIMIT 4)";
/// Of those that are nobody's there are 4096: more than are asked for while anybody looks for his passkey.
const TRIM_NOBODYS: &str =
    "DELETE FROM auth_challenge WHERE tenant_id = $1 AND purpose = $2 AND user_id IS NULL AND sha256 NOT IN
    (SELECT sha256 FROM auth_challenge WHERE tenant_id = $1 AND purpose = $2 AND user_id IS NULL
        ORDER BY expires_ms DESC, sha256 LIMIT 4095)";
const PUT: &str = "INSERT INTO auth_challenge (tenant_id, sha256, user_id, purpose, methods, expires_ms) VALUES ($1, $2, $3, $4, $5, $6)";
/// Whoever deletes it has answered it.
const TAKE: &str =
    "DELETE FROM auth_challenge WHERE tenant_id = $1 AND sha256 = $2 AND purpose = $3 AND expires_ms > $4
    RETURNING user_id";

pub(super) const STATEMENTS: &[&str] = &[FORGET, TRIM, TRIM_NOBODYS, PUT, TAKE];

/// Whose challenge it is; nobody's is the installation's, whose own tenant is the default one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Of<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) user: Option<&'a str>,
}

/// Makes one, in the place of those that have ended and of older ones where there are too many.
pub(super) async fn put(
    tx: &mut Tx,
    Of { tenant, user }: Of<'_>,
    purpose: Purpose,
    sha256: &[u8; 32],
    now_ms: i64,
) -> Result<(), DbError> {
    let (purpose, methods) = (purpose.as_str(), purpose.methods());
    tx.execute(FORGET, args![now_ms]).await?;
    match user {
        Some(user) => tx.execute(TRIM, args![tenant, purpose, user]).await?,
        None => tx.execute(TRIM_NOBODYS, args![tenant, purpose]).await?,
    };
    tx.execute(PUT, args![tenant, &sha256[..], user, purpose, methods, now_ms + HOLDS_MS]).await.map(drop)
}

/// Answers one: whether it was there and theirs. Where it was not, the transaction must come to nothing.
pub(super) async fn take(
    tx: &mut Tx,
    Of { tenant, user }: Of<'_>,
    purpose: Purpose,
    sha256: &[u8; 32],
    now_ms: i64,
) -> Result<bool, DbError> {
    let args = args![tenant, &sha256[..], purpose.as_str(), now_ms];
    let taken: Option<(Option<String>,)> = tx.optional(TAKE, args).await?;
    Ok(taken.is_some_and(|(of,)| of.as_deref() == user))
}

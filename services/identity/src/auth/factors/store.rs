//! Second factors in their tables.

use kernel::Sealed;

pub(super) const TOTP: &str = "SELECT secret, is_wrapped, last_step, confirmed_ms, created_ms FROM auth_totp
    WHERE tenant_id = $1 AND user_id = $2";
/// In the place of one that was never confirmed.
pub(super) const PUT_TOTP: &str =
    "INSERT INTO auth_totp (tenant_id, user_id, secret, is_wrapped, last_step, confirmed_ms, created_ms)
    VALUES ($1, $2, $3, $4, 0, NULL, $5) ON CONFLICT (tenant_id, user_id) DO UPDATE
    SET secret = excluded.secret, is_wrapped = excluded.is_wrapped, created_ms = excluded.created_ms
    WHERE auth_totp.confirmed_ms IS NULL";
/// The one that was read, and no other that has taken its place.
pub(super) const CONFIRM: &str = "UPDATE auth_totp SET confirmed_ms = $4, last_step = $5
    WHERE tenant_id = $1 AND user_id = $2 AND secret = $3 AND confirmed_ms IS NULL";
/// Whoever is first has the step.
pub(super) const SPEND_STEP: &str = "UPDATE auth_totp SET last_step = $3
    WHERE tenant_id = $1 AND user_id = $2 AND confirmed_ms IS NOT NULL AND last_step < $3";
pub(super) const DROP_TOTP: &str =
    "DELETE FROM auth_totp WHERE tenant_id = $1 AND user_id = $2 AND confirmed_ms IS NOT NULL";
/// A thousand, in the order of their people.
pub(super) const SEALED: &str = "SELECT tenant_id, user_id, secret, is_wrapped FROM auth_totp
    WHERE (tenant_id, user_id) > ($1, $2) ORDER BY tenant_id, user_id LIMIT 1000";
/// Only if nobody has changed it meanwhile.
pub(super) const RESEAL: &str = "UPDATE auth_totp SET secret = $3, is_wrapped = $4
    WHERE tenant_id = $1 AND user_id = $2 AND secret = $5";

pub(super) const PUT_CODE: &str = "INSERT INTO auth_recovery_code (tenant_id, user_id, sha256) VALUES ($1, $2, $3)";
/// Whoever deletes it has used it.
pub(super) const SPEND_CODE: &str =
    "DELETE FROM auth_recovery_code WHERE tenant_id = $1 AND user_id = $2 AND sha256 = $3";
pub(super) const DROP_CODES: &str = "DELETE FROM auth_recovery_code WHERE tenant_id = $1 AND user_id = $2";
pub(super) const LEFT: &str = "SELECT COUNT(*) FROM auth_recovery_code WHERE tenant_id = $1 AND user_id = $2";

pub(super) const PERSON: &str = "SELECT u.email, p.hash FROM user_account u
    LEFT JOIN auth_password p ON p.tenant_id = u.tenant_id AND p.user_id = u.id WHERE u.tenant_id = $1 AND u.id = $2";
/// Of a person who may sign in.
pub(super) const HALF_WAY: &str =
    "SELECT h.tenant_id, h.user_id, h.methods, t.state AS tenant_state FROM auth_challenge h
    JOIN user_account u ON u.tenant_id = h.tenant_id AND u.id = h.user_id JOIN tenant t ON t.tenant_id = h.tenant_id
    WHERE h.sha256 = $1 AND h.purpose = 'code' AND h.expires_ms > $2 AND u.state = 'active' LIMIT 1";
pub(super) const DROP_ANY_TOTP: &str = "DELETE FROM auth_totp WHERE tenant_id = $1 AND user_id = $2";
pub(super) const DROP_PASSKEYS: &str = "DELETE FROM auth_passkey WHERE tenant_id = $1 AND user_id = $2";

pub(super) const DROP_IDENTITIES: &str = "DELETE FROM auth_identity WHERE tenant_id = $1 AND user_id = $2";

pub(in crate::auth) const STATEMENTS: &[&str] = &[
    TOTP,
    PUT_TOTP,
    CONFIRM,
    SPEND_STEP,
    DROP_TOTP,
    SEALED,
    RESEAL,
    PUT_CODE,
    SPEND_CODE,
    DROP_CODES,
    LEFT,
    PERSON,
    HALF_WAY,
    DROP_ANY_TOTP,
    DROP_PASSKEYS,
    DROP_IDENTITIES,
];

database::row! {
    /// What codes of a person are made from.
    pub(super) struct TotpRow {
        pub(super) secret: Vec<u8>,
        pub(super) is_wrapped: bool,
        pub(super) last_step: i64,
        pub(super) confirmed_ms: Option<i64>,
        pub(super) created_ms: i64,
    }
}

impl TotpRow {
    pub(super) fn sealed(&self) -> Sealed {
        Sealed { bytes: self.secret.clone(), is_wrapped: self.is_wrapped }
    }
}

database::row! {
    /// The same as it is stored.
    pub(super) struct SealedRow {
        pub(super) tenant_id: String,
        pub(super) user_id: String,
        pub(super) secret: Vec<u8>,
        pub(super) is_wrapped: bool,
    }
}

database::row! {
    /// A person as he proves who he is.
    pub(super) struct PersonRow {
        pub(super) email: String,
        pub(super) hash: Option<String>,
    }
}

database::row! {
    /// A sign-in that waits for a code, and whose it is.
    pub(super) struct HalfWayRow {
        pub(super) tenant_id: String,
        pub(super) user_id: String,
        pub(super) methods: String,
        pub(super) tenant_state: String,
    }
}

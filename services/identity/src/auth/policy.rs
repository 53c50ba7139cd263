//! What a tenant asks of its people when they sign in, in whatever way: a second factor, an address of its domains, passwords of a length;
//! and for how long they are in then.
//!
//! Whoever has to have a second factor and has not shown one is in, but for his own affairs alone, of which enrolling is one: what he may
//! otherwise is nothing, and no program gets anything of him.
//!
//! - [`Rules`]: all of it. `routes`: `/api/v1/auth/policy`. `views`: its JSON.

pub(super) mod routes;
mod views;

use database::{Database, DbError, Json, Tx, args};
use media_types::TenantId;

use super::sessions::SESSION_MS;

macro_rules! rules_columns {
    () => {
        "needs_second_factor, domains, min_password, session_s, allows_impersonation, version, updated_ms"
    };
}

const ONE: &str = concat!("SELECT ", rules_columns!(), " FROM auth_policy WHERE tenant_id = $1");
/// Only in the state that is meant; the first one is in that of none.
const PUT: &str = concat!(
    "INSERT INTO auth_policy (tenant_id, needs_second_factor, domains, min_password, session_s, allows_impersonation, version,
        updated_ms) VALUES ($1, $2, $3, $4, $5, $6, 1, $8)
    ON CONFLICT (tenant_id) DO UPDATE SET needs_second_factor = excluded.needs_second_factor, domains = excluded.domains,
        min_password = excluded.min_password, session_s = excluded.session_s,
        allows_impersonation = excluded.allows_impersonation, version = auth_policy.version + 1, updated_ms = excluded.updated_ms
    WHERE auth_policy.version = $7 RETURNING ",
    rules_columns!()
);

/// Every statement of policies, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[ONE, PUT];

/// The fewest characters of a password where nobody has asked for more (NIST SP 800-63B §3.1.1.2).
pub(super) const MIN_PASSWORD: i64 = 8;

database::row! {
    /// What a tenant asks for.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct Rules {
        /// Whether one factor lets somebody in to enrol another one, and for nothing else.
        pub(super) needs_second_factor: bool,
        /// Of e-mail addresses that let in; all where there are none.
        pub(super) domains: Json<Vec<String>>,
        /// Characters of a password.
        pub(super) min_password: i64,
        /// For how long somebody is in.
        session_s: i64,
        /// Whether somebody may act as another person.
        pub(super) allows_impersonation: bool,
        version: i64,
        updated_ms: i64,
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            needs_second_factor: false,
            domains: Json(Vec::new()),
            min_password: MIN_PASSWORD,
            session_s: SESSION_MS / 1000,
            allows_impersonation: false,
            version: 0,
            updated_ms: 0,
        }
    }
}

impl Rules {
    /// Those of a tenant.
    pub(super) async fn of(db: &Database, tenant: &TenantId) -> Result<Self, DbError> {
        Ok(db.optional(ONE, args![tenant]).await?.unwrap_or_default())
    }

    /// The same in a transaction.
    pub(super) async fn within(tx: &mut Tx, tenant: &TenantId) -> Result<Self, DbError> {
        Ok(tx.optional(ONE, args![tenant]).await?.unwrap_or_default())
    }

    /// Whether an address, in its normal form, lets in.
    pub(super) fn admit(&self, email: &str) -> bool {
        let domain = email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
        self.domains.0.is_empty() || self.domains.0.iter().any(|known| known == domain)
    }

    /// The longest that somebody is in.
    pub(super) fn session_ms(&self) -> i64 {
        self.session_s * 1000
    }
}

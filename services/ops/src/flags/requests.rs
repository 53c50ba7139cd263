//! A change that somebody asks for, instead of making it: at a certain time, or once somebody else has approved it.

use database::Json;

use super::model::Settings;

/// Requests of one tenant that have neither taken effect nor been given up.
pub(crate) const MAX_OPEN: i64 = 200;
/// Requests of one tenant that are remembered, beside those.
pub(crate) const MAX_KEPT: i64 = 1000;
/// Environments of one tenant in which changes need approval.
pub(crate) const MAX_GUARDS: i64 = 64;
/// Requests that take effect in one round.
pub(crate) const MAX_DUE: i64 = 100;

/// Somebody else has to approve it.
pub(crate) const ASKED: &str = "asked";
/// It takes effect when its time has come.
pub(crate) const APPROVED: &str = "approved";
/// It has taken effect.
pub(crate) const APPLIED: &str = "applied";
/// Somebody else did not approve it.
pub(crate) const DECLINED: &str = "declined";
/// It was taken back.
pub(crate) const WITHDRAWN: &str = "withdrawn";
/// The flag was changed since.
pub(crate) const STALE: &str = "stale";
/// All of them.
pub(crate) const STATES: [&str; 6] = [ASKED, APPROVED, APPLIED, DECLINED, WITHDRAWN, STALE];

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) flag_key: String,
    pub(crate) environment: String,
    /// `None` removes the settings.
    pub(crate) wanted: Option<Settings>,
    pub(crate) reason: String,
    pub(crate) due_ms: Option<i64>,
}

database::row! {
    /// A request.
    #[derive(Clone, Debug)]
    pub(crate) struct RequestRow {
        pub(crate) tenant_id: String,
        pub(crate) id: String,
        pub(crate) flag_key: String,
        pub(crate) environment: String,
        pub(crate) state: String,
        pub(crate) was: Option<Json<Settings>>,
        pub(crate) wanted: Option<Json<Settings>>,
        pub(crate) reason: String,
        pub(crate) due_ms: Option<i64>,
        pub(crate) asked_by: String,
        pub(crate) decided_by: Option<String>,
        pub(crate) version: Option<i64>,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
    }
}

database::row! {
    /// An environment in which changes need approval.
    pub(crate) struct GuardRow {
        pub(crate) environment: String,
        pub(crate) since_ms: i64,
    }
}

database::row! {
    /// Why flags may not change.
    pub(crate) struct FreezeRow {
        pub(crate) reason: String,
        pub(crate) actor: String,
        pub(crate) since_ms: i64,
    }
}

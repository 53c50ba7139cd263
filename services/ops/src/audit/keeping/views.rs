//! JSON of retention and of holds.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{HoldRow, RetentionRow};

/// How long entries shall keep what they say.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = AuditRetentionRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct RetentionRequest {
    /// For so many days; for good when absent.
    #[schema(minimum = 90, maximum = 36500)]
    pub(super) days: Option<i64>,
}

/// How long entries keep what they say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRetention)]
pub(super) struct RetentionView {
    /// For so many days; null for good.
    pub(super) days: Option<i64>,
    /// Since when: RFC 3339; null where it was never said.
    pub(super) updated_at: Option<String>,
}

impl From<Option<RetentionRow>> for RetentionView {
    fn from(row: Option<RetentionRow>) -> Self {
        let updated_at = row.as_ref().map(|row| rfc3339(row.updated_ms));
        Self { days: row.map(|row| row.days), updated_at }
    }
}

/// What shall be kept for longer.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = AuditHoldRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldRequest {
    /// Why, 1 to 500 characters.
    #[schema(example = "case 4711")]
    pub(super) reason: String,
    /// What was done to this address, which does not end with `/`, and to all below it; to anything when absent.
    pub(super) resource: Option<String>,
    /// What this person did, or what was done to it; anybody when absent. The id of a key, `admin` and the like are taken too.
    pub(super) person: Option<String>,
    /// Not before this time, in milliseconds since 1970; from the beginning when absent.
    pub(super) from_ms: Option<i64>,
    /// Before this time, in milliseconds since 1970; without an end when absent.
    pub(super) to_ms: Option<i64>,
}

/// Which page of the holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HoldsQuery {
    /// 1 to 200; 50 when absent.
    pub(super) limit: Option<u32>,
    /// `next` of the page before.
    pub(super) after: Option<String>,
}

/// What is kept for longer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditHold)]
pub(super) struct HoldView {
    id: String,
    /// Why.
    reason: String,
    /// What was done to this address and to all below it; null to anything.
    resource: Option<String>,
    /// What this person did, or what was done to it; null anybody.
    person: Option<String>,
    /// Not before this time, in milliseconds since 1970.
    from_ms: Option<i64>,
    /// Before this time, in milliseconds since 1970.
    to_ms: Option<i64>,
    /// Who has made it.
    created_by: String,
    /// RFC 3339.
    created_at: String,
}

impl From<HoldRow> for HoldView {
    fn from(row: HoldRow) -> Self {
        let created_at = rfc3339(row.created_ms);
        let HoldRow { id, reason, resource, person, from_ms, to_ms, created_by, .. } = row;
        Self { id, reason, resource, person, from_ms, to_ms, created_by, created_at }
    }
}

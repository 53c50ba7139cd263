//! JSON of changes that are asked for, and of what may not be changed without.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::flags::model::Settings;
use crate::flags::requests::{FreezeRow, GuardRow, RequestRow};

/// A change of a flag that somebody asks for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagChangeRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeRequest {
    /// The flag.
    pub(crate) flag_key: String,
    /// Where.
    pub(crate) environment: String,
    /// All values and rules that it is to have there; none remove those that it has.
    #[serde(default)]
    pub(crate) settings: Option<Settings>,
    /// For whoever approves it, at most 500 characters.
    #[serde(default)]
    pub(crate) reason: String,
    /// When it is to take effect, RFC 3339, within 366 days; when it is approved if absent.
    #[serde(default)]
    pub(crate) due_at: Option<String>,
}

/// The query of a list of requests.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangeRequestsQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
    /// Those in one state alone.
    pub(crate) state: Option<String>,
    /// Those of one flag alone.
    pub(crate) flag_key: Option<String>,
}

/// A change of a flag that somebody has asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagChangeRequestView)]
pub(crate) struct ChangeRequestView {
    id: String,
    flag_key: String,
    environment: String,
    /// `asked` until somebody approves it, `approved` until its time has come, and then `applied`; or else `declined`, `withdrawn`, or
    /// `stale` when the flag's settings were changed before.
    state: String,
    /// What the settings were when it was asked for; null where there were none.
    before: Option<Settings>,
    /// What they are to be; null where there are to be none.
    after: Option<Settings>,
    /// For whoever approves it.
    reason: String,
    /// When it takes effect, RFC 3339; null when it is approved.
    due_at: Option<String>,
    /// Who has asked for it.
    asked_by: String,
    /// Who has approved, declined or withdrawn it; null as long as nobody has, or had to.
    decided_by: Option<String>,
    /// The version of the flag that it has made.
    version: Option<i64>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<RequestRow> for ChangeRequestView {
    fn from(row: RequestRow) -> Self {
        Self {
            id: row.id,
            flag_key: row.flag_key,
            environment: row.environment,
            state: row.state,
            before: row.was.map(|json| json.0),
            after: row.wanted.map(|json| json.0),
            reason: row.reason,
            due_at: row.due_ms.map(rfc3339),
            asked_by: row.asked_by,
            decided_by: row.decided_by,
            version: row.version,
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}

/// An environment in which changes need approval.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagApprovalView)]
pub(crate) struct ApprovalView {
    environment: String,
    /// RFC 3339.
    since: String,
}

impl From<GuardRow> for ApprovalView {
    fn from(row: GuardRow) -> Self {
        Self { environment: row.environment, since: rfc3339(row.since_ms) }
    }
}

/// Whether changes in an environment need approval.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FlagApprovalRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalRequest {
    /// Whether they do.
    pub(crate) needed: bool,
}

/// Whether flags may be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FlagFreezeRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct FreezeRequest {
    /// Whether every change is refused but turning flags off.
    pub(crate) frozen: bool,
    /// For whoever is refused, at most 500 characters.
    #[serde(default)]
    pub(crate) reason: String,
}

/// Whether flags may be changed at the moment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagFreezeView)]
pub(crate) struct FreezeView {
    /// Whether every change is refused but turning flags off.
    frozen: bool,
    /// Why; null while flags may change.
    reason: Option<String>,
    /// Who said so.
    by: Option<String>,
    /// RFC 3339.
    since: Option<String>,
}

impl From<Option<FreezeRow>> for FreezeView {
    fn from(row: Option<FreezeRow>) -> Self {
        match row {
            Some(row) => {
                Self { frozen: true, reason: Some(row.reason), by: Some(row.actor), since: Some(rfc3339(row.since_ms)) }
            }
            None => Self { frozen: false, reason: None, by: None, since: None },
        }
    }
}

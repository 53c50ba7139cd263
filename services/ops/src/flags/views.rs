//! JSON of flags, segments and what is known of them.

use std::collections::BTreeMap;

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::experiment::{Event, ExperimentRow};
use super::model::{
    ChangeRow, ClientRow, Constraint, Content, FlagRow, KeyRow, Purpose, SegmentRow, Settings, UsageRow, ValueType,
};
use super::requests::{FreezeRow, GuardRow, RequestRow};

/// A new flag.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlagRequest {
    /// What it is called by: 1 to 100 of letters, digits, `.`, `_` and `-`.
    pub(crate) key: String,
    /// For people.
    #[serde(default)]
    pub(crate) description: String,
    /// What it is for; `release` when absent.
    #[serde(default)]
    pub(crate) purpose: Purpose,
    /// What kind of value it has; `boolean` when absent.
    #[serde(default)]
    pub(crate) value_type: ValueType,
    /// Whether pages and apps are told what it comes to for them; they are not when absent.
    #[serde(default)]
    pub(crate) public: bool,
    /// Values and rules, by the name of the environment.
    #[serde(default)]
    pub(crate) environments: BTreeMap<String, Settings>,
}

/// What changes about a flag; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlagChange {
    /// For people.
    pub(crate) description: Option<String>,
    /// What it is for.
    pub(crate) purpose: Option<Purpose>,
    /// Whether it is evaluated as one that is not there.
    pub(crate) archived: Option<bool>,
    /// Whether pages and apps are told what it comes to for them.
    pub(crate) public: Option<bool>,
}

/// Turns a flag off for everybody in an environment, or lets its rules decide again.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FlagSwitch)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    /// Whether its rules are asked.
    pub(crate) enabled: bool,
}

/// Which version a flag goes back to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagRollbackRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackRequest {
    /// One of its history.
    pub(crate) version: i64,
}

/// The query of a list of flags.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FlagsQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
    /// Archived flags in place of the others.
    #[serde(default)]
    pub(crate) archived: bool,
}

/// The query of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
}

/// A flag.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FlagView {
    key: String,
    /// Grows with every change.
    version: i64,
    #[serde(flatten)]
    content: Content,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<FlagRow> for FlagView {
    fn from(row: FlagRow) -> Self {
        let (created_at, updated_at) = (rfc3339(row.created_ms), rfc3339(row.updated_ms));
        Self { key: row.key, version: row.version, content: row.content.0, created_at, updated_at }
    }
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagChangeView)]
pub(crate) struct ChangeView {
    /// The version that it made.
    version: i64,
    /// `created`, `changed`, `enabled`, `disabled`, `archived`, `restored`, `rolled_back`, `applied` (a request) or `deleted`.
    action: String,
    /// Who did it.
    actor: String,
    /// By which request.
    request_id: Option<String>,
    /// RFC 3339.
    at: String,
    /// What it was; null when it was made.
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// What it became; null when it was deleted.
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
}

impl From<ChangeRow> for ChangeView {
    fn from(row: ChangeRow) -> Self {
        let ChangeRow { version, action, actor, request_id, was, became, time_ms } = row;
        let (before, after) = (was.map(|json| json.0), became.map(|json| json.0));
        Self { version, action, actor, request_id, at: rfc3339(time_ms), before, after }
    }
}

/// A segment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagSegmentView)]
pub(crate) struct SegmentView {
    name: String,
    /// Grows with every change.
    version: i64,
    /// For people.
    description: String,
    /// All of them have to hold.
    constraints: Vec<Constraint>,
    /// RFC 3339.
    updated_at: String,
}

impl From<SegmentRow> for SegmentView {
    fn from(row: SegmentRow) -> Self {
        let (content, updated_at) = (row.content.0, rfc3339(row.updated_ms));
        let (description, constraints) = (content.description, content.constraints);
        Self { name: row.name, version: row.version, description, constraints, updated_at }
    }
}

/// How often clients found a flag on and off in one environment, by their own counts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagUsageView)]
pub(crate) struct UsageView {
    environment: String,
    /// How often it was on.
    yes: i64,
    /// How often it was off.
    no: i64,
    /// When that was reported last, RFC 3339.
    last_at: String,
}

impl From<UsageRow> for UsageView {
    fn from(row: UsageRow) -> Self {
        Self { environment: row.environment, yes: row.yes, no: row.no, last_at: rfc3339(row.last_ms) }
    }
}

/// The query of the report on stale flags.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StaleQuery {
    /// For how long nothing must have happened, 1 to 365; 30 when absent.
    pub(crate) days: Option<i64>,
}

/// A flag that may not be needed any more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaleFlagView)]
pub(crate) struct StaleView {
    pub(crate) key: String,
    /// For people.
    pub(crate) description: String,
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// Whether nobody has asked for it for so long.
    pub(crate) unused: bool,
    /// Whether it is the same for everybody in each environment, and was not changed for so long.
    pub(crate) settled: bool,
    /// By environment: `on` or `off` for everybody, or `depends`.
    pub(crate) environments: BTreeMap<String, String>,
    /// When somebody asked for it last, RFC 3339, to the minute; null when nobody has.
    pub(crate) last_used_at: Option<String>,
    /// When it was changed last, RFC 3339.
    pub(crate) updated_at: String,
}

/// An application that fetches flags.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagClientView)]
pub(crate) struct ClientView {
    app_name: String,
    environment: String,
    /// What it fetches them with, as it says.
    sdk: String,
    /// When it registered last, RFC 3339.
    last_at: String,
}

impl From<ClientRow> for ClientView {
    fn from(row: ClientRow) -> Self {
        let last_at = rfc3339(row.last_ms);
        Self { app_name: row.app_name, environment: row.environment, sdk: row.sdk, last_at }
    }
}

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

/// A new key of pages and apps.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlagKeyRequest {
    /// For people, at most 500 characters.
    #[serde(default)]
    pub(crate) name: String,
    /// Whose values it opens.
    pub(crate) environment: String,
}

/// A key of pages and apps.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FlagKeyView {
    /// The key itself, which is no secret.
    id: String,
    /// For people.
    name: String,
    environment: String,
    /// RFC 3339.
    created_at: String,
}

impl From<KeyRow> for FlagKeyView {
    fn from(row: KeyRow) -> Self {
        Self { id: row.id, name: row.name, environment: row.environment, created_at: rfc3339(row.created_ms) }
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

/// What is to be compared.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagExperimentRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExperimentRequest {
    /// The flag, which has at least two variants with a weight.
    pub(crate) flag_key: String,
    /// Where.
    pub(crate) environment: String,
    /// The variant that the others are held against; the first when absent.
    #[serde(default)]
    pub(crate) control: Option<String>,
    /// The event that is to be more frequent, such as `lesson.completed`; named as flags are.
    pub(crate) goal: String,
    /// At most 8 events that must not be more frequent, such as `player.failed`.
    #[serde(default)]
    pub(crate) guardrails: Vec<String>,
}

/// An experiment, without what has come of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagExperimentSummary)]
pub(crate) struct ExperimentSummary {
    id: String,
    flag_key: String,
    environment: String,
    /// Whether it still counts.
    running: bool,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    stopped_at: Option<String>,
}

impl From<ExperimentRow> for ExperimentSummary {
    fn from(row: ExperimentRow) -> Self {
        Self {
            id: row.id,
            flag_key: row.flag_key,
            environment: row.environment,
            running: row.stopped_ms.is_none(),
            created_at: rfc3339(row.created_ms),
            stopped_at: row.stopped_ms.map(rfc3339),
        }
    }
}

/// What has happened.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FlagEventsRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsRequest {
    /// At most 500.
    #[schema(max_items = 500)]
    pub(crate) events: Vec<Event>,
}

/// How much of what has happened was counted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagEventsView)]
pub(crate) struct CountedView {
    /// Events that were new, and that a running experiment counts.
    pub(crate) counted: i64,
}

/// All there are, of something that there is not much of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
}

//! JSON of flags, segments and what is known of them.

pub(crate) mod experiments;
pub(crate) mod requests;

use std::collections::BTreeMap;

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::model::{
    ChangeRow, ClientRow, Constraint, Content, FlagRow, KeyRow, Purpose, SegmentRow, Settings, UsageRow, ValueType,
};

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

/// All there are, of something that there is not much of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
}

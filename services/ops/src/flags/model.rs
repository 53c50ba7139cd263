//! What a flag is: its values and rules in each environment, as they are stored and sent.

use std::collections::BTreeMap;

use database::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The most flags of one tenant, archived ones included.
pub(crate) const MAX_FLAGS: i64 = 1000;
/// The most segments of one tenant.
pub(crate) const MAX_SEGMENTS: i64 = 100;
/// Versions of a flag or a segment that are remembered.
pub(crate) const MAX_HISTORY: i64 = 1000;
/// Keys of pages and apps of one tenant.
pub(crate) const MAX_KEYS: i64 = 100;
/// Applications that are remembered.
pub(crate) const MAX_CLIENTS: i64 = 200;

/// What kind of value a flag has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagValueType)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ValueType {
    /// `true` or `false`.
    #[default]
    Boolean,
    /// Text.
    String,
    /// A whole number of 64 bits.
    Integer,
    /// A number.
    Float,
    /// An object.
    Object,
}

impl ValueType {
    /// Whether a flag of this type may have the value.
    pub(crate) fn fits(self, value: &Value) -> bool {
        match self {
            Self::Boolean => value.is_boolean(),
            Self::String => value.is_string(),
            Self::Integer => value.is_i64(),
            Self::Float => value.is_number(),
            Self::Object => value.is_object(),
        }
    }
}

/// What a flag is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagPurpose)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// Something new goes out step by step.
    #[default]
    Release,
    /// Variants are compared.
    Experiment,
    /// How the system is run.
    Operational,
    /// Something can be turned off at once.
    KillSwitch,
    /// Who may do something.
    Permission,
}

/// A flag, but for its key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagContent)]
pub(crate) struct Content {
    /// For people, at most 500 characters.
    pub(crate) description: String,
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// What kind of value it has; this never changes.
    pub(crate) value_type: ValueType,
    /// An archived flag is evaluated as one that is not there.
    pub(crate) archived: bool,
    /// Whether pages and apps are told what it comes to for them.
    #[serde(default)]
    pub(crate) public: bool,
    /// Values and rules, by the name of the environment; in all others it is off.
    pub(crate) environments: BTreeMap<String, Settings>,
}

/// A flag in one environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagSettings)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Whether any rule is asked at all; `false` turns it off for everybody.
    pub(crate) enabled: bool,
    /// The value where a strategy matches and no variant says otherwise; `true` of a boolean flag when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on_value: Option<Value>,
    /// The value everywhere else; when absent, `false` of a boolean flag and the caller's own default of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) off_value: Option<Value>,
    /// Rules of which one has to match; none is one that always does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) strategies: Vec<Strategy>,
    /// Values among which a match is split.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) variants: Vec<Variant>,
    /// Flags of the same environment that must be as they are said to be here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) parents: Vec<Parent>,
}

/// A rule: it matches where the strategy, all constraints and all segments do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagStrategy)]
#[serde(deny_unknown_fields)]
pub(crate) struct Strategy {
    /// `default`, `flexibleRollout`, `userWithId`, `remoteAddress`, `applicationHostname`, `gradualRolloutUserId`,
    /// `gradualRolloutSessionId` or `gradualRolloutRandom`.
    pub(crate) name: String,
    /// What the strategy is told, by Unleash's names, such as `rollout`, `stickiness` and `groupId`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) parameters: BTreeMap<String, String>,
    /// Conditions on the context.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) constraints: Vec<Constraint>,
    /// Names of segments, which are constraints that flags share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) segments: Vec<String>,
    /// In place of the flag's own variants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) variants: Vec<StrategyVariant>,
}

/// A condition on one property of the context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagConstraint)]
#[serde(deny_unknown_fields)]
pub(crate) struct Constraint {
    /// `userId`, `sessionId`, `environment`, `appName`, `remoteAddress`, `currentTime` or a property.
    pub(crate) context_name: String,
    /// How it is compared.
    pub(crate) operator: Operator,
    /// What it is compared to by `IN`, `NOT_IN`, `STR_*` and `IN_CIDR`: one of them has to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<String>,
    /// The same of all other operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    /// Whether the opposite has to hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) inverted: bool,
    /// Whether `STR_*` and `REGEX` take upper and lower case for the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) case_insensitive: bool,
}

/// How a constraint compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagOperator)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Operator {
    In,
    NotIn,
    StrStartsWith,
    StrEndsWith,
    StrContains,
    NumEq,
    NumGt,
    NumGte,
    NumLt,
    NumLte,
    DateAfter,
    DateBefore,
    SemverEq,
    SemverGt,
    SemverGte,
    SemverLt,
    SemverLte,
    Regex,
    InCidr,
}

/// A value that some get, and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagVariant)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variant {
    /// Unique in its list.
    pub(crate) name: String,
    /// Its share, 0 to 1000, of the sum of all weights.
    pub(crate) weight: u32,
    /// Of the flag's type.
    pub(crate) value: Value,
    /// By what property of the context the choice is kept; `default` when absent: `userId`, or else `sessionId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stickiness: Option<String>,
    /// Who always gets it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) overrides: Vec<Override>,
}

/// A variant of one strategy; the choice is kept by the strategy's stickiness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagStrategyVariant)]
#[serde(deny_unknown_fields)]
pub(crate) struct StrategyVariant {
    /// Unique in its list.
    pub(crate) name: String,
    /// Its share, 0 to 1000, of the sum of all weights.
    pub(crate) weight: u32,
    /// Of the flag's type.
    pub(crate) value: Value,
}

/// Whoever has one of the values gets the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagOverride)]
#[serde(deny_unknown_fields)]
pub(crate) struct Override {
    /// The property of the context.
    pub(crate) context_name: String,
    /// Its values.
    pub(crate) values: Vec<String>,
}

/// A flag that another one depends on; it may have no parents itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagParent)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parent {
    /// Its key.
    pub(crate) key: String,
    /// Whether it has to be on (or off).
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// Which variants it has to have, if not any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) variants: Vec<String>,
}

/// Constraints that flags share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlagSegment {
    /// For people, at most 500 characters.
    #[serde(default)]
    pub(crate) description: String,
    /// All of them have to hold.
    pub(crate) constraints: Vec<Constraint>,
}

fn yes() -> bool {
    true
}

database::row! {
    /// A flag.
    #[derive(Clone, Debug)]
    pub(crate) struct FlagRow {
        pub(crate) key: String,
        pub(crate) version: i64,
        pub(crate) content: Json<Content>,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
    }
}

database::row! {
    /// A segment.
    #[derive(Clone, Debug)]
    pub(crate) struct SegmentRow {
        pub(crate) name: String,
        pub(crate) version: i64,
        pub(crate) content: Json<FlagSegment>,
        pub(crate) updated_ms: i64,
    }
}

database::row! {
    /// One change of a flag or a segment.
    #[derive(Clone, Debug)]
    pub(crate) struct ChangeRow {
        pub(crate) version: i64,
        pub(crate) action: String,
        pub(crate) actor: String,
        pub(crate) request_id: Option<String>,
        pub(crate) was: Option<Json<Value>>,
        pub(crate) became: Option<Json<Value>>,
        pub(crate) time_ms: i64,
    }
}

database::row! {
    /// How often clients asked for a flag in an environment.
    pub(crate) struct UsageRow {
        pub(crate) environment: String,
        pub(crate) yes: i64,
        pub(crate) no: i64,
        pub(crate) last_ms: i64,
    }
}

database::row! {
    /// An application that fetches flags.
    pub(crate) struct ClientRow {
        pub(crate) app_name: String,
        pub(crate) environment: String,
        pub(crate) sdk: String,
        pub(crate) last_ms: i64,
    }
}

database::row! {
    /// A key of pages and apps.
    pub(crate) struct KeyRow {
        pub(crate) id: String,
        pub(crate) name: String,
        pub(crate) environment: String,
        pub(crate) created_ms: i64,
    }
}

//! JSON of experiments, but for what has come of them.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flags::experiment::{Event, ExperimentRow};

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

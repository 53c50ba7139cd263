//! What is stored: endpoints, deliveries and their attempts.

use database::Json;
use kernel::Filters;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most endpoints of one tenant.
pub(crate) const MAX_ENDPOINTS: i64 = 64;
/// Attempts of a delivery that are remembered.
const MAX_ATTEMPTS: usize = 16;

/// Whether an endpoint gets anything.
pub(crate) const ENABLED: &str = "enabled";
pub(crate) const DISABLED: &str = "disabled";

/// Why an endpoint is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A person said so.
    Asked,
    /// It answered 410.
    Gone,
    /// Nothing has reached it for days.
    Failing,
}

impl Reason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// States of a delivery.
pub(crate) const STATES: [&str; 4] = ["pending", "sending", "delivered", "failed"];

database::row! {
    /// An endpoint, without its secrets.
    #[derive(Clone, Debug)]
    pub(crate) struct EndpointRow {
        pub(crate) id: String,
        pub(crate) url: String,
        pub(crate) description: String,
        pub(crate) events: Json<Filters>,
        pub(crate) state: String,
        pub(crate) disabled_reason: Option<String>,
        pub(crate) version: i64,
        pub(crate) previous_until_ms: Option<i64>,
        pub(crate) failing_since_ms: Option<i64>,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
    }
}

database::row! {
    /// What signs for an endpoint.
    pub(crate) struct SecretsRow {
        pub(crate) tenant_id: String,
        pub(crate) id: String,
        pub(crate) url: String,
        pub(crate) secret: Vec<u8>,
        pub(crate) is_wrapped: bool,
        pub(crate) previous_secret: Option<Vec<u8>>,
        pub(crate) previous_is_wrapped: bool,
        pub(crate) previous_until_ms: Option<i64>,
    }
}

database::row! {
    /// A delivery.
    #[derive(Clone, Debug)]
    pub(crate) struct DeliveryRow {
        pub(crate) tenant_id: String,
        pub(crate) id: String,
        pub(crate) endpoint_id: String,
        pub(crate) event_id: String,
        pub(crate) seq: Option<i64>,
        pub(crate) kind: String,
        pub(crate) subject: String,
        pub(crate) state: String,
        pub(crate) attempt: i64,
        pub(crate) tries: i64,
        pub(crate) next_ms: i64,
        pub(crate) attempts: Json<Vec<Attempt>>,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
    }
}

/// One attempt, when it was over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) number: i64,
    pub(crate) started_ms: i64,
    pub(crate) latency_ms: i64,
    /// What the receiver answered, if it did.
    pub(crate) status: Option<u16>,
    /// Why it did not.
    pub(crate) error: Option<String>,
    /// The beginning of the answer's body.
    pub(crate) response: Option<String>,
}

/// The attempts with a further one, as they are stored.
pub(crate) fn with_attempt(mut attempts: Vec<Attempt>, attempt: Attempt) -> Value {
    attempts.push(attempt);
    let surplus = attempts.len().saturating_sub(MAX_ATTEMPTS);
    attempts.drain(..surplus);
    serde_json::to_value(attempts).expect("attempts are plain data, which always has a JSON form")
}

/// What a receiver sees as `webhook-id`: the same for every attempt, and another for every endpoint.
pub(crate) fn delivery_id(event_id: &str, endpoint_id: &str) -> String {
    format!("{event_id}_{endpoint_id}")
}

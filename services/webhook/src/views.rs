//! JSON of endpoints and deliveries.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

use crate::model::{Attempt, DeliveryRow, EndpointRow};
use crate::store::Issued;

/// A new webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookRequest {
    /// Where events are sent: an absolute `https` or `http` address.
    pub(crate) url: String,
    /// Which events: names (`asset.ready`), beginnings of names (`asset.*`), or `*`; all when absent.
    pub(crate) events: Option<Vec<String>>,
    /// For people, at most 200 characters.
    #[serde(default)]
    pub(crate) description: String,
}

/// What changes about a webhook; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookChange {
    /// Where events are sent.
    pub(crate) url: Option<String>,
    /// Which events.
    pub(crate) events: Option<Vec<String>>,
    /// For people.
    pub(crate) description: Option<String>,
    /// Whether anything is sent.
    pub(crate) enabled: Option<bool>,
}

/// How a secret is replaced.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateRequest {
    /// For so many seconds the former secret signs too, 0 to 604800; a day when absent.
    pub(crate) overlap_s: Option<i64>,
}

/// Which deliveries are made again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRequest {
    /// Those of events since then, in milliseconds since 1970.
    pub(crate) since_ms: i64,
}

/// The query of a list of deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveriesQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
    /// Only deliveries in this state: `pending`, `sending`, `delivered` or `failed`.
    pub(crate) state: Option<String>,
}

/// The query of a list of webhooks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WebhooksQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookView {
    id: String,
    /// Where events are sent.
    url: String,
    /// For people.
    description: String,
    /// Which events.
    events: Vec<String>,
    /// `enabled` or `disabled`.
    state: String,
    /// Why it is disabled: `asked`, `gone` (it answered 410) or `failing` (nothing has reached it for days).
    disabled_reason: Option<String>,
    /// Since when every attempt has failed, RFC 3339; null when the last one arrived.
    failing_since: Option<String>,
    /// Until when the former secret signs too, RFC 3339.
    former_secret_until: Option<String>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<EndpointRow> for WebhookView {
    fn from(row: EndpointRow) -> Self {
        Self {
            id: row.id,
            url: row.url,
            description: row.description,
            events: row.events.0.as_slice().to_vec(),
            state: row.state,
            disabled_reason: row.disabled_reason,
            failing_since: row.failing_since_ms.map(rfc3339),
            former_secret_until: row.previous_until_ms.map(rfc3339),
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}

/// A webhook with its secret, which is shown this once. It cannot be printed.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedView {
    #[serde(flatten)]
    webhook: WebhookView,
    /// What deliveries are signed with: `whsec_` and Base64.
    #[schema(value_type = String)]
    #[serde(serialize_with = "text")]
    secret: Zeroizing<String>,
}

fn text<S: serde::Serializer>(secret: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret)
}

impl From<Issued> for IssuedView {
    fn from(issued: Issued) -> Self {
        Self { webhook: issued.endpoint.into(), secret: issued.secret.text() }
    }
}

/// One attempt to deliver.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttemptView {
    /// Its number, from 1, over all rounds.
    number: i64,
    /// RFC 3339.
    at: String,
    /// Until there was an answer, or none.
    latency_ms: i64,
    /// The status that was answered.
    status: Option<u16>,
    /// Why there was no answer.
    error: Option<String>,
    /// The first 512 characters that were answered.
    response: Option<String>,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        let Attempt { number, started_ms, latency_ms, status, error, response } = attempt;
        Self { number, at: rfc3339(started_ms), latency_ms, status, error, response }
    }
}

/// One event for one webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    /// What the receiver sees as `webhook-id`.
    id: String,
    event_id: String,
    /// Its number in the stream of events; null of a test.
    seq: Option<i64>,
    /// The event's name.
    kind: String,
    /// What it is about, such as an asset's id.
    subject: String,
    /// `pending`, `sending`, `delivered` or `failed`.
    state: String,
    /// When it is tried next, RFC 3339; null unless it is pending.
    next_at: Option<String>,
    /// The latest attempts, oldest first.
    attempts: Vec<AttemptView>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<DeliveryRow> for DeliveryView {
    fn from(row: DeliveryRow) -> Self {
        let next_at = (row.state == "pending").then(|| rfc3339(row.next_ms));
        Self {
            id: row.id,
            event_id: row.event_id,
            seq: row.seq,
            kind: row.kind,
            subject: row.subject,
            state: row.state,
            next_at,
            attempts: row.attempts.0.into_iter().map(Into::into).collect(),
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}

/// How many deliveries are made again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayedView {
    /// So many.
    pub(crate) replayed: u64,
    /// Whether as many were replayed as one request may: then ask once more.
    pub(crate) has_more: bool,
}

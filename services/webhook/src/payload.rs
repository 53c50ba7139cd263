//! What is sent.

use database::outbox::EventRow;
use kernel::{EventData, rfc3339};
use serde::Serialize;
use serde_json::{Value, json};

use crate::model::DeliveryRow;

/// The name of the event that only tries an endpoint out.
pub(crate) const TEST_KIND: &str = "webhook.test";
/// The most bytes of a body.
const MAX_BODY: usize = 256 << 10;

/// The body of a delivery: what the stream of events shows, under the names of Standard Webhooks 1.0 besides.
#[derive(Serialize)]
struct Message<'a> {
    r#type: &'a str,
    timestamp: &'a str,
    /// Only where `data` was left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    data_omitted: bool,
    #[serde(flatten)]
    event: &'a EventData,
}

/// The body for an event. Data that would make it larger than 256 KiB are left out.
pub(crate) fn body(event: EventRow) -> Vec<u8> {
    let mut event = EventData::from(event);
    let whole = encoded(&event, false);
    if whole.len() <= MAX_BODY {
        return whole;
    }
    event.data = json!({});
    encoded(&event, true)
}

/// The body of a test, whose event is in no outbox.
pub(crate) fn test_body(delivery: &DeliveryRow) -> Vec<u8> {
    let event = EventData {
        seq: 0,
        id: delivery.event_id.clone(),
        kind: delivery.kind.clone(),
        subject: delivery.subject.clone(),
        time: rfc3339(delivery.created_ms),
        data: json!({ "webhook_id": delivery.endpoint_id }),
    };
    encoded(&event, false)
}

fn encoded(event: &EventData, data_omitted: bool) -> Vec<u8> {
    let message = Message { r#type: &event.kind, timestamp: &event.time, data_omitted, event };
    serde_json::to_vec(&message).expect("an event is plain data, which always has a JSON form")
}

/// The data of the event that tells of an endpoint's end.
pub(crate) fn disabled(id: &str, url: &str, reason: &str) -> Value {
    json!({ "id": id, "url": url, "state": "disabled", "disabled_reason": reason })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use database::Json;

    use super::*;

    fn event(data: Value) -> EventRow {
        EventRow {
            seq: 7,
            id: "evt_1".to_owned(),
            tenant_id: "ten_1".to_owned(),
            kind: "asset.ready".to_owned(),
            subject: "ast_1".to_owned(),
            data: Json(data),
            time_ms: 250,
        }
    }

    #[test]
    fn a_body_has_the_event_as_its_stream_has_it_and_the_names_of_the_standard() {
        let sent: Value = serde_json::from_slice(&body(event(json!({ "id": "ast_1" })))).unwrap();
        let expected = json!({
            "type": "asset.ready", "timestamp": "1970-01-01T00:00:00.250Z",
            "seq": 7, "id": "evt_1", "kind": "asset.ready", "subject": "ast_1", "time": "1970-01-01T00:00:00.250Z",
            "data": { "id": "ast_1" },
        });
        assert_eq!(sent, expected);
    }

    #[test]
    fn a_body_is_no_longer_than_it_may_be_and_says_what_is_missing() {
        let sent = body(event(json!({ "a": "x".repeat(MAX_BODY) })));
        assert!(sent.len() < 1000);
        let sent: Value = serde_json::from_slice(&sent).unwrap();
        assert_eq!((&sent["data"], &sent["data_omitted"]), (&json!({}), &json!(true)));
    }
}

//! Events as others are told of them: CloudEvents 1.0 in JSON, in structured or in binary mode. Pure.

use database::outbox::EventRow;
use serde_json::{Map, Value, json};

use crate::rfc3339;

/// What a message in structured mode says it is.
pub const STRUCTURED: &str = "application/cloudevents+json; charset=UTF-8";
/// What the data of an event are.
pub const DATA: &str = "application/json";
/// The most bytes of data that are told.
pub const MAX_DATA: usize = 256 << 10;

/// An event (CloudEvents 1.0 §3). Each text in it is one as §2.3 has it: not empty, and without control characters.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudEvent {
    id: String,
    source: String,
    kind: String,
    subject: String,
    time: String,
    tenant: String,
    sequence: String,
    data: Value,
    is_cut: bool,
}

impl CloudEvent {
    /// An event of the outbox. `source` is a reference to whoever tells of it, such as `https://learn.example/api/v1/events`. Data of
    /// more than [`MAX_DATA`] bytes are left out, and `dataomitted` is set.
    pub fn new(event: EventRow, source: &str) -> Self {
        let is_cut = event.data.0.to_string().len() > MAX_DATA;
        Self {
            id: text(&event.id),
            source: text(source),
            kind: text(&event.kind),
            subject: text(&event.subject),
            time: rfc3339(event.time_ms),
            tenant: text(&event.tenant_id),
            // Of one length, so that texts are in the order of numbers, as the extension has it.
            sequence: format!("{:020}", event.seq),
            data: if is_cut { json!({}) } else { event.data.0 },
            is_cut,
        }
    }

    /// What it is known by, whoever tells of it how often.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What has happened, such as `asset.ready`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// When, in the form of RFC 3339.
    pub fn time(&self) -> &str {
        &self.time
    }

    /// Whose event it is.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// What is told in order: the tenant and what the event is about.
    pub fn aggregate(&self) -> String {
        format!("{}/{}", self.tenant, self.subject)
    }

    /// Its context attributes, for the headers of a message in binary mode; the content type is of [`CloudEvent::data`].
    pub fn attributes(&self) -> Vec<(&'static str, &str)> {
        let mut attributes = vec![
            ("specversion", "1.0"),
            ("id", self.id.as_str()),
            ("source", self.source.as_str()),
            ("type", self.kind.as_str()),
            ("subject", self.subject.as_str()),
            ("time", self.time.as_str()),
            ("tenantid", self.tenant.as_str()),
            ("sequence", self.sequence.as_str()),
        ];
        if self.is_cut {
            attributes.push(("dataomitted", "true"));
        }
        attributes
    }

    /// Its data, for the body of a message in binary mode.
    pub fn data(&self) -> Vec<u8> {
        self.data.to_string().into_bytes()
    }

    /// All of it, for the body of a message in structured mode (JSON Event Format §3).
    pub fn structured(&self) -> Vec<u8> {
        let attributes = self.attributes().into_iter().filter(|(name, _)| *name != "dataomitted");
        let mut whole: Map<String, Value> =
            attributes.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        if self.is_cut {
            whole.insert("dataomitted".to_owned(), Value::Bool(true));
        }
        whole.insert("datacontenttype".to_owned(), DATA.into());
        whole.insert("data".to_owned(), self.data.clone());
        Value::Object(whole).to_string().into_bytes()
    }
}

/// An attribute where headers are ASCII (HTTP Protocol Binding §3.1.3.2).
pub fn in_ascii(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'"' && byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// A text with what none may hold replaced, and never empty.
fn text(raw: &str) -> String {
    let is_fine = |character: char| {
        let code = u32::from(character);
        !character.is_control() && !(0xFDD0..=0xFDEF).contains(&code) && code & 0xFFFE != 0xFFFE
    };
    let replaced = |character: char| if is_fine(character) { character } else { char::REPLACEMENT_CHARACTER };
    match raw {
        "" => "-".to_owned(),
        raw => raw.chars().map(replaced).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use database::Json;
    use proptest::prelude::*;

    use super::*;

    fn event(subject: &str, data: Value) -> CloudEvent {
        let row = EventRow {
            seq: 7,
            id: "evt_1".to_owned(),
            tenant_id: "ten_1".to_owned(),
            kind: "asset.ready".to_owned(),
            subject: subject.to_owned(),
            data: Json(data),
            time_ms: 250,
        };
        CloudEvent::new(row, "/api/v1/events")
    }

    #[test]
    fn an_event_has_all_that_the_format_asks_for_in_either_mode() {
        let event = event("ast_1", json!({ "id": "ast_1" }));
        let whole: Value = serde_json::from_slice(&event.structured()).unwrap();
        let expected = json!({
            "specversion": "1.0", "id": "evt_1", "source": "/api/v1/events", "type": "asset.ready", "subject": "ast_1",
            "time": "1970-01-01T00:00:00.250Z", "tenantid": "ten_1", "sequence": "00000000000000000007",
            "datacontenttype": "application/json", "data": { "id": "ast_1" },
        });
        assert_eq!(whole, expected);
        for (name, value) in event.attributes() {
            assert_eq!(whole[name], value, "{name}");
            assert!(name.len() <= 20 && name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
        }
        assert_eq!(serde_json::from_slice::<Value>(&event.data()).unwrap(), whole["data"]);
        assert_eq!((event.aggregate().as_str(), event.id()), ("ten_1/ast_1", "evt_1"));
    }

    #[test]
    fn data_that_are_too_large_are_left_out_and_that_is_said() {
        let event = event("ast_1", json!({ "a": "x".repeat(MAX_DATA) }));
        let whole: Value = serde_json::from_slice(&event.structured()).unwrap();
        assert_eq!((&whole["data"], &whole["dataomitted"]), (&json!({}), &json!(true)));
        assert!(event.attributes().contains(&("dataomitted", "true")));
        assert_eq!(event.data(), b"{}");
    }

    #[test]
    fn attributes_in_ascii_are_percent_encoded_where_they_have_to_be() {
        assert_eq!(in_ascii("Euro \u{20ac} \u{1f600}"), "Euro%20%E2%82%AC%20%F0%9F%98%80");
        assert_eq!(in_ascii("a\"b%c/d"), "a%22b%25c/d");
    }

    proptest! {
        #[test]
        fn no_subject_makes_an_event_that_is_none(subject in any::<String>()) {
            let event = event(&subject, json!({}));
            for (_, value) in event.attributes() {
                prop_assert!(!value.is_empty() && !value.chars().any(char::is_control), "{value:?}");
                prop_assert!(in_ascii(value).bytes().all(|byte| byte.is_ascii_graphic()));
            }
            let whole: Value = serde_json::from_slice(&event.structured()).unwrap();
            prop_assert_eq!(whole["subject"].as_str(), Some(event.attributes()[4].1));
        }
    }
}

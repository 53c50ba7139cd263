//! An entry of a log.

use kernel::audit::transit::Ended;
use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One request that has changed something, or may have.
///
/// Its text is canonical JSON (RFC 8785): fields in the order of their names, no blanks, and of numbers only whole ones below 2^53,
/// which have one spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// What was done: the id of the operation in the `OpenAPI` document.
    pub(crate) action: String,
    /// Who did it: `admin`, `service`, `anyone`, or the id of a key or a person.
    pub(crate) actor: String,
    /// Unique.
    pub(crate) id: String,
    /// `done`; `unknown` when it failed on the server or nobody was there to see its end.
    pub(crate) outcome: String,
    /// The id of the request, as the client was told and as it stands in the server's log.
    pub(crate) request_id: Option<String>,
    /// The address of what it was done to.
    pub(crate) resource: String,
    /// The HTTP status that it was answered with.
    pub(crate) status: Option<i64>,
    /// Whose log this is.
    pub(crate) tenant_id: String,
    /// When the request came: RFC 3339, in UTC.
    pub(crate) time: String,
}

impl AuditEntry {
    /// Of a record that has ended.
    pub(crate) fn of(tenant: &str, ended: Ended) -> Self {
        let Ended { id, actor, action, resource, request_id, state, status, time_ms } = ended;
        let (tenant_id, time) = (tenant.to_owned(), rfc3339(time_ms));
        Self { action, actor, id, outcome: state, request_id, resource, status, tenant_id, time }
    }

    /// The text that is stored and hashed.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("an entry is plain data, which always has a JSON form")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    proptest! {
        #[test]
        fn the_text_is_canonical_whatever_it_holds(resource in any::<String>(), status in prop::option::of(100_i64..600)) {
            let ended = Ended {
                id: "1".to_owned(),
                actor: "admin".to_owned(),
                action: "put_thing".to_owned(),
                resource,
                request_id: status.map(|status| format!("req_{status}")),
                state: "done".to_owned(),
                status,
                time_ms: 250,
            };
            let entry = AuditEntry::of("ten_default", ended);
            let text = entry.text();
            prop_assert_eq!(serde_json::from_str::<AuditEntry>(&text).unwrap(), entry);
            // In the order of names, each spelt as RFC 8785 §3.2.2 says.
            let sorted: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
            let spelt = sorted.iter().map(|(name, value)| match value {
                Value::String(text) => format!("\"{name}\":{}", canonical(text)),
                other => format!("\"{name}\":{other}"),
            });
            prop_assert_eq!(text, format!("{{{}}}", spelt.collect::<Vec<_>>().join(",")));
        }
    }

    /// A string as RFC 8785 §3.2.2.2 spells it.
    fn canonical(text: &str) -> String {
        let spelt = text.chars().map(|letter| match letter {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\t' => "\\t".to_owned(),
            '\n' => "\\n".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            '\r' => "\\r".to_owned(),
            letter if letter < ' ' => format!("\\u{:04x}", u32::from(letter)),
            letter => letter.to_string(),
        });
        format!("\"{}\"", spelt.collect::<String>())
    }
}

//! An entry of a log.

use kernel::audit::transit::{Context, Ended};
use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::Value;
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
    /// The id of the program that acted for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<String>,
    /// Unique.
    pub(crate) id: String,
    /// The id of the person that `actor` acted as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) on_behalf_of: Option<String>,
    /// `done`; `unknown` when it failed on the server or nobody was there to see its end.
    pub(crate) outcome: String,
    /// The id of the request, as the client was told and as it stands in the server's log.
    pub(crate) request_id: Option<String>,
    /// The address of what it was done to.
    pub(crate) resource: String,
    /// What it has changed and why, sealed under the key of `subject`, or of the tenant where there is none: nonce, ciphertext and tag of
    /// AES-256-GCM, in Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sealed_change: Option<String>,
    /// From where it came, sealed likewise under the key of `actor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sealed_origin: Option<String>,
    /// The id of the session that it was asked for in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    /// The HTTP status that it was answered with.
    pub(crate) status: Option<i64>,
    /// The id of the person that it was done to, whose account it is about, or in whose name it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// Whose log this is.
    pub(crate) tenant_id: String,
    /// When the request came: RFC 3339, in UTC.
    pub(crate) time: String,
}

/// What the log itself says when entries have lost what they said, as their time was over: no operation has this id.
pub(crate) const EXPIRED: &str = "expire_audit_entries";
/// The resource of such an entry, up to the index.
const BELOW: &str = "/api/v1/audit/entries?below=";

impl AuditEntry {
    /// The resource that says that what was emptied is below this index.
    pub(crate) fn expired(below: i64) -> String {
        format!("{BELOW}{below}")
    }

    /// Below which index it says that entries were emptied.
    pub(crate) fn expired_below(&self) -> Option<u64> {
        let is_said = self.action == EXPIRED && self.actor == "service" && self.outcome == "done";
        self.resource.strip_prefix(BELOW).filter(|_| is_said)?.parse().ok()
    }

    /// Of a record that has ended; what is personal in that is beside it, to be sealed.
    pub(crate) fn of(tenant: &str, ended: Ended) -> (Self, Personal) {
        let Ended { id, actor, action, resource, request_id, state, status, time_ms, context, changes } = ended;
        let context: Context = context.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let Context { address, user_agent, session, client, on_behalf_of, reason } = context;
        let changed: AuditChanges = changes.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let personal = Personal {
            origin: said(&AuditOrigin { address, user_agent }),
            change: said(&AuditChanges { reason, ..changed }),
        };
        let entry = Self {
            subject: subject(&resource, on_behalf_of.as_ref().unwrap_or(&actor)).or_else(|| on_behalf_of.clone()),
            action,
            actor,
            client,
            id,
            on_behalf_of,
            outcome: state,
            request_id,
            resource,
            sealed_change: None,
            sealed_origin: None,
            session,
            status,
            tenant_id: tenant.to_owned(),
            time: rfc3339(time_ms),
        };
        (entry, personal)
    }

    /// The text that is stored and hashed.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("an entry is plain data, which always has a JSON form")
    }
}

/// What of a record is sealed, each as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Personal {
    /// An [`AuditOrigin`].
    pub(crate) origin: Option<String>,
    /// An [`AuditChanges`].
    pub(crate) change: Option<String>,
}

/// From where a request came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AuditOrigin {
    /// The address of the machine.
    pub(crate) address: Option<String>,
    /// What the client calls itself.
    pub(crate) user_agent: Option<String>,
}

/// What a request has changed, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AuditChanges {
    /// As whoever asked says, by the header `Lectern-Reason`.
    pub(crate) reason: Option<String>,
    /// The places that are not what they were.
    #[serde(default)]
    pub(crate) changes: Vec<AuditChange>,
    /// How many of those there are beside.
    #[serde(default)]
    pub(crate) more: u64,
}

/// A place of a resource that is not what it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AuditChange {
    /// A JSON pointer (RFC 6901).
    pub(crate) path: String,
    /// What it was; absent of what is new. A long value is an object with how it `begins`, its `bytes` and `sha256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) old: Option<Value>,
    /// What it is; absent of what is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new: Option<Value>,
}

/// The JSON of what says anything.
fn said<T: Default + PartialEq + Serialize>(part: &T) -> Option<String> {
    if *part == T::default() { None } else { serde_json::to_string(part).ok() }
}

/// The person that something was done to: the first one in its address, or whoever asked where that says `me`.
fn subject(resource: &str, actor: &str) -> Option<String> {
    let parts = || resource.split('/');
    if let Some(person) = parts().find(|part| is_person(part)) {
        return Some(person.to_owned());
    }
    (is_person(actor) && parts().any(|part| part == "me")).then(|| actor.to_owned())
}

fn is_person(id: &str) -> bool {
    id.starts_with("usr_")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use proptest::prelude::*;

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
                context: status.map(|_| r#"{"session":"ses_1","client":"oac_1","on_behalf_of":"usr_1","reason":"why"}"#.to_owned()),
                changes: None,
            };
            let (mut entry, _) = AuditEntry::of("ten_default", ended);
            entry.sealed_origin = status.map(|status| status.to_string());
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

    #[test]
    fn what_is_personal_is_not_in_the_entry_and_says_whom_it_is_about() {
        let ended = |resource: &str, actor: &str| Ended {
            id: "1".to_owned(),
            actor: actor.to_owned(),
            action: "update_user".to_owned(),
            resource: resource.to_owned(),
            request_id: None,
            state: "done".to_owned(),
            status: Some(200),
            time_ms: 0,
            context: Some(r#"{"address":"192.0.2.7","session":"ses_1","reason":"asked"}"#.to_owned()),
            changes: Some(r#"{"changes":[{"path":"/email","old":"a@b.example","new":"c@d.example"}]}"#.to_owned()),
        };
        for (resource, actor, expected) in [
            ("/api/v1/users/usr_1", "usr_2", Some("usr_1")),
            ("/scim/v2/Users/usr_1", "key_1", Some("usr_1")),
            ("/api/v1/users/usr_1/guardians/usr_3", "usr_2", Some("usr_1")),
            ("/api/v1/users/me", "usr_2", Some("usr_2")),
            ("/api/v1/users/me", "key_1", None),
            ("/api/v1/flags/a", "usr_2", None),
        ] {
            let (entry, personal) = AuditEntry::of("ten_default", ended(resource, actor));
            assert_eq!((entry.subject.as_deref(), entry.session.as_deref()), (expected, Some("ses_1")), "{resource}");
            assert!(!entry.text().contains("192.0.2.7") && !entry.text().contains("b.example"));
            assert_eq!(personal.origin.as_deref(), Some(r#"{"address":"192.0.2.7","user_agent":null}"#));
            let change: AuditChanges = serde_json::from_str(&personal.change.unwrap()).unwrap();
            assert_eq!((change.reason.as_deref(), change.changes[0].path.as_str()), (Some("asked"), "/email"));
        }
        for (resource, expected) in
            [("/api/v1/users/usr_1", "usr_1"), ("/api/v1/users/me", "usr_3"), ("/api/v1/flags/a", "usr_3")]
        {
            let context = Some(r#"{"on_behalf_of":"usr_3"}"#.to_owned());
            let (entry, _) = AuditEntry::of("ten_default", Ended { context, ..ended(resource, "usr_2") });
            assert_eq!((entry.actor.as_str(), entry.subject.as_deref()), ("usr_2", Some(expected)), "{resource}");
            assert_eq!(entry.on_behalf_of.as_deref(), Some("usr_3"));
        }
        let bare = Ended { context: None, changes: None, ..ended("/a", "admin") };
        assert_eq!(AuditEntry::of("ten_default", bare).1, Personal::default());
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

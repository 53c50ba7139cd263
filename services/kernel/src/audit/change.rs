//! What a request has changed: the places at which the view of a resource after it differs from the view before.
//!
//! Handlers need not say either. The view before is the one whose tag they hold against `If-Match`
//! ([`Etag::of_json`](crate::Etag::of_json)), the view after the one that they answer with a tag
//! ([`respond_json`](crate::conditional::respond_json)), or as what a `POST` has made ([`Outcome::created`](crate::Outcome::created)).
//! Who does it otherwise says so by [`before`] and [`after`], in the task of the request.
//!
//! What comes of it is bounded, and has no secrets: members with such names are hidden, and of long values there is the hash.

use std::cell::RefCell;
use std::collections::BTreeSet;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The most bytes of a view that is looked into.
const MAX_VIEW: usize = 256 << 10;
/// The most bytes that a value has as JSON which is told as it is.
const MAX_VALUE: usize = 512;
/// Characters of a longer one that are told, and of a pointer.
const SHOWN: usize = 64;
const MAX_POINTER: usize = 200;
/// The most places that are told, and the most bytes of all of them.
const MAX_CHANGES: usize = 50;
const MAX_BYTES: usize = 8 << 10;
/// A member whose name has one of these in it is a secret.
const SECRETS: [&str; 5] = ["secret", "password", "token", "private_key", "credential"];
/// What stands for one.
const HIDDEN: &str = "(hidden)";

tokio::task_local! {
    static VIEWS: RefCell<Views>;
}

/// A resource as its handler has shown it.
#[derive(Debug, Default)]
pub(super) struct Views {
    before: Option<Bytes>,
    after: Option<Bytes>,
}

/// Says what the resource was that the request changes. The last word counts, as a change may be tried again; outside of a request
/// that is recorded nobody hears it.
pub fn before(view: &impl Serialize) {
    if let Ok(json) = serde_json::to_vec(view) {
        before_json(&json);
    }
}

/// Says what the resource is after the change, as [`before`].
pub fn after(view: &impl Serialize) {
    if let Ok(json) = serde_json::to_vec(view) {
        after_json(&json);
    }
}

/// Takes back what was said so far: of somebody who is erased the record says nothing more.
pub fn unsaid() {
    let _ = VIEWS.try_with(|views| *views.borrow_mut() = Views::default());
}

pub(crate) fn before_json(json: &[u8]) {
    // Outside of a recorded request there is nothing to remember it for.
    let _ = VIEWS.try_with(|views| views.borrow_mut().before = Some(Bytes::copy_from_slice(json)));
}

pub(crate) fn after_json(json: &[u8]) {
    let _ = VIEWS.try_with(|views| views.borrow_mut().after = Some(Bytes::copy_from_slice(json)));
}

/// Has a handler answer; what it has shown meanwhile.
pub(super) async fn watched<T>(handler: impl Future<Output = T>) -> (T, Views) {
    let answering = async {
        let answer = handler.await;
        (answer, VIEWS.with(RefCell::take))
    };
    VIEWS.scope(RefCell::default(), answering).await
}

/// A place of a resource that is not what it was.
#[derive(Debug, PartialEq, Serialize)]
struct Change {
    /// A JSON pointer (RFC 6901).
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Value>,
}

/// Those that are told, and how many more there are.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Changes {
    changes: Vec<Change>,
    #[serde(skip_serializing_if = "is_zero")]
    more: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Views {
    /// Those of a resource that was not there before.
    pub(super) fn after(view: &impl Serialize) -> Self {
        Self { before: None, after: serde_json::to_vec(view).ok().map(Bytes::from) }
    }

    /// What has changed, as JSON; of what was removed all that it was. `None` when nothing is known of it.
    pub(super) fn changes(self, is_removal: bool) -> Option<String> {
        if self.after.is_none() && !(is_removal && self.before.is_some()) {
            return None;
        }
        let changes = between(self.before.as_deref(), self.after.as_deref());
        if changes.changes.is_empty() { None } else { serde_json::to_string(&changes).ok() }
    }
}

fn between(before: Option<&[u8]>, after: Option<&[u8]>) -> Changes {
    let mut found = Vec::new();
    match (read(before), read(after)) {
        (Some(old), Some(new)) => compare(&mut String::new(), Some(&old), Some(&new), &mut found),
        _ if before == after => {}
        _ => {
            // Of a view that is not looked into nothing is shown: it may be a secret.
            let hash = |view| long(view, "");
            found.push(Change { path: String::new(), old: before.map(hash), new: after.map(hash) });
        }
    }
    let (mut told, mut room) = (Changes::default(), MAX_BYTES);
    for change in found {
        let bytes = serde_json::to_vec(&change).map_or(usize::MAX, |json| json.len());
        if told.changes.len() < MAX_CHANGES && bytes <= room {
            room -= bytes;
            told.changes.push(change);
        } else {
            told.more += 1;
        }
    }
    told
}

/// A view; nothing has no members. `None` of one that is not looked into.
fn read(view: Option<&[u8]>) -> Option<Value> {
    let Some(json) = view else { return Some(Value::Object(Map::new())) };
    if json.len() > MAX_VIEW { None } else { serde_json::from_slice(json).ok() }
}

fn compare(path: &mut String, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Change>) {
    if old == new {
        return;
    }
    if let (Some(Value::Object(old)), Some(Value::Object(new))) = (old, new) {
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let end = path.len();
            path.push('/');
            path.push_str(&name.replace('~', "~0").replace('/', "~1"));
            if is_secret(name) {
                let hidden = |value: Option<&Value>| value.map(|_| Value::from(HIDDEN));
                let (old, new) = (old.get(name), new.get(name));
                if old != new {
                    found.push(Change { path: cut(path), old: hidden(old), new: hidden(new) });
                }
            } else {
                compare(path, old.get(name), new.get(name), found);
            }
            path.truncate(end);
        }
        return;
    }
    found.push(Change { path: cut(path), old: old.map(told), new: new.map(told) });
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|secret| name.contains(secret))
}

fn cut(path: &str) -> String {
    path.chars().take(MAX_POINTER).collect()
}

/// A value without its secrets, or the hash of that.
fn told(value: &Value) -> Value {
    let open = without_secrets(value);
    match serde_json::to_vec(&open) {
        Ok(json) if json.len() > MAX_VALUE => {
            long(&json, &String::from_utf8_lossy(&json).chars().take(SHOWN).collect::<String>())
        }
        _ => open,
    }
}

fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_secrets).collect(),
        Value::Object(members) => {
            let open = |(name, value): (&String, &Value)| {
                let value = if is_secret(name) { Value::from(HIDDEN) } else { without_secrets(value) };
                (name.clone(), value)
            };
            Value::Object(members.iter().map(open).collect())
        }
        other => other.clone(),
    }
}

/// What stands for a long value: how it begins, its length and SHA-256 as JSON.
fn long(json: &[u8], begins: &str) -> Value {
    json!({ "begins": begins, "bytes": json.len(), "sha256": hex::encode(&Sha256::digest(json)[..]) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn said(before: Option<Value>, after: Option<Value>) -> Value {
        let bytes = |view: Option<Value>| view.map(|view| Bytes::from(view.to_string()));
        let views = Views { before: bytes(before), after: bytes(after) };
        views.changes(true).map_or(Value::Null, |json| serde_json::from_str(&json).unwrap())
    }

    #[test]
    fn what_differs_is_told_place_by_place() {
        let was = json!({ "name": "a", "tags": ["x"], "deep": { "a/b": 1, "same": true }, "gone": null, "kept": 1 });
        let is = json!({ "name": "b", "tags": ["x", "y"], "deep": { "a/b": 2, "same": true }, "kept": 1, "made": {} });
        let changes = json!([
            { "path": "/deep/a~1b", "old": 1, "new": 2 },
            { "path": "/gone", "old": null },
            { "path": "/made", "new": {} },
            { "path": "/name", "old": "a", "new": "b" },
            { "path": "/tags", "old": ["x"], "new": ["x", "y"] },
        ]);
        assert_eq!(said(Some(was.clone()), Some(is)), json!({ "changes": changes }));
        assert_eq!(said(Some(was.clone()), Some(was.clone())), Value::Null);
        assert_eq!(said(None, Some(json!({ "a": 1 }))), json!({ "changes": [{ "path": "/a", "new": 1 }] }));
        assert_eq!(said(Some(json!({ "a": 1 })), None), json!({ "changes": [{ "path": "/a", "old": 1 }] }));
        assert_eq!(said(None, None), Value::Null);
        let only_before = Views { before: Some(Bytes::from_static(b"{\"a\":1}")), after: None };
        assert_eq!(only_before.changes(false), None, "what it has become nobody has said");
    }

    #[test]
    fn no_secret_is_told_wherever_it_is() {
        let made = json!({ "secret": "s3cret", "Client_Secret": "s3cret", "list": [{ "accessToken": "s3cret" }],
            "deep": { "password_hash": "s3cret" } });
        for (before, after) in [(None, Some(made.clone())), (Some(made.clone()), None)] {
            let told = said(before, after);
            assert!(!told.to_string().contains("s3cret"), "{told}");
            assert_eq!(told["changes"].as_array().unwrap().len(), 4, "that there are such is told");
        }
        let rotated = said(Some(json!({ "secret": "a" })), Some(json!({ "secret": "b" })));
        assert_eq!(rotated, json!({ "changes": [{ "path": "/secret", "old": HIDDEN, "new": HIDDEN }] }));
    }

    #[test]
    fn what_is_long_is_told_by_its_hash_and_what_is_too_much_is_counted() {
        let text = "x".repeat(MAX_VALUE);
        let told = said(None, Some(json!({ "text": text })));
        let new = &told["changes"][0]["new"];
        let expected = hex::encode(&Sha256::digest(Value::from(text).to_string())[..]);
        assert_eq!((&new["bytes"], &new["sha256"]), (&json!(MAX_VALUE + 2), &json!(expected)));

        let many: Map<String, Value> = (0..70).map(|at| (format!("a{at:02}"), at.into())).collect();
        let told = said(None, Some(many.into()));
        assert_eq!((told["changes"].as_array().unwrap().len(), &told["more"]), (MAX_CHANGES, &json!(20)));

        let huge = json!({ "password": "y".repeat(MAX_VIEW) });
        let told = said(Some(json!({})), Some(huge));
        assert_eq!((&told["changes"][0]["path"], &told["changes"][0]["new"]["begins"]), (&json!(""), &json!("")));
    }

    #[tokio::test]
    async fn what_is_said_within_a_request_is_heard_and_of_what_is_said_twice_the_last() {
        after(&json!("nobody hears it"));
        let (answer, views) = watched(async {
            before(&json!({ "a": 0 }));
            before(&json!({ "a": 1 }));
            after(&json!({ "a": 2 }));
            7
        })
        .await;
        assert_eq!(answer, 7);
        assert_eq!(views.changes(false).unwrap(), r#"{"changes":[{"path":"/a","old":1,"new":2}]}"#);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (0_usize..700).prop_map(|length| Value::from("x".repeat(length))),
            ".{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(".{0,20}", inner, 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_changes_is_told_in_bounds(before in any_json(), after in any_json()) {
            let told = said(Some(before.clone()), Some(after.clone()));
            prop_assert_eq!(told.is_null(), before == after);
            prop_assert!(told.to_string().len() <= MAX_BYTES + 100);
        }
    }
}

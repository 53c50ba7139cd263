//! What may be said of a person. Pure.

use kernel::{Grants, Permission, Problem, text};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::words::MAX_SEARCH;
use super::{codes, preferences};
use crate::giving;

pub(crate) const ACTIVE: &str = "active";
pub(crate) const SUSPENDED: &str = "suspended";
/// Of one who has gone, and may come back.
pub(crate) const DEACTIVATED: &str = "deactivated";
/// Of one who goes for good, as long as that takes.
pub(crate) const ERASING: &str = "erasing";

/// The most characters of a name.
pub(super) const MAX_NAME: usize = 200;
const MAX_PREFERENCES_BYTES: usize = 16 << 10;
/// RFC 5321 §4.5.3.1, without the angle brackets of a path.
const MAX_EMAIL: usize = 254;
const MAX_LOCAL: usize = 64;

/// What is known of a person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Profile {
    /// In its normal form.
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) locale: String,
    pub(crate) time_zone: String,
    pub(crate) state: String,
    pub(crate) grants: Grants,
    pub(crate) preferences: Map<String, Value>,
    pub(crate) provisioned: Provisioned,
}

/// What a directory says of a person.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Provisioned {
    /// What it knows him by, in lower case; his e-mail address without one.
    pub(crate) user_name: Option<String>,
    /// Its own name for him.
    pub(crate) external_id: Option<String>,
    /// All that it says, as the crate `scim` accepts it; nothing of whom no directory has spoken.
    pub(crate) document: Option<Map<String, Value>>,
}

/// The id of a person who is about to be made.
pub(super) fn new_id() -> String {
    format!("usr_{}", Uuid::now_v7().simple())
}

/// The normal form of an e-mail address: in lower case. `None` of what is none, as HTML has them (WHATWG HTML §4.10.5.1.5).
pub(crate) fn normal_email(text: &str) -> Option<String> {
    let text = text.trim_ascii();
    let (local, domain) = text.rsplit_once('@')?;
    let of_local = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    let fine = text.len() <= MAX_EMAIL
        && (1..=MAX_LOCAL).contains(&local.len())
        && local.bytes().all(of_local)
        && domain.split('.').all(is_label);
    fine.then(|| text.to_ascii_lowercase())
}

pub(super) fn email(text: &str) -> Result<String, Problem> {
    let detail = "this can be no e-mail address";
    normal_email(text).ok_or_else(|| Problem::invalid("/email", codes::USER_INVALID_EMAIL, detail))
}

pub(crate) fn name(name: String) -> Result<String, Problem> {
    text::check(&name, 1..=MAX_NAME).map_err(|detail| Problem::invalid("/name", codes::USER_INVALID_NAME, detail))?;
    Ok(name)
}

/// By its form alone: which languages there are changes.
pub(super) fn locale(text: String) -> Result<String, Problem> {
    let detail = "this can be no locale";
    if is_locale(&text) { Ok(text) } else { Err(Problem::invalid("/locale", codes::USER_INVALID_LOCALE, detail)) }
}

pub(crate) fn is_locale(text: &str) -> bool {
    let is_subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_language = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    text.len() <= 35 && text.split('-').next().is_some_and(is_language) && text.split('-').all(is_subtag)
}

/// By its form alone: which zones there are changes.
pub(super) fn time_zone(text: String) -> Result<String, Problem> {
    let detail = "this can be no time zone";
    if is_time_zone(&text) {
        Ok(text)
    } else {
        Err(Problem::invalid("/time_zone", codes::USER_INVALID_TIME_ZONE, detail))
    }
}

pub(crate) fn is_time_zone(text: &str) -> bool {
    let is_part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte);
        part.starts_with(|first: char| first.is_ascii_alphabetic()) && part.bytes().all(plain)
    };
    text.len() <= 64 && text.split('/').count() <= 3 && text.split('/').all(is_part)
}

pub(super) fn preferences(object: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    let refused = |detail: &str| Err(Problem::invalid("/preferences", codes::USER_INVALID_PREFERENCES, detail));
    if object.iter().any(|(name, value)| name.contains('\0') || has_nul(value)) {
        return refused("a text in them has a NUL, which is stored nowhere");
    }
    let bytes = serde_json::to_vec(&object).map_err(|error| Problem::internal(&error))?;
    if bytes.len() > MAX_PREFERENCES_BYTES {
        return refused("they are more than 16 KiB");
    }
    if let Some((pointer, detail)) = preferences::fault(&object) {
        return Err(Problem::invalid(pointer, codes::USER_INVALID_PREFERENCES, detail));
    }
    Ok(object)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(has_nul),
        Value::Object(object) => object.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What a list of permissions means, if there are such; an empty one means nothing at all.
pub(super) fn grants(list: &[String], catalogue: &[Permission]) -> Result<Grants, Problem> {
    if list.is_empty() {
        return Ok(Grants::default());
    }
    giving::grants(list, catalogue, codes::USER_INVALID_PERMISSIONS)
}

/// That a search can find somebody.
pub(super) fn check_search(search: Option<&str>) -> Result<(), Problem> {
    let Some(search) = search else { return Ok(()) };
    text::check(search, 1..=MAX_SEARCH).map_err(|detail| Problem::invalid("?q", codes::USER_INVALID_SEARCH, detail))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_in_lower_case_and_has_a_name_at_a_host() {
        for (text, normal) in [
            ("anna@example.com", Some("anna@example.com")),
            (" Anna.B+x@Example.COM ", Some("anna.b+x@example.com")),
            ("o'neil@localhost", Some("o'neil@localhost")),
            ("a@xn--bcher-kva.example", Some("a@xn--bcher-kva.example")),
            ("", None),
            ("anna", None),
            ("@example.com", None),
            ("anna@", None),
            ("anna@example..com", None),
            ("anna@-example.com", None),
            ("anna@example.com.", None),
            ("an na@example.com", None),
            ("anna@exa mple.com", None),
            ("a@b@example.com", None),
            ("\"a b\"@example.com", None),
            ("b\u{fc}cher@example.com", None),
            ("anna\0@example.com", None),
            ("anna@example.com\0", None),
        ] {
            assert_eq!(normal_email(text).as_deref(), normal, "{text:?}");
        }
        let local = "a".repeat(64);
        assert!(normal_email(&format!("{local}@b.c")).is_some() && normal_email(&format!("{local}a@b.c")).is_none());
        let domain = vec!["a".repeat(63); 3].join(".");
        assert!(normal_email(&format!("abc@{domain}.{}", "d".repeat(58))).is_some());
        assert!(normal_email(&format!("abc@{domain}.{}", "d".repeat(59))).is_none());
    }

    #[test]
    fn a_locale_and_a_time_zone_have_the_form_of_such() {
        for (text, fine) in [
            ("en", true),
            ("de-CH", true),
            ("zh-Hant-TW", true),
            ("x", false),
            ("", false),
            ("en_GB", false),
            ("e1", false),
            ("en-", false),
            ("en--GB", false),
            ("en-abcdefghi", false),
        ] {
            assert_eq!(locale(text.to_owned()).is_ok(), fine, "{text:?}");
        }
        for (text, fine) in [
            ("UTC", true),
            ("Europe/Zurich", true),
            ("America/Argentina/Buenos_Aires", true),
            ("Etc/GMT+5", true),
            ("", false),
            ("/", false),
            ("Europe/", false),
            ("+02:00", false),
            ("Europe/Z\u{fc}rich", false),
            ("a/b/c/d", false),
        ] {
            assert_eq!(time_zone(text.to_owned()).is_ok(), fine, "{text:?}");
        }
    }

    #[test]
    fn preferences_are_bounded_and_have_nothing_that_a_database_would_refuse() {
        let check = |value: Value| preferences(value.as_object().unwrap().clone()).is_ok();
        assert!(check(json!({})) && check(json!({ "captions": true, "speed": 1.5, "list": ["\u{fc}", null] })));
        for nul in [json!({ "a": "\0" }), json!({ "\0": 1 }), json!({ "a": [{ "b\0": [] }] }), json!({ "a": ["\0"] })] {
            assert!(!check(nul.clone()), "{nul}");
        }
        assert!(check(json!({ "a": "b".repeat(MAX_PREFERENCES_BYTES - 8) })));
        assert!(!check(json!({ "a": "b".repeat(MAX_PREFERENCES_BYTES - 7) })));
    }

    #[test]
    fn a_search_has_a_bound() {
        assert!(check_search(None).is_ok() && check_search(Some("5%_!")).is_ok());
        for bad in ["", "a\0", &"a".repeat(101)] {
            assert_eq!(
                check_search(Some(bad)).map_err(|problem| problem.code()),
                Err("user.invalid_search"),
                "{bad:?}"
            );
        }
    }
}

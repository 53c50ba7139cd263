//! What a field and its values may be. Pure.

use kernel::{Problem, text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::codes;
use super::FieldRow;

/// The most characters of a text.
const MAX_TEXT: usize = 500;
const MAX_CHOICES: usize = 100;

/// What the values of a field are.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[schema(as = UserFieldKind)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// 1 to 500 characters.
    Text,
    /// Any number.
    Number,
    /// Yes or no.
    Boolean,
    /// A day, such as `2026-11-24`.
    Date,
    /// One of the field's choices.
    Choice,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Choice => "choice",
        }
    }
}

/// Who sees the values of a field, and who writes them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[schema(as = UserFieldVisibility)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Visibility {
    /// The person alone, who writes them; and whoever may `user.export`, who is handed all that is kept of him.
    #[serde(rename = "self")]
    Own,
    /// The person and whoever may `user.read`; whoever may `user.update` writes them.
    Staff,
    /// All people of the tenant; the person writes them, and whoever may `user.update`.
    Everyone,
}

impl Visibility {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Own => OWN,
            Self::Staff => STAFF,
            Self::Everyone => EVERYONE,
        }
    }
}

const OWN: &str = "self";
const STAFF: &str = "staff";
const EVERYONE: &str = "everyone";

/// Who looks at, or changes, what is kept of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Viewer {
    /// He himself.
    Own,
    /// Who sees to people.
    Staff,
    /// Anybody else of the tenant.
    Anybody,
}

impl Viewer {
    pub(super) fn sees(self, field: &FieldRow) -> bool {
        match self {
            Self::Own => true,
            Self::Staff => field.visibility != OWN,
            Self::Anybody => field.visibility == EVERYONE,
        }
    }

    pub(super) fn writes(self, field: &FieldRow) -> bool {
        match self {
            Self::Own => field.visibility != STAFF,
            Self::Staff => field.visibility != OWN,
            Self::Anybody => false,
        }
    }
}

pub(super) fn key(key: &str) -> Result<(), Problem> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let fine = (1..=40).contains(&key.len()) && key.bytes().all(plain) && key.as_bytes()[0].is_ascii_lowercase();
    let detail = "a key has 1 to 40 small letters, digits and `_`, and begins with a letter";
    if fine { Ok(()) } else { Err(Problem::invalid("/key", codes::USER_FIELD_INVALID, detail)) }
}

pub(super) fn label(label: &str) -> Result<(), Problem> {
    text::check(label, 1..=100).map_err(|detail| Problem::invalid("/label", codes::USER_FIELD_INVALID, detail))
}

/// Of a choice there are some, each once, and of any other kind none.
pub(super) fn choices(kind: Kind, choices: &[String]) -> Result<(), Problem> {
    let refused = |detail: String| Err(Problem::invalid("/choices", codes::USER_FIELD_INVALID, detail));
    if (kind == Kind::Choice) == choices.is_empty() || choices.len() > MAX_CHOICES {
        return refused(format!("a choice has 1 to {MAX_CHOICES} of them, and no other kind has any"));
    }
    for (at, choice) in choices.iter().enumerate() {
        if let Err(detail) = text::check(choice, 1..=100) {
            return refused(detail);
        }
        if choices[..at].contains(choice) {
            return refused(format!("{choice} is there twice"));
        }
    }
    Ok(())
}

/// That a field may have the value.
pub(super) fn value(field: &FieldRow, value: &Value) -> Result<(), Problem> {
    let fine = match (field.kind.as_str(), value) {
        ("text", Value::String(value)) => text::check(value, 1..=MAX_TEXT).is_ok(),
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => true,
        ("date", Value::String(day)) => is_day(day),
        ("choice", Value::String(value)) => field.choices.0.contains(value),
        _ => false,
    };
    if fine {
        return Ok(());
    }
    let detail = format!("this is no {} that the field can have", field.kind);
    Err(Problem::invalid(format!("/values/{}", field.key), codes::USER_FIELD_INVALID_VALUE, detail))
}

/// A date of RFC 3339 §5.6, in the years that have four digits.
fn is_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_form = bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() });
    if !is_form {
        return false;
    }
    let part = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap_or_default();
    let (year, month, day) = (part(0, 4), part(5, 7), part(8, 10));
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use database::Json;
    use serde_json::json;

    use super::*;

    fn field(kind: &str, visibility: &str) -> FieldRow {
        FieldRow {
            key: "a".to_owned(),
            label: "A".to_owned(),
            kind: kind.to_owned(),
            visibility: visibility.to_owned(),
            choices: Json(vec!["red".to_owned()]),
            version: 1,
            created_ms: 0,
            updated_ms: 0,
        }
    }

    #[test]
    fn a_value_is_of_the_kind_of_its_field() {
        for (kind, good, bad) in [
            ("text", json!("a"), json!("")),
            ("text", json!("a".repeat(500)), json!("a".repeat(501))),
            ("text", json!("1"), json!(1)),
            ("number", json!(1.5), json!("1")),
            ("boolean", json!(false), json!("false")),
            ("date", json!("2024-02-29"), json!("2023-02-29")),
            ("date", json!("2000-12-31"), json!("2000-13-01")),
            ("date", json!("0001-01-01"), json!("1-1-1")),
            ("choice", json!("red"), json!("blue")),
            ("text", json!("\u{fc}"), json!("a\0")),
            ("text", json!("a"), json!(["a"])),
        ] {
            assert!(value(&field(kind, OWN), &good).is_ok(), "{kind} {good}");
            assert!(value(&field(kind, OWN), &bad).is_err(), "{kind} {bad}");
        }
    }

    #[test]
    fn who_sees_a_value_and_who_writes_it() {
        let may = |visibility: &str| {
            let field = field("text", visibility);
            [Viewer::Own, Viewer::Staff, Viewer::Anybody].map(|viewer| (viewer.sees(&field), viewer.writes(&field)))
        };
        assert_eq!(may("self"), [(true, true), (false, false), (false, false)]);
        assert_eq!(may("staff"), [(true, false), (true, true), (false, false)]);
        assert_eq!(may("everyone"), [(true, true), (true, true), (true, false)]);
    }

    #[test]
    fn a_key_and_choices_have_a_form() {
        for (text, fine) in
            [("a", true), ("shoe_size2", true), ("", false), ("2a", false), ("A", false), ("a-b", false)]
        {
            assert_eq!(key(text).is_ok(), fine, "{text:?}");
        }
        let of = |kind: Kind, list: &[&str]| {
            choices(kind, &list.iter().map(|choice| (*choice).to_owned()).collect::<Vec<_>>()).is_ok()
        };
        assert!(of(Kind::Choice, &["a", "b"]) && of(Kind::Text, &[]));
        assert!(!of(Kind::Choice, &[]) && !of(Kind::Choice, &["a", "a"]) && !of(Kind::Text, &["a"]));
        assert!(!of(Kind::Choice, &[""]));
    }
}

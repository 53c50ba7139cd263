//! What programs keep for a person, and the part of it that the platform's own programs agree on. Pure.
//!
//! - `captions`: whether they are shown. `caption_language`, `audio_language`: a locale. `playback_speed`: 0.25 to 4.
//! - `notifications`: by what they are about, by which ways: `{"course.published": {"email": true, "push": false}}`.
//!
//! Whatever else programs keep is theirs.

use serde_json::{Map, Value};

use super::model::is_locale;

/// The most kinds of notifications, and the most characters of one.
const MAX_KINDS: usize = 200;
const MAX_KIND: usize = 64;
const WAYS: [&str; 4] = ["email", "in_app", "push", "sms"];

/// What is wrong with a word that has a meaning, if anything is: where, and one sentence.
pub(super) fn fault(preferences: &Map<String, Value>) -> Option<(String, &'static str)> {
    let wrong = |name: &str, value: &Value| match name {
        "captions" => (!value.is_boolean()).then_some("it is true or false"),
        "caption_language" | "audio_language" => {
            (!value.as_str().is_some_and(is_locale)).then_some("it is a locale such as en or de-CH")
        }
        "playback_speed" => {
            let fine = value.as_f64().is_some_and(|speed| (0.25..=4.0).contains(&speed));
            (!fine).then_some("it is a number from 0.25 to 4")
        }
        "notifications" => (!is_matrix(value))
            .then_some("it says of at most 200 kinds by which of email, in_app, push and sms they are told"),
        _ => None,
    };
    preferences.iter().find_map(|(name, value)| Some((format!("/preferences/{name}"), wrong(name, value)?)))
}

fn is_matrix(value: &Value) -> bool {
    let is_row = |row: &Value| {
        row.as_object().is_some_and(|row| row.iter().all(|(way, on)| WAYS.contains(&way.as_str()) && on.is_boolean()))
    };
    value.as_object().is_some_and(|kinds| {
        let is_kind = |kind: &String| (1..=MAX_KIND).contains(&kind.chars().count());
        kinds.len() <= MAX_KINDS && kinds.iter().all(|(kind, row)| is_kind(kind) && is_row(row))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_that_have_a_meaning_have_its_values_and_all_others_are_whatever_programs_keep() {
        let of = |value: Value| fault(value.as_object().expect("it is an object")).map(|(at, _)| at);
        for fine in [
            json!({}),
            json!({ "captions": true, "caption_language": "de-CH", "audio_language": "en", "playback_speed": 1.5 }),
            json!({ "playback_speed": 4, "speed": "fast", "theme": { "dark": 1 } }),
            json!({ "notifications": { "course.published": { "email": true, "push": false }, "grade": {} } }),
        ] {
            assert_eq!(of(fine.clone()), None, "{fine}");
        }
        for (name, value) in [
            ("captions", json!("yes")),
            ("caption_language", json!("e")),
            ("audio_language", json!(null)),
            ("playback_speed", json!(0)),
            ("playback_speed", json!("1")),
            ("notifications", json!([])),
            ("notifications", json!({ "a": true })),
            ("notifications", json!({ "a": { "pigeon": true } })),
            ("notifications", json!({ "a": { "email": 1 } })),
            ("notifications", json!({ "": {} })),
        ] {
            assert_eq!(of(json!({ name: value })), Some(format!("/preferences/{name}")), "{value}");
        }
    }
}

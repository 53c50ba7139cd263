//! What a directory says of a person, and what he is by that. All that it says is kept; what the platform works with (the address he
//! signs in by, his name, language, time zone and state) is found in it, and says otherwise where it was changed here since.

use std::collections::BTreeSet;

use kernel::{Etag, Problem};
use scim::USER;
use serde_json::{Map, Value, json};

use super::super::model::{self, ACTIVE, MAX_NAME, Profile, Provisioned, SUSPENDED, normal_email};
use super::super::store::UserRow;
use super::answer::{Resource, etag, meta};
use super::refusal::invalid;

/// The most bytes of what is kept of what a directory says.
const MAX_DOCUMENT_BYTES: usize = 64 << 10;
const MAX_EMAILS: usize = 100;
/// The most characters of an address, which is looked for by it.
const MAX_ADDRESS: usize = 320;
/// The most characters of a name that a directory has for somebody or something.
pub(super) const MAX_KEY: usize = 255;

/// What `said` makes of a person: of nobody yet, or of who he was.
pub(super) fn profile(said: Map<String, Value>, was: Option<&Profile>, id: &str) -> Result<Profile, Problem> {
    let user_name = text(&said, "userName").to_lowercase();
    let external_id = said.get("externalId").and_then(Value::as_str).map(str::to_owned);
    for (name, key) in [("userName", Some(&user_name)), ("externalId", external_id.as_ref())] {
        if key.is_some_and(|key| key.chars().count() > MAX_KEY) {
            return Err(invalid(format!("{name} has at most {MAX_KEY} characters")));
        }
    }
    if user_name.trim().is_empty() {
        return Err(invalid("userName has a letter at least"));
    }
    if emails(&said).len() > MAX_EMAILS {
        return Err(invalid(format!("a person has at most {MAX_EMAILS} e-mail addresses")));
    }
    let is_long = |email: &Value| {
        let value = email.get("value").and_then(Value::as_str);
        value.is_some_and(|value| value.chars().count() > MAX_ADDRESS)
    };
    if emails(&said).iter().any(is_long) {
        return Err(invalid(format!("an e-mail address has at most {MAX_ADDRESS} characters")));
    }
    let bytes = serde_json::to_vec(&said).map_err(|error| Problem::internal(&error))?.len();
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(invalid("of one person at most 64 KiB are kept"));
    }
    let is_active = said.get("active") != Some(&Value::Bool(false));
    Ok(Profile {
        email: email(&said, id),
        name: name(&said),
        locale: locale(&said),
        time_zone: time_zone(&said),
        state: if is_active { ACTIVE.to_owned() } else { inactive(was) },
        grants: was.map(|was| was.grants.clone()).unwrap_or_default(),
        preferences: was.map(|was| was.preferences.clone()).unwrap_or_default(),
        provisioned: Provisioned { user_name: Some(user_name), external_id, document: Some(said) },
    })
}

/// Of the states in which somebody cannot sign in the one that he is in: a directory does not tell them apart.
fn inactive(was: Option<&Profile>) -> String {
    was.filter(|was| was.state != ACTIVE).map_or_else(|| SUSPENDED.to_owned(), |was| was.state.clone())
}

/// What a directory said, and where the person was changed here since, what he is; of somebody that none has spoken of, that alone.
pub(in crate::user) fn document(profile: &Profile, id: &str) -> Map<String, Value> {
    let was = &profile.provisioned.document;
    let mut said = was.clone().unwrap_or_default();
    if email(&said, id) != profile.email {
        put_email(&mut said, &profile.email);
    }
    if name(&said) != profile.name {
        said.insert("displayName".to_owned(), profile.name.as_str().into());
    }
    if locale(&said) != profile.locale {
        said.insert("locale".to_owned(), profile.locale.as_str().into());
    }
    if time_zone(&said) != profile.time_zone {
        said.insert("timezone".to_owned(), profile.time_zone.as_str().into());
    }
    let is_active = profile.state == ACTIVE;
    // Who removes it has said that it need not be told.
    if !is_active || was.is_none() || said.contains_key("active") {
        said.insert("active".to_owned(), is_active.into());
    }
    said.entry("userName").or_insert_with(|| profile.email.as_str().into());
    said
}

/// The e-mail addresses by which somebody may be looked for, in lower case.
pub(in crate::user) fn addresses(said: &Map<String, Value>) -> BTreeSet<String> {
    let value = |email: &Value| Some(email.get("value")?.as_str()?.to_lowercase());
    emails(said).iter().filter_map(value).collect()
}

/// A person as the protocol has him.
pub(super) fn resource(row: &UserRow) -> Resource {
    let mut json = document(&row.profile(), &row.id);
    let etag = etag(&row.id, row.version);
    json.insert("schemas".to_owned(), USER.schemas(&json));
    json.insert("id".to_owned(), row.id.as_str().into());
    json.insert("meta".to_owned(), meta(USER, &row.id, (row.created_ms, row.updated_ms), &etag));
    Resource { kind: USER, etag, json }
}

/// The tag of what is known of a person.
pub(super) fn tag(row: &UserRow) -> Etag {
    etag(&row.id, row.version)
}

fn text<'a>(said: &'a Map<String, Value>, name: &str) -> &'a str {
    said.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn emails(said: &Map<String, Value>) -> &[Value] {
    said.get("emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Which of his addresses a person signs in by: the preferred one, or the first one for work, or the first one.
fn best_email(said: &Map<String, Value>) -> Option<(usize, String)> {
    let ranked = emails(said).iter().enumerate().filter_map(|(at, email)| {
        let normal = normal_email(email.get("value")?.as_str()?)?;
        let is_for_work =
            || email.get("type").and_then(Value::as_str).is_some_and(|of| of.eq_ignore_ascii_case("work"));
        let rank = if email.get("primary") == Some(&Value::Bool(true)) { 0 } else { 2 - usize::from(is_for_work()) };
        Some((rank, at, normal))
    });
    ranked.min_by_key(|(rank, at, _)| (*rank, *at)).map(|(_, at, normal)| (at, normal))
}

/// The address that a person signs in by. Pupils may have none: theirs is one that no mail reaches (RFC 2606 §2).
fn email(said: &Map<String, Value>, id: &str) -> String {
    let named = || normal_email(text(said, "userName"));
    best_email(said).map(|(_, normal)| normal).or_else(named).unwrap_or_else(|| format!("{id}@nobody.invalid"))
}

fn put_email(said: &mut Map<String, Value>, email: &str) {
    let best = best_email(said).map(|(at, _)| at);
    let Some(all) = said.entry("emails").or_insert_with(|| json!([])).as_array_mut() else { return };
    match best.and_then(|at| all.get_mut(at)) {
        Some(one) => one["value"] = email.into(),
        None => {
            for one in all.iter_mut().filter(|one| one.get("primary") == Some(&Value::Bool(true))) {
                one["primary"] = false.into();
            }
            all.push(json!({ "value": email, "primary": true }));
        }
    }
}

/// The name that is shown.
fn name(said: &Map<String, Value>) -> String {
    let part =
        |part: &str| said.get("name").and_then(|name| name.get(part)).and_then(Value::as_str).unwrap_or_default();
    let parts = format!("{} {}", part("givenName"), part("familyName"));
    let names = [text(said, "displayName"), part("formatted"), parts.trim(), text(said, "userName")];
    let shown = names.into_iter().find(|name| !name.trim().is_empty()).unwrap_or_default();
    shown.chars().take(MAX_NAME).collect()
}

fn locale(said: &Map<String, Value>) -> String {
    let preferred = text(said, "preferredLanguage").split([',', ';']).next().unwrap_or_default();
    let named = [text(said, "locale"), preferred].map(|name| name.trim().replace('_', "-"));
    named.into_iter().find(|name| model::is_locale(name)).unwrap_or_else(|| "en".to_owned())
}

fn time_zone(said: &Map<String, Value>) -> String {
    let named = text(said, "timezone");
    if model::is_time_zone(named) { named } else { "UTC" }.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn said(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_the_platform_works_with_is_found_in_what_a_directory_says() {
        for (value, email, name, locale, time_zone) in [
            (json!({ "userName": "Anna" }), "usr_1@nobody.invalid", "Anna", "en", "UTC"),
            (json!({ "userName": "Anna@X.example" }), "anna@x.example", "Anna@X.example", "en", "UTC"),
            (
                json!({ "userName": "a", "displayName": " ", "name": { "givenName": "Anna", "familyName": "M" },
                    "emails": [{ "value": "other@x.example" }, { "value": "WORK@x.example", "type": "Work" }],
                    "preferredLanguage": "de_CH, en;q=0.5", "timezone": "Europe/Zurich" }),
                "work@x.example",
                "Anna M",
                "de-CH",
                "Europe/Zurich",
            ),
            (
                json!({ "userName": "a", "name": { "formatted": "Dr. M" }, "locale": "9f", "timezone": "9:00",
                    "emails": [{ "value": "work@x.example", "type": "work" }, { "value": "p@x.example", "primary": true }] }),
                "p@x.example",
                "Dr. M",
                "en",
                "UTC",
            ),
            (
                json!({ "userName": "a", "emails": [{ "value": "no address", "primary": true }, {}] }),
                "usr_1@nobody.invalid",
                "a",
                "en",
                "UTC",
            ),
        ] {
            let made = profile(said(value.clone()), None, "usr_1").unwrap();
            let found = (made.email.as_str(), made.name.as_str(), made.locale.as_str(), made.time_zone.as_str());
            assert_eq!(found, (email, name, locale, time_zone), "{value}");
            assert!(normal_email(&made.email).is_some_and(|normal| normal == made.email));
            assert_eq!(Value::Object(document(&made, "usr_1")), value, "nothing is lost, and nothing put in");
        }
    }

    #[test]
    fn what_was_changed_here_since_is_said_and_the_rest_stays() {
        let value = json!({ "userName": "anna", "active": true, "title": "Teacher", "locale": "de",
            "emails": [{ "value": "a@x.example", "type": "work", "primary": true }, { "value": "b@x.example" }] });
        let mut made = profile(said(value), None, "usr_1").unwrap();
        made.email = "new@x.example".to_owned();
        made.name = "Anna M".to_owned();
        made.locale = "fr".to_owned();
        made.time_zone = "Europe/Zurich".to_owned();
        made.state = SUSPENDED.to_owned();
        let now = document(&made, "usr_1");
        let expected = json!({ "userName": "anna", "active": false, "title": "Teacher", "locale": "fr", "displayName": "Anna M",
            "timezone": "Europe/Zurich",
            "emails": [{ "value": "new@x.example", "type": "work", "primary": true }, { "value": "b@x.example" }] });
        assert_eq!(Value::Object(now.clone()), expected);
        let again = profile(now.clone(), Some(&made), "usr_1").unwrap();
        assert_eq!((&again.email, &again.name, &again.state), (&made.email, &made.name, &made.state));
        assert_eq!(addresses(&now), BTreeSet::from(["b@x.example", "new@x.example"].map(str::to_owned)));
    }

    #[test]
    fn of_whom_no_directory_has_spoken_the_account_is_told() {
        let mut made =
            profile(said(json!({ "userName": "anna@x.example", "displayName": "Anna" })), None, "usr_1").unwrap();
        made.provisioned = Provisioned::default();
        let expected = json!({ "userName": "anna@x.example", "displayName": "Anna", "active": true,
            "emails": [{ "value": "anna@x.example", "primary": true }] });
        assert_eq!(Value::Object(document(&made, "usr_1")), expected);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = "x".repeat(MAX_KEY + 1);
        for value in [
            json!({ "userName": long }),
            json!({ "userName": " " }),
            json!({ "userName": "a", "externalId": long }),
            json!({ "userName": "a", "title": "x".repeat(MAX_DOCUMENT_BYTES) }),
            json!({ "userName": "a", "emails": vec![json!({ "value": "a@b.c" }); MAX_EMAILS + 1] }),
            json!({ "userName": "a", "emails": [{ "value": "x".repeat(MAX_ADDRESS + 1) }] }),
        ] {
            assert_eq!(
                profile(said(value), None, "usr_1").map_err(|problem| problem.code()),
                Err("scim.invalid_value")
            );
        }
    }
}

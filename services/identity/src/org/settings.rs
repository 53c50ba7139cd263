//! Settings of a tenant and its sub-organizations, inherited down: which there are, and what holds where. Pure.
//!
//! - `store`: their table. `routes`: `/api/v1/org/nodes/{id}/settings` and `/api/v1/org/me`.

pub(super) mod routes;
pub(super) mod store;

use std::collections::BTreeMap;

use kernel::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::codes;
use super::tree::ROOT;
use crate::user::model;

/// For how many days an invitation holds that says nothing else.
pub(super) const INVITATION_DAYS: &str = "invitation_days";
/// Whether anybody may be invited there.
pub(super) const INVITATIONS_ALLOWED: &str = "invitations_allowed";
/// What somebody speaks who is invited there.
pub(super) const LOCALE: &str = "locale";
/// Which time zone somebody has who is invited there.
pub(super) const TIME_ZONE: &str = "time_zone";

/// What a setting's value is.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Flag,
    /// From the least to the most.
    Number(i64, i64),
    Locale,
    TimeZone,
}

impl Kind {
    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Flag => value.is_boolean(),
            Self::Number(least, most) => value.as_i64().is_some_and(|number| (least..=most).contains(&number)),
            Self::Locale => value.as_str().is_some_and(model::is_locale),
            Self::TimeZone => value.as_str().is_some_and(model::is_time_zone),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Number(least, most) => format!("a whole number from {least} to {most}"),
            Self::Locale => "a locale such as de-CH".to_owned(),
            Self::TimeZone => "a time zone such as Europe/Zurich".to_owned(),
        }
    }
}

/// A setting that there is.
struct Known {
    key: &'static str,
    kind: Kind,
    /// What holds where nobody has said anything.
    usual: fn() -> Value,
}

/// All of them, in order.
static CATALOGUE: [Known; 4] = [
    Known { key: INVITATION_DAYS, kind: Kind::Number(1, 90), usual: || json!(7) },
    Known { key: INVITATIONS_ALLOWED, kind: Kind::Flag, usual: || json!(true) },
    Known { key: LOCALE, kind: Kind::Locale, usual: || json!("en") },
    Known { key: TIME_ZONE, kind: Kind::TimeZone, usual: || json!("UTC") },
];

/// What is said of a setting at one place.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgSetting {
    value: Value,
    /// Whether it holds for all below, whatever is said there; not when absent.
    #[serde(default)]
    is_locked: bool,
}

/// What is said at one place, by the names of the settings.
pub(super) type Own = BTreeMap<String, OrgSetting>;

/// What holds somewhere, and since where.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct OrgEffectiveSetting {
    key: &'static str,
    value: Value,
    /// Where it is said: the id of a sub-organization, `root` for the tenant itself; null where nobody has said anything.
    from: Option<String>,
    /// Whether it was locked there, so that what is said below counts for nothing.
    is_locked: bool,
}

/// That all of these are settings that there are, with values that they take.
pub(super) fn check(own: &Own) -> Result<(), Problem> {
    for (key, setting) in own {
        let pointer = || format!("/settings/{}", key.replace('~', "~0").replace('/', "~1"));
        let Some(known) = CATALOGUE.iter().find(|known| known.key == key) else {
            return Err(Problem::invalid(pointer(), codes::ORG_SETTING_UNKNOWN, "there is no such setting"));
        };
        if !known.kind.takes(&setting.value) {
            let detail = format!("its value is {}", known.kind.name());
            return Err(Problem::invalid(format!("{}/value", pointer()), codes::ORG_SETTING_INVALID, detail));
        }
    }
    Ok(())
}

/// What holds at the last of these places, which lie below one another from the tenant itself down.
pub(super) fn effective(chain: &[(String, Own)]) -> Vec<OrgEffectiveSetting> {
    let holds = |known: &Known| {
        let mut found = OrgEffectiveSetting { key: known.key, value: (known.usual)(), from: None, is_locked: false };
        for (place, own) in chain {
            let Some(setting) = own.get(known.key) else { continue };
            found.value = setting.value.clone();
            found.from = Some(place.clone());
            if setting.is_locked {
                found.is_locked = true;
                break;
            }
        }
        found
    };
    CATALOGUE.iter().map(holds).collect()
}

/// That nothing is said anew that a place above has locked. `above` are the places above, from the tenant itself down; `was` is what was
/// said here before.
pub(super) fn check_locked(above: &[(String, Own)], was: &Own, own: &Own) -> Result<(), Problem> {
    for (key, setting) in own.iter().filter(|(key, setting)| was.get(*key) != Some(*setting)) {
        let by = above.iter().find(|(_, own)| own.get(key).is_some_and(|setting| setting.is_locked));
        if let Some((place, _)) = by {
            let place = if place == ROOT { "the tenant itself" } else { place.as_str() };
            let detail = format!("{key} is locked by {place}, so {} would count for nothing", setting.value);
            return Err(Problem::conflict(codes::ORG_SETTING_LOCKED, detail));
        }
    }
    Ok(())
}

/// The value of one of them.
pub(super) fn value<'a>(effective: &'a [OrgEffectiveSetting], key: &str) -> Option<&'a Value> {
    effective.iter().find(|setting| setting.key == key).map(|setting| &setting.value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn own(list: &[(&str, Value, bool)]) -> Own {
        let of = |(key, value, is_locked): &(&str, Value, bool)| {
            ((*key).to_owned(), OrgSetting { value: value.clone(), is_locked: *is_locked })
        };
        list.iter().map(of).collect()
    }

    #[test]
    fn the_nearest_place_holds_unless_one_above_has_locked_it() {
        let at = |place: &str, list: &[(&str, Value, bool)]| (place.to_owned(), own(list));
        let chain = [
            at(ROOT, &[(LOCALE, json!("de"), false), (INVITATION_DAYS, json!(3), true)]),
            at("orn_1", &[(LOCALE, json!("fr"), false)]),
            at("orn_2", &[(INVITATION_DAYS, json!(30), true)]),
        ];
        let told: Vec<_> = effective(&chain).into_iter().map(|of| (of.key, of.value, of.from, of.is_locked)).collect();
        let from = |place: &str| Some(place.to_owned());
        assert_eq!(
            told,
            [
                (INVITATION_DAYS, json!(3), from(ROOT), true),
                (INVITATIONS_ALLOWED, json!(true), None, false),
                (LOCALE, json!("fr"), from("orn_1"), false),
                (TIME_ZONE, json!("UTC"), None, false),
            ]
        );
    }

    #[test]
    fn what_is_no_setting_or_no_value_of_it_is_refused_where_it_stands() {
        for (key, value, code) in [
            (LOCALE, json!("de-CH"), ""),
            (TIME_ZONE, json!("Europe/Zurich"), ""),
            (INVITATION_DAYS, json!(90), ""),
            (INVITATIONS_ALLOWED, json!(false), ""),
            ("colour", json!("red"), "org.setting_unknown"),
            ("a/b~", json!(1), "org.setting_unknown"),
            (LOCALE, json!("x"), "org.setting_invalid"),
            (LOCALE, json!(null), "org.setting_invalid"),
            (INVITATION_DAYS, json!(0), "org.setting_invalid"),
            (INVITATION_DAYS, json!(1.5), "org.setting_invalid"),
            (INVITATIONS_ALLOWED, json!("yes"), "org.setting_invalid"),
        ] {
            let refused = check(&own(&[(key, value.clone(), false)])).map_err(|problem| problem.code()).err();
            assert_eq!(refused.unwrap_or_default(), code, "{key} {value}");
        }
    }

    #[test]
    fn what_is_locked_above_is_not_said_anew_but_may_stay() {
        let above = [("orn_1".to_owned(), own(&[(LOCALE, json!("de"), true)]))];
        let said = |value: &str| own(&[(LOCALE, json!(value), false)]);
        assert!(check_locked(&above, &said("fr"), &said("fr")).is_ok(), "it was said before it was locked");
        let refused = check_locked(&above, &said("fr"), &said("it")).unwrap_err();
        assert_eq!(refused.code(), "org.setting_locked");
        assert!(check_locked(&above, &Own::new(), &own(&[(TIME_ZONE, json!("UTC"), false)])).is_ok());
    }
}

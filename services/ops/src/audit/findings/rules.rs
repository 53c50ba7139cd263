//! What somebody should look at, of what the log says. Pure: entries in their order go in, findings come out.
//!
//! Each rule tells of an entry once, at the entry with which it is true. A rule is a hint and no proof.

use serde_json::Value;

use crate::audit::entry::AuditChange;

/// Somebody has signed in after this many refusals in a row, under the same name in the same process.
pub(crate) const REFUSALS: &str = "sign_in_after_refusals";
const MANY_REFUSALS: u64 = 5;
/// What the entry of such a sign-in says has changed.
const REFUSED: &str = "/refused_attempts";

/// Somebody was given everything: a list of permissions has `*` that had it not before.
pub(crate) const EVERYTHING: &str = "grant_of_everything";
const LISTS: [&str; 2] = ["/permissions", "/grants"];

/// So many things were removed by one actor in a minute.
pub(crate) const REMOVALS: &str = "many_removals";
const MANY_REMOVALS: usize = 20;
const REMOVALS_MS: i64 = 60_000;
const REMOVING: [&str; 6] = ["delete", "revoke", "remove", "erase", "end", "release"];

/// One person, or the holder of the admin token, was at two addresses within ten minutes. Keys are used by many machines.
pub(crate) const ADDRESSES: &str = "two_addresses";
const ADDRESSES_MS: i64 = 600_000;

/// What rules look at of an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fact {
    pub(crate) index: i64,
    pub(crate) time_ms: i64,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) address: Option<String>,
    pub(crate) changes: Vec<AuditChange>,
}

/// What was found at an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) rule: &'static str,
    /// Of the entry.
    pub(crate) index: i64,
    pub(crate) time_ms: i64,
    pub(crate) actor: String,
    /// How many refusals, removals or addresses; 1 of what is no number.
    pub(crate) count: i64,
}

/// Whether something holds at an entry, with those before it; how many there are of what it counts.
type Rule = fn(&[Fact], &Fact) -> Option<usize>;

/// What is found at the entries from `first` on; those before have been looked at.
pub(crate) fn judge(facts: &[Fact], first: usize) -> Vec<Found> {
    let rules: [(&'static str, Rule); 4] =
        [(REFUSALS, refusals), (EVERYTHING, everything), (REMOVALS, removals), (ADDRESSES, addresses)];
    let mut found = Vec::new();
    for (at, fact) in facts.iter().enumerate().skip(first) {
        let before = &facts[..at];
        for (rule, holds) in rules {
            let Some(count) = holds(before, fact) else { continue };
            let Fact { index, time_ms, ref actor, .. } = *fact;
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            found.push(Found { rule, index, time_ms, actor: actor.clone(), count });
        }
    }
    found
}

fn refusals(_: &[Fact], fact: &Fact) -> Option<usize> {
    let refused = fact.changes.iter().find(|change| change.path == REFUSED)?.new.as_ref()?.as_u64()?;
    (refused >= MANY_REFUSALS).then(|| usize::try_from(refused).unwrap_or(usize::MAX))
}

fn everything(_: &[Fact], fact: &Fact) -> Option<usize> {
    let is_given = |change: &AuditChange| {
        LISTS.iter().any(|list| change.path.ends_with(list))
            && change.new.as_ref().is_some_and(has_everything)
            && !change.old.as_ref().is_some_and(has_everything)
    };
    fact.changes.iter().any(is_given).then_some(1)
}

/// Of a long list there is how it begins, and `*` is the first in any.
fn has_everything(list: &Value) -> bool {
    let begins = list["begins"].as_str().is_some_and(|text| text.starts_with("[\"*\""));
    begins || list.as_array().is_some_and(|list| list.iter().any(|entry| entry == "*"))
}

fn is_removal(action: &str) -> bool {
    let verb = action.trim_start_matches("scim_").split('_').next().unwrap_or_default();
    REMOVING.contains(&verb)
}

/// Those of the same actor that are not older.
fn recent<'a>(before: &'a [Fact], fact: &'a Fact, within_ms: i64) -> impl Iterator<Item = &'a Fact> {
    let is_recent = move |one: &&Fact| one.actor == fact.actor && one.time_ms > fact.time_ms - within_ms;
    before.iter().filter(is_recent)
}

fn removals(before: &[Fact], fact: &Fact) -> Option<usize> {
    if !is_removal(&fact.action) {
        return None;
    }
    let count = recent(before, fact, REMOVALS_MS).filter(|one| is_removal(&one.action)).count() + 1;
    // Those that follow are of the same wave.
    (count == MANY_REMOVALS).then_some(count)
}

fn addresses(before: &[Fact], fact: &Fact) -> Option<usize> {
    let is_somebody = fact.actor.starts_with("usr_") || fact.actor == "admin";
    let address = fact.address.as_ref().filter(|_| is_somebody)?;
    let (mut is_known, mut others) = (false, std::collections::BTreeSet::new());
    for other in recent(before, fact, ADDRESSES_MS).filter_map(|one| one.address.as_ref()) {
        is_known |= other == address;
        others.insert(other);
    }
    (!is_known && !others.is_empty()).then(|| others.len() + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fact(index: i64, actor: &str, action: &str) -> Fact {
        Fact { index, time_ms: index * 1000, actor: actor.to_owned(), action: action.to_owned(), ..Fact::default() }
    }

    fn changed(path: &str, old: Value, new: Value) -> Vec<AuditChange> {
        let some = |value: Value| Some(value).filter(|value| !value.is_null());
        vec![AuditChange { path: path.to_owned(), old: some(old), new: some(new) }]
    }

    fn found(facts: &[Fact]) -> Vec<(&'static str, i64, i64)> {
        judge(facts, 0).into_iter().map(|one| (one.rule, one.index, one.count)).collect()
    }

    #[test]
    fn a_sign_in_after_many_refusals_is_found() {
        let signed_in = |refused: u64| Fact {
            changes: changed(REFUSED, Value::Null, refused.into()),
            ..fact(1, "usr_1", "sign_in")
        };
        assert_eq!(found(&[signed_in(4)]), []);
        assert_eq!(found(&[signed_in(5)]), [(REFUSALS, 1, 5)]);
    }

    #[test]
    fn whoever_is_given_everything_is_found_and_who_had_it_is_not() {
        let long = json!({ "begins": "[\"*\",\"a", "bytes": 900, "sha256": "00" });
        for (path, old, new, is_found) in [
            ("/permissions", json!(["asset.read"]), json!(["*"]), true),
            ("/permissions", Value::Null, json!(["*"]), true),
            ("/permissions", Value::Null, long, true),
            ("/permissions", json!(["*"]), json!(["*", "asset.read"]), false),
            ("/permissions", json!(["*"]), json!(["asset.read"]), false),
            ("/permissions", json!([]), json!(["asset.*"]), false),
            ("/events", json!([]), json!(["*"]), false),
        ] {
            let given = Fact { changes: changed(path, old, new), ..fact(1, "usr_1", "update_role") };
            assert_eq!(!found(std::slice::from_ref(&given)).is_empty(), is_found, "{given:?}");
        }
    }

    #[test]
    fn many_removals_in_a_minute_by_one_actor_are_found_once() {
        let wave: Vec<Fact> = (0..30).map(|at| fact(at, "usr_1", "delete_asset")).collect();
        assert_eq!(found(&wave), [(REMOVALS, 19, 20)]);
        let slow: Vec<Fact> = (0..60).map(|at| fact(at * 4, "usr_1", "delete_asset")).collect();
        assert_eq!(found(&slow), []);
        let actors = ["usr_1", "usr_2"];
        let two: Vec<Fact> = (0..30).map(|at| fact(at, actors[usize::from(at % 2 == 0)], "scim_erase_user")).collect();
        assert_eq!(found(&two), []);
        let made: Vec<Fact> = (0..30).map(|at| fact(at, "usr_1", "create_flag")).collect();
        assert_eq!(found(&made), []);
        assert_eq!(judge(&wave, 20), [], "what was looked at before is not told again");
    }

    #[test]
    fn a_person_at_two_addresses_at_once_is_found_once_for_each_and_a_key_never() {
        let at = |index: i64, actor: &str, address: &str| Fact {
            address: Some(address.to_owned()),
            ..fact(index, actor, "a")
        };
        let moves =
            [at(0, "usr_1", "a"), at(1, "usr_1", "b"), at(2, "usr_1", "a"), at(3, "usr_1", "c"), at(4, "usr_2", "d")];
        assert_eq!(found(&moves), [(ADDRESSES, 1, 2), (ADDRESSES, 3, 3)]);
        assert_eq!(found(&[at(0, "key_1", "a"), at(1, "key_1", "b")]), []);
        assert_eq!(found(&[at(0, "usr_1", "a"), at(700, "usr_1", "b")]), [], "he has had the time to go there");
        assert_eq!(found(&[fact(0, "usr_1", "a"), at(1, "usr_1", "b")]), []);
    }
}

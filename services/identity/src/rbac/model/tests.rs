#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const CATALOGUE: [Permission; 6] = [
    Permission::new("asset", "delete"),
    Permission::new("asset", "read"),
    Permission::new("job", "cancel"),
    Permission::new("job", "read"),
    Permission::new("role", "grant"),
    Permission::new("user", "read"),
];
const NOW_MS: i64 = 1_000;

fn grants(list: &[&str]) -> Grants {
    Grants::try_from(list.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>()).unwrap()
}

fn role(id: &str, list: &[&str]) -> Arc<Role> {
    Arc::new(Role { id: id.to_owned(), name: id.to_uppercase(), grants: grants(list) })
}

fn held(binding: &str, role: &Arc<Role>, expires_ms: Option<i64>) -> Held {
    Held { binding: binding.to_owned(), role: Arc::clone(role), expires_ms }
}

fn person(own: &[&str], roles: Vec<Held>) -> Subject {
    Subject { id: "usr_1".to_owned(), is_active: true, own: grants(own), roles }
}

/// With wildcards, and with such as nothing asks for.
const ENTRIES: &[&str] =
    &["*", "asset.*", "asset.delete", "asset.read", "job.*", "job.read", "role.grant", "user.*", "gone.read"];

fn any_list() -> impl Strategy<Value = Grants> {
    vec(select(ENTRIES), 0..4).prop_map(|list| grants(&list))
}

fn any_roles() -> impl Strategy<Value = Vec<Arc<Role>>> {
    vec(any_list(), 1..5).prop_map(|lists| {
        let named = lists.into_iter().enumerate();
        named
            .map(|(at, grants)| Arc::new(Role { id: format!("rol_{at}"), name: String::new(), grants }))
            .collect::<Vec<_>>()
    })
}

/// People who have some of these roles, for good, for a while or no longer.
fn any_people(roles: Vec<Arc<Role>>) -> impl Strategy<Value = Vec<Subject>> {
    let ends = select(vec![None, Some(NOW_MS - 1), Some(NOW_MS), Some(NOW_MS + 1)]);
    let held = (0..roles.len(), ends);
    let one = (any_list(), vec(held, 0..5), any::<bool>());
    vec(one, 0..8).prop_map(move |people| {
        let held = |(number, (role, expires_ms)): (usize, (usize, Option<i64>))| Held {
            binding: format!("bnd_{number}"),
            role: Arc::clone(&roles[role]),
            expires_ms,
        };
        let people = people.into_iter().enumerate().map(|(at, (own, roles, is_active))| {
            let roles = roles.into_iter().enumerate().map(held).collect();
            Subject { id: format!("usr_{at}"), is_active, own, roles }
        });
        people.collect::<Vec<_>>()
    })
}

#[test]
fn a_decision_names_each_list_that_has_the_permission_and_a_refusal_the_first_reason() {
    let (reader, all) = (role("rol_reader", &["asset.read", "job.read"]), role("rol_all", &["*"]));
    let anna = person(
        &["asset.*"],
        vec![held("bnd_1", &reader, None), held("bnd_2", &all, Some(NOW_MS)), held("bnd_3", &all, Some(NOW_MS + 1))],
    );
    let read = find(&CATALOGUE, "asset", "read");
    let grounds = decide(Some(&anna), read, NOW_MS).unwrap();
    let told: Vec<_> = grounds.iter().map(|ground| (ground.entry, ground.held.map(|of| of.binding.as_str()))).collect();
    assert_eq!(told, [("asset.*", None), ("asset.read", Some("bnd_1")), ("*", Some("bnd_3"))]);
    let grant = find(&CATALOGUE, "role", "grant");
    assert_eq!(decide(Some(&anna), grant, NOW_MS).unwrap().len(), 1);
    assert_eq!(decide(Some(&anna), grant, NOW_MS + 1), Err(Refusal::NotGranted), "it has ended");
    let nothing = find(&CATALOGUE, "asset", "reads");
    assert_eq!(decide(Some(&anna), nothing, NOW_MS), Err(Refusal::UnknownPermission), "not even by *");
    let suspended = Subject { is_active: false, ..anna };
    assert_eq!(decide(Some(&suspended), nothing, NOW_MS), Err(Refusal::Suspended));
    assert_eq!(decide(None, read, NOW_MS), Err(Refusal::UnknownSubject));
}

#[test]
fn what_ends_is_had_and_not_lasting() {
    let (reader, all) = (role("rol_reader", &["job.read"]), role("rol_all", &["user.*"]));
    let roles = [held("bnd_1", &reader, None), held("bnd_2", &all, Some(NOW_MS + 1))];
    let own = grants(&["asset.read"]);
    assert_eq!(may(&own, &roles, NOW_MS), grants(&["asset.read", "job.read", "user.*"]));
    assert_eq!(may(&own, &roles, NOW_MS + 1), grants(&["asset.read", "job.read"]));
    assert_eq!(lasting(&own, &roles), grants(&["asset.read", "job.read"]));
}

#[test]
fn a_dry_run_counts_who_would_gain_and_lose_what_he_has_by_nothing_else() {
    let (teacher, other) = (role("rol_t", &["asset.*", "job.read"]), role("rol_o", &["asset.delete"]));
    let people = [
        person(&[], vec![held("a", &teacher, None)]),
        person(&["job.*"], vec![held("b", &teacher, Some(NOW_MS + 1)), held("c", &other, None)]),
        person(&[], vec![held("d", &teacher, Some(NOW_MS))]),
        person(&[], vec![held("e", &other, None)]),
    ];
    let impact = dry_run(&CATALOGUE, (&teacher, &grants(&["asset.read", "user.read"])), &people, NOW_MS);
    let at = |resource, action| find(&CATALOGUE, resource, action).unwrap();
    assert_eq!(impact.holders, 2);
    assert_eq!(impact.gain, Reach { people: 2, permissions: vec![(at("user", "read"), 2)] });
    assert_eq!(impact.lose, Reach { people: 1, permissions: vec![(at("asset", "delete"), 1), (at("job", "read"), 1)] });
}

proptest! {
    /// The lists that the guard is handed, and the decisions that are told, are the same thing.
    #[test]
    fn whoever_may_is_told_so_and_nobody_else(
        (people, later) in any_roles().prop_flat_map(|roles| (any_people(roles), 0..3_i64)),
    ) {
        let now_ms = NOW_MS + later - 1;
        for person in &people {
            let all = may(&person.own, &person.roles, now_ms);
            prop_assert!(all.lacks(&lasting(&person.own, &person.roles)).is_none(), "what lasts is had");
            for permission in CATALOGUE {
                let decided = decide(Some(person), Some(permission), now_ms);
                prop_assert_eq!(decided.is_ok(), person.is_active && all.allows(permission));
                for ground in decided.unwrap_or_default() {
                    prop_assert!(grants(&[ground.entry]).allows(permission));
                    prop_assert!(ground.held.is_none_or(|held| held.holds(now_ms)));
                }
            }
        }
    }

    /// What a dry run tells is what is so once the role is changed.
    #[test]
    fn a_dry_run_tells_what_the_change_does(
        (roles, people) in any_roles().prop_flat_map(|roles| (Just(roles.clone()), any_people(roles))),
        list in any_list(),
    ) {
        let (role, changed) = (&roles[0], Arc::new(Role { grants: list.clone(), ..(*roles[0]).clone() }));
        let impact = dry_run(&CATALOGUE, (role, &list), &people, NOW_MS);
        let (mut gaining, mut losing, mut holders) = (0, 0, 0);
        let mut counts = [(0, 0); CATALOGUE.len()];
        for person in &people {
            let mut after = person.clone();
            after.roles.iter_mut().filter(|held| held.role.id == role.id).for_each(|held| held.role = Arc::clone(&changed));
            let had = may(&person.own, &person.roles, NOW_MS);
            let has = may(&after.own, &after.roles, NOW_MS);
            let gains: BTreeSet<_> = CATALOGUE.iter().filter(|of| has.allows(**of) && !had.allows(**of)).collect();
            let loses: BTreeSet<_> = CATALOGUE.iter().filter(|of| had.allows(**of) && !has.allows(**of)).collect();
            gaining += usize::from(!gains.is_empty());
            losing += usize::from(!loses.is_empty());
            holders += usize::from(person.roles.iter().any(|held| held.role.id == role.id && held.holds(NOW_MS)));
            for (permission, (gained, lost)) in CATALOGUE.iter().zip(&mut counts) {
                *gained += usize::from(gains.contains(permission));
                *lost += usize::from(loses.contains(permission));
            }
        }
        let told = |of: fn(&(usize, usize)) -> usize| -> Vec<(Permission, usize)> {
            let counted = CATALOGUE.iter().zip(&counts).map(|(permission, counts)| (*permission, of(counts)));
            counted.filter(|(_, count)| *count > 0).collect()
        };
        let expected = Impact {
            holders,
            gain: Reach { people: gaining, permissions: told(|counts| counts.0) },
            lose: Reach { people: losing, permissions: told(|counts| counts.1) },
        };
        prop_assert_eq!(impact, expected);
    }
}

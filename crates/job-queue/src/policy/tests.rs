//! The model by itself.

use super::*;

const NOW: i64 = 100 * HOUR_MS;

fn kind(stage: &str, priority: i64, waited_ms: i64) -> Kind {
    Kind { stage: stage.to_owned(), priority, needs: String::new(), oldest_ms: NOW - waited_ms }
}

fn stages(kinds: &[Kind], running: Running) -> Vec<Vec<String>> {
    let names = |windows: Vec<Window>| windows.into_iter().map(|window| window.stage).collect();
    turns(kinds, running, NOW).into_iter().map(names).collect()
}

fn lane(tenant: &str, tag_ms: i64, counts_as: i64, oldest_ms: i64) -> Lane {
    let (stage, needs) = ("s".to_owned(), String::new());
    let window = Window { stage, priority: counts_as, needs, counts_as, due_ms: NOW };
    Lane { tenant_id: TenantId::from_unique(tenant), tag_ms, virtual_ms: 0, window, oldest_ms }
}

#[test]
fn classes_follow_each_other_and_what_is_not_due_is_left_out() {
    let kinds = [
        kind("renewal", 15, 0),
        kind("tidy", 50, 0),
        kind("later", 350, -1),
        kind("range", 100, 0),
        kind("text", 150, 0),
        kind("sound", 200, 0),
        kind("probe", 300, 0),
        kind("publish", 350, 0),
        kind("ahead", 220, 0),
    ];
    let expected: [&[&str]; 6] =
        [&["ahead"], &["probe", "publish"], &["sound"], &["range", "text"], &["tidy"], &["renewal"]];
    assert_eq!(stages(&kinds, Running::default()), expected);
}

#[test]
fn what_has_waited_long_counts_as_a_higher_class_at_its_foot() {
    let waited = |ms| turns(&[kind("range", 100, ms)], Running::default(), NOW);
    assert_eq!(waited(10 * MINUTE_MS - 1).len(), 1);
    let risen = waited(10 * MINUTE_MS);
    assert_eq!(risen.len(), 2);
    assert_eq!(
        (risen[0][0].counts_as, risen[0][0].due_ms),
        (200, NOW - 10 * MINUTE_MS),
        "only who has waited that long"
    );
    assert_eq!((risen[1][0].counts_as, risen[1][0].due_ms), (100, NOW));
    let tops: Vec<i64> = [20, 90].map(|minutes| waited(minutes * MINUTE_MS)[0][0].counts_as).to_vec();
    assert_eq!(tops, [300, 300], "and no higher");
    let renewal = |hours| turns(&[kind("renewal", 5, hours * HOUR_MS)], Running::default(), NOW)[0][0].counts_as;
    assert_eq!([renewal(5), renewal(6), renewal(7), renewal(8)], [5, 20, 100, 300]);
}

#[test]
fn nothing_that_waits_goes_before_what_a_viewer_waits_for() {
    let kinds = [kind("range", 100, 99 * HOUR_MS), kind("probe", 300, 99 * HOUR_MS), kind("ahead", 220, 0)];
    assert_eq!(stages(&kinds, Running::default())[0], ["ahead"]);
}

#[test]
fn demanded_work_goes_first_up_to_a_quarter_of_what_runs_and_one_always() {
    let kinds = [kind("range", 100, 0), kind("ahead", 220, 0)];
    let first = |all, demanded| stages(&kinds, Running { all, demanded })[0][0].clone();
    for (all, demanded, expected) in [
        (0, 0, "ahead"),
        (1, 1, "range"),
        (6, 1, "range"),
        (7, 1, "ahead"),
        (8, 2, "range"),
        (999, 249, "ahead"),
        (999, 250, "range"),
    ] {
        assert_eq!(first(all, demanded), expected, "{demanded} of {all}");
    }
    let alone = [kind("ahead", 220, 0)];
    assert_eq!(stages(&alone, Running { all: 9, demanded: 9 }), [["ahead"]], "rather than nothing");
}

#[test]
fn who_has_had_least_is_next_and_its_own_jobs_go_by_priority_then_age() {
    let mut lanes =
        [lane("b", 5, 300, 1), lane("a", 7, 350, 0), lane("b", 5, 350, 9), lane("b", 5, 350, 8), lane("0", 7, 1, 0)];
    order(&mut lanes);
    let seen: Vec<_> = lanes.iter().map(|lane| (lane.tag_ms, lane.window.counts_as, lane.oldest_ms)).collect();
    assert_eq!(seen, [(5, 350, 8), (5, 350, 9), (5, 300, 1), (7, 1, 0), (7, 350, 0)]);
}

#[test]
fn nobody_saves_up_turns_and_a_wrong_estimate_is_made_good() {
    let late = MAX_BEHIND_MS + 1_000;
    assert_eq!(charge(late, 40, 10), Share { start_ms: 1_000, tag_ms: 1_010 });
    assert_eq!(charge(late, 1_000, 10), charge(late, 999, 10), "so far behind, but no further");
    assert_eq!(charge(40, 1_000, 10), Share { start_ms: 1_000, tag_ms: 1_010 });
    assert_eq!(settle(1_010, 10, 25), 1_025);
    assert_eq!(settle(5, 10, 0), 0, "never below nothing");
    assert_eq!(charge(0, 0, i64::MAX).tag_ms, MAX_CHARGE_MS);
    assert_eq!(settle(MAX_CHARGE_MS, i64::MAX, 7), 7, "what was charged is given back, not more");
    assert_eq!(settle(10, 10, -3), 0, "clocks go back");
}

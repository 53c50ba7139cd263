//! The model by itself.

use proptest::prelude::*;

use super::super::{Window, order};
use super::*;

const TWO: Budget = Budget { cpu_milli: 2_000, memory_bytes: 4_000 };
const RANGE: Cost = Cost { cpu_milli: 2_000, memory_bytes: 1_000, work_ms: 40_000 };
const SOUND: Cost = Cost { cpu_milli: 1_000, memory_bytes: 100, work_ms: 30_000 };
const STEP: Cost = Cost { cpu_milli: 250, memory_bytes: 10, work_ms: 100 };

fn held(budget: Budget, jobs: &[(i64, Cost)]) -> (Purses, Vec<Option<Purse>>) {
    let mut purses = Purses::new(budget);
    let mut paid = Vec::new();
    for (priority, cost) in jobs {
        let purse = purses.pays(*priority, *cost, true);
        if let Some(purse) = purse {
            purses.hold(purse, *cost);
        }
        paid.push(purse);
    }
    (purses, paid)
}

#[test]
fn a_full_machine_takes_what_somebody_waits_for_and_nothing_else() {
    let jobs =
        [(100, RANGE), (100, RANGE), (100, SOUND), (200, SOUND), (200, SOUND), (300, STEP), (50, STEP), (220, SOUND)];
    let (purses, paid) = held(TWO, &jobs);
    let (common, urgent, short) = (Some(Purse::Common), Some(Purse::Urgent), Some(Purse::Short));
    assert_eq!(paid, [common, None, None, urgent, None, short, short, Some(Purse::Demanded)]);
    assert_eq!((purses.cpu_milli(), purses.memory_bytes(), purses.is_crowded()), (4_500, 1_220, true));
}

#[test]
fn half_of_a_job_s_processors_are_room_enough() {
    let four = Budget { cpu_milli: 4_000, ..TWO };
    assert_eq!(held(four, &[(100, RANGE), (100, SOUND), (100, RANGE)]).1, [Some(Purse::Common); 3]);
    let (purses, _) = held(four, &[(100, RANGE), (100, SOUND), (100, STEP)]);
    assert_eq!(purses.pays(100, RANGE, true), None, "750 of 2000 are left");
}

#[test]
fn one_job_always_runs_and_a_budget_of_nothing_runs_one_of_each_kind() {
    let nothing = Budget { cpu_milli: 0, memory_bytes: 0 };
    let (mut purses, paid) = held(nothing, &[(100, RANGE), (100, STEP), (100, STEP), (100, RANGE)]);
    assert_eq!(paid, [Some(Purse::Common), Some(Purse::Short), Some(Purse::Short), None]);
    let price = Purses::new(nothing).hold(Purse::Common, RANGE);
    purses.release(Purse::Common, price);
    assert_eq!(purses.pays(100, RANGE, true), Some(Purse::Common));
}

#[test]
fn memory_is_never_overdrawn_and_a_part_is_left_for_what_is_short() {
    let many = Budget { cpu_milli: 64_000, memory_bytes: 4_000 };
    let (purses, paid) = held(many, &[(100, RANGE); 4]);
    assert_eq!(paid, [Some(Purse::Common), Some(Purse::Common), Some(Purse::Common), None]);
    assert_eq!(purses.pays(350, SOUND, true), Some(Purse::Short));
}

#[test]
fn what_waits_for_room_is_not_overtaken_by_smaller_jobs_behind_it() {
    let lane = |tenant: &str, priority: i64, stage: &str| {
        let (stage, needs) = (stage.to_owned(), String::new());
        let window = Window { stage, priority, needs, counts_as: priority, due_ms: 0 };
        let tenant_id = media_types::TenantId::from_unique(tenant);
        Lane { tenant_id, tag_ms: 0, virtual_ms: 0, window, oldest_ms: 0 }
    };
    let mut lanes = vec![lane("b", 100, "sound"), lane("a", 100, "range"), lane("c", 100, "step")];
    order(&mut lanes);
    let (purses, _) = held(Budget { cpu_milli: 4_000, ..TWO }, &[(100, RANGE), (100, SOUND), (100, STEP)]);
    let cost = |stage: &str| match stage {
        "range" => RANGE,
        "sound" => SOUND,
        _ => STEP,
    };
    let mut open = true;
    let served =
        with_room(lanes, &mut open, |lane, open| purses.pays(lane.window.priority, cost(&lane.window.stage), open));
    let served: Vec<_> = served.iter().map(|(lane, purse)| (lane.window.stage.as_str(), *purse)).collect();
    assert_eq!((served, open), (vec![("step", Purse::Short)], false));
}

fn any_cost() -> impl Strategy<Value = Cost> {
    (0i64..6_000, 0i64..3_000, 0i64..50_000).prop_map(|(cpu_milli, memory_bytes, work_ms)| Cost {
        cpu_milli,
        memory_bytes,
        work_ms,
    })
}

proptest! {
    /// Jobs come in any order and end in any order.
    #[test]
    fn a_machine_is_neither_overdrawn_nor_left_idle(
        cpu_milli in 500i64..16_000,
        jobs in proptest::collection::vec((prop_oneof![Just(50), Just(100), Just(200), Just(220), Just(300)], any_cost(), 0usize..4), 1..80),
    ) {
        let budget = Budget { cpu_milli, memory_bytes: 4_000 };
        let mut purses = Purses::new(budget);
        let mut running: Vec<(Purse, Cost)> = Vec::new();
        for (priority, cost, ends) in jobs {
            match purses.pays(priority, cost, true) {
                Some(purse) => running.push((purse, purses.hold(purse, cost))),
                None => {
                    // Who does not start finds the common purse more than half short of it, or memory.
                    let common: i64 = running.iter().filter(|(purse, _)| *purse == Purse::Common).map(|(_, cost)| cost.cpu_milli).sum();
                    let half = cost.cpu_milli.min(cpu_milli).max(LEAST_MILLI) / 2;
                    let full = purses.memory_bytes() + cost.memory_bytes.min(4_000) > 3_000;
                    prop_assert!(cpu_milli - common <= half || full, "{cost:?} waits beside {running:?}");
                }
            }
            for purse in [Purse::Common, Purse::Urgent, Purse::Demanded, Purse::Short] {
                let of: Vec<i64> = running.iter().filter(|(of, _)| *of == purse).map(|(_, cost)| cost.cpu_milli).collect();
                let size = if purse == Purse::Common { cpu_milli } else { (cpu_milli / EXTRA_PART).max(1_000) };
                let last = of.iter().max().copied().unwrap_or(0);
                prop_assert!(of.len() < 2 || of.iter().sum::<i64>() <= size + last / 2 + 1, "{purse:?} pays {of:?} of {size}");
            }
            for _ in 0..ends.min(running.len()) {
                let (purse, held) = running.swap_remove(running.len() / 2);
                purses.release(purse, held);
            }
        }
        for (purse, held) in running {
            purses.release(purse, held);
        }
        prop_assert_eq!(purses, Purses::new(budget));
    }
}

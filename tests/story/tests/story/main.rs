//! Recordings on their way through the queue, told twice: to a pure model, and to real workers on the real tables of both
//! engines, with only clock, engine and network made up. For the same seed both tell the same, word for word.
//!
//! - `world`, `fates`: what is thrown at both: arrivals, faults, people. It asks each side what happened (`told`), and writes
//!   that down.
//! - `model`: `job_queue::policy` and `asset_flow::advance` over maps, and who looks when.
//! - `fleet`, `process`, `desk`: the production side. A process is a runtime of its own whose clock stands still; the story lets
//!   one at a time go on, until it has come to rest. It is killed by dropping it.
//!   On SQLite the story carries word of commits from process to process itself; there nothing else does.
//! - `engine`: what would be found and made.
//!
//! A worker here has one place: what several of one process do at the same moment is in no order that a seed could give.

#![allow(clippy::unwrap_used)]

mod desk;
mod engine;
mod fates;
mod fleet;
mod model;
mod process;
mod told;
mod world;

use database::EngineKind;
use database::testing::Scratch;

use fates::Size;
use fleet::Fleet;
use model::Model;
use told::Happening;
use world::{Story, play};

/// Every fourth worker serves only what somebody waits for.
fn floor(worker: usize) -> i64 {
    if worker % 4 == 3 { asset_flow::URGENT } else { i64::MIN }
}

/// How often each kind of thing happened.
fn counts(story: &Story) -> std::collections::BTreeMap<&'static str, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for (_, happening) in &story.history {
        let kind = match happening {
            Happening::Claimed { .. } => "claimed",
            Happening::Counted { .. } => "counted",
            Happening::Refused { .. } => "refused",
            Happening::Retried { .. } => "retried",
            Happening::Parked { .. } => "parked",
            Happening::Unheard { .. } => "unheard",
            Happening::Lost { .. } => "lost",
            Happening::TakenOver { parked: false, .. } => "taken over",
            Happening::TakenOver { parked: true, .. } => "taken over for good",
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

/// A job's result was taken once at most; whatever was not given up is ready, and of what was nothing is left to do.
fn nothing_is_lost_or_doubled(story: &Story) {
    let mut counted = std::collections::HashSet::new();
    for (_, happening) in &story.history {
        if let Happening::Counted { attempt, .. } = happening {
            let twice = matches!(attempt.stage, asset_flow::Stage::Tidy);
            assert!(twice || counted.insert((attempt.asset, attempt.stage.clone())), "twice: {attempt:?}");
        }
    }
    for (asset, (phase, playable, complete, code, jobs)) in story.ends.iter().enumerate() {
        let open = jobs.iter().filter(|(stage, _, state)| {
            *stage != asset_flow::Stage::Tidy && ["waiting", "ready", "running"].contains(state)
        });
        assert_eq!(open.count(), 0, "{asset}: {jobs:?}");
        match phase.as_str() {
            "ready" => assert!(complete.is_some() && playable == complete && code.is_none(), "{asset}"),
            "errored" => assert!(complete.is_none() && code.is_some(), "{asset}"),
            other => panic!("{asset} is {other}"),
        }
    }
}

fn same(told: &Story, expected: &Story) {
    let differ = told.history.iter().zip(&expected.history).position(|(told, expected)| told != expected);
    if let Some(at) = differ {
        let before = &expected.history[at.saturating_sub(6)..at];
        panic!("after {before:#?}\n{:?}\nand not\n{:?}", told.history[at], expected.history[at]);
    }
    assert_eq!(told.history.len(), expected.history.len());
    for (asset, (told, expected)) in told.ends.iter().zip(&expected.ends).enumerate() {
        assert_eq!(told, expected, "recording {asset}");
    }
}

/// A story in which everything happens that may; another one of so many recordings (`LECTERN_STORY_ASSETS`), or by another
/// throw of the dice (`LECTERN_STORY_SEED`), if that is wanted.
fn size() -> (Size, bool) {
    let given = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (seed, assets) = (given("LECTERN_STORY_SEED"), given("LECTERN_STORY_ASSETS").unwrap_or(12));
    let (assets, arrivals_ms) = (assets as usize, 400 * assets as i64);
    (
        Size { seed: seed.unwrap_or(2187), workers: (assets / 40).clamp(6, 16), assets, tenants: 6, arrivals_ms },
        seed.is_none(),
    )
}

fn told_alike_on(kind: EngineKind) {
    let (size, everything) = size();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let scratch = runtime.block_on(Scratch::migrated(kind));
    let mut fleet = Fleet::new(size, scratch.url(), floor);
    let expected = play(size, &mut Model::new(size, fleet.look_every_ms(), floor));
    nothing_is_lost_or_doubled(&expected);
    let seen = counts(&expected);
    println!("{kind:?}: {seen:?}, {:?}", expected.fates);
    let all = (seen.len(), expected.fates.len()) == (9, 11);
    assert!(all || !everything, "not everything that may happen has happened");
    same(&play(size, &mut fleet), &expected);
}

#[test]
fn real_workers_on_sqlite_tell_the_story_of_the_model() {
    told_alike_on(EngineKind::Sqlite);
}

#[test]
fn real_workers_on_postgres_tell_the_story_of_the_model() {
    told_alike_on(EngineKind::Postgres);
}

#[test]
fn another_seed_is_another_story_and_the_same_seed_the_same() {
    let story = |seed| {
        let size = Size { seed, workers: 6, assets: 60, tenants: 5, arrivals_ms: 30_000 };
        let story = play(size, &mut Model::new(size, 1_000, floor));
        nothing_is_lost_or_doubled(&story);
        story.history
    };
    assert_eq!(story(1), story(1));
    assert_ne!(story(1), story(2));
}

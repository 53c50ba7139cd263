//! A thousand workers and a hundred thousand recordings on the policy alone, and the same world, smaller, on the tables of
//! both engines: for the same seed everything is claimed by the same workers in the same order.

#![allow(clippy::unwrap_used)]

mod model;
mod tables;
mod world;

use std::collections::HashMap;

use database::testing::for_each_engine;
use futures::executor::block_on;

use model::Model;
use tables::Tables;
use world::{LARGE, RANGE_MS, Size, Story, play};

const LIBRARY: Size = Size { seed: 7, workers: 1_000, assets: 100_000, tenants: 1_000, arrivals_ms: 1_800_000 };

/// Every result was taken once, and all of what was not given up.
fn nothing_is_lost_or_doubled(size: Size, story: &Story) {
    assert!(story.done.values().all(|times| *times == 1));
    for (job, order) in story.orders.iter().enumerate() {
        assert!(
            story.done.contains_key(&job) || story.given_up.contains_key(&order.asset),
            "{job} was lost: {order:?}"
        );
    }
    let poisonous = (0..size.assets).filter(|asset| size.is_poison(*asset));
    assert!(poisonous.into_iter().all(|asset| story.given_up.contains_key(&asset)));
    assert!(story.refused > 0, "no late result was tried");
}

/// When each job was claimed for the first time.
fn first_claims(story: &Story) -> HashMap<usize, i64> {
    let mut first = HashMap::new();
    for (now_ms, _, claim) in &story.claims {
        first.entry(claim.job).or_insert(*now_ms);
    }
    first
}

#[test]
fn a_thousand_workers_share_a_hundred_thousand_recordings_fairly_whatever_breaks() {
    let story = block_on(play(LIBRARY, &mut Model::default()));
    nothing_is_lost_or_doubled(LIBRARY, &story);
    let first = first_claims(&story);

    // A tenant that comes to a full house waits for less than one range.
    let mut met = vec![false; LIBRARY.tenants];
    for (job, order) in story.orders.iter().enumerate() {
        if order.tenant >= LARGE && !met[order.tenant] && !story.given_up.contains_key(&order.asset) {
            met[order.tenant] = true;
            let waited_ms = first[&job] - story.enqueued_ms[job];
            assert!(waited_ms < RANGE_MS, "tenant {} waited for {waited_ms} ms", order.tenant);
        }
    }

    // All of it is done, so nothing starves, and hardly later than workers that never stand still could do it.
    let capacity_ms = story.busy_ms / LIBRARY.workers as i64;
    assert!(story.ended_ms < capacity_ms * 11 / 10 + 3 * story.longest_ms, "workers stood still");

    large_tenants_get_the_same(&story);
}

/// While both had work the two large tenants were given the same time, though one's estimates are a fifth of the truth.
fn large_tenants_get_the_same(story: &Story) {
    let mut given_ms = [0i64; LARGE];
    let usual = |tenant: usize, weight: i64| if tenant == 1 { weight * 5 } else { weight };
    let half = story.claims.len() / 2;
    for (_, _, claim) in &story.claims[..half] {
        let order = &story.orders[claim.job];
        if let Some(given_ms) = given_ms.get_mut(order.tenant) {
            *given_ms += usual(order.tenant, order.weight);
        }
    }
    let [one, other] = given_ms.map(|given_ms| given_ms as f64);
    assert!((one / other - 1.0).abs() < 0.1, "{one} ms and {other} ms");
}

#[test]
fn tables_and_model_tell_the_same_story() {
    let assets = std::env::var("LECTERN_STORY_ASSETS").map_or(160, |assets| assets.parse().unwrap());
    let size = Size { seed: 11, workers: 24, assets, tenants: 24, arrivals_ms: 120_000 };
    let expected = block_on(play(size, &mut Model::default()));
    nothing_is_lost_or_doubled(size, &expected);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(for_each_engine(|db| {
        let expected = expected.claims.clone();
        async move {
            let story = play(size, &mut Tables::new(db)).await;
            let differ = story.claims.iter().zip(&expected).position(|(told, expected)| told != expected);
            let at = differ.unwrap_or(0);
            let told = |claim: &world::Claim| (claim.attempt, story.orders[claim.job].clone());
            let (of, not) = (story.claims[at], expected[at]);
            assert_eq!(differ, None, "{of:?} {:?} and not {not:?} {:?}", told(&of.2), told(&not.2));
            assert_eq!(story.claims.len(), expected.len());
        }
    }));
}

#[test]
fn another_seed_is_another_story_and_the_same_seed_the_same() {
    let size = |seed| Size { seed, workers: 10, assets: 200, tenants: 10, arrivals_ms: 60_000 };
    let claims = |seed| block_on(play(size(seed), &mut Model::default())).claims;
    assert_eq!(claims(1), claims(1));
    assert_ne!(claims(1), claims(2));
}

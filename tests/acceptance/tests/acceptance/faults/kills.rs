//! `kill -9` of whichever process at seeded moments.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::viewer::Viewer;
use super::{Fleet, end};
use crate::kill::{EXTRA_PLACES, Random, check_no_leftovers, check_whole, number};
use crate::server::{log_of, wait_for};
use crate::{judge, topology};

const WORKERS: usize = 2;
/// Jobs that a worker runs at once.
const PLACES: i64 = 1 + EXTRA_PLACES;

/// Who dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Worker(usize),
    Api,
    Origin,
    /// The server of the database, whole.
    Database,
    /// One of its processes, after which it ends all others and recovers.
    Connection,
    /// The server of the bucket.
    Store,
}

const VICTIMS: [Victim; 7] = [
    Victim::Worker(0),
    Victim::Worker(1),
    Victim::Api,
    Victim::Origin,
    Victim::Database,
    Victim::Connection,
    Victim::Store,
];

impl Victim {
    /// How many runs of jobs its death may cost.
    fn costs(self) -> i64 {
        match self {
            Self::Worker(_) => PLACES,
            Self::Api | Self::Origin => 0,
            Self::Database | Self::Connection | Self::Store => PLACES * WORKERS as i64,
        }
    }

    /// Kills it, and has it start again `after` a while.
    fn strike(self, fleet: &mut Fleet, after: Duration) {
        match self {
            Self::Worker(index) => end(&mut fleet.workers[index]),
            Self::Api => fleet.api.take().unwrap().kill(),
            Self::Origin => fleet.origin.take().unwrap().kill(),
            Self::Database => fleet.cluster.kill(),
            Self::Connection => fleet.cluster.crash(),
            Self::Store => fleet.buckets.kill(),
        }
        let until = Instant::now() + after;
        wait_for("the moment of its return", 60, || (Instant::now() >= until).then_some(()));
        match self {
            Self::Worker(index) => fleet.workers[index] = fleet.start_worker(&fleet.shared),
            Self::Api => fleet.start_api(),
            Self::Origin => fleet.start_origin(),
            Self::Database => fleet.cluster.restart(),
            Self::Connection => {}
            Self::Store => fleet.buckets.restart(),
        }
    }
}

#[test]
fn whichever_process_of_a_fleet_is_killed_no_job_is_lost_or_counts_twice_and_what_is_played_is_whole() {
    let (points, seed) = (number("LECTERN_KILL_POINTS", 20), number("LECTERN_KILL_SEED", 20_261_122));
    println!("{points} kill points, seed {seed} (LECTERN_KILL_SEED repeats it)");
    let mut fleet = Fleet::start();
    fleet.workers = (0..WORKERS).map(|_| fleet.start_worker(&fleet.shared)).collect();
    let mut random = Random(seed);
    let mut left = points;
    let mut round = 0;
    while left > 0 {
        round += 1;
        left -= one_recording(&mut fleet, &mut random, left, round);
    }
}

/// Uploads one recording, kills at most `budget` times until it is ready; answers how often it killed.
fn one_recording(fleet: &mut Fleet, random: &mut Random, budget: u64, round: u64) -> u64 {
    let id = fleet.api().upload(&judge::media("kill.mp4"), "kill.mp4");
    let viewer = Viewer::watch(&fleet.listen[1], fleet.asset(&id)["playback_id"].as_str().unwrap());
    let budget = budget.min(2 + random.below(5));
    let (mut kills, mut costs) = (Vec::new(), 0);
    while (kills.len() as u64) < budget {
        let until = Instant::now() + Duration::from_millis(150 + random.below(2_000));
        let (victim, after) = (VICTIMS[random.below(7) as usize], Duration::from_millis(random.below(1_500)));
        let asset = wait_for("the moment of the kill, in the middle of work", 60, || {
            let asset = fleet.asset(&id);
            let at_work = || fleet.jobs(&id).iter().any(|job| job["state"] == "running");
            (asset["state"] == "ready" || Instant::now() >= until && at_work()).then_some(asset)
        });
        if asset["state"] == "ready" {
            break;
        }
        assert_ne!(asset["state"], "errored", "round {round}, {kills:?}: {asset}; {}", log_of(&fleet.data));
        let done = fleet.done(&id);
        victim.strike(fleet, after);
        kills.push(victim);
        costs += victim.costs();
        check_done(&done, &fleet.done(&id), &format!("round {round}, {kills:?}"));
        check_alive(fleet, &viewer);
    }
    let (asset, jobs) = fleet.finished(&id);
    let seen = viewer.end(fleet.generation(&asset));
    println!(
        "round {round}: {kills:?}; {} looks, generations {:?}, {} segments, {} times later",
        seen.looks, seen.generations, seen.segments, seen.later
    );
    assert!(seen.looks > 0 && seen.segments > 0, "nothing was watched");
    check_attempts(&jobs, costs, &format!("round {round}, {kills:?}"));
    check_no_leftovers(&topology::media_of_fleet(&fleet.data), &id, &jobs);
    check_whole(fleet.api(), &asset, &format!("round {round}"));
    fleet.api().admin("DELETE", &format!("/api/v1/assets/{id}"), None, 202);
    (kills.len() as u64).max(1)
}

/// What was done is done, by the same attempt.
fn check_done(before: &BTreeMap<String, i64>, now: &BTreeMap<String, i64>, when: &str) {
    for (job, attempt) in before {
        assert_eq!(now.get(job), Some(attempt), "{when}: {job} was done and ran again");
    }
}

/// Nobody else has died of it, and what is played was right all the time.
fn check_alive(fleet: &mut Fleet, viewer: &Viewer) {
    for worker in &mut fleet.workers {
        assert!(worker.try_wait().unwrap().is_none(), "a worker has ended; {}", log_of(&fleet.data));
    }
    assert!(viewer.is_content(), "what is played is not right, as is said above");
    for server in [&mut fleet.api, &mut fleet.origin] {
        assert!(server.as_mut().unwrap().is_alive(), "what answers has ended; {}", log_of(&fleet.data));
    }
}

/// A death costs at most what was in flight.
fn check_attempts(jobs: &[Value], costs: i64, when: &str) {
    let again: i64 = jobs.iter().map(|job| (job["attempt"].as_i64().unwrap() - 1).max(0)).sum();
    assert!(again <= costs, "{when}: {again} runs were repeated, at most {costs} were in flight");
}

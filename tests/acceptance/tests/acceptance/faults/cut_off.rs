//! A worker that is cut off from the network while it works, and comes back when another has done its work.

use std::collections::BTreeMap;

use serde_json::Value;

use super::proxy::{Proxy, To};
use super::viewer::Viewer;
use super::{Fleet, end};
use crate::kill::{check_no_leftovers, check_whole};
use crate::server::{log_of, wait_for};
use crate::topology::Shared;
use crate::{judge, topology};

/// One worker's way to the database and to the store.
struct Network([Proxy; 2]);

impl Network {
    fn of(fleet: &Fleet) -> Self {
        let store = To::Address(fleet.shared.s3.clone());
        Self([Proxy::start(To::Socket(fleet.cluster.socket())), Proxy::start(store)])
    }

    /// What the fleet shares, as it is reached this way.
    fn leads_to(&self, shared: &Shared) -> Shared {
        let Self([database, store]) = self;
        let name = shared.database.split_once("localhost/").unwrap().1.split_once('?').unwrap().0;
        Shared {
            database: format!("postgres://postgres@{}/{name}?sslmode=disable", database.address()),
            s3: store.address().to_string(),
            ..shared.clone()
        }
    }

    fn freeze(&self) {
        self.0.iter().for_each(Proxy::freeze);
    }

    fn thaw(&self) {
        self.0.iter().for_each(Proxy::thaw);
    }
}

/// State, attempt and worker of every job, by id.
fn known(jobs: &[Value]) -> BTreeMap<String, [Value; 3]> {
    let of = |job: &Value| ["state", "attempt", "worker"].map(|field| job[field].clone());
    jobs.iter().map(|job| (job["id"].as_str().unwrap().to_owned(), of(job))).collect()
}

fn is_by(job: &Value, worker: u32) -> bool {
    job["worker"].as_str().is_some_and(|name| name.contains(&format!("-{worker}-")))
}

#[test]
fn a_worker_cut_off_from_the_network_changes_nothing_of_what_its_successor_made() {
    let mut fleet = Fleet::start();
    let network = Network::of(&fleet);
    fleet.workers.push(fleet.start_worker(&network.leads_to(&fleet.shared)));
    let lost = fleet.workers[0].id();
    let id = fleet.api().upload(&judge::media("kill.mp4"), "kill.mp4");
    let viewer = Viewer::watch(&fleet.listen[1], fleet.asset(&id)["playback_id"].as_str().unwrap());
    let in_range = |job: &Value| job["stage"] == "encode_range" && job["state"] == "running" && is_by(job, lost);
    wait_for("a range to be made", 120, || fleet.jobs(&id).iter().any(in_range).then_some(()));

    network.freeze();
    let held: Vec<Value> = fleet.jobs(&id).into_iter().filter(|job| job["state"] == "running").collect();
    assert!(held.iter().any(in_range), "{held:?}");
    fleet.workers.push(fleet.start_worker(&fleet.shared));
    let successor = fleet.workers[1].id();
    let ids: Vec<&Value> = held.iter().map(|job| &job["id"]).collect();
    let again = wait_for(&format!("what it held to be done by another; {}", log_of(&fleet.data)), 240, || {
        let jobs: Vec<Value> = fleet.jobs(&id).into_iter().filter(|job| ids.contains(&&job["id"])).collect();
        jobs.iter().all(|job| job["state"] == "done").then_some(jobs)
    });
    for (job, before) in again.iter().zip(&held) {
        assert!(is_by(job, successor) && job["attempt"].as_i64() > before["attempt"].as_i64(), "{job}");
    }

    // What it still had to say is heard now: it finds that nobody waits for it, and takes part again.
    network.thaw();
    let (asset, jobs) = fleet.finished(&id);
    let after = known(&jobs);
    for (job, by_successor) in known(&again) {
        assert_eq!(after[&job], by_successor, "what a late worker says counts for nothing");
    }
    assert!(fleet.workers[0].try_wait().unwrap().is_none(), "it lives");
    check_no_leftovers(&topology::media_of_fleet(&fleet.data), &id, &jobs);
    let seen = viewer.end(fleet.generation(&asset));
    println!("{} jobs taken over; {} looks, generations {:?}", held.len(), seen.looks, seen.generations);
    check_whole(fleet.api(), &asset, "after a worker came back");
    comes_back_when_all_is_done(&mut fleet, &network);
}

/// The same, but that it comes back only when the recording is ready and tidied up.
fn comes_back_when_all_is_done(fleet: &mut Fleet, network: &Network) {
    end(&mut fleet.workers[1]);
    let lost = fleet.workers[0].id();
    let id = fleet.api().upload(&judge::media("kill.mp4"), "again.mp4");
    let in_range = |job: &Value| job["stage"] == "encode_range" && job["state"] == "running" && is_by(job, lost);
    wait_for("a range to be made", 120, || fleet.jobs(&id).iter().any(in_range).then_some(()));
    network.freeze();
    fleet.workers[1] = fleet.start_worker(&fleet.shared);
    let (asset, jobs) = fleet.finished(&id);
    let viewer = Viewer::watch(&fleet.listen[1], asset["playback_id"].as_str().unwrap());
    let generation = fleet.generation(&asset);
    network.thaw();
    // It is back at work once it takes a job: the other one is gone.
    end(&mut fleet.workers[1]);
    let next = fleet.api().upload(&judge::media("kill.mp4"), "next.mp4");
    wait_for(&format!("it to take part again; {}", log_of(&fleet.data)), 120, || {
        fleet.jobs(&next).iter().any(|job| is_by(job, lost)).then_some(())
    });
    // The recording is ready before the last of its jobs, which tidies up: that one still moves, as it may.
    let after = known(&fleet.jobs(&id));
    for (job, when_ready) in known(&jobs).into_iter().filter(|(_, [state, ..])| state == "done") {
        assert_eq!(after[&job], when_ready, "what a late worker says counts for nothing");
    }
    assert_eq!(fleet.generation(&asset), generation, "the pointer stays");
    viewer.end(generation);
    check_whole(fleet.api(), &asset, "after a worker came back too late");
}

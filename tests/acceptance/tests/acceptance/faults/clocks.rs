//! Clocks that are two hours apart, and are stepped while work is under way.
//!
//! Debian's libfaketime tells each process another time of day, and leaves the clock alone that nobody sets and timers go by. An
//! engine is started without an environment: it is told the true time, of which it makes nothing.

mod machine;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use database::testing::Cluster;
use serde_json::{Value, json};

use self::machine::{Clock, check_lines, shown_by, true_time};
use super::viewer::Viewer;
use super::{end, generation_of};
use crate::bucket::Buckets;
use crate::kill::{check_no_leftovers, check_whole};
use crate::server::{Answer, Server, TOKEN, ask, fresh_and_quick, log_of, wait_for};
use crate::topology::{self, Shared};
use crate::webhooks::{Messages, receive, verify};
use crate::{judge, operations};

/// What a dead worker held is others' within this: ten seconds or so are promised, and the machine may have much else to do.
const TAKEN_OVER_WITHIN_S: u64 = 20;
/// What waits for seconds before it is tried again, jobs and messages alike, is tried within this.
const TRIED_WITHIN_S: u64 = 20;
const API: usize = 0;

/// An API with an origin, and two workers, each on a machine with a clock of its own.
struct Fleet {
    server: Server,
    /// The API's, then those of the workers.
    clocks: [Clock; 3],
    /// Whose clock is stepped next.
    turn: usize,
    shared: Shared,
    /// Of all workers: it dies at once while `broken` lies beside it.
    engine: PathBuf,
    /// Every process that there was.
    started: Vec<u32>,
    _cluster: Cluster,
    _buckets: Buckets,
    _folder: tempfile::TempDir,
}

impl Fleet {
    /// One whose workers' clocks are an hour behind, and the API's an hour ahead.
    fn start() -> Self {
        let (folder, data) = fresh_and_quick();
        let (cluster, buckets) = (Cluster::start(), Buckets::start());
        let shared = Shared::new(&cluster, &buckets, &data);
        let engine = operations::engine(folder.path());
        judge::run(shared.on(&lectern(&engine)).args(["migrate", "--data"]).arg(&data));
        let clocks = [("api", 1), ("one", -1), ("other", -1)];
        let clocks = clocks.map(|(name, hours)| Clock::new(folder.path(), name, hours));
        let api = clocks[API].tell(lectern(&engine));
        let server = topology::serve(&api, &shared, &data, &["--roles", "api,origin"]);
        let (turn, started) = (API, vec![server.pid()]);
        let (_cluster, _buckets, _folder) = (cluster, buckets, folder);
        let mut fleet = Self { server, clocks, turn, shared, engine, started, _cluster, _buckets, _folder };
        for clock in 1..=2 {
            let worker = fleet.start_worker(clock);
            fleet.server.workers.push(worker);
        }
        wait_for(&format!("two workers; {}", log_of(&data)), 60, || {
            let workers = fleet.server.admin("GET", "/api/v1/workers", None, 200).json();
            (workers["items"].as_array().unwrap().len() == 2).then_some(())
        });
        fleet
    }

    fn start_worker(&mut self, clock: usize) -> Child {
        let command = self.clocks[clock].tell(lectern(&self.engine));
        let worker = topology::worker(&command, &self.shared, &self.server.data, &["--processors", "1"]);
        self.started.push(worker.id());
        worker
    }

    /// From an hour behind to an hour ahead, or back: the next process's clock, in turn.
    fn step(&mut self) {
        self.clocks[self.turn].step();
        self.turn = (self.turn + 1) % self.clocks.len();
    }

    /// Waits as [`wait_for`] does, and steps a clock whenever a job of the asset has begun or ended.
    fn wait_stepping<T>(
        &mut self,
        (id, what): (&str, &str),
        seconds: u64,
        check: impl Fn(&Self, &[Value]) -> Option<T>,
    ) -> T {
        let states = |jobs: &[Value]| jobs.iter().map(|job| job["state"].clone()).collect::<Vec<_>>();
        let mut before = Vec::new();
        wait_for(&format!("{what}; {}", log_of(&self.server.data)), seconds, || {
            let jobs = self.server.jobs(id);
            if states(&jobs) != before {
                before = states(&jobs);
                self.step();
            }
            check(self, &jobs)
        })
    }

    /// `kill -9` of the first worker, and another one in its place. Waits until all that it held is taken over; which jobs that is.
    fn kill_worker(&mut self, id: &str) -> BTreeSet<String> {
        let killed = self.server.workers[0].id();
        end(&mut self.server.workers[0]);
        let died = Instant::now();
        self.server.workers[0] = self.start_worker(1);
        // What it asked of the database last may be done when it is dead, so that it holds one job more, or one less.
        let held = RefCell::new(BTreeSet::new());
        let taken =
            self.wait_stepping((id, "what a dead worker held to be taken over"), TAKEN_OVER_WITHIN_S, |_, jobs| {
                let its = jobs.iter().filter(|job| job["state"] == "running" && is_by(job, killed));
                held.borrow_mut().extend(its.map(|job| job["id"].as_str().unwrap().to_owned()));
                let left = |job: &&Value| held.borrow().contains(job["id"].as_str().unwrap());
                let lost = |job: &Value| job["attempt"] == 2 || job["error"]["code"] == "job.lost_workers";
                let is_over = jobs.iter().filter(left).all(|job| lost(job) || job["state"] == "done");
                let taken =
                    jobs.iter().filter(|job| left(job) && lost(job)).map(|job| job["id"].as_str().unwrap().to_owned());
                let taken: BTreeSet<String> = taken.collect();
                (is_over && !taken.is_empty()).then_some(taken)
            });
        println!("taken over after {:?}", died.elapsed());
        taken
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.started.iter().for_each(|process| machine::tidy(*process));
    }
}

fn lectern(engine: &Path) -> Command {
    let mut command = Command::new(judge::lectern());
    command.env("LECTERN_ENGINE", engine).env("LECTERN_WEBHOOK_ALLOW", "127.0.0.0/8");
    command
}

fn is_by(job: &Value, worker: u32) -> bool {
    job["worker"].as_str().is_some_and(|name| name.contains(&format!("-{worker}-")))
}

fn at_range(jobs: &[Value], worker: u32) -> bool {
    let holds = |job: &Value| job["state"] == "running" && job["stage"] == "encode_range" && is_by(job, worker);
    jobs.iter().any(holds)
}

#[test]
fn clocks_two_hours_apart_that_are_stepped_while_work_is_under_way_change_nothing() {
    let began = true_time("2 seconds ago");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (address, messages) = receive(&runtime, "asset.playable", Some(503));
    let mut fleet = Fleet::start();
    let wish = json!({ "url": format!("http://{address}/hook"), "events": ["asset.*"] });
    let secret = fleet.server.admin("POST", "/api/v1/webhooks", Some(wish), 201).json()["secret"].clone();
    assert_eq!(shown_by(&fleet.server), 1, "the API's machine is not an hour ahead");

    let (id, announced) = upload(&fleet.server);
    let viewer = viewer_of(&fleet.server, &id);
    fleet.wait_stepping((&id, "the first worker to make a range"), 120, |fleet, jobs| {
        at_range(jobs, fleet.server.workers[0].id()).then_some(())
    });
    let lost = fleet.kill_worker(&id);
    fleet.wait_stepping((&id, "the recording to be ready"), 240, |fleet, _| {
        let asset = fleet.server.asset(&id);
        assert_ne!(asset["state"], "errored", "{asset}");
        (asset["state"] == "ready").then_some(())
    });
    check_messages(&messages, &id, secret.as_str().unwrap());
    let (again, replayed) = announce(&fleet.server);
    assert!(replayed && again["id"] == announced["id"], "the same key is another upload: {again}");
    check_source(&mut fleet, &id);
    let next = check_retries(&mut fleet);
    check_end(&fleet, &began, (&id, &lost), (&next, viewer));
}

/// Announces `kill.mp4` under a key; the answer, and whether it is that of an earlier request.
fn announce(server: &Server) -> (Value, bool) {
    let size = std::fs::metadata(judge::media("kill.mp4")).unwrap().len();
    let body = json!({ "filename": "kill.mp4", "size": size }).to_string();
    let authorization = format!("Bearer {TOKEN}");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "one upload"),
    ];
    let answer = server.call("POST", "/api/v1/uploads", &headers, Some(body.as_bytes())).unwrap();
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    (answer.json(), header(&answer, "idempotency-replayed").is_some())
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The asset's id, and what was answered to its announcement.
fn upload(server: &Server) -> (String, Value) {
    let (announced, replayed) = announce(server);
    assert!(!replayed, "{announced}");
    let (file, authorization) = (std::fs::read(judge::media("kill.mp4")).unwrap(), format!("Bearer {TOKEN}"));
    let put_url = announced["put_url"].as_str().unwrap();
    let answer = server.call("PUT", put_url, &[("Authorization", &authorization)], Some(&file)).unwrap();
    assert!(answer.status < 300, "PUT: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    (announced["asset_id"].as_str().unwrap().to_owned(), announced)
}

fn viewer_of(server: &Server, id: &str) -> Viewer {
    let origin = server.base.strip_prefix("http://").unwrap();
    Viewer::watch(origin, server.asset(id)["playback_id"].as_str().unwrap())
}

/// The message that was refused came once more, though the clock was stepped meanwhile, and all of them in order. A receiver that
/// refuses what was signed minutes ago, or for minutes to come, takes them.
fn check_messages(messages: &Messages, id: &str, secret: &str) {
    let of = |kind: &str| messages.lock().unwrap().iter().filter(|one| one.json()["type"] == kind).count();
    wait_for("the message again, and the last one", TRIED_WITHIN_S, || {
        (of("asset.playable") == 2 && of("asset.ready") == 1).then_some(())
    });
    let arrived = messages.lock().unwrap().clone();
    verify(secret, &arrived);
    let mut firsts = BTreeSet::new();
    let of_asset = arrived.iter().map(|one| one.json()).filter(|event| event["subject"] == id);
    let order: Vec<i64> =
        of_asset.filter_map(|event| event["seq"].as_i64()).filter(|seq| firsts.insert(*seq)).collect();
    assert!(order.is_sorted(), "{order:?}");
}

/// The source is fetched from the bucket, at addresses that were signed right after a step either way.
fn check_source(fleet: &mut Fleet, id: &str) {
    let path = format!("/api/v1/assets/{id}/source");
    for _ in 0..2 {
        fleet.clocks[API].step();
        let away = fleet.server.admin("GET", &path, None, 307);
        let source = ask("GET", header(&away, "location").unwrap().to_owned(), &[], None).unwrap();
        assert_eq!(source.status, 200, "{}", String::from_utf8_lossy(&source.body));
        assert!(source.body == std::fs::read(judge::media("kill.mp4")).unwrap());
    }
}

/// What failed where the clocks were an hour ahead is tried again in time where they are an hour behind; the recording's id.
fn check_retries(fleet: &mut Fleet) -> String {
    fleet.clocks.iter_mut().for_each(|clock| clock.show(1));
    let broken = fleet.engine.with_file_name("broken");
    std::fs::write(&broken, "").unwrap();
    let id = fleet.server.upload(&judge::media("video-only.mp4"), "next.mp4");
    wait_for("an attempt to fail", TRIED_WITHIN_S, || {
        fleet.server.jobs(&id).iter().any(|job| job["error"]["code"].is_string()).then_some(())
    });
    fleet.clocks.iter_mut().for_each(|clock| clock.show(-1));
    std::fs::remove_file(&broken).unwrap();
    let mended = Instant::now();
    wait_for("another attempt to succeed", TRIED_WITHIN_S, || {
        fleet.server.jobs(&id).iter().any(|job| job["stage"] == "probe" && job["state"] == "done").then_some(())
    });
    println!("done {:?} after its cause was mended", mended.elapsed());
    let asset = fleet.server.settled(&id, 120);
    assert_eq!(asset["state"], "ready", "{asset}");
    for job in fleet.server.jobs(&id) {
        assert_eq!(job["attempt"].as_i64() > Some(1), job["stage"] == "probe", "{job}");
    }
    id
}

/// Everything is there, once, of the time at which it happened; and what was played was right all the while.
fn check_end(fleet: &Fleet, began: &str, (id, lost): (&str, &BTreeSet<String>), (next, viewer): (&str, Viewer)) {
    let (server, data) = (&fleet.server, &fleet.server.data);
    let (asset, jobs) = (server.asset(id), server.jobs(id));
    for job in jobs.iter().filter(|job| job["stage"] != "tidy") {
        let attempts = if lost.contains(job["id"].as_str().unwrap()) { 2 } else { 1 };
        assert_eq!((&job["state"], &job["attempt"]), (&json!("done"), &json!(attempts)), "{job}");
    }
    let newest = server.admin("GET", "/api/v1/assets", None, 200).json();
    let newest: Vec<&Value> = newest["items"].as_array().unwrap().iter().map(|asset| &asset["id"]).collect();
    assert_eq!(newest, [next, id], "two recordings, the newest first");
    let ended = true_time("2 seconds");
    for told in [vec![asset.clone(), server.asset(next)], jobs.clone(), server.jobs(next)].concat() {
        let times = ["created_at", "started_at", "finished_at", "playable_at"].map(|time| told[time].as_str());
        let is_true = |time: &&str| (began..=&ended[..]).contains(time);
        assert!(times.iter().flatten().all(is_true), "not from {began} to {ended}: {told}");
    }
    check_lines(data);

    let seen = viewer.end(generation_of(data, &asset));
    println!("{} looks, generations {:?}, {} segments", seen.looks, seen.generations, seen.segments);
    check_no_leftovers(&topology::media_of_fleet(data), id, &jobs);
    let playback = asset["playback_id"].as_str().unwrap();
    let first = topology::media_of_fleet(data).join(format!("objects/published/{playback}/g1/index.json"));
    assert!(first.exists(), "a generation is kept for a day");
    check_whole(server, &asset, "on wrong clocks");
}

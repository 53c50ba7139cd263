//! `kill -9` at seeded points of a job: nothing done is done again, and it ends well.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::judge;
use crate::server::{Server, fresh_and_quick, wait_for};

/// SplitMix64: a seed gives the same points everywhere.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

pub fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Attempts of every job that is done, by id.
pub fn done_attempts(server: &Server, id: &str) -> BTreeMap<String, i64> {
    server
        .jobs(id)
        .iter()
        .filter(|job| job["state"] == "done")
        .map(|job| (job["id"].as_str().unwrap().to_owned(), job["attempt"].as_i64().unwrap()))
        .collect()
}

#[test]
fn killed_at_every_seeded_point_the_job_ends_well_and_nothing_done_is_done_again() {
    let (points, seed) = (number("LECTERN_KILL_POINTS", 20), number("LECTERN_KILL_SEED", 20_261_121));
    println!("{points} kill points, seed {seed} (LECTERN_KILL_SEED repeats it)");
    let mut random = Random(seed);
    let mut left = points;
    let mut round = 0;
    while left > 0 {
        round += 1;
        left -= one_asset(&mut random, left, round);
    }
}

/// Uploads one recording, kills at most `budget` times until it is ready; answers how often it killed.
fn one_asset(random: &mut Random, budget: u64, round: u64) -> u64 {
    let (_folder, data) = fresh_and_quick();
    // What is one process wherever it runs; a fleet is killed in `faults`, one process at a time.
    let start = || Server::spawn(std::process::Command::new(judge::lectern()), &data, &[]);
    let mut server = start();
    let id = server.upload(&judge::media("kill.mp4"), "kill.mp4");
    let mut kills = 0;
    let mut done = BTreeMap::new();
    let mut playable: Option<String> = None;
    // A few kills each, so that they fall on every part of the way.
    let budget = budget.min(1 + random.below(5));
    while kills < budget {
        wait_for("work to go on", 60, || {
            let settled = matches!(server.asset(&id)["state"].as_str(), Some("ready" | "errored"));
            (settled || server.jobs(&id).iter().any(|job| job["state"] == "running")).then_some(())
        });
        // Some kills come at once, most in the middle of work, some only after a range was committed.
        let until = Instant::now() + Duration::from_millis(150 + random.below(2_000));
        let only_engine = random.below(4) == 0;
        let asset = wait_for("the moment of the kill", 30, || {
            let asset = server.asset(&id);
            (Instant::now() >= until || asset["state"] == "ready").then_some(asset)
        });
        if asset["state"] == "ready" {
            break;
        }
        assert_ne!(asset["state"], "errored", "round {round}, kill {kills}: {asset}");
        check_served(&server, &asset, &mut playable);
        done.extend(done_attempts(&server, &id));
        kills += 1;
        if only_engine {
            // One that has ended by itself cannot be killed, which is as good.
            for workshop in server.workshops() {
                let _ = std::process::Command::new("pkill")
                    .args(["-9", "-P", &workshop.to_string(), "-f", "lectern-engine"])
                    .status();
            }
        } else {
            server.kill();
            server = start();
        }
        let now = done_attempts(&server, &id);
        for (job, attempt) in &done {
            assert_eq!(now.get(job), Some(attempt), "round {round}, kill {kills}: {job} was done and ran again");
        }
    }
    let asset = server.settled(&id, 400);
    assert_eq!(asset["state"], "ready", "round {round} after {kills} kills: {asset}");
    check_attempts(&server.jobs(&id), kills, round);
    check_no_leftovers(&data.join("media"), &id, &server.jobs(&id));
    check_whole(&server, &asset, &format!("round {round}"));
    println!("round {round}: {kills} kills");
    kills.max(1)
}

#[test]
fn a_killed_worker_process_costs_only_what_it_held_and_another_takes_over() {
    let (_folder, data) = fresh_and_quick();
    // The lock on the folder is what this is about; `fleet` has the same without one.
    let server = Server::spawn(std::process::Command::new(judge::lectern()), &data, &["--processors", "1"]);
    let start = || {
        let mut command = std::process::Command::new(judge::lectern());
        command.args(["worker", "--processors", "1", "--data"]).arg(&data).stderr(std::process::Stdio::null());
        command.spawn().unwrap()
    };
    let mut worker = start();
    let ours = format!("-{}-", worker.id());
    let id = server.upload(&judge::media("kill.mp4"), "kill.mp4");
    let held =
        |job: &Value| job["state"] == "running" && job["worker"].as_str().is_some_and(|name| name.contains(&ours));
    wait_for("the worker to hold a range", 120, || {
        server.jobs(&id).iter().any(|job| held(job) && job["stage"] == "encode_range").then_some(())
    });
    worker.kill().unwrap();
    worker.wait().unwrap();
    let (done, jobs) = (done_attempts(&server, &id), server.jobs(&id));
    let lost: Vec<&Value> = jobs.iter().filter(|job| held(job)).map(|job| &job["id"]).collect();
    assert!(!lost.is_empty());
    let asset = server.settled(&id, 300);
    assert_eq!(asset["state"], "ready", "{asset}");
    let after = server.jobs(&id);
    // Tidying up starts whenever it likes.
    for job in after.iter().filter(|job| job["stage"] != "tidy") {
        let attempt = job["attempt"].as_i64().unwrap();
        if lost.contains(&&job["id"]) {
            assert_eq!(attempt, 2, "what the dead worker held ran again, once: {job}");
        } else {
            assert_eq!(attempt, 1, "nothing else did: {job}");
        }
    }
    assert!(done.keys().all(|id| after.iter().any(|job| job["id"] == id.as_str())));
}

/// Every variant of a ready recording of `kill.mp4` has every picture, and decodes without a word.
pub fn check_whole(server: &Server, asset: &Value, what: &str) {
    let playback = server
        .call("GET", &format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap()), &[], None)
        .unwrap()
        .json();
    let hls = playback["hls"].as_str().unwrap();
    let master = String::from_utf8(server.call("GET", hls, &[], None).unwrap().body).unwrap();
    let (source_frames, source_s) = judge::coded_pictures(judge::media("kill.mp4").to_str().unwrap());
    let variants: Vec<_> = master.lines().filter(|line| line.contains("video-") && !line.starts_with('#')).collect();
    assert!(variants.len() >= 2, "{master}");
    for variant in variants {
        let uri = format!("{}{}/{variant}", server.base, hls.rsplit_once('/').unwrap().0);
        let (pictures, seconds) = judge::coded_pictures(&uri);
        assert_eq!(judge::decode_silently(&judge::ffmpeg_9(), &uri, "0:v:0"), pictures, "{what}, {variant}");
        // Where its clips meet the source shows one picture twice, which is held.
        assert!((source_frames - 3..=source_frames).contains(&pictures), "{what}, {variant}: {pictures}");
        assert!((seconds - source_s).abs() < 0.01, "{what}, {variant}: {seconds} s of {source_s}");
    }
}

/// Jobs of a recording that a process may have under way beside one for each processor: what somebody waits for, and short steps.
pub const EXTRA_PLACES: i64 = 5;

/// Each kill may cost what was in flight: at most as many jobs as run at once.
fn check_attempts(jobs: &[Value], kills: u64, round: u64) {
    let again: i64 = jobs.iter().map(|job| (job["attempt"].as_i64().unwrap() - 1).max(0)).sum();
    let width = std::thread::available_parallelism().unwrap().get() as i64 + EXTRA_PLACES;
    assert!(again <= kills as i64 * width, "round {round}: {again} runs were repeated after {kills} kills");
}

/// Attempts that did not count leave no file in the store, whose folder is `media`.
pub fn check_no_leftovers(media: &Path, id: &str, jobs: &[Value]) {
    let kept: Vec<String> =
        jobs.iter().map(|job| format!("{}-{}", job["id"].as_str().unwrap(), job["attempt"])).collect();
    let work = media.join("objects/work").join(id);
    wait_for("what lost attempts wrote to go", 20, || {
        let left = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().unwrap();
            entry.path().is_dir() && !kept.contains(&name) && holds_a_file(&entry.path())
        };
        let any = work.read_dir().unwrap().map(|entry| entry.unwrap()).any(left);
        (!any).then_some(())
    });
}

/// An attempt that was killed between making a folder and moving a file into it leaves the folder.
fn holds_a_file(folder: &Path) -> bool {
    let entries = folder.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.into_iter().any(|path| if path.is_dir() { holds_a_file(&path) } else { true })
}

/// What was published stays served, whatever was killed.
pub fn check_served(server: &Server, asset: &Value, playable: &mut Option<String>) {
    if asset["playable_at"].is_string() && playable.is_none() {
        let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
        *playable = server.call("GET", &playback, &[], None).unwrap().json()["hls"].as_str().map(str::to_owned);
    }
    if let Some(hls) = playable {
        let answer = server.call("GET", hls, &[], None).unwrap();
        assert_eq!(answer.status, 200, "what was published is gone");
    }
}

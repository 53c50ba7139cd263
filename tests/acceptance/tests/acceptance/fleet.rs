//! Several processes on one PostgreSQL and one bucket: work is shared, word travels, and any of them may die, the server of the
//! database too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use database::testing::Cluster;
use serde_json::{Value, json};

use crate::bucket::Buckets;
use crate::first_play::{encodes, long_recording, media, text};
use crate::judge;
use crate::kill::{check_no_leftovers, check_served, check_whole, done_attempts};
use crate::server::{Server, fresh, wait_for};
use crate::topology::{self, Shared};
use crate::upload::{engines, engines_of};

/// A worker looks by itself this often at the least: what is much sooner was told to it.
const AT_ONCE_MS: i64 = 300;

type Kill = fn(&mut Fleet);

struct Fleet {
    server: Server,
    cluster: Cluster,
    shared: Shared,
    _buckets: Buckets,
    data: PathBuf,
    _folder: tempfile::TempDir,
}

impl Fleet {
    fn start(arguments: &[&str]) -> Self {
        let (folder, data) = fresh();
        let cluster = Cluster::start();
        let buckets = Buckets::start();
        let shared = Shared::new(&cluster, &buckets, &data);
        let lecture = std::fs::read_to_string(judge::root().join("ladders/catalog/lecture.toml")).unwrap();
        std::fs::create_dir_all(data.join("ladders")).unwrap();
        let house = lecture.replacen("name = \"lecture\"", "name = \"house\"", 1);
        std::fs::write(data.join("ladders/house.toml"), house).unwrap();
        let server = topology::launch(&lectern(), &shared, &data, arguments);
        Self { server, cluster, shared, _buckets: buckets, data, _folder: folder }
    }

    /// `kill -9` of the process that answers, and another one in its place.
    fn restart_api(&mut self) {
        let workers = std::mem::take(&mut self.server.workers);
        let other = topology::serve(&lectern(), &self.shared, &self.data, &["--roles", "api,origin"]);
        std::mem::replace(&mut self.server, other).kill();
        self.server.workers = workers;
    }

    /// `kill -9` of a worker, and another one in its place.
    fn restart_worker(&mut self, index: usize) {
        let other = topology::worker(&lectern(), &self.shared, &self.data, &["--processors", "1"]);
        let mut worker = std::mem::replace(&mut self.server.workers[index], other);
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
}

fn lectern() -> Command {
    Command::new(judge::lectern())
}

fn running_range(server: &Server, id: &str) -> Option<Value> {
    server.jobs(id).into_iter().find(|job| job["stage"] == "encode_range" && job["state"] == "running")
}

#[test]
fn workers_without_a_data_folder_share_a_recording_and_the_api_makes_none_of_it() {
    let fleet = Fleet::start(&["--processors", "1"]);
    // The ladder lies in the API's folder alone.
    let announced = json!({ "filename": "kill.mp4", "ladder": "house" });
    let id = fleet.server.upload_as(&judge::media("kill.mp4"), announced);
    let asset = fleet.server.settled(&id, 300);
    assert_eq!(asset["state"], "ready", "{asset}");
    let jobs = fleet.server.jobs(&id);
    let ranges: Vec<&Value> = jobs.iter().filter(|job| job["stage"] == "encode_range").collect();
    let at_ranges: BTreeSet<String> =
        ranges.iter().filter_map(|job| job["worker"].as_str()).map(str::to_owned).collect();
    assert_eq!(at_ranges.len(), 2, "both workers made ranges: {ranges:?}");
    let pids: Vec<String> = fleet.server.workshops().iter().map(|pid| format!("-{pid}-")).collect();
    let of_a_worker = |job: &Value| job["worker"].as_str().is_none_or(|name| pids.iter().any(|pid| name.contains(pid)));
    assert!(jobs.iter().all(of_a_worker), "{jobs:?}");
    assert!(jobs.iter().all(|job| job["attempt"].as_i64() <= Some(1)), "nothing was done twice: {jobs:?}");
    assert!(!fleet.data.with_extension("nowhere").exists(), "a worker made a folder that nobody needs");
    check_whole(&fleet.server, &asset, "shared");
}

#[test]
fn word_of_work_and_of_its_end_travels_between_processes_at_once() {
    let fleet = Fleet::start(&["--processors", "1"]);
    let mut waited = Vec::new();
    for round in 0..5 {
        let id = fleet.server.upload(&judge::media("kill.mp4"), &format!("kill{round}.mp4"));
        wait_for("encoding to begin", 120, || running_range(&fleet.server, &id));
        let probe = fleet.server.jobs(&id).into_iter().find(|job| job["stage"] == "probe").unwrap();
        let waited_ms = millis(&probe["started_at"]) - millis(&probe["created_at"]);
        waited.push(waited_ms);
        let at_work: Vec<u32> = fleet.server.workshops().into_iter().flat_map(engines).collect();
        assert!(!at_work.is_empty());
        fleet.server.admin("POST", &format!("/api/v1/assets/{id}/cancel"), None, 202);
        let cancelled = Instant::now();
        wait_for("the engines of the other processes to end", 20, || (engines_of(&fleet.server) == 0).then_some(()));
        let ended = cancelled.elapsed();
        println!("round {round}: begun {waited_ms} ms after it was enqueued, ended {ended:?} after it was cancelled");
        assert!(ended < Duration::from_secs(1), "{ended:?}");
        assert_eq!(fleet.server.settled(&id, 20)["error"]["code"], "asset.cancelled");
    }
    // One may fall on a machine that has much else to do.
    waited.sort_unstable();
    assert!(waited[3] < AT_ONCE_MS, "{waited:?} ms");
}

/// Milliseconds of an RFC 3339 time within its day.
fn millis(time: &Value) -> i64 {
    let clock = time.as_str().unwrap().split_once('T').unwrap().1.trim_end_matches('Z');
    let mut fields = clock.split(':').map(|field| field.parse::<f64>().unwrap());
    let mut next = || fields.next().unwrap();
    ((next() * 3_600.0 + next() * 60.0 + next()) * 1_000.0).round() as i64
}

#[test]
fn a_worker_the_api_and_the_database_killed_in_the_middle_cost_nothing_that_was_done() {
    let mut fleet = Fleet::start(&["--processors", "1"]);
    let id = fleet.server.upload(&judge::media("kill.mp4"), "kill.mp4");
    let mut playable: Option<String> = None;
    let mut done = BTreeMap::new();
    let kills: [(&str, Kill); 4] = [
        ("a worker", |fleet| fleet.restart_worker(0)),
        ("the api", Fleet::restart_api),
        ("PostgreSQL", |fleet| {
            fleet.cluster.kill();
            refused_politely(&fleet.server);
            fleet.cluster.restart();
            wait_for("the API to answer again", 20, || ready(&fleet.server).then_some(()));
        }),
        ("the other worker", |fleet| fleet.restart_worker(1)),
    ];
    for (what, kill) in kills {
        let before = done.len();
        let asset = wait_for("something more to be done, and work to go on", 120, || {
            let (asset, now) = (fleet.server.asset(&id), done_attempts(&fleet.server, &id));
            let goes_on = now.len() > before && running_range(&fleet.server, &id).is_some();
            (goes_on || asset["state"] == "ready").then_some(asset)
        });
        assert_ne!(asset["state"], "ready", "the recording is too short for this test");
        check_served(&fleet.server, &asset, &mut playable);
        done = done_attempts(&fleet.server, &id);
        kill(&mut fleet);
        println!("killed {what} when {} jobs were done", done.len());
        let now = done_attempts(&fleet.server, &id);
        for (job, attempt) in &done {
            assert_eq!(now.get(job), Some(attempt), "{what} was killed: {job} was done and ran again");
        }
        check_served(&fleet.server, &fleet.server.asset(&id), &mut playable);
        check_alive(&mut fleet);
    }
    let asset = fleet.server.settled(&id, 300);
    assert_eq!(asset["state"], "ready", "{asset}");
    let jobs = fleet.server.jobs(&id);
    let again: i64 = jobs.iter().map(|job| (job["attempt"].as_i64().unwrap() - 1).max(0)).sum();
    println!("{again} runs were repeated after {} kills", kills.len());
    check_whole(&fleet.server, &asset, "after the kills");
    check_no_leftovers(&topology::media_of_fleet(&fleet.data), &id, &jobs);
    check_lint(&fleet, &asset);
}

fn ready(server: &Server) -> bool {
    server.call("GET", "/readyz", &[], None).unwrap().status == 200
}

/// Without its database an API says so, and when to ask again; what is published is played all the same.
fn refused_politely(server: &Server) {
    let authorization = format!("Bearer {}", crate::server::TOKEN);
    let ask = |path| server.call("GET", path, &[("Authorization", &authorization)], None).unwrap();
    // Its processes serve on until they notice that the server is gone.
    wait_for("the database to be away", 20, || (ask("/api/v1/assets").status != 200).then_some(()));
    for path in ["/api/v1/assets", "/api/v1/jobs", "/readyz"] {
        let began = Instant::now();
        let answer = ask(path);
        let problem = answer.json();
        assert_eq!(answer.status, 503, "{path}: {problem}");
        assert_eq!((&problem["status"], &problem["retryable"]), (&json!(503), &json!(true)), "{path}: {problem}");
        assert!(answer.headers.iter().any(|(name, value)| name == "retry-after" && value.parse::<u32>().is_ok()));
        assert!(began.elapsed() < Duration::from_secs(6), "{path}: {:?}", began.elapsed());
    }
    assert_eq!(server.call("GET", "/healthz", &[], None).unwrap().status, 200, "it lives");
}

/// No process has ended by itself.
fn check_alive(fleet: &mut Fleet) {
    for worker in &mut fleet.server.workers {
        assert!(worker.try_wait().unwrap().is_none(), "a worker has ended");
    }
    assert_eq!(fleet.server.call("GET", "/healthz", &[], None).unwrap().status, 200);
}

/// What is published breaks no rule.
fn check_lint(fleet: &Fleet, asset: &Value) {
    let playback = asset["playback_id"].as_str().unwrap();
    let entry = format!("{}/p/{playback}/master.m3u8", fleet.server.base);
    judge::run(lectern().args(["lint", &entry]));
}

#[test]
fn what_a_viewer_waits_for_at_an_origin_with_the_store_alone_is_made_next() {
    let (folder, data) = fresh();
    let cluster = Cluster::start();
    let buckets = Buckets::start();
    let shared = Shared::new(&cluster, &buckets, &data);
    let mut command = lectern();
    command.env("LECTERN_SERVICE_TOKEN", "service-token-0123456789");
    judge::run(lectern().args(["migrate", "--database", &shared.database]));
    let mut server = topology::serve(&command, &shared, &data, &["--roles", "api"]);
    server.workers.push(topology::worker(&command, &shared, &data, &["--processors", "1"]));
    let origin = command.args(["serve", "--roles", "origin"]);
    let origin = topology::origin(origin, &shared, &data, &server.base, "127.0.0.1:0");
    let id = server.upload(&long_recording(folder.path()), "long.mp4");
    let asset = wait_for("the recording to be playable", 240, || {
        Some(server.asset(&id)).filter(|asset| asset["playable_at"].is_string())
    });
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let hls = server.call("GET", &playback, &[], None).unwrap().json()["hls"].as_str().unwrap().to_owned();
    assert_ne!(server.call("GET", &hls, &[], None).unwrap().status, 200, "an API alone serves no media");
    let (_, master) = text(&origin, &hls, "master.m3u8");
    let variant = master.lines().find(|line| line.contains("video-") && !line.starts_with('#')).unwrap();
    let (variant, playlist) = text(&origin, &hls, variant);
    let segments: Vec<_> = playlist.lines().filter(|line| line.ends_with(".m4s")).collect();
    assert!(!media(&origin, &variant, segments[segments.len() * 3 / 4]).is_empty());
    let done = encodes(&server, &id, "done").len();
    assert!(done < 10, "{done} ranges were made before the one somebody waited for");
}

#[test]
fn a_server_database_is_migrated_on_purpose_and_its_password_is_in_no_command_line() {
    let cluster = Cluster::start();
    let database = database_of(&cluster);
    let (_folder, data) = fresh();
    let refused = |arguments: &[&str], address: Option<&str>| {
        let mut command = lectern();
        command.args(arguments).arg("--data").arg(&data);
        if let Some(address) = address {
            command.env("LECTERN_DATABASE", address);
        }
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, why) = refused(&["serve", "--listen", "127.0.0.1:0"], Some(&database));
    assert_eq!(code, Some(69), "{why}");
    assert!(why.contains("lacks") && why.contains("run `lectern migrate`"), "{why}");
    judge::run(lectern().args(["migrate", "--database", &database, "--data"]).arg(&data));
    assert!(!data.join("lectern.db").exists(), "nothing of the data folder was needed");

    let with_password = database.replace("postgres@", "postgres:s3cr3t@");
    let (code, why) = refused(&["worker", "--database", &with_password], None);
    assert_eq!(code, Some(78), "{why}");
    assert!(why.contains("LECTERN_DATABASE") && !why.contains("s3cr3t"), "{why}");
    for address in ["postgres://u:s3cr3t@127.0.0.1:1/d", "postgres://u:s3cr3t@[/d"] {
        let (code, why) = refused(&["worker"], Some(address));
        assert_eq!(code, Some(69), "{why}");
        assert!(!why.contains("s3cr3t"), "{why}");
    }
    let help = lectern().args(["worker", "--help"]).env("LECTERN_DATABASE", &with_password).output().unwrap();
    assert!(!String::from_utf8(help.stdout).unwrap().contains("s3cr3t"));
    newer_is_refused(&database, &data);
}

fn database_of(cluster: &Cluster) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(cluster.new_database())
}

fn newer_is_refused(database: &str, data: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let db = database::Database::open(database).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let newer =
            "INSERT INTO lectern_migrations (module, name, sha256, applied_ms) VALUES ('core', 'later', 'x', 1)";
        tx.execute(newer, database::args![]).await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;
    });
    let mut command = lectern();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).env("LECTERN_DATABASE", database);
    let output = command.output().unwrap();
    let why = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(69) && why.contains("start a newer version"), "{why}");
}

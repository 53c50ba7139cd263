//! What an operator does with jobs: having what failed go on, and having the queue drained.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::kill::check_whole;
use crate::server::{Server, fresh_and_quick, wait_for};
use crate::{judge, topology};

/// `lectern --json jobs ...` beside the server on a data folder; its lines.
fn jobs(data: &Path, arguments: &[&str]) -> Vec<Value> {
    let mut command = topology::beside(data);
    command.args(["--json", "jobs"]).args(arguments).arg("--data").arg(data);
    let output = judge::run(&mut command);
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// An engine that dies at once while a file of this name is beside it.
pub fn engine(folder: &Path) -> PathBuf {
    let (real, file) = (judge::lectern().with_file_name("lectern-engine"), folder.join("lectern-engine"));
    let broken = format!("[ \"$1\" = serve ] && [ -e {}/broken ] && exit 1", folder.display());
    std::fs::write(&file, format!("#!/bin/sh\n{broken}\nexec {} \"$@\"\n", real.display())).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    file
}

fn of_stage<'a>(jobs: &'a [Value], stage: &str, state: &str) -> Vec<&'a Value> {
    jobs.iter().filter(|job| job["stage"] == stage && job["state"] == state).collect()
}

#[test]
fn a_recording_that_failed_goes_on_where_it_stopped_once_its_cause_is_mended() {
    let (folder, data) = fresh_and_quick();
    let mut command = Command::new(judge::lectern());
    command.env("LECTERN_ENGINE", engine(folder.path()));
    let server = Server::launch(command, &data, &["--processors", "1"]);
    let id = server.upload(&judge::media("kill.mp4"), "kill.mp4");
    wait_for("a range to be encoded", 120, || {
        (!of_stage(&server.jobs(&id), "encode_range", "done").is_empty()).then_some(())
    });
    std::fs::write(folder.path().join("broken"), "").unwrap();
    let asset = server.settled(&id, 180);
    assert_eq!(asset["state"], "errored", "{asset}");
    let parked = jobs(&data, &["list", "--state", "parked", "--asset", &id]);
    assert_eq!(parked.len(), 1, "{parked:?}");
    let before = server.jobs(&id);
    let done = of_stage(&before, "encode_range", "done");
    assert!(!done.is_empty());

    std::fs::remove_file(folder.path().join("broken")).unwrap();
    let job = parked[0]["id"].as_str().unwrap();
    let again = jobs(&data, &["retry", job]);
    assert!(["ready", "running"].contains(&again[0]["state"].as_str().unwrap()), "{again:?}");
    let asset = server.settled(&id, 180);
    assert_eq!((&asset["state"], &asset["error"]), (&json!("ready"), &Value::Null), "{asset}");
    let after = server.jobs(&id);
    for job in done {
        let now = after.iter().find(|now| now["id"] == job["id"]).unwrap();
        assert_eq!(now["attempt"], job["attempt"], "what was done is not done again");
    }
    check_whole(&server, &asset, "tried again");
}

#[test]
fn a_drained_queue_begins_nothing_new_over_a_restart_until_it_is_resumed() {
    let (_folder, data) = fresh_and_quick();
    let server = Server::start_with(&data, &["--processors", "1"]);
    let id = server.upload(&judge::media("kill.mp4"), "kill.mp4");
    wait_for("a range to be at work", 120, || {
        (!of_stage(&server.jobs(&id), "encode_range", "running").is_empty()).then_some(())
    });
    let told = jobs(&data, &["drain", "--reason", "a new disk"]);
    assert_eq!(told.last().unwrap()["running"], 0, "{told:?}");
    let left = server.jobs(&id);
    assert!(!of_stage(&left, "encode_range", "ready").is_empty(), "ranges were left: {left:?}");
    assert!(left.iter().all(|job| job["state"] != "running"), "{left:?}");
    assert!(left.iter().all(|job| job["attempt"].as_i64() <= Some(1)), "what ran went on to its end: {left:?}");
    let workers = jobs(&data, &["workers"]);
    assert!(!workers.is_empty() && workers.iter().all(|worker| worker["drained"] == true), "{workers:?}");

    server.kill();
    let server = Server::start_with(&data, &["--processors", "1"]);
    let queue = server.admin("GET", "/api/v1/queue", None, 200).json();
    assert_eq!(queue["drained"][0]["reason"], "a new disk", "{queue}");
    assert!(of_stage(&server.jobs(&id), "encode_range", "running").is_empty());
    let other = server.upload(&judge::media("kill.mp4"), "other.mp4");
    let resumed = jobs(&data, &["resume"]);
    assert_eq!(resumed[0]["was_drained"], true);
    for id in [&id, &other] {
        assert_eq!(server.settled(id, 300)["state"], "ready");
    }
}

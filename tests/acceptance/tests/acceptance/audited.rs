//! The audit log, judged by a verifier that shares nothing with it, over kills of the server.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::server::{Server, TOKEN, fresh, wait_for};
use crate::{judge, topology};

fn flag(key: &str) -> Value {
    json!({ "key": key })
}

/// Saves the checkpoint once the log has so many entries; the file.
fn checkpoint(server: &Server, folder: &Path, size: usize) -> String {
    let file = folder.join(format!("checkpoint-{size}"));
    wait_for(&format!("{size} entries"), 60, || {
        let note = String::from_utf8(server.admin("GET", "/api/v1/audit/checkpoint", None, 200).body).unwrap();
        let is_there = note.lines().nth(1)?.parse::<usize>().unwrap() >= size;
        is_there.then(|| std::fs::write(&file, note).unwrap())
    });
    file.display().to_string()
}

/// What a command says as JSON, and how it ends.
fn verified(data: &Path, since: &str) -> (Option<i32>, Value) {
    let mut command = topology::beside(data);
    let output = command.args(["--json", "audit", "verify", "--since", since, "--data"]).arg(data).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), serde_json::from_str(said.lines().next().unwrap_or_default()).unwrap_or_default())
}

#[test]
fn every_change_over_a_kill_is_proven_by_somebody_elses_verifier_and_what_is_cut_off_is_missed() {
    let (folder, data) = fresh();
    let server = Server::start(&data);
    for at in 0..20 {
        server.admin("POST", "/api/v1/flags", Some(flag(&format!("first-{at}"))), 201);
    }
    let first = checkpoint(&server, folder.path(), 10);
    for at in 0..20 {
        server.admin("POST", "/api/v1/flags", Some(flag(&format!("second-{at}"))), 201);
    }
    server.kill();
    let server = Server::start(&data);
    for at in 0..20 {
        server.admin("POST", "/api/v1/flags", Some(flag(&format!("third-{at}"))), 201);
        server.admin("POST", "/api/v1/flags", Some(flag(&format!("third-{at}"))), 409);
    }
    // One whose answer the killed process was just about to record may be in it as well, later.
    let second = checkpoint(&server, folder.path(), 59);
    let found = server.admin("GET", "/api/v1/audit/entries?action=create_flag&limit=200", None, 200).json();
    let items = found["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["entry"]["status"] == 201), "{found}");
    let mut command = Command::new(judge::root().join(".cache/venv/bin/python3"));
    command.arg(judge::root().join("tests/audit/verify.py")).args([&server.base, TOKEN, &first, &second]);
    let judged: Value = serde_json::from_slice(&judge::run(&mut command).stdout).unwrap();
    assert!(judged["checkpoints"] == 2 && judged["entries"].as_u64().unwrap() >= 59, "{judged}");

    let (code, said) = verified(&data, &first);
    assert_eq!((code, &said["fine"]), (Some(0), &json!(true)), "{said}");
    let (code, said) = verified(&data, &folder.path().join("none").display().to_string());
    assert_eq!((code, &said["error"]["code"]), (Some(65), &json!("audit.checkpoint")), "{said}");
    drop(server);
    if topology::is_fleet() {
        return;
    }
    let cut = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
        c.execute('DELETE FROM audit_entry WHERE seq > 50'); c.commit()";
    judge::run(Command::new("python3").args(["-c", cut]).arg(data.join("lectern.db")));
    let (code, said) = verified(&data, &second);
    assert_eq!((code, &said["fine"], &said["entries"]), (Some(65), &json!(false), &json!(51)), "{said}");
}

//! A folder whose files are uploaded.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::judge;
use crate::kill::check_whole;
use crate::server::{Server, TOKEN, fresh, fresh_and_quick, wait_for};

fn watch(server: &Server, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(judge::lectern());
    command.args(["--json", "watch", "--settle", "1", "--url", &server.base]).args(arguments).arg(folder);
    command.env("LECTERN_ADMIN_TOKEN", TOKEN);
    command
}

fn lines(output: &[u8]) -> Vec<Value> {
    std::str::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_put_into_a_folder_is_uploaded_once_though_the_command_and_the_server_are_killed() {
    let (_folder, data) = fresh_and_quick();
    let server = Server::start(&data);
    let inbox = tempfile::tempdir().unwrap();
    std::fs::copy(judge::media("kill.mp4"), inbox.path().join("kill.mp4")).unwrap();
    std::fs::write(inbox.path().join("half.mp4.part"), "not yet").unwrap();
    let mut killed = watch(&server, inbox.path(), &[]).stdout(Stdio::null()).spawn().unwrap();
    let arriving = inbox.path().join(".lectern/arriving/kill.mp4");
    wait_for("the file to be taken", 60, || arriving.exists().then_some(()));
    killed.kill().unwrap();
    killed.wait().unwrap();
    server.kill();
    let server = Server::start(&data);
    let said = lines(&judge::run(&mut watch(&server, inbox.path(), &["--once"])).stdout);
    let assets = server.admin("GET", "/api/v1/assets", None, 200).json();
    assert_eq!(assets["items"].as_array().unwrap().len(), 1, "{assets}");
    let id = assets["items"][0]["id"].as_str().unwrap();
    // Unless the first one had just finished when it was killed.
    assert!(said.iter().all(|line| line["file"] == "kill.mp4" && line["asset_id"] == id), "{said:?}");
    assert!(inbox.path().join(".lectern/done/kill.mp4").exists());
    assert!(inbox.path().join("half.mp4.part").exists(), "what is not whole stays");
    let asset = server.settled(id, 180);
    assert_eq!(asset["state"], "ready", "{asset}");
    check_whole(&server, &asset, "watched");
}

#[test]
fn a_file_that_the_api_refuses_is_kept_with_the_reason_and_the_next_one_is_not_held_up() {
    let (_folder, data) = fresh();
    let server = Server::start(&data);
    let inbox = tempfile::tempdir().unwrap();
    for name in ["a.mp4", "b.mp4"] {
        std::fs::write(inbox.path().join(name), name).unwrap();
    }
    let said = lines(&judge::run(&mut watch(&server, inbox.path(), &["--once", "--ladder", "no-such"])).stdout);
    assert_eq!(said.len(), 2, "{said:?}");
    let why = std::fs::read_to_string(inbox.path().join(".lectern/failed/a.mp4.txt")).unwrap();
    assert!(why.contains("there is no such ladder"), "{why}");
    assert!(inbox.path().join(".lectern/failed/b.mp4").exists());
    let stranger = watch(&server, inbox.path(), &["--once"]).env("LECTERN_ADMIN_TOKEN", "").output().unwrap();
    assert_eq!(stranger.status.code(), Some(78), "{stranger:?}");
}

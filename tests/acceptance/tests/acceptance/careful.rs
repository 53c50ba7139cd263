//! What fails when all of it is done side by side is done one after the other.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::judge;
use crate::server::{Server, fresh};

/// Address space in MiB: from too little for anything to enough for everything.
const LIMITS: std::ops::Range<usize> = 450..1000;
const STEP: usize = 50;

/// Two seconds of 1920x1080: four encoders side by side need far more than the largest of them alone.
fn clip(folder: &Path) -> PathBuf {
    let file = folder.join("clip.mp4");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(judge::media("counter.mp4"));
    judge::run(
        command
            .args(["-t", "2", "-map", "0:v", "-vf", "scale=1920:1080", "-preset", "ultrafast", "-crf", "20"])
            .arg(&file),
    );
    file
}

/// An engine that gets so much memory, whatever it is allowed.
fn engine(folder: &Path, mib: usize) -> PathBuf {
    let (real, file) = (judge::lectern().with_file_name("lectern-engine"), folder.join("lectern-engine"));
    let limited = format!("[ \"$1\" = serve ] && set -- serve {} \"$3\"", mib << 20);
    std::fs::write(&file, format!("#!/bin/sh\n{limited}\nexec {} \"$@\"\n", real.display())).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    file
}

/// What an encode with this engine comes to, and what it says of itself.
fn encode(clip: &Path, out: &Path, engine: Option<&Path>) -> (Value, String) {
    let mut command = Command::new(judge::lectern());
    command.args(["--json", "encode", "--ladder", "film", "--out"]).arg(out).arg(clip);
    engine.map(|engine| command.env("LECTERN_ENGINE", engine));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (serde_json::from_str(said.lines().last().unwrap()).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_range_for_which_there_is_too_little_memory_is_encoded_one_rendition_after_the_other() {
    let (folder, data) = fresh();
    let clip = clip(folder.path());
    let (usual, _) = encode(&clip, &folder.path().join("usual"), None);
    let careful = LIMITS.step_by(STEP).find(|mib| {
        let (result, log) = encode(&clip, &folder.path().join(mib.to_string()), Some(&engine(folder.path(), *mib)));
        let is_whole = result["error"].is_null();
        assert!(!is_whole || result["tracks"].as_array().map(Vec::len) == usual["tracks"].as_array().map(Vec::len));
        assert!(!is_whole || result["bytes"] == usual["bytes"], "care costs time and no quality");
        is_whole && log.contains("encoded again with care")
    });
    let careful = careful.expect("care helps somewhere between nothing and everything");
    // Neither the very least nor nearly enough: processes differ by a little.
    let engine = engine(folder.path(), careful + 2 * STEP);

    let mut command = Command::new(judge::lectern());
    command.env("LECTERN_ENGINE", engine);
    let server = Server::launch(command, &data, &[]);
    let id = server.upload_as(&clip, json!({ "filename": "clip.mp4", "ladder": "film" }));
    let asset = server.settled(&id, 300);
    assert_eq!(asset["state"], "ready", "{asset}");
    let ranges: Vec<Value> = server.jobs(&id).into_iter().filter(|job| job["stage"] == "encode_range").collect();
    assert!(ranges.iter().any(|job| job["attempt"] == 3 && job["state"] == "done"), "{ranges:?}");
}

//! Backups: a database that is lost, or is to be another, and what was in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use database::testing::Cluster;
use database::{Database, Tx, args};
use serde_json::{Value, json};

use crate::bucket::Buckets;
use crate::server::{Server, TOKEN, fresh, fresh_and_quick, wait_for};
use crate::topology::{self, Shared};
use crate::{judge, upload};

/// Pictures of [`clip`].
const PICTURES: u64 = 100;

/// A few seconds, quickly encoded.
fn clip(folder: &Path) -> PathBuf {
    let file = folder.join("clip.mp4");
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4"]);
    judge::run(command.args(["-pix_fmt", "yuv420p", "-movflags", "+faststart"]).arg(&file));
    file
}

fn lectern(arguments: &[&str]) -> Command {
    let mut command = Command::new(judge::lectern());
    command.args(["--json", "backup"]).args(arguments).stdin(Stdio::null());
    command
}

/// Its answer, of a command that succeeds.
fn told(command: &mut Command) -> Value {
    serde_json::from_slice(&judge::run(command).stdout).unwrap()
}

/// Its lines, of a command that ends with this code.
fn refused(command: &mut Command, code: i32) -> Vec<Value> {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = String::from_utf8(stdout).unwrap();
    assert_eq!(status.code(), Some(code), "{text} {}", String::from_utf8_lossy(&stderr));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every rendition of an asset is decoded, whole.
fn check_plays(server: &Server, id: &str) {
    let asset = server.asset(id);
    assert_eq!(asset["state"], "ready", "{asset}");
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let hls = server.call("GET", &playback, &[], None).unwrap().json()["hls"].as_str().unwrap().to_owned();
    let master = String::from_utf8(server.call("GET", &hls, &[], None).unwrap().body).unwrap();
    let variants = upload::variants(&master);
    assert!(!variants.is_empty(), "{master}");
    for variant in variants {
        let uri = format!("{}{}/{variant}", server.base, hls.rsplit_once('/').unwrap().0);
        assert_eq!(judge::decode_silently(&judge::ffmpeg_9(), &uri, "0:v:0"), PICTURES, "{variant}");
    }
}

/// Sends half of an upload; answers the asset's id.
fn send_half(server: &Server, file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap();
    let announced = json!({ "filename": "half.mp4", "size": bytes.len() });
    let upload = server.admin("POST", "/api/v1/uploads", Some(announced), 201).json();
    let authorization = format!("Bearer {TOKEN}");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Tus-Resumable", "1.0.0"),
        ("Upload-Offset", "0"),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    let half = &bytes[..bytes.len() / 2];
    let answer = server.call("PATCH", upload["tus_url"].as_str().unwrap(), &headers, Some(half)).unwrap();
    assert_eq!(answer.status, 204);
    upload["asset_id"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_backed_up_plays_from_a_new_database_on_either_engine_and_new_uploads_work() {
    let (folder, data) = fresh_and_quick();
    let (clip, backup) = (clip(folder.path()), folder.path().join("backup"));
    let (place, backup) = (data.to_str().unwrap(), backup.to_str().unwrap());
    let start = || Server::spawn(Command::new(judge::lectern()), &data, &[]);
    let server = start();
    let id = server.upload(&clip, "lecture.mp4");
    server.settled(&id, 120);
    let (lost, kept) = (send_half(&server, &clip), send_half(&server, &clip));
    let made = told(&mut lectern(&["create", "--to", backup, "--data", place]));
    assert_eq!((&made["objects_missing"], &made["objects_copied"]), (&json!(0), &Value::Null), "{made}");
    let store = data.join("media");
    let found = told(&mut lectern(&["verify", backup, "--store", store.to_str().unwrap()]));
    assert_eq!((&found["fine"], &found["objects"]), (&json!(true), &made["objects"]));

    // What the backup does not know: a recording, and the end of an upload.
    let later = server.upload(&clip, "later.mp4");
    server.settled(&later, 120);
    server.kill();
    for name in ["lectern.db", "lectern.db-wal", "lectern.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    std::fs::remove_file(store.join(format!("staging/uploads/{lost}"))).unwrap();
    let restored = told(&mut lectern(&["restore", backup, "--data", place]));
    assert_eq!((&restored["rows"], &restored["uploads_lost"]["count"]), (&made["rows"], &json!(1)), "{restored}");
    assert_eq!(restored["media_missing"]["count"], 0);
    let again = refused(&mut lectern(&["restore", backup, "--data", place]), 78);
    assert_eq!(again[0]["error"]["code"], "backup.not_empty", "{again:?}");

    let server = start();
    check_plays(&server, &id);
    let asset = server.asset(&lost);
    assert_eq!((&asset["state"], &asset["error"]["code"]), (&json!("errored"), &json!("upload.lost")), "{asset}");
    assert_eq!(server.asset(&kept)["state"], "ingesting", "its bytes are there, so it may go on");
    let new = server.upload(&clip, "new.mp4");
    server.settled(&new, 120);
    check_plays(&server, &new);

    // The way to several machines: rows and objects, into PostgreSQL and S3.
    let whole = folder.path().join("whole");
    let whole = whole.to_str().unwrap();
    let made = told(&mut lectern(&["create", "--with-objects", "--to", whole, "--data", place]));
    assert_eq!(made["objects_copied"], made["objects"]);
    let made = told(&mut lectern(&["create", "--with-objects", "--to", whole, "--data", place]));
    assert_eq!(made["objects_copied"], 0, "all of them lie there: {made}");
    server.kill();
    let (cluster, buckets) = (Cluster::start(), Buckets::start());
    let shared = Shared::new(&cluster, &buckets, &data);
    let moved = folder.path().join("moved");
    let mut restore = shared.on(&lectern(&["restore", whole]));
    let restored = told(restore.arg("--data").arg(&moved));
    assert_eq!(restored["objects"], made["objects"], "{restored}");
    let server = topology::serve(&Command::new(judge::lectern()), &shared, &moved, &["--roles", "api,origin"]);
    check_plays(&server, &id);
    check_plays(&server, &new);

    // And what somebody has taken away is named.
    std::fs::remove_dir_all(store.join("objects/sources").join(&id)).unwrap();
    let lines = refused(&mut lectern(&["verify", backup, "--store", store.to_str().unwrap()]), 65);
    assert_eq!(lines[0]["objects_at_fault"]["count"], 1, "{lines:?}");
    let first = lines[0]["objects_at_fault"]["first"][0].as_str().unwrap();
    assert!(first.contains(&format!("sources/{id}/original")), "{first}");
    assert_eq!(lines[1]["error"]["code"], "backup.objects");
}

const JOB: &str =
    "INSERT INTO job (tenant_id, id, asset_id, stage, payload, state, priority, weight, run_at_ms, attempt,
    returned, max_attempts, waits_for, heartbeat, progress, created_ms)
    VALUES ('ten_1', $1, 'ast_1', 'probe', $2, 'done', 1, 1, 1, 1, 0, 4, 0, 0, 1, $3)";

/// A database with so many jobs.
fn busy(file: &Path, jobs: i64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let db = Database::open(file.to_str().unwrap()).await.unwrap();
        db.migrate().await.unwrap();
        let mut tx: Tx = db.begin().await.unwrap();
        let payload = json!({ "stage": "probe", "note": "x".repeat(400) });
        for at in 0..jobs {
            tx.execute(JOB, args![format!("job_{at:07}"), payload.clone(), at]).await.unwrap();
        }
        tx.commit().await.unwrap();
        db.close().await;
    });
}

/// `kill -9` once `is_time`, of a command that must not have ended before.
fn kill_when(mut child: Child, what: &str, mut is_time: impl FnMut() -> bool) {
    wait_for(what, 60, || {
        assert!(child.try_wait().unwrap().is_none(), "it ended before {what}");
        is_time().then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
}

fn size_of(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len())
}

/// Bytes of rows that lie in a backup's folder, without those of `known`.
fn rows_in(backup: &Path, known: Option<&Path>) -> u64 {
    let folders = std::fs::read_dir(backup).into_iter().flatten().flatten().map(|entry| entry.path());
    let rows = folders.filter(|path| path.to_string_lossy().contains("rows-") && Some(path.as_path()) != known);
    rows.map(|folder| size_of(&folder.join("job.jsonl"))).sum()
}

#[test]
fn killed_in_the_middle_neither_half_a_backup_nor_half_a_database_is_taken_for_a_whole_one() {
    let (folder, data) = fresh();
    std::fs::create_dir(&data).unwrap();
    busy(&data.join("lectern.db"), 40_000);
    let backup = folder.path().join("backup");
    let (place, to) = (data.to_str().unwrap(), backup.to_str().unwrap());
    let create = || lectern(&["create", "--to", to, "--data", place]);
    let quiet = |mut command: Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let kill_create = |known: Option<&Path>| {
        kill_when(quiet(create()), "rows to be written", || rows_in(&backup, known) > 1 << 16);
    };

    kill_create(None);
    let lines = refused(&mut lectern(&["verify", to]), 65);
    assert_eq!(lines[0]["error"]["code"], "backup.none", "{lines:?}");
    let made = told(&mut create());
    assert!(made["rows"].as_u64().unwrap() > 40_000, "{made}");
    let folders = || std::fs::read_dir(&backup).unwrap().flatten().map(|entry| entry.path());
    let first = folders().find(|path| path.to_string_lossy().contains("rows-")).unwrap();
    kill_create(Some(&first));
    assert_eq!(told(&mut lectern(&["verify", to]))["rows"], made["rows"], "the one of before is whole");
    told(&mut create());
    assert_eq!(folders().filter(|path| path.to_string_lossy().contains("rows-")).count(), 1, "nothing of it is left");

    let new = folder.path().join("new");
    let restore = || lectern(&["restore", to, "--data", new.to_str().unwrap()]);
    kill_when(quiet(restore()), "rows to be put back", || size_of(&new.join("lectern.db-wal")) > 1 << 20);
    let restored = told(&mut restore());
    assert_eq!(restored["rows"], made["rows"]);
    let again = folder.path().join("again");
    let copied = told(&mut lectern(&["create", "--to", again.to_str().unwrap(), "--data", new.to_str().unwrap()]));
    assert_eq!(copied["rows"], made["rows"]);

    // A flipped bit, wherever it is.
    let rows = folders().find(|path| path.to_string_lossy().contains("rows-")).unwrap().join("job.jsonl");
    let mut bytes = std::fs::read(&rows).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&rows, bytes).unwrap();
    let lines = refused(&mut lectern(&["verify", to]), 65);
    assert!(lines[0]["damaged"]["first"][0].as_str().unwrap().contains("job.jsonl"), "{lines:?}");
    let third = folder.path().join("third");
    let lines = refused(&mut lectern(&["restore", to, "--data", third.to_str().unwrap()]), 65);
    assert_eq!(lines[0]["error"]["code"], "backup.damaged", "{lines:?}");
}

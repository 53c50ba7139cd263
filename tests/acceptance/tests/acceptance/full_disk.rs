//! A disk that fills up under a running server: what cannot be stored is refused with a code and a cure, and nothing
//! that was there is lost.
//!
//! The server gets a small disk of its own, a tmpfs in a mount namespace that goes when it goes. That takes root, or a
//! kernel that allows user namespaces (Debian's does; most containers do not).

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::judge;
use crate::server::{Answer, Server, TOKEN, fresh, wait_for};

const DISK_MIB: u64 = 64;
/// Left free for the database; less than the 16 MiB below which the store takes nothing.
const FOR_THE_DATABASE: u64 = 8 << 20;

#[test]
fn on_a_full_disk_uploads_are_refused_with_a_cure_and_everything_goes_on_once_there_is_space() {
    let (_folder, data) = fresh();
    let Some((server, disk)) = on_a_disk_of_its_own(&data) else {
        // Straight to the stream: the message of a test that passes is not shown otherwise.
        writeln!(std::io::stderr(), "full_disk: NOT RUN, nothing may be mounted here (run as root)").unwrap();
        return;
    };
    let earlier = server.upload(&judge::media("video-only.mp4"), "earlier.mp4");
    assert_eq!(server.settled(&earlier, 120)["state"], "ready");
    during_an_upload(&server, &disk, &earlier);
    during_processing(&server, &disk, &earlier);
    let later = server.upload(&judge::media("video-only.mp4"), "later.mp4");
    assert_eq!(server.settled(&later, 120)["state"], "ready");
}

fn during_an_upload(server: &Server, disk: &Disk, earlier: &str) {
    let source = std::fs::read(judge::media("video-only.mp4")).unwrap();
    let half = source.len() / 2;
    let announced = json!({ "filename": "half.mp4", "size": source.len() });
    let upload = server.admin("POST", "/api/v1/uploads", Some(announced), 201).json();
    let url = upload["tus_url"].as_str().unwrap();
    assert_eq!(patch(server, url, 0, &source[..half]).status, 204);
    disk.fill(0);
    check_refused(&patch(server, url, half, &source[half..]));
    fill_the_database(server);
    check_alive(server, earlier);
    disk.fill(FOR_THE_DATABASE);
    check_refused(&patch(server, url, half, &source[half..]));
    check_put_refused(server);
    disk.free();
    assert_eq!(patch(server, url, half, &source[half..]).status, 204, "it goes on where it stood");
    assert_eq!(server.settled(upload["asset_id"].as_str().unwrap(), 120)["state"], "ready");
}

fn during_processing(server: &Server, disk: &Disk, earlier: &str) {
    let id = server.upload(&judge::media("kill.mp4"), "kill.mp4");
    wait_for("encoding to begin", 120, || (server.asset(&id)["progress"]["stage"] == "encode").then_some(()));
    disk.fill(FOR_THE_DATABASE);
    wait_for("a job to find the disk full", 120, || {
        // A job that waits for another to begin says so, and has not failed.
        let codes = server.jobs(&id).into_iter().map(|job| job["error"]["code"].clone());
        let mut failed = codes.filter(|code| !code.is_null() && code != "job.waits").peekable();
        failed.peek()?;
        assert!(failed.all(|code| code == "storage.full"), "{:?}", server.jobs(&id));
        Some(())
    });
    check_put_refused(server);
    disk.fill(0);
    fill_the_database(server);
    check_alive(server, earlier);
    disk.free();
    let asset = server.settled(&id, 300);
    assert_eq!(asset["state"], "ready", "{asset}");
    assert!(server.jobs(&id).iter().any(|job| job["attempt"].as_i64() > Some(1)), "nothing was tried again");
    assert_eq!(crate::upload::engines_of(server), 0, "engines stayed");
}

fn patch(server: &Server, url: &str, offset: usize, bytes: &[u8]) -> Answer {
    let (authorization, offset) = (format!("Bearer {TOKEN}"), offset.to_string());
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Tus-Resumable", "1.0.0"),
        ("Upload-Offset", offset.as_str()),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    server.call("PATCH", url, &headers, Some(bytes)).unwrap()
}

/// Announces uploads until the database, which has some room in its own files, has none left for another.
fn fill_the_database(server: &Server) {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let body = json!({ "filename": "x".repeat(200), "size": 1 }).to_string();
    let refused = wait_for("the database to be full", 60, || {
        let answer = server.call("POST", "/api/v1/uploads", &headers, Some(body.as_bytes())).unwrap();
        (answer.status != 201).then_some(answer)
    });
    check_refused(&refused);
}

/// A new upload, whose announcement is small enough for the database.
fn check_put_refused(server: &Server) {
    let announced = json!({ "filename": "new.mp4", "size": 4096 });
    let upload = server.admin("POST", "/api/v1/uploads", Some(announced), 201).json();
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("Authorization", authorization.as_str())];
    check_refused(&server.call("PUT", upload["put_url"].as_str().unwrap(), &headers, Some(&[0; 4096])).unwrap());
    server.admin("DELETE", &format!("/api/v1/assets/{}", upload["asset_id"].as_str().unwrap()), None, 202);
}

fn check_refused(answer: &Answer) {
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (507, &Value::from("storage.full")), "{problem}");
    assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains("free space")), "{problem}");
}

/// It answers, and what was published before plays.
fn check_alive(server: &Server, earlier: &str) {
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.call("GET", path, &[], None).unwrap().status, 200, "{path}");
    }
    let playback = format!("/api/v1/playback/{}", server.asset(earlier)["playback_id"].as_str().unwrap());
    let hls = server.call("GET", &playback, &[], None).unwrap().json()["hls"].as_str().unwrap().to_owned();
    let master = String::from_utf8(server.call("GET", &hls, &[], None).unwrap().body).unwrap();
    assert_eq!(crate::upload::asset_frames(server, &master, &hls), 132);
}

/// The disk of one server, seen from outside of its mount namespace.
struct Disk(PathBuf);

impl Disk {
    /// Fills it up to its last `left` bytes.
    fn fill(&self, left: u64) {
        self.free();
        let mut filler = File::create(self.filler()).unwrap();
        let zeros = vec![0; 64 * 1024];
        let full = loop {
            if let Err(error) = filler.write_all(&zeros) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
        let size = filler.metadata().unwrap().len();
        filler.set_len(size - left).unwrap();
    }

    fn free(&self) {
        let _ = std::fs::remove_file(self.filler());
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

/// Starts a server whose data folder is a disk of [`DISK_MIB`]; `None` where nothing may be mounted.
fn on_a_disk_of_its_own(data: &Path) -> Option<(Server, Disk)> {
    let alone: [&[&str]; 2] = [&["--mount"], &["--mount", "--user", "--map-root-user"]];
    let mount = format!("mount -t tmpfs -o size={DISK_MIB}m tmpfs \"$0\" && exec \"$@\"");
    std::fs::create_dir(data).unwrap();
    let in_namespace = |alone: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(alone).args(["sh", "-c", &mount]).arg(data);
        command
    };
    let allowed = |alone: &&&[&str]| in_namespace(alone).arg("true").output().is_ok_and(|tried| tried.status.success());
    let alone = alone.iter().find(allowed)?;
    let mut command = in_namespace(alone);
    command.arg(judge::lectern());
    // The disk is this process's alone.
    let server = Server::spawn(command, data, &[]);
    let disk = format!("/proc/{}/root{}", server.pid(), data.display());
    Some((server, Disk(disk.into())))
}

//! A protected recording: encrypted before it is published, played with a licence for a token, by nobody else.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Server, fresh, fresh_and_quick, wait_for};
use crate::{judge, topology};

const KEK: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const NEXT_KEK: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

pub(crate) fn keeping_keys(data: &Path) -> Server {
    let mut command = Command::new(judge::lectern());
    command.env("LECTERN_KEK", format!("{KEK},{NEXT_KEK}"));
    Server::launch(command, data, &[])
}

/// A published recording of the counter, protected so.
struct Protected {
    asset: Value,
    hls: String,
    dash: String,
}

fn publish(server: &Server, scheme: &str) -> Protected {
    let announced = json!({ "filename": format!("{scheme}.mp4"), "protection": scheme });
    let id = server.upload_as(&judge::media("counter.mp4"), announced);
    let asset = wait_for("the recording to be playable", 240, || {
        Some(server.asset(&id)).filter(|asset| asset["playable_at"].is_string())
    });
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let addresses = server.call("GET", &playback, &[], None).unwrap().json();
    assert_eq!(addresses["protection"], scheme);
    let address = |field: &str| addresses[field].as_str().unwrap().to_owned();
    let mut recording = Protected { hls: address("hls"), dash: address("dash"), asset };
    let early = ["--brief", "--heights", "240", "--players", if scheme == "cbcs" { "hls" } else { "shaka" }];
    play(server, &recording, &[&early[..], &["--licence-url", &licence_url(server, &recording)]].concat());
    recording.asset = server.settled(&id, 400);
    let Protected { asset, .. } = &recording;
    assert_eq!((&asset["state"], &asset["protection"]), (&json!("ready"), &json!(scheme)), "{asset}");
    recording
}

fn play(server: &Server, Protected { hls, dash, .. }: &Protected, arguments: &[&str]) {
    judge::players_with(&server.base, hls, dash, frames_of_source(), "24000/1001", arguments);
}

fn text(server: &Server, path: &str) -> String {
    String::from_utf8(server.call("GET", path, &[], None).unwrap().body).unwrap()
}

/// Where its licences are, with a new token.
fn licence_url(server: &Server, recording: &Protected) -> String {
    let playback = recording.asset["playback_id"].as_str().unwrap();
    let path = format!("/api/v1/playback/{playback}/tokens");
    let token = server.admin("POST", &path, Some(json!({ "ttl_s": 600 })), 201).json();
    format!("{}{}?token={}", server.base, token["clearkey_url"].as_str().unwrap(), token["token"].as_str().unwrap())
}

#[test]
fn three_players_decrypt_with_licences_for_a_token_and_show_nothing_without() {
    let (_folder, data) = fresh_and_quick();
    let server = keeping_keys(&data);
    for (scheme, method) in [("cbcs", "SAMPLE-AES"), ("cenc", "SAMPLE-AES-CTR")] {
        let recording = publish(&server, scheme);
        let Protected { hls, dash, asset } = &recording;
        let master = text(&server, hls);
        let variant = master.lines().find(|line| line.ends_with("media.m3u8")).unwrap();
        let media = text(&server, &format!("{}/{variant}", hls.rsplit_once('/').unwrap().0));
        assert!(media.contains(&format!("#EXT-X-KEY:METHOD={method},")), "{media}");
        let lint = [format!("{}{hls}", server.base), format!("{}{dash}", server.base)];
        judge::run(Command::new(judge::lectern()).arg("lint").args(lint));

        if scheme == "cenc" {
            rewrap(&data);
        }
        let url = licence_url(&server, &recording);
        play(&server, &recording, &["--brief", "--licence-url", &url]);
        if scheme == "cbcs" {
            let wanted = json!({ "group": 47, "height": 240, "least": 2, "from": ["g2/video-240p/trick.mp4"] });
            judge::fast_playback(
                &server.base,
                (hls, dash),
                frames_of_source(),
                &wanted,
                &["shaka", "--licence-url", &url],
            );
        }
        let (without_token, _) = url.split_once('?').unwrap();
        play(&server, &recording, &["--refused", "--licence-url", without_token]);
        keys_go_with_the_recording(&server, asset);
    }
    for key in [KEK, NEXT_KEK] {
        let key = hex::decode(key).unwrap();
        assert!(!holds(&data, &key) && !holds(&topology::media(&data), &key), "a key-encryption key lies there");
    }
}

/// Moves all keys to the next key-encryption key, beside the running server.
fn rewrap(data: &Path) {
    let again = || {
        let mut command = topology::beside(data);
        command.env("LECTERN_KEK", format!("{NEXT_KEK},{KEK}")).arg("rewrap").arg("--data").arg(data);
        String::from_utf8(judge::run(&mut command).stdout).unwrap()
    };
    let (moved, nothing) = (again(), again());
    assert!(moved.contains(" keys from ") && !moved.starts_with("0 "), "{moved}");
    assert!(nothing.starts_with("every key lies under "), "{nothing}");
}

fn frames_of_source() -> u64 {
    judge::coded_pictures(judge::media("counter.mp4").to_str().unwrap()).0
}

/// While it is there its clear segments are nowhere; its keys go when it is deleted.
fn keys_go_with_the_recording(server: &Server, asset: &Value) {
    let work = topology::media(&server.data).join("objects/work").join(asset["id"].as_str().unwrap());
    wait_for("the clear segments to go", 60, || (!holds_segments(&work)).then_some(()));
    let id = asset["id"].as_str().unwrap();
    server.admin("DELETE", &format!("/api/v1/assets/{id}"), None, 202);
    // A token is made for a recording that is gone as long as there are keys of it.
    let tokens = format!("/api/v1/playback/{}/tokens", asset["playback_id"].as_str().unwrap());
    wait_for("the keys to go", 60, || {
        let authorization = format!("Bearer {}", crate::server::TOKEN);
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let answer = server.call("POST", &tokens, &headers, Some(br#"{"ttl_s":60}"#)).unwrap();
        (answer.status == 404).then_some(())
    });
}

fn holds_segments(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.filter_map(Result::ok).any(|entry| match entry.path() {
        path if path.is_dir() => holds_segments(&path),
        path => path.extension().is_some_and(|end| end == "m4s"),
    })
}

/// Whether any file below holds these bytes, plain or in hexadecimal digits.
fn holds(folder: &Path, secret: &[u8]) -> bool {
    let digits = hex::encode(secret).into_bytes();
    let inside = |bytes: &[u8]| {
        bytes.windows(secret.len()).any(|part| part == secret) || bytes.windows(digits.len()).any(|part| part == digits)
    };
    // A server whose database and store are elsewhere has made no folder.
    folder.read_dir().into_iter().flatten().filter_map(Result::ok).any(|entry| match entry.path() {
        path if path.is_dir() => holds(&path, secret),
        path => std::fs::read(path).is_ok_and(|bytes| inside(&bytes)),
    })
}

#[test]
fn a_server_without_a_key_encryption_key_refuses_to_protect_and_says_what_to_set() {
    let (_folder, data) = fresh();
    let server = Server::start(&data);
    for (protection, code) in [("cbcs", "licence.not_configured"), ("aes", "field.invalid")] {
        let announced = json!({ "filename": "a.mp4", "size": 1, "protection": protection });
        let problem = server.admin("POST", "/api/v1/uploads", Some(announced), 422).json();
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], "/protection", "{problem}");
    }
}

/// Every file below the data folder but the database, each looked at once.
struct Watch {
    /// Runs of the source's bytes that must be nowhere.
    samples: Vec<[u8; 64]>,
    /// Where stages keep what they make.
    work: PathBuf,
    seen: HashSet<PathBuf>,
    /// Files below `work` that were sealed.
    sealed: usize,
}

impl Watch {
    fn look(&mut self, folder: &Path) {
        // Files and folders may go at any moment.
        let Ok(entries) = folder.read_dir() else { return };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                self.look(&path);
            } else if !name.starts_with("lectern.db")
                && self.seen.insert(path.clone())
                && let Ok(bytes) = std::fs::read(&path)
            {
                let is_sample = |part: &[u8]| self.samples.iter().any(|sample| sample[0] == part[0] && sample == part);
                assert!(!bytes.windows(64).any(is_sample), "{} holds bytes of the source", path.display());
                if path.starts_with(&self.work) && !name.ends_with(".json") {
                    assert!(bytes.starts_with(b"LSO\x01"), "{} is not sealed", path.display());
                    // Every clear segment has one.
                    assert!(!bytes.windows(8).any(|part| part == b"\0\0\0\x10mfhd"), "{}", path.display());
                    self.sealed += 1;
                }
            }
        }
    }
}

/// A short recording with so much behind it that sealing it takes a while, and samples of its bytes.
fn long_source(folder: &Path) -> (PathBuf, Vec<[u8; 64]>) {
    const PADDING: usize = 32 << 20;
    let mut bytes = std::fs::read(judge::media("kill.mp4")).unwrap();
    let mut samples: Vec<[u8; 64]> = (1..4).map(|at| *bytes[bytes.len() * at / 4..].first_chunk().unwrap()).collect();
    bytes.extend_from_slice(&(PADDING as u32 + 8).to_be_bytes());
    bytes.extend_from_slice(b"free");
    let pattern: Vec<u8> = (0..4096u32).map(|at| (at * at / 7) as u8).collect();
    bytes.extend(pattern.iter().cycle().take(PADDING));
    samples.push(*pattern[1000..].first_chunk().unwrap());
    let file = folder.join("long.mp4");
    std::fs::write(&file, bytes).unwrap();
    (file, samples)
}

#[test]
fn what_a_protected_recording_is_made_of_lies_sealed_also_after_a_kill_while_it_was_sealed() {
    let (folder, data) = fresh_and_quick();
    let (file, samples) = long_source(folder.path());
    let server = keeping_keys(&data);
    let id = server.upload_as(&file, json!({ "filename": "long.mp4", "protection": "cbcs" }));
    let media = topology::media(&data);
    let half_sealed = topology::staged(&data, &format!("uploads/{id}.sealed"));
    let clear = media.join(format!("objects/sources/{id}/original"));
    let deadline = Instant::now() + Duration::from_secs(30);
    while !half_sealed.is_file() {
        assert!(Instant::now() < deadline, "the source is not sealed");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    server.kill();
    assert!(clear.is_file() && half_sealed.is_file(), "the kill came too late");

    let server = keeping_keys(&data);
    let work = media.join("objects").join("work");
    let report = work.join(&id).join("probe.json");
    wait_for("the source to be looked at", 60, || report.is_file().then_some(()));
    assert!(!clear.exists() && !half_sealed.exists());
    assert!(clear.with_file_name("original.sealed").is_file());
    let mut watch = Watch { samples, work, seen: HashSet::new(), sealed: 0 };
    let asset = wait_for("the recording to be ready", 400, || {
        watch.look(&data);
        watch.look(&media);
        let asset = server.asset(&id);
        matches!(asset["state"].as_str(), Some("ready" | "errored")).then_some(asset)
    });
    assert_eq!(asset["state"], "ready", "{asset}");
    watch.look(&data);
    watch.look(&media);
    assert!(watch.sealed > 5, "{} sealed files were seen", watch.sealed);

    // What is served beside the segments cannot lie sealed.
    let published = media.join("objects/published").join(asset["playback_id"].as_str().unwrap());
    let pointer: Value = serde_json::from_slice(&std::fs::read(published.join("current.json")).unwrap()).unwrap();
    let poster = published.join(format!("g{}/poster.jpg", pointer["generation"]));
    let poster = std::fs::read(poster).unwrap();
    assert!(poster.starts_with(&[0xff, 0xd8]));
}

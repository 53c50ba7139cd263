//! Upload a recording, watch it adapt.

use std::process::Command;

use serde_json::{Value, json};

use crate::server::{Server, fresh, wait_for};
use crate::{judge, topology};

fn playlist(server: &Server, path: &str) -> String {
    let answer = server.call("GET", path, &[], None).unwrap();
    assert_eq!(answer.status, 200, "{path}");
    String::from_utf8(answer.body).unwrap()
}

pub fn variants(master: &str) -> Vec<&str> {
    master.lines().filter(|line| line.contains("video-") && !line.starts_with('#')).collect()
}

#[test]
fn an_upload_is_playable_with_its_lowest_rung_first_and_complete_later_and_old_sessions_keep_playing() {
    let (_folder, data) = fresh();
    let server = Server::start(&data);
    let id = server.upload(&judge::media("counter.mp4"), "lecture.mp4");
    let early = wait_for("the lowest rung to be playable", 240, || {
        Some(server.asset(&id)).filter(|asset| asset["playable_at"].is_string())
    });
    let playback = format!("/api/v1/playback/{}", early["playback_id"].as_str().unwrap());
    let addresses = server.call("GET", &playback, &[], None).unwrap().json();
    let (hls, dash) = (addresses["hls"].as_str().unwrap(), addresses["dash"].as_str().unwrap());
    let first = playlist(&server, hls);
    let session: Vec<String> =
        variants(&first).iter().map(|uri| format!("{}/{uri}", hls.rsplit_once('/').unwrap().0)).collect();

    let poster = wait_for("the poster", 60, || {
        let addresses = server.call("GET", &playback, &[], None).unwrap().json();
        addresses["poster"].as_str().map(str::to_owned)
    });
    let picture = server.call("GET", &poster, &[], None).unwrap();
    assert_eq!((picture.status, &picture.body[..2]), (200, &[0xff, 0xd8][..]), "a JPEG, once it is named");

    let asset = server.settled(&id, 400);
    assert_eq!(asset["state"], "ready", "{asset}");
    let millis = |field: &str| asset[field].as_str().unwrap().to_owned();
    assert!(millis("playable_at") < millis("complete_at"), "{asset}");
    if early["state"] == "processing" {
        assert_eq!(session.len(), 1, "the first generation has the lowest rung alone: {first}");
        assert!(session[0].contains("/g1/"), "{session:?}");
    }
    let complete = playlist(&server, hls);
    assert!(variants(&complete).len() >= 3, "new sessions see all rungs: {complete}");
    assert!(variants(&complete).iter().all(|uri| uri.starts_with("g2/")), "one generation: {complete}");
    for uri in &session {
        let playlist = playlist(&server, uri);
        assert!(playlist.contains("#EXT-X-ENDLIST"), "a running session's playlist stays");
        for segment in playlist.lines().filter(|line| line.ends_with(".m4s")) {
            let path = format!("{}/{segment}", uri.rsplit_once('/').unwrap().0);
            assert_eq!(server.call("GET", &path, &[], None).unwrap().status, 200, "{path} was promised");
        }
    }
    assert_eq!(server.call("GET", &poster, &[], None).unwrap().status, 200, "for who was told of it early");
    let addresses = server.call("GET", &playback, &[], None).unwrap().json();
    check_renditions(&asset);
    let frames = asset_frames(&server, &complete, hls);
    judge::players(&server.base, hls, dash, frames, "24000/1001");
    let wanted = json!({ "group": 47, "height": 360, "of": 360, "least": 2, "from": ["g2/video-360p/trick.mp4"] });
    judge::fast_playback(&server.base, (hls, dash), frames, &wanted, &["shaka,shaka-hls"]);
    for field in ["poster", "storyboard"] {
        let answer = server.call("GET", addresses[field].as_str().unwrap(), &[], None).unwrap();
        assert_eq!(answer.status, 200, "{field}");
    }
}

fn check_renditions(asset: &Value) {
    let renditions = asset["renditions"].as_array().unwrap();
    assert!(renditions.iter().any(|rendition| rendition["state"] == "done"), "{asset}");
    assert!(
        renditions.iter().all(|rendition| rendition["state"] == "done" || rendition["reason"].is_string()),
        "{asset}"
    );
}

/// How many pictures the first variant of a playlist has when it is decoded.
pub fn asset_frames(server: &Server, master: &str, hls: &str) -> u64 {
    let uri = format!("{}{}/{}", server.base, hls.rsplit_once('/').unwrap().0, variants(master)[0]);
    judge::decode_silently(&judge::ffmpeg_9(), &uri, "0:v:0")
}

#[test]
fn the_page_uploads_a_file_and_plays_it() {
    let (_folder, data) = fresh();
    let server = Server::start(&data);
    let sample = judge::media("sample.mp4");
    judge::page(&server.base, "page.png", &["--upload", sample.to_str().unwrap()]);
}

#[test]
fn an_asset_can_be_cancelled_and_deleted_at_any_time_and_leaves_no_object() {
    let (_folder, data) = fresh();
    let server = Server::start(&data);
    let id = server.upload(&judge::media("kill.mp4"), "kill.mp4");
    assert!(has_files(&topology::media(&data).join("objects/sources")), "the layout of the store is known");
    wait_for("encoding to begin", 120, || (server.asset(&id)["progress"]["stage"] == "encode").then_some(()));
    server.admin("POST", &format!("/api/v1/assets/{id}/cancel"), None, 202);
    let asset = server.settled(&id, 20);
    assert_eq!(asset["error"]["code"], "asset.cancelled");
    wait_for("the engines to end", 20, || (engines_of(&server) == 0).then_some(()));
    server.admin("DELETE", &format!("/api/v1/assets/{id}"), None, 202);
    let objects = topology::media(&data).join("objects");
    wait_for("the asset's objects to go", 60, || {
        let left = ["sources", "work", "published"].iter().any(|folder| has_files(&objects.join(folder)));
        (!left).then_some(())
    });
}

#[test]
fn sound_unlike_its_windows_is_encoded_again_and_published_once_at_its_loudness() {
    let (folder, data) = fresh();
    let file = folder.path().join("moments.flac");
    let arguments = ["-nostdin", "-v", "error", "-f", "lavfi", "-i", judge::LOUD_MOMENTS, "-c:a", "flac"];
    judge::run(Command::new("ffmpeg").args(arguments).arg(&file));
    let server = Server::start(&data);
    let id = server.upload(&file, "moments.flac");
    let asset = server.settled(&id, 120);
    assert_eq!(asset["state"], "ready", "{asset}");
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let addresses = server.call("GET", &playback, &[], None).unwrap().json();
    let (lufs, peak) = judge::loudness(&format!("{}{}", server.base, addresses["hls"].as_str().unwrap()));
    assert!((lufs + 16.0).abs() < 0.5 && peak <= -0.5, "{lufs} LUFS, {peak} dBTP");
    let work = topology::media(&data).join("objects/work").join(&id);
    wait_for("the first encode to go", 60, || {
        let attempts = work.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| has_files(path));
        let names: Vec<String> = attempts
            .filter(|path| path.is_dir())
            .map(|path| path.file_name().unwrap().to_str().unwrap().into())
            .collect();
        (names.len() == 1 && names[0].ends_with("-again")).then_some(())
    });
}

/// Whether there is a file below a folder.
pub fn has_files(folder: &std::path::Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.filter_map(Result::ok).any(|entry| if entry.path().is_dir() { has_files(&entry.path()) } else { true })
}

/// Engine processes of a server.
pub fn engines_of(server: &Server) -> usize {
    server.workshops().into_iter().map(|pid| engines(pid).len()).sum()
}

/// Engine processes whose parent is `pid`.
pub fn engines(pid: u32) -> Vec<u32> {
    let children = Command::new("pgrep").args(["-P", &pid.to_string(), "-f", "lectern-engine"]).output().unwrap();
    String::from_utf8_lossy(&children.stdout).lines().map(|line| line.parse().unwrap()).collect()
}

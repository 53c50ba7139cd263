//! Work begins while the upload is still arriving.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::server::{Server, TOKEN, fresh, wait_for};
use crate::upload::has_files;
use crate::{judge, topology};

/// Bytes sent at once.
const PART_BYTES: usize = 4 << 20;

/// A fixture so many times over, with its index in front.
fn recording(folder: &Path, fixture: &str, times: u32) -> Vec<u8> {
    let out = folder.join(format!("{times}-{fixture}"));
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-stream_loop", &(times - 1).to_string(), "-i"]);
    command.arg(judge::media(fixture)).args(["-map", "0", "-c", "copy", "-movflags", "+faststart"]).arg(&out);
    judge::run(&mut command);
    std::fs::read(out).unwrap()
}

/// The same recording in a larger file: bytes that no sample has lie behind its last one.
fn padded(mut file: Vec<u8>, size: usize) -> Vec<u8> {
    let mut at = 0;
    while &file[at + 4..at + 8] != b"mdat" {
        at += u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    }
    let length = u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!(at + length as usize, file.len(), "the media lie last");
    let more = size.checked_sub(file.len()).expect("it is the smaller one");
    file[at..at + 4].copy_from_slice(&(length + more as u32).to_be_bytes());
    file.resize(size, 0);
    file
}

/// An upload by tus.
pub struct Upload {
    pub asset: String,
    tus_url: String,
    put_url: String,
}

impl Upload {
    pub fn announce(server: &Server, size: usize) -> Self {
        let announced = json!({ "filename": "talk.mp4", "size": size, "ladder": "film" });
        let upload = server.admin("POST", "/api/v1/uploads", Some(announced), 201).json();
        let text = |field: &str| upload[field].as_str().unwrap().to_owned();
        Self { asset: text("asset_id"), tus_url: text("tus_url"), put_url: text("put_url") }
    }

    /// Sends bytes from `from` to `to`, one part after the other.
    pub fn send(&self, server: &Server, file: &[u8], from: usize, to: usize) {
        let authorization = format!("Bearer {TOKEN}");
        for start in (from..to).step_by(PART_BYTES) {
            let (end, offset) = ((start + PART_BYTES).min(to), start.to_string());
            let headers = [
                ("Authorization", authorization.as_str()),
                ("Tus-Resumable", "1.0.0"),
                ("Upload-Offset", &offset),
                ("Content-Type", "application/offset+octet-stream"),
            ];
            let answer = server.call("PATCH", &self.tus_url, &headers, Some(&file[start..end])).unwrap();
            assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
        }
    }

    /// Where the upload stands.
    pub fn received(&self, server: &Server) -> usize {
        let upload = server.admin("GET", &self.tus_url, None, 200).json();
        upload["received_bytes"].as_u64().unwrap() as usize
    }
}

fn jobs_of(server: &Server, id: &str, stage: &str) -> Vec<Value> {
    server.jobs(id).into_iter().filter(|job| job["stage"] == stage).collect()
}

/// Waits until the pictures of the beginning are made of an upload that is not whole.
fn beginning_made(server: &Server, id: &str) -> Value {
    wait_for("the beginning to be made while the rest is held back", 120, || {
        let made = jobs_of(server, id, "encode_ahead");
        (made.len() == 2 && made.iter().all(|job| job["state"] == "done")).then_some(())
    });
    let asset = server.asset(id);
    assert_eq!((&asset["state"], &asset["playable_at"]), (&json!("ingesting"), &Value::Null), "{asset}");
    assert_eq!(asset["progress"]["stage"], "upload");
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    assert_ne!(server.call("GET", &playback, &[], None).unwrap().status, 200, "nobody is told of it");
    let pointer = format!("objects/published/{}/current.json", asset["playback_id"].as_str().unwrap());
    assert!(!topology::media(&server.data).join(pointer).exists());
    asset
}

fn playable(server: &Server, id: &str) -> Value {
    wait_for("the recording to be playable", 240, || {
        let asset = server.asset(id);
        assert_ne!(asset["state"], "errored", "{asset}");
        asset["playable_at"].is_string().then_some(asset)
    })
}

/// Pictures in the first segment of the lowest rendition, as FFmpeg decodes them.
fn first_pictures(server: &Server, folder: &Path, asset: &Value) -> u64 {
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let hls = server.call("GET", &playback, &[], None).unwrap().json()["hls"].as_str().unwrap().to_owned();
    let get = |path: &str| {
        let answer = server.call("GET", path, &[], None).unwrap();
        assert_eq!(answer.status, 200, "{path}");
        answer.body
    };
    let master = String::from_utf8(get(&hls)).unwrap();
    let variant = master.lines().find(|line| line.contains("video-") && !line.starts_with('#')).unwrap();
    let base = format!("{}/{}", hls.rsplit_once('/').unwrap().0, variant.rsplit_once('/').unwrap().0);
    let mut file = get(&format!("{base}/init.mp4"));
    file.extend(get(&format!("{base}/00001.m4s")));
    let clip = folder.join("first.mp4");
    std::fs::write(&clip, file).unwrap();
    judge::decode_silently(&judge::ffmpeg_9(), clip.to_str().unwrap(), "0:v:0")
}

#[test]
fn the_beginning_is_made_while_the_last_bytes_are_held_back_and_plays_once_they_came() {
    let (folder, data) = fresh();
    let server = Server::start(&data);
    let file = recording(folder.path(), "counter.mp4", 5);
    let upload = Upload::announce(&server, file.len());
    upload.send(&server, &file, 0, file.len() / 2);
    let early = beginning_made(&server, &upload.asset);
    assert!((early["duration_ms"].as_i64().unwrap() - 120_120).abs() < 200, "{early}");
    let first = format!("objects/published/{}/g1/video-360p/00001.m4s", early["playback_id"].as_str().unwrap());
    let first = topology::media(&data).join(first);
    let before = std::fs::read(&first).unwrap();
    upload.send(&server, &file, file.len() / 2, file.len());
    let asset = playable(&server, &upload.asset);
    for stage in ["probe", "plan"] {
        assert_eq!(jobs_of(&server, &upload.asset, stage).len(), 1, "{stage} is not done again");
    }
    assert_eq!(std::fs::read(&first).unwrap(), before);
    let pictures = first_pictures(&server, folder.path(), &asset);
    assert!((94..=96).contains(&pictures), "{pictures} of 24000/1001 pictures a second in a segment");
}

#[test]
fn killed_while_the_source_arrives_work_and_upload_go_on_where_they_stood() {
    let (folder, data) = fresh();
    let file = recording(folder.path(), "counter.mp4", 5);
    let mut server = Server::start(&data);
    let upload = Upload::announce(&server, file.len());
    upload.send(&server, &file, 0, file.len() / 2);
    for stage in ["probe", "encode_ahead"] {
        wait_for(&format!("a {stage} job to run"), 60, || {
            let begun = |job: &Value| matches!(job["state"].as_str(), Some("running" | "done"));
            jobs_of(&server, &upload.asset, stage).iter().any(begun).then_some(())
        });
        server.kill();
        server = Server::start(&data);
        assert_eq!(upload.received(&server), file.len() / 2);
    }
    beginning_made(&server, &upload.asset);
    server.kill();
    server = Server::start(&data);
    upload.send(&server, &file, file.len() / 2, file.len());
    let asset = playable(&server, &upload.asset);
    let pictures = first_pictures(&server, folder.path(), &asset);
    assert!((94..=96).contains(&pictures), "{pictures}");
}

#[test]
fn of_an_upload_that_is_begun_anew_with_other_bytes_only_these_are_played() {
    let (folder, data) = fresh();
    let server = Server::start(&data);
    let before = recording(folder.path(), "counter.mp4", 5);
    let after = padded(recording(folder.path(), "sample.mp4", 7), before.len());
    let upload = Upload::announce(&server, before.len());
    upload.send(&server, &before, 0, before.len() / 2);
    let early = beginning_made(&server, &upload.asset);
    let authorization = format!("Bearer {TOKEN}");
    let put = server.call("PUT", &upload.put_url, &[("Authorization", &authorization)], Some(&after)).unwrap();
    assert_eq!(put.status, 200, "{}", String::from_utf8_lossy(&put.body));
    let asset = playable(&server, &upload.asset);
    assert_ne!(asset["duration_ms"], early["duration_ms"]);
    let published = topology::media(&data).join("objects/published").join(asset["playback_id"].as_str().unwrap());
    let pointer: Value = serde_json::from_slice(&std::fs::read(published.join("current.json")).unwrap()).unwrap();
    let generation = pointer["generation"].as_u64().unwrap();
    assert!(generation > 1, "the generation of the first bytes is spent");
    let segment =
        |generation: u64| std::fs::read(published.join(format!("g{generation}/video-360p/00001.m4s"))).unwrap();
    assert_ne!(segment(generation), segment(1));
    assert!(first_pictures(&server, folder.path(), &asset) > 0);
    let cancelled = jobs_of(&server, &upload.asset, "encode_ahead");
    assert!(cancelled.iter().all(|job| job["state"] != "parked"), "{cancelled:?}");
}

#[test]
fn an_upload_that_is_given_up_leaves_no_object_of_its_beginning() {
    let (folder, data) = fresh();
    let server = Server::start(&data);
    let file = recording(folder.path(), "counter.mp4", 5);
    let upload = Upload::announce(&server, file.len());
    upload.send(&server, &file, 0, file.len() / 2);
    beginning_made(&server, &upload.asset);
    let media = topology::media(&data);
    assert!(has_files(&media.join("objects/published")), "the layout of the store is known");
    server.admin("DELETE", &upload.tus_url, None, 204);
    assert_eq!(server.asset(&upload.asset)["error"]["code"], "asset.cancelled");
    wait_for("what was made to go", 60, || {
        let left = ["objects", "staging/uploads", "staging/bytes"].iter().any(|folder| has_files(&media.join(folder)));
        (!left).then_some(())
    });
    let open = server.jobs(&upload.asset).into_iter().filter(|job| job["stage"] != "tidy");
    assert!(open.into_iter().all(|job| job["state"] == "done"), "nothing of it is left to do");
}

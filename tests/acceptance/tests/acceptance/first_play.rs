//! A recording is played before it is made.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::judge;
use crate::server::{Server, fresh, wait_for};

/// Times that the clip is repeated: long enough that most of it is not made when it can be played.
const TIMES: u32 = 20;
/// Pictures of the clip, which are numbered.
const NUMBERED: u32 = 576;

pub fn long_recording(folder: &Path) -> PathBuf {
    let out = folder.join("long.mp4");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-stream_loop", &(TIMES - 1).to_string(), "-i"]);
    command.arg(judge::media("counter.mp4")).args(["-map", "0", "-c", "copy", "-movflags", "+faststart"]).arg(&out);
    judge::run(&mut command);
    out
}

/// A text that is served, relative to another.
pub fn text(server: &Server, base: &str, uri: &str) -> (String, String) {
    let path = format!("{}/{uri}", base.rsplit_once('/').unwrap().0);
    let answer = server.call("GET", &path, &[], None).unwrap();
    assert_eq!(answer.status, 200, "{path}");
    (path, String::from_utf8(answer.body).unwrap())
}

/// A media file, for which one waits as a player does: it may be told to ask again, and nothing else.
pub fn media(server: &Server, base: &str, uri: &str) -> Vec<u8> {
    let path = format!("{}/{uri}", base.rsplit_once('/').unwrap().0);
    wait_for(&path, 60, || {
        let answer = server.call("GET", &path, &[], None).unwrap();
        match answer.status {
            200 => Some(answer.body),
            503 => {
                assert_eq!(answer.json()["code"], "origin.not_yet", "{path}");
                None
            }
            other => panic!("{path}: {other}"),
        }
    })
}

pub fn encodes(server: &Server, id: &str, state: &str) -> Vec<Value> {
    server.jobs(id).into_iter().filter(|job| job["stage"] == "encode_range" && job["state"] == state).collect()
}

#[test]
fn a_long_recording_is_playable_when_its_beginning_is_made_and_a_viewer_may_go_anywhere() {
    let (folder, data) = fresh();
    let server = Server::start(&data);
    let id = server.upload(&long_recording(folder.path()), "long.mp4");
    let asset = wait_for("the recording to be playable", 240, || {
        Some(server.asset(&id)).filter(|asset| asset["playable_at"].is_string())
    });
    assert_eq!(asset["state"], "processing");
    let made = encodes(&server, &id, "done").len();
    assert!(made <= 3, "{made} ranges were made before anybody could play");

    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let hls = server.call("GET", &playback, &[], None).unwrap().json()["hls"].as_str().unwrap().to_owned();
    let (_, master) = text(&server, &hls, "master.m3u8");
    let variant = master.lines().find(|line| line.contains("video-") && !line.starts_with('#')).unwrap();
    let (variant, playlist) = text(&server, &hls, variant);
    assert!(playlist.contains("#EXT-X-ENDLIST") && playlist.contains("#EXT-X-PLAYLIST-TYPE:VOD"), "{playlist}");
    let segments: Vec<_> = playlist.lines().filter(|line| line.ends_with(".m4s")).collect();
    let length = |line: &str| line.strip_prefix("#EXTINF:")?.trim_end_matches(',').parse::<f64>().ok();
    let lengths = playlist.lines().filter_map(length);
    let seconds: f64 = lengths.sum();
    let stated = asset["duration_ms"].as_f64().unwrap() / 1000.0;
    assert!((seconds - stated).abs() < 0.01, "{seconds} s in the playlist, {stated} s in all");

    // Far behind what is made.
    let wanted = segments.len() * 3 / 4;
    let mut file = media(&server, &variant, "init.mp4");
    file.extend(media(&server, &variant, segments[wanted]));
    let clip = folder.path().join("there.mp4");
    std::fs::write(&clip, file).unwrap();
    let frames = judge::decode_silently(&judge::ffmpeg_9(), clip.to_str().unwrap(), "0:v:0");
    assert_eq!(frames, 94, "a whole segment of 24000/1001 pictures a second");
    let done = encodes(&server, &id, "done").len();
    assert!(done < 10, "{done} ranges were made before the one somebody waited for");
    let dash = hls.replace("master.m3u8", "manifest.mpd");
    for (player, far) in [("hls", "0.9,0.4"), ("dash", "0.5,0.85"), ("shaka", "0.6,0.95")] {
        let (frames, looped) = (u64::from(TIMES * NUMBERED), NUMBERED.to_string());
        let far = ["--players", player, "--far", far, "--loop", &looped];
        judge::players_with(&server.base, &hls, &dash, frames, "24000/1001", &far);
    }
    // Sound too.
    let audio = master.split('"').find(|uri| uri.contains("audio-")).unwrap();
    let (audio, playlist) = text(&server, &hls, audio);
    let last = playlist.lines().rfind(|line| line.ends_with(".m4s")).unwrap();
    assert!(media(&server, &audio, last).len() > 1_000);

    server.admin("DELETE", &format!("/api/v1/assets/{id}"), None, 202);
    wait_for("what was published to go", 60, || {
        (server.call("GET", &hls, &[], None).unwrap().status == 404).then_some(())
    });
}

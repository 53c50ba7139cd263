//! Bad input ends in a stated result with a code and a cure, or in a playable asset.

use std::process::Command;

use crate::server::{Server, TOKEN, fresh, fresh_and_quick, wait_for};
use crate::{judge, topology};
use serde_json::json;

/// Fixture, and the code it must end with; `None` where it must become playable (what a header claims does not count
/// where the pictures themselves are fine).
const CASES: &[(&str, Option<&str>)] = &[
    ("text.mp4", Some("input.not_media")),
    ("image.jpg", Some("input.image")),
    ("image.png", Some("input.image")),
    ("noindex.mp4", Some("input.index_missing")),
    ("playlist.m3u8", Some("input.not_media")),
    ("concat.txt", Some("input.not_media")),
    ("playlist.mp4", Some("input.not_media")),
    ("concat.mp4", Some("input.not_media")),
    ("session.sdp", Some("input.not_media")),
    ("huge.mp4", Some("input.")),
    ("zero-timescale.mp4", None),
    ("many-samples.mp4", Some("input.damaged_index")),
    ("box-loop.mp4", Some("input.damaged_index")),
    ("absurd.mp4", None),
    ("zero-fps.mp4", None),
    ("cut.mp4", None),
    ("audio-only.m4a", None),
    ("../video-only.mp4", None),
];

#[test]
fn every_bad_input_ends_in_a_code_with_a_cure_or_in_a_playable_asset() {
    let (_folder, data) = fresh_and_quick();
    let server = Server::start(&data);
    let uploaded: Vec<_> = CASES
        .iter()
        .map(|(name, code)| (*name, *code, server.upload(&judge::media(&format!("bad/{name}")), name)))
        .collect();
    for (name, code, id) in &uploaded {
        let asset = server.settled(id, 180);
        match code {
            Some(code) => {
                assert_eq!(asset["state"], "errored", "{name}: {asset}");
                assert!(asset["error"]["code"].as_str().unwrap().starts_with(code), "{name}: {}", asset["error"]);
                for field in ["detail", "hint"] {
                    assert!(
                        asset["error"][field].as_str().is_some_and(|text| text.len() > 10),
                        "{name}: {}",
                        asset["error"]
                    );
                }
            }
            None => {
                assert_eq!(asset["state"], "ready", "{name}: {asset}");
                let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
                let hls = server.call("GET", &playback, &[], None).unwrap().json()["hls"].as_str().unwrap().to_owned();
                let master = server.call("GET", &hls, &[], None).unwrap();
                assert!(String::from_utf8(master.body).unwrap().starts_with("#EXTM3U"), "{name}");
            }
        }
    }
    assert_eq!(crate::upload::engines_of(&server), 0, "engines stayed");
    assert!(leftovers(&data).is_empty(), "temporary files stayed: {:?}", leftovers(&data));
    let earlier = &uploaded[CASES.len() - 1].2;
    assert_eq!(server.asset(earlier)["state"], "ready", "an earlier asset was lost");
}

#[test]
fn an_empty_file_and_a_longer_body_than_announced_are_refused_and_leave_nothing() {
    let (_folder, data) = fresh();
    let server = Server::start(&data);
    let problem =
        server.admin("POST", "/api/v1/uploads", Some(json!({ "filename": "empty.mp4", "size": 0 })), 422).json();
    assert!(problem["code"].is_string() && problem["hint"].is_string(), "{problem}");

    let name = "a/../\"quoted'\n\u{1}name.mp4";
    let upload = server.admin("POST", "/api/v1/uploads", Some(json!({ "filename": name, "size": 10 })), 201).json();
    let authorization = format!("Bearer {TOKEN}");
    let answer =
        server.call("PUT", upload["put_url"].as_str().unwrap(), &[("Authorization", &authorization)], Some(&[0; 4096]));
    if let Ok(answer) = answer {
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    let asset = server.asset(upload["asset_id"].as_str().unwrap());
    assert_eq!(asset["filename"], name, "a name is data, never a path");
    assert_eq!(asset["state"], "awaiting_upload");
    server.admin("DELETE", &format!("/api/v1/assets/{}", upload["asset_id"].as_str().unwrap()), None, 202);
    wait_for("the upload's bytes to go", 30, || leftovers(&data).is_empty().then_some(()));
}

/// Files of the store that belong to no object: what is on its way, and nothing else, lies outside `objects`. A running
/// store marks its folder for temporary files with a file `owner`, and a bucket with one on which conditions were tried.
fn leftovers(data: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut open = vec![topology::media(data)];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        // A bucket has no folder of what lies nowhere.
        for entry in folder.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_owned();
            if entry.is_dir() && name != "objects" {
                open.push(entry);
            } else if entry.is_file()
                && !["owner", "conditions"].iter().any(|mark| name == *mark)
                && entry.metadata().unwrap().len() > 0
            {
                found.push(entry);
            }
        }
    }
    found
}

#[test]
fn what_a_damaged_recording_lost_is_told_alike_by_the_command_and_by_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("talk.mkv"), folder.path().join("out"));
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=20", "-f", "lavfi", "-i"]);
    command.args(["sine=d=20:r=48000", "-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-c:a", "aac"]);
    judge::run(command.arg(&file));
    let mut bytes = std::fs::read(&file).unwrap();
    let (from, to) = (bytes.len() / 2, bytes.len() * 6 / 10);
    bytes[from..to].fill(0x5a);
    bytes.truncate(bytes.len() * 9 / 10);
    std::fs::write(&file, bytes).unwrap();

    let said = crate::encode::encode(&file, &out, "film");
    let losses = said["losses"].as_array().unwrap();
    let from_when =
        |kind: &str| losses.iter().find(|loss| loss["kind"] == kind).map(|loss| loss["from_ms"].as_u64().unwrap());
    let pictures = from_when("pictures_held").or(from_when("pictures_damaged"));
    for (what, found, expected) in [
        ("pictures", pictures, 8_500..11_500),
        ("sound", from_when("sound_silent"), 8_500..11_500),
        ("the end", from_when("end_missing"), 16_000..19_500),
    ] {
        assert!(found.is_some_and(|at| expected.contains(&at)), "{what}: {losses:?}");
    }
    let (_data, data) = fresh();
    let server = Server::start(&data);
    let asset = server.settled(&server.upload(&file, "talk.mkv"), 200);
    assert_eq!(asset["state"], "ready", "{asset}");
    // libavcodec 59 gives a picture away before the thread that decodes it has noted an error in it, if that thread is late:
    // whether the last picture before the hole is called damaged is a matter of luck.
    let sure = |losses: &[serde_json::Value]| {
        let figures = |loss: &serde_json::Value| ["kind", "track", "from_ms", "to_ms"].map(|field| loss[field].clone());
        losses.iter().filter(|loss| loss["kind"] != "pictures_damaged").map(figures).collect::<Vec<_>>()
    };
    assert_eq!(sure(asset["losses"].as_array().unwrap()), sure(losses), "{asset}");
    assert!(asset["warnings"].to_string().contains("ends in the middle"), "{asset}");
}

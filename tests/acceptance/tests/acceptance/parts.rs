//! Recordings that a camera cut into several files are one again: every picture once, sound in step behind every join.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::protected::keeping_keys;
use crate::server::{Server, TOKEN, fresh};
use crate::{judge, topology};

const LADDER: &str = r#"
name = "parts"
description = "One rung, small and quick."
[video]
codec = "h264"
preset = "ultrafast"
crf = 24
[audio]
bitrate_kbps = 64
channels = 1
[[rung]]
name = "360p"
height = 360
max_bitrate_kbps = 1000
"#;
const PICTURES: usize = 240;
/// From one beep to the next, in pictures; the first comes with the picture half as many in.
const APART: usize = 24;
/// One frame of AAC at 48 kHz.
const AUDIO_FRAME_MS: f64 = 1024.0 / 48.0;
/// Cells of the number along the upper edge: white, black, sixteen bits, parity, white.
const CELLS: usize = 20;

fn picture_s(picture: usize) -> f64 {
    picture as f64 * 1001.0 / 24_000.0
}

/// What an encoder and a container are told, and how the recording is cut.
struct Camera {
    name: &'static str,
    sound: &'static [&'static str],
    ending: &'static str,
    cut: &'static [&'static str],
}

const CAMERAS: [Camera; 5] = [
    Camera {
        name: "action camera",
        sound: &["aac"],
        ending: "MP4",
        cut: &["-segment_format", "mp4", "-reset_timestamps", "1"],
    },
    Camera {
        name: "phone",
        sound: &["aac"],
        ending: "MOV",
        cut: &["-segment_format", "mov", "-reset_timestamps", "1"],
    },
    Camera {
        name: "still camera",
        sound: &["pcm_s16le"],
        ending: "MOV",
        cut: &["-segment_format", "mov", "-reset_timestamps", "1"],
    },
    Camera {
        name: "camcorder",
        sound: &["ac3"],
        ending: "MTS",
        cut: &["-segment_format", "mpegts", "-segment_format_options", "mpegts_m2ts_mode=1"],
    },
    Camera {
        name: "recorder",
        sound: &["aac"],
        ending: "ts",
        cut: &["-segment_format", "mpegts", "-reset_timestamps", "1"],
    },
];

/// Ten seconds in which every picture says its number and sound beeps with every 24th, as three files or more.
fn record(folder: &Path, camera: &Camera, size: &str) -> Vec<PathBuf> {
    let width: usize = size.split('x').next().unwrap().parse().unwrap();
    let cell = width / CELLS;
    let filled = |x: usize| format!("drawbox=x={}:y=0:w={cell}:h={cell}:t=fill", x * cell);
    let mut boxes =
        vec![format!("drawbox=x=0:y=0:w={width}:h={cell}:color=black:t=fill"), format!("{}:color=white", filled(0))];
    let bit = |bit: usize| format!("mod(floor(n/{})\\,2)", 1 << bit);
    boxes.extend((0..16).map(|at| format!("{}:color=white:enable={}", filled(17 - at), bit(at))));
    let ones = (0..16).map(bit).collect::<Vec<_>>().join("+");
    boxes.push(format!("{}:color=white:enable=mod({ones}\\,2)", filled(18)));
    boxes.push(format!("{}:color=white", filled(19)));
    let beep = "0.4*sin(2*PI*1000*t)*lt(mod(t+0.5005\\,1.001)\\,0.05)";
    let film = folder.join("film.mov");
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", &format!("testsrc2=s={size}:r=24000/1001")]);
    command.args(["-f", "lavfi", "-i", &format!("aevalsrc={beep}:s=48000"), "-vf", &boxes.join(",")]);
    command.args(["-t", &picture_s(PICTURES).to_string(), "-c:a"]).args(camera.sound);
    judge::run(
        command.args(["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", &APART.to_string()]).arg(&film),
    );
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(&film);
    command.args(["-map", "0", "-c", "copy", "-f", "segment", "-segment_time", "3.5"]).args(camera.cut);
    judge::run(command.arg(folder.join(format!("GX%02d.{}", camera.ending))));
    let parts = (0..).map(|number| folder.join(format!("GX{number:02}.{}", camera.ending)));
    let parts: Vec<PathBuf> = parts.take_while(|part| part.exists()).collect();
    assert!(parts.len() >= 3, "{parts:?}");
    parts
}

/// The numbers that the pictures at `target` show, in order.
fn numbers(target: &str) -> Vec<usize> {
    let mut command = Command::new(judge::ffmpeg_9());
    let cells = format!("crop=iw:iw/{CELLS}:0:0,scale={CELLS}:1:flags=area,format=gray");
    command.args(["-nostdin", "-v", "error", "-i", target, "-map", "0:v:0", "-vf", &cells, "-f", "rawvideo", "-"]);
    let read = |cells: &[u8]| {
        let lit: Vec<bool> = cells.iter().map(|&level| level > 110).collect();
        assert!(lit[0] && !lit[1] && lit[19], "no number: {cells:?}");
        let ones = lit[2..18].iter().filter(|&&one| one).count();
        assert_eq!(ones % 2 == 1, lit[18], "parity: {cells:?}");
        lit[2..18].iter().fold(0, |number, &one| number * 2 + usize::from(one))
    };
    judge::run(&mut command).stdout.chunks_exact(CELLS).map(read).collect()
}

/// When beeps begin at `target`, in milliseconds.
fn beeps_ms(target: &str) -> Vec<f64> {
    let mut command = Command::new(judge::ffmpeg_9());
    command.args([
        "-nostdin", "-v", "error", "-i", target, "-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "f32le", "-",
    ]);
    let samples = judge::run(&mut command).stdout;
    let mut found: Vec<usize> = Vec::new();
    for (at, sample) in samples.as_chunks::<4>().0.iter().enumerate() {
        if f32::from_le_bytes(*sample).abs() > 0.1 && found.last().is_none_or(|last| at > last + 24_000) {
            found.push(at);
        }
    }
    found.into_iter().map(|at| at as f64 / 48.0).collect()
}

/// Every picture is there once, and every beep comes with its picture.
fn check(what: &str, video: &str, sound: &str) {
    assert_eq!(numbers(video), (0..PICTURES).collect::<Vec<_>>(), "{what}");
    let beeps = beeps_ms(sound);
    assert_eq!(beeps.len(), PICTURES / APART, "{what}: {beeps:?}");
    let shown_ms = judge::picture_times_ms(video);
    for (beep, picture) in beeps.iter().zip((APART / 2..).step_by(APART)) {
        let off_ms = beep - shown_ms[picture] as f64;
        assert!(
            off_ms.abs() < AUDIO_FRAME_MS,
            "{what}: the beep of picture {picture} is {off_ms:.1} ms off: {beeps:?}"
        );
    }
}

fn encode(parts: &[PathBuf], out: &Path, ladder: &Path) -> std::process::Output {
    let mut command = Command::new(judge::lectern());
    command.env("PATH", "").args(["--json", "encode"]).args(parts).arg("--ladder").arg(ladder).arg("--out").arg(out);
    command.output().unwrap()
}

#[test]
fn the_files_of_any_camera_are_one_recording_with_every_picture_once_and_sound_in_step() {
    for camera in &CAMERAS {
        let folder = tempfile::tempdir().unwrap();
        let (ladder, out) = (folder.path().join("parts.toml"), folder.path().join("out"));
        std::fs::write(&ladder, LADDER).unwrap();
        let parts = record(folder.path(), camera, "640x360");
        let encoded = encode(&parts, &out, &ladder);
        assert!(encoded.status.success(), "{}: {}", camera.name, String::from_utf8_lossy(&encoded.stdout));
        let playlist = |track: &str| out.join(track).join("media.m3u8").to_str().unwrap().to_owned();
        check(camera.name, &playlist("video-360p"), &playlist("audio-und"));
        judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));
        let mut probe = Command::new(judge::lectern());
        let probed = judge::run(probe.args(["--json", "probe"]).args(&parts)).stdout;
        let probed: Value = serde_json::from_slice(&probed).unwrap();
        assert_eq!(probed["video"]["pictures"], PICTURES, "{}", camera.name);
    }
}

#[test]
fn files_that_are_no_recording_together_are_refused_by_name_with_the_cure() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (ladder, out) = (folder.path().join("parts.toml"), folder.path().join("out"));
    std::fs::write(&ladder, LADDER).unwrap();
    let parts = record(folder.path(), &CAMERAS[0], "640x360");
    let larger = record(other.path(), &CAMERAS[0], "1280x720");
    let stream = other.path().join("00000.MTS");
    judge::run(
        Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(&parts[0])
            .args(["-c", "copy", "-f", "mpegts"])
            .arg(&stream),
    );
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a film").unwrap();
    let missing = folder.path().join("GX07.MP4");
    for (files, code, named) in [
        ([&parts[0], &larger[1]], "input.parts_differ", "1280x720"),
        ([&parts[0], &stream], "input.parts_differ", "00000.MTS"),
        ([&parts[0], &text], "input.part_unfit", "notes.txt"),
        ([&parts[0], &missing], "input.not_readable", "GX07.MP4"),
    ] {
        let refused = encode(&files.map(PathBuf::clone), &out, &ladder);
        let said = String::from_utf8_lossy(&refused.stdout).into_owned();
        let error: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert_eq!((refused.status.code(), &error["error"]["code"]), (Some(65), &json!(code)), "{said}");
        assert!(error["error"]["detail"].as_str().unwrap().contains(named), "{said}");
        assert!(!error["error"]["hint"].as_str().unwrap().is_empty() && !out.exists(), "{said}");
    }
}

/// An announced recording in parts.
struct Upload {
    asset: String,
    tus_url: String,
    put_url: String,
}

impl Upload {
    fn announce(server: &Server, parts: &[PathBuf]) -> Self {
        Self::announce_with(server, parts, None)
    }

    fn announce_with(server: &Server, parts: &[PathBuf], protection: Option<&str>) -> Self {
        let size = |part: &PathBuf| std::fs::metadata(part).unwrap().len();
        let name = |part: &PathBuf| part.file_name().unwrap().to_str().unwrap().to_owned();
        let listed: Vec<Value> =
            parts.iter().map(|part| json!({ "filename": name(part), "size": size(part) })).collect();
        let sum: u64 = parts.iter().map(size).sum();
        let mut announced = json!({ "filename": "match.mp4", "size": sum, "parts": listed, "ladder": "low-bandwidth" });
        announced["protection"] = protection.into();
        let upload = server.admin("POST", "/api/v1/uploads", Some(announced), 201).json();
        let text = |field: &str| upload[field].as_str().unwrap().to_owned();
        Self { asset: text("asset_id"), tus_url: text("tus_url"), put_url: text("put_url") }
    }

    fn send(&self, server: &Server, bytes: &[u8], from: usize, to: usize) {
        let (authorization, offset) = (format!("Bearer {TOKEN}"), from.to_string());
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Tus-Resumable", "1.0.0"),
            ("Upload-Offset", &offset),
            ("Content-Type", "application/offset+octet-stream"),
        ];
        let answer = server.call("PATCH", &self.tus_url, &headers, Some(&bytes[from..to])).unwrap();
        assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
    }

    fn put(&self, server: &Server, bytes: &[u8]) -> (u16, Value) {
        let authorization = format!("Bearer {TOKEN}");
        let answer = server.call("PUT", &self.put_url, &[("Authorization", &authorization)], Some(bytes)).unwrap();
        (answer.status, answer.json())
    }
}

fn bytes_of(parts: &[PathBuf]) -> Vec<u8> {
    parts.iter().flat_map(|part| std::fs::read(part).unwrap()).collect()
}

#[test]
fn an_upload_in_parts_goes_on_behind_a_kill_and_becomes_one_asset() {
    let (folder, data) = fresh();
    let parts = record(folder.path(), &CAMERAS[0], "640x360");
    let (bytes, first) = (bytes_of(&parts), std::fs::metadata(&parts[0]).unwrap().len() as usize);
    let mut server = Server::start(&data);
    let upload = Upload::announce(&server, &parts);
    let half = first + (bytes.len() - first) / 4;
    upload.send(&server, &bytes, 0, half);
    server.kill();
    server = Server::start(&data);
    let seen = server.admin("GET", &upload.tus_url, None, 200).json();
    assert_eq!(seen["received_bytes"], half);
    let received: Vec<u64> = (0..3).map(|part| seen["parts"][part]["received_bytes"].as_u64().unwrap()).collect();
    assert_eq!(received, [first as u64, (half - first) as u64, 0], "{seen}");
    assert_eq!(seen["parts"][1]["filename"], "GX01.MP4");
    upload.send(&server, &bytes, half, bytes.len());
    let asset = server.settled(&upload.asset, 240);
    assert_eq!((&asset["state"], &asset["filename"]), (&json!("ready"), &json!("match.mp4")), "{asset}");
    assert!((asset["duration_ms"].as_f64().unwrap() - picture_s(PICTURES) * 1000.0).abs() < 50.0, "{asset}");
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let hls = server.call("GET", &playback, &[], None).unwrap().json()["hls"].as_str().unwrap().to_owned();
    let master = format!("{}{hls}", server.base);
    check("uploaded", &master, &master);
}

#[test]
fn the_page_joins_what_a_camera_cut_and_plays_it() {
    let (folder, data) = fresh();
    let parts = record(folder.path(), &CAMERAS[0], "1280x720");
    let server = Server::start(&data);
    let arguments: Vec<&str> = parts.iter().flat_map(|part| ["--upload", part.to_str().unwrap()]).collect();
    judge::page(&server.base, "parts.png", &arguments);
}

#[test]
fn an_upload_in_parts_says_which_is_missing_and_which_does_not_belong() {
    let (folder, data) = fresh();
    let server = Server::start(&data);
    let other = tempfile::tempdir().unwrap();
    let parts = record(folder.path(), &CAMERAS[0], "640x360");
    let upload = Upload::announce(&server, &parts);
    let (status, problem) = upload.put(&server, &bytes_of(&parts[..2]));
    assert_eq!((status, &problem["code"]), (400, &json!("upload.incomplete")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("part 3 of 3 (GX02.MP4)"), "{problem}");

    let larger = record(other.path(), &CAMERAS[0], "1280x720");
    let mixed = [parts[0].clone(), larger[1].clone()];
    let upload = Upload::announce(&server, &mixed);
    assert_eq!(upload.put(&server, &bytes_of(&mixed)).0, 200);
    let asset = server.settled(&upload.asset, 60);
    assert_eq!(
        (&asset["state"], &asset["error"]["code"]),
        (&json!("errored"), &json!("input.parts_differ")),
        "{asset}"
    );
    assert!(asset["error"]["detail"].as_str().unwrap().contains("part 2 (GX01.MP4)"), "{asset}");
    assert!(asset["error"]["hint"].is_string(), "{asset}");
}

#[test]
fn a_protected_recording_in_parts_is_sealed_as_one_source_and_made_of_all_of_them() {
    let (folder, data) = fresh();
    let server = keeping_keys(&data);
    let parts = record(folder.path(), &CAMERAS[0], "640x360");
    let upload = Upload::announce_with(&server, &parts, Some("cbcs"));
    assert_eq!(upload.put(&server, &bytes_of(&parts)).0, 200);
    let asset = server.settled(&upload.asset, 240);
    assert_eq!((&asset["state"], &asset["losses"]), (&json!("ready"), &json!([])), "{asset}");
    assert!((asset["duration_ms"].as_f64().unwrap() - picture_s(PICTURES) * 1000.0).abs() < 50.0, "{asset}");
    let sources = topology::media(&data).join("objects/sources").join(&upload.asset);
    let left: Vec<_> = sources.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["original.sealed"]);
}

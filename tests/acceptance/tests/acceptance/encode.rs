//! `lectern encode`: exact, decodable, playable.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::judge;

/// Three rungs, quickly: for what is exact in every rendition, not for how pictures look.
const LADDER: &str = r#"
name = "quick"
description = "Three rungs, quickly."
[video]
codec = "h264"
preset = "superfast"
crf = 26
[audio]
bitrate_kbps = 64
channels = 2
[[rung]]
name = "720p"
height = 720
max_bitrate_kbps = 4000
[[rung]]
name = "480p"
height = 480
max_bitrate_kbps = 1800
[[rung]]
name = "360p"
height = 360
max_bitrate_kbps = 900
"#;

fn quick(folder: &Path) -> PathBuf {
    let ladder = folder.join("quick.toml");
    std::fs::write(&ladder, LADDER).unwrap();
    ladder
}

pub(crate) fn encode(input: &Path, out: &Path, ladder: &str) -> Value {
    let mut command = Command::new(judge::lectern());
    // No program can be found, so none can be executed: what is made is made by the engine itself.
    command.env("PATH", "").args(["--json", "encode", "--ladder", ladder, "--out"]).arg(out).arg(input);
    let output = judge::run(&mut command);
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

pub(crate) fn keyframe_times(playlist: &Path) -> Vec<String> {
    let shown = judge::ffprobe(
        &["-select_streams", "v:0", "-show_entries", "packet=pts_time,flags"],
        playlist.to_str().unwrap(),
    );
    let packets = shown["packets"].as_array().unwrap();
    packets
        .iter()
        .filter(|packet| packet["flags"].as_str().unwrap().starts_with('K'))
        .map(|packet| packet["pts_time"].as_str().unwrap().to_owned())
        .collect()
}

/// Every partial sum of EXTINF is within half a microsecond of the exact time of that border.
pub(crate) fn check_partial_sums(playlist: &Path, exact_us: impl Fn(usize) -> f64) {
    let text = std::fs::read_to_string(playlist).unwrap();
    let mut sum_us = 0i64;
    let lines = text.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    for (index, value) in lines.enumerate() {
        let (whole, fraction) = value.trim_end_matches(',').split_once('.').unwrap();
        assert_eq!(fraction.len(), 6, "{value}");
        sum_us += whole.parse::<i64>().unwrap() * 1_000_000 + fraction.parse::<i64>().unwrap();
        let off = (sum_us as f64 - exact_us(index + 1)).abs();
        assert!(off <= 0.5 + 1e-6, "{}: after segment {index} the sum is {off} us off", playlist.display());
    }
}

#[test]
fn a_ntsc_clip_is_exact_in_every_rendition_and_plays_in_three_players() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let source = judge::media("counter.mp4");
    let result = encode(&source, &out, quick(folder.path()).to_str().unwrap());
    let frames = judge::ffprobe(
        &["-count_packets", "-select_streams", "v:0", "-show_entries", "stream=nb_read_packets"],
        source.to_str().unwrap(),
    );
    let frames: u64 = frames["streams"][0]["nb_read_packets"].as_str().unwrap().parse().unwrap();

    let tracks = result["tracks"].as_array().unwrap();
    let videos: Vec<&str> =
        tracks.iter().map(|track| track["name"].as_str().unwrap()).filter(|name| name.starts_with("video-")).collect();
    assert!(videos.len() >= 3, "720p, 480p and 360p at least: {videos:?}");
    let mut keyframes = BTreeMap::new();
    for name in &videos {
        let playlist = out.join(name).join("media.m3u8");
        for program in [Path::new("ffmpeg"), &judge::ffmpeg_9()] {
            let decoded = judge::decode_silently(program, playlist.to_str().unwrap(), "0:v:0");
            assert_eq!(decoded, frames, "{name} in {}", program.display());
        }
        keyframes.insert(*name, keyframe_times(&playlist));
        // 24000/1001: 94 frames a segment, each 1001/24000 s.
        check_partial_sums(&playlist, |count| (count as u64 * 94).min(frames) as f64 * 1001.0 / 24_000.0 * 1e6);
    }
    let first = keyframes.values().next().unwrap();
    assert!(first.len() as u64 >= frames.div_ceil(47), "an IDR at least every 47 frames: {first:?}");
    assert!(keyframes.values().all(|times| times == first), "keyframes differ between rungs: {keyframes:?}");
    check_audio(&out, frames);
    judge::decode_silently(&judge::ffmpeg_9(), out.join("manifest.mpd").to_str().unwrap(), "0:v:0");
    let server = StaticServer::start(&out);
    let (base, hls, dash) = (&server.base, "/master.m3u8", "/manifest.mpd");
    // Every rendition and every switch is walked after an upload.
    judge::players_with(base, hls, dash, frames, "24000/1001", &["--brief"]);
    let wanted = json!({ "group": 47, "height": 360, "of": 360, "least": 2, "from": ["video-360p/trick.mp4"] });
    judge::fast_playback(base, (hls, dash), frames, &wanted, &["shaka,shaka-hls"]);
}

#[test]
fn slides_that_stand_still_are_encoded_once_and_play_in_three_players() {
    let folder = tempfile::tempdir().unwrap();
    let (source, out) = (folder.path().join("slides.mp4"), folder.path().join("out"));
    // Half a second each, at 24 pictures a second; without loss, so that nothing changes in between.
    let slides = "select=lt(n\\,48),setpts=N/2/TB,fps=24";
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(judge::media("counter.mp4"));
    command.args(["-vf", slides, "-frames:v", "576", "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast"]);
    judge::run(command.args(["-c:a", "copy", "-t", "24"]).arg(&source));
    let result = encode(&source, &out, quick(folder.path()).to_str().unwrap());
    let videos = result["tracks"].as_array().unwrap().iter().filter(|track| track["name"] != "audio-und");
    let mut keyframes = Vec::new();
    for track in videos {
        assert_eq!(track["samples"], 48, "{track}");
        keyframes.push(keyframe_times(&out.join(track["name"].as_str().unwrap()).join("media.m3u8")));
    }
    assert!(keyframes.len() >= 3 && keyframes.iter().all(|times| times == &keyframes[0] && times.len() == 12));
    judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));
    let server = StaticServer::start(&out);
    judge::players_with(&server.base, "/master.m3u8", "/manifest.mpd", 48, "2/1", &["--brief"]);
}

#[test]
fn a_local_encode_of_two_ranges_at_once_is_one_gapless_track_of_every_rung() {
    let folder = tempfile::tempdir().unwrap();
    let (source, out) = (judge::media("counter.mp4"), folder.path().join("out"));
    let mut command = Command::new(judge::lectern());
    command.args(["--json", "encode", "--parallel", "2", "--ladder"]).arg(quick(folder.path()));
    command.arg("--out").arg(&out).arg(source);
    let output = String::from_utf8(judge::run(&mut command).stdout).unwrap();
    let result: Value = serde_json::from_str(output.lines().last().unwrap()).unwrap();
    let videos = result["tracks"].as_array().unwrap().iter().filter_map(|track| track["name"].as_str());
    let mut keyframes = Vec::new();
    for name in videos.filter(|name| name.starts_with("video-")) {
        let playlist = out.join(name).join("media.m3u8");
        assert_eq!(judge::decode_silently(&judge::ffmpeg_9(), playlist.to_str().unwrap(), "0:v:0"), 576, "{name}");
        check_partial_sums(&playlist, |count| (count as u64 * 94).min(576) as f64 * 1001.0 / 24_000.0 * 1e6);
        keyframes.push(keyframe_times(&playlist));
    }
    assert!(keyframes.len() >= 3 && keyframes.iter().all(|times| times == &keyframes[0] && times.len() == 13));
    judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));
}

/// 44.1 kHz beside 24000/1001: the coded sound covers the pictures to the sample, and no border drifts.
fn check_audio(out: &Path, frames: u64) {
    let playlist = std::fs::read_dir(out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("audio-"))
        .unwrap()
        .join("media.m3u8");
    let wanted = (frames as f64 * 1001.0 / 24_000.0 * 44_100.0).round() as u64;
    let decoded = Command::new(judge::ffmpeg_9())
        .args(["-nostdin", "-v", "warning", "-i", playlist.to_str().unwrap(), "-f", "s16le", "-ac", "1", "-"])
        .output()
        .unwrap();
    assert!(decoded.stderr.is_empty(), "{}", String::from_utf8_lossy(&decoded.stderr));
    let samples = decoded.stdout.len() as u64 / 2;
    // The last coded frame is padded to 1,024 samples.
    assert!((wanted..wanted + 2048).contains(&samples), "{samples} samples for {wanted}");
    let packets = judge::ffprobe(&["-show_entries", "packet=pts,duration"], playlist.to_str().unwrap());
    for pair in packets["packets"].as_array().unwrap().windows(2) {
        assert_eq!(pair[1]["pts"].as_i64().unwrap() - pair[0]["pts"].as_i64().unwrap(), 1024);
    }
}

#[test]
fn quiet_recordings_are_published_at_the_loudness_of_the_ladder() {
    let folder = tempfile::tempdir().unwrap();
    let noise = "anoisesrc=c=pink:r=48000:seed=1";
    for (name, source) in [
        ("talk.mkv", format!("-f lavfi -i testsrc2=s=160x96:r=25:d=6 -f lavfi -i {noise}:a=0.3:d=6 -c:a flac")),
        ("moments.flac", format!("-f lavfi -i {} -c:a flac", judge::LOUD_MOMENTS)),
    ] {
        let (file, out) = (folder.path().join(name), folder.path().join(format!("{name}.out")));
        let words = source.split_whitespace();
        judge::run(Command::new("ffmpeg").args(["-nostdin", "-v", "error"]).args(words).arg(&file));
        let said = encode(&file, &out, "film")["loudness"][0].clone();
        assert_eq!(said["track"], "audio-und");
        let (lufs, peak) = judge::loudness(out.join("audio-und/media.m3u8").to_str().unwrap());
        assert!((lufs + 16.0).abs() < 0.5, "{name}: {lufs} LUFS; {said}");
        assert!(peak <= -0.5, "{name}: {peak} dBTP; {said}");
        let told = |which: &str| said[which]["integrated_lufs"].as_f64().unwrap();
        assert!((told("coded") - lufs).abs() < 0.5, "{name}: {lufs} LUFS; {said}");
        let gain = said["gain_db"].as_f64().unwrap();
        assert!(gain > 5.0 && (told("source") + gain + 16.0).abs() < 0.02, "{name}: {said}");
    }
}

/// Serves a folder with CORS and ranges; any server would do.
pub(crate) struct StaticServer {
    child: std::process::Child,
    pub(crate) base: String,
}

impl StaticServer {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut child = Command::new("node")
            .current_dir(judge::root().join("tests/browser"))
            .args(["static-server.mjs", folder.to_str().unwrap()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().trim_end_matches('/').to_owned();
        assert!(base.starts_with("http://"), "{line}");
        Self { child, base }
    }
}

impl Drop for StaticServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

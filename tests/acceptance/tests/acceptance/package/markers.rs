//! Markers, as players see them: messages in segments, periods, and what is shown in a break.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use scte35::testing::{insert, with_messages};
use serde_json::json;

use super::inputs::{FRAMES, GROUP, ffmpeg, rungs};
use super::{boxes, key_file, package};
use crate::judge;

/// Two groups of pictures: 4.004 s.
const BREAK_90_KHZ: u64 = 360_360;

/// The stream with a break from 4.004 s to 8.008 s, and both of its messages.
fn with_break(stream: &[u8]) -> (Vec<u8>, [Vec<u8>; 2]) {
    let mut said = None;
    let marked = with_messages(stream, |times| {
        // Times mean nothing before some media have gone by.
        if times.len() != 3 {
            return Vec::new();
        }
        let at = |breaks: u64| Some(times[0] + breaks * BREAK_90_KHZ);
        said.insert([insert(7, true, at(1), None), insert(7, false, at(2), None)]).to_vec()
    });
    (marked, said.unwrap())
}

/// Both rungs as transport streams, the lower one with a break.
fn streams(folder: &Path) -> ([PathBuf; 2], [Vec<u8>; 2]) {
    let inputs = rungs();
    let paths = [(&inputs.low, "low.ts"), (&inputs.high, "high.ts")].map(|(input, name)| {
        ffmpeg(folder, &["-i", input.to_str().unwrap(), "-c", "copy", name]);
        folder.join(name)
    });
    let (marked, messages) = with_break(&std::fs::read(&paths[0]).unwrap());
    std::fs::write(&paths[0], marked).unwrap();
    (paths, messages)
}

/// Runs a script of the players' harness; it must succeed.
fn harness(script: &str, folder: &Path, arguments: &[&str]) {
    judge::watch(judge::harness(script).arg("--folder").arg(folder).args(arguments));
}

fn write_json(path: &Path, value: &serde_json::Value) -> String {
    std::fs::write(path, value.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Numbers in `EXTINF`, in microseconds.
fn lengths_us(out: &Path, track: &str) -> Vec<u64> {
    let text = std::fs::read_to_string(out.join(track).join("media.m3u8")).unwrap();
    let lengths = text.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    lengths.map(|length| length.trim_end_matches(',').replace('.', "").parse().unwrap()).collect()
}

#[test]
fn dash_js_and_shaka_dispatch_the_messages_that_segments_carry() {
    let folder = tempfile::tempdir().unwrap();
    let (inputs, messages) = streams(folder.path());
    let [opening, end] = messages.map(hex::encode);
    let wanted = json!([
        { "time_s": 4.004, "duration_s": 4.004, "data": opening },
        { "time_s": 8.008, "duration_s": 0.0, "data": end },
    ]);
    let wanted = write_json(&folder.path().join("events.json"), &wanted);
    for (name, layout) in [("segments", "--periods"), ("single", "--single-file")] {
        let out = folder.path().join(name);
        let arguments = ["--segment-duration", "2", "--emsg", layout];
        let report = package(&[&inputs[0], &inputs[1]], &out, &arguments);
        assert_eq!((report["markers"].as_u64(), &report["warnings"]), (Some(1), &json!([])), "{report}");
        // One message in each of two segments, the same in both renditions, and none in the sound.
        let files = ["video-180p", "video-360p", "audio-und"].map(|track| {
            let mut found = Vec::new();
            for entry in out.join(track).read_dir().unwrap() {
                let bytes = std::fs::read(entry.unwrap().path()).unwrap();
                found.extend(boxes(&bytes, b"emsg").into_iter().map(<[u8]>::to_vec));
            }
            found.sort();
            found
        });
        assert_eq!((files[0].len(), &files[0], files[2].len()), (2, &files[1], 0), "{name}");
        harness("breaks.mjs", &out, &["--dash", "/manifest.mpd", "--events", &wanted]);
    }
}

#[test]
fn three_players_show_every_picture_across_periods_that_begin_where_a_break_cuts_the_segments() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let (cues, keys) = (folder.path().join("cues.txt"), key_file(folder.path()));
    std::fs::write(&cues, "6.006 2.002 mid\n").unwrap();
    let (cues, keys) = (cues.to_str().unwrap(), keys.to_str().unwrap());
    let divided = ["--segment-duration", "4.1", "--cue-file", cues, "--periods"];
    let playing = ["--dash", "/manifest.mpd", "--rate", "24000/1001", "--heights", "180,360", "--segment-s", "2.002"];
    let frames = FRAMES.to_string();
    let playing = [&playing[..], &["--frames", &frames]].concat();
    let protected = ["--scheme", "cbcs", "--key-file", keys];
    for (more, played) in [(&[][..], &["--hls", "/master.m3u8"][..]), (&protected, &["--brief", "--keys", keys])] {
        let out = folder.path().join(format!("out{}", more.len()));
        let report = package(&[&inputs.low, &inputs.high], &out, &[&divided, more].concat());
        assert_eq!(report["warnings"], json!([]), "{report}");
        // Four groups after one another, without the break at 4.004 and 8.008 s.
        for track in ["video-180p", "video-360p"] {
            assert_eq!(lengths_us(&out, track), [4_004_000, 2_002_000, 2_002_000, 4_004_000], "{track}");
        }
        let manifest = std::fs::read_to_string(out.join("manifest.mpd")).unwrap();
        for start in ["\"PT0S\"", "\"PT6.006S\"", "\"PT8.008S\""] {
            assert_eq!(manifest.matches(&format!("start={start}")).count(), 1, "{manifest}");
        }
        harness("run.mjs", &out, &[&playing, played].concat());
    }
}

/// A server of files that ends with the test.
struct Server(Child, String);

impl Server {
    fn start(folder: &Path) -> Self {
        let script = judge::root().join("tests/browser/static-server.mjs");
        let mut child = Command::new("node").arg(script).arg(folder).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self(child, line.trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn hls_js_shows_an_interstitial_in_place_of_the_break_and_goes_on_behind_it() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let picture = "testsrc=size=160x90:rate=24000/1001:duration=3.003";
    let mut clip = vec!["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=duration=3.003", "-c:v", "libx264"];
    clip.extend(["-preset", "ultrafast", "-g", "24", "-c:a", "aac", "ad.mp4"]);
    ffmpeg(folder.path(), &clip);
    let asset = folder.path().join("ad");
    package(&[&folder.path().join("ad.mp4")], &asset, &["--segment-duration", "2"]);
    let server = Server::start(&asset);
    let cues = folder.path().join("cues.txt");
    let address = format!("{}/master.m3u8", server.1);
    std::fs::write(&cues, format!("4.004 2.002 mid asset={address} restrict=skip,jump\n")).unwrap();
    let out = folder.path().join("out");
    let arguments = ["--segment-duration", "2", "--cue-file", cues.to_str().unwrap()];
    let report = package(&[&inputs.low, &inputs.high], &out, &arguments);
    assert_eq!(report["warnings"], json!([]), "{report}");
    let wanted = json!({ "first": 2 * GROUP, "last": 3 * GROUP, "height": 90, "seconds": 3.003 });
    let wanted = write_json(&folder.path().join("interstitial.json"), &wanted);
    let frames = FRAMES.to_string();
    harness("breaks.mjs", &out, &["--hls", "/master.m3u8", "--interstitial", &wanted, "--frames", &frames]);
}

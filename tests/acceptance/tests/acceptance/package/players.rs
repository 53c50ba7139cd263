//! Players show every picture at its time, clear and through ClearKey, and nothing with a wrong key.

use std::path::Path;

use super::inputs::{FRAMES, ffmpeg, rungs};
use super::{key_file, package};
use crate::judge;

/// Two seconds of 24000/1001, at whole pictures.
const SEGMENT_S: &str = "2.002";

/// hls.js, dash.js and Shaka Player go through a folder; gives what they report.
fn play(folder: &Path, arguments: &[&str]) {
    let mut command = judge::harness("run.mjs");
    command.arg("--folder").arg(folder);
    command.args(["--hls", "/master.m3u8", "--dash", "/manifest.mpd", "--rate", "24000/1001", "--heights", "180,360"]);
    command.args(["--segment-s", SEGMENT_S, "--frames", &FRAMES.to_string()]);
    judge::watch(command.args(arguments));
}

/// Packages both rungs with these arguments, and plays them.
fn packaged_and_played(arguments: &[&str], playing: &[&str]) {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let arguments = [&["--segment-duration", "2"], arguments].concat();
    package(&[&inputs.low, &inputs.high], &out, &arguments);
    play(&out, playing);
}

#[test]
fn three_players_show_every_picture_of_a_clear_package_at_its_time() {
    packaged_and_played(&[], &[]);
}

#[test]
fn three_players_decrypt_cenc_in_single_files_and_cbcs_in_segments_and_show_nothing_with_a_wrong_key() {
    let folder = tempfile::tempdir().unwrap();
    let keys = key_file(folder.path());
    let keys = keys.to_str().unwrap();
    packaged_and_played(&["--single-file", "--scheme", "cenc", "--key-file", keys], &["--brief", "--keys", keys]);
    packaged_and_played(&["--scheme", "cbcs", "--key-file", keys], &["--brief", "--keys", keys]);
    let wrong = folder.path().join("wrong.txt");
    let text = std::fs::read_to_string(keys).unwrap();
    let other = text.replace(":0", ":1").replace(":a1", ":b1");
    assert_eq!(text.lines().zip(other.lines()).filter(|(right, wrong)| right != wrong).count(), 2);
    std::fs::write(&wrong, other).unwrap();
    let wrong = wrong.to_str().unwrap();
    for scheme in ["cenc", "cbcs"] {
        packaged_and_played(&["--scheme", scheme, "--key-file", keys], &["--refused", "--keys", wrong]);
    }
}

#[test]
fn three_players_let_each_language_be_heard() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    for (language, hertz) in [("eng", 440), ("deu", 880), ("fra", 1320)] {
        let tone = format!("sine=frequency={hertz}:sample_rate=48000:duration=12.012");
        let name = format!("{language}.mp4");
        let tag = format!("language={language}");
        ffmpeg(folder.path(), &["-f", "lavfi", "-i", &tone, "-c:a", "aac", "-metadata:s:a:0", &tag, &name]);
    }
    let sounds = ["eng.mp4", "deu.mp4", "fra.mp4"].map(|name| folder.path().join(name));
    let out = folder.path().join("out");
    package(&[&inputs.high, &sounds[0], &sounds[1], &sounds[2]], &out, &["--segment-duration", "2"]);
    let mut command = judge::harness("run.mjs");
    command.arg("--folder").arg(&out);
    command.args(["--hls", "/master.m3u8", "--dash", "/manifest.mpd", "--rate", "24000/1001"]);
    command.args(["--frames", &FRAMES.to_string(), "--tones", "en:440,de:880,fr:1320"]);
    judge::watch(&mut command);
}

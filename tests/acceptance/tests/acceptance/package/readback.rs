//! What is written reads back: every playlist equal through three parsers, every manifest through three players' own.

mod manifest;
mod playlists;

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::inputs::{ffmpeg, rungs};
use super::text::subtitle_files;
use super::{key_file, package};

/// Two rungs, sound in two languages, four subtitles, cues; with these arguments.
fn rich(folder: &Path, name: &str, arguments: &[&str]) -> (PathBuf, Value) {
    let inputs = rungs();
    let low = inputs.low.to_str().unwrap();
    ffmpeg(folder, &["-i", low, "-map", "0:a", "-c", "copy", "-metadata:s:a:0", "language=eng", "english.mp4"]);
    ffmpeg(
        folder,
        &[
            "-i",
            low,
            "-map",
            "0:a",
            "-af",
            "volume=0.5",
            "-c:a",
            "aac",
            "-metadata:s:a:0",
            "language=deu",
            "german.mp4",
        ],
    );
    let video = folder.join("video.mp4");
    ffmpeg(folder, &["-i", low, "-map", "0:v", "-c", "copy", "video.mp4"]);
    let cues = folder.join("cues.txt");
    std::fs::write(&cues, "2.5 1.5 first asset=https://ads.example/break.m3u8\n8 second\n").unwrap();
    let sounds = ["english.mp4", "german.mp4"].map(|name| folder.join(name));
    let texts = subtitle_files(folder);
    let all = [&video, &inputs.high].into_iter().chain(&sounds).chain(&texts);
    let all: Vec<&Path> = all.map(PathBuf::as_path).collect();
    let out = folder.join(name);
    let cut = ["--segment-duration", "2", "--cue-file", cues.to_str().unwrap()];
    let report = package(&all, &out, &[&cut[..], arguments].concat());
    (out, report)
}

/// The arguments that encrypt under a scheme.
fn sealing<'a>(scheme: &'a str, keys: &'a Path) -> [&'a str; 4] {
    ["--scheme", scheme, "--key-file", keys.to_str().unwrap()]
}

fn keys(folder: &Path) -> PathBuf {
    key_file(folder)
}

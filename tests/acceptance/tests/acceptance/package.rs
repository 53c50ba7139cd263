//! `lectern package`, from outside: other packagers, decoders and players judge what it makes.

pub mod captions;
mod chapters;
mod cpix;
mod encrypted_inputs;
mod inputs;
pub(crate) mod interop;
mod lint;
mod markers;
mod odd_inputs;
mod players;
mod readback;
mod refusals;
mod signalling;
mod text;
mod timeline;
mod transport;
mod trick;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::judge;

/// A key for pictures, and one for sound: key id, key, class.
const KEYS: [(&str, &str, &str); 2] = [
    ("00112233445566778899aabbccddeeff", "0123456789abcdef0123456789abcdef", "video"),
    ("a0112233445566778899aabbccddeeff", "a123456789abcdef0123456789abcdef", "audio"),
];

/// Writes the key file that `lectern` and the players read.
fn key_file(folder: &Path) -> PathBuf {
    let path = folder.join("keys.txt");
    let [(video_id, video, _), (audio_id, audio, _)] = KEYS;
    std::fs::write(&path, format!("{video_id}:{video}\n{audio_id}:{audio}:audio\n")).unwrap();
    path
}

/// Key id and key of a track, by its name.
fn key_of(track: &str) -> (&'static str, &'static str) {
    let (id, key, _) = KEYS[usize::from(track.starts_with("audio"))];
    (id, key)
}

/// Runs `lectern --json package` on the inputs into `out`, whatever becomes of it.
fn attempt(inputs: &[&Path], out: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(judge::lectern());
    command.args(["--json", "package", "--out"]).arg(out).args(arguments).stdin(Stdio::null());
    for input in inputs {
        command.arg("--input").arg(input);
    }
    command.output().unwrap()
}

/// The same; it must succeed. Gives its report.
fn package(inputs: &[&Path], out: &Path, arguments: &[&str]) -> Value {
    let output = attempt(inputs, out, arguments);
    let (told, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{inputs:?} {arguments:?}: {told} {said}");
    serde_json::from_str(told.lines().last().unwrap()).unwrap()
}

/// Names of all tracks in a report.
fn track_names(report: &Value) -> Vec<String> {
    report["tracks"].as_array().unwrap().iter().map(|track| track["name"].as_str().unwrap().to_owned()).collect()
}

/// A track's init segment and all its segments as one file beside its folder.
fn joined(out: &Path, track: &str) -> PathBuf {
    let mut files: Vec<_> = out.join(track).read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "m4s"));
    files.sort();
    let mut bytes = std::fs::read(out.join(track).join("init.mp4")).unwrap();
    for file in files {
        bytes.extend(std::fs::read(file).unwrap());
    }
    let path = out.join(format!("{track}.mp4"));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// What FFmpeg's framemd5 says of one stream: presentation time in ticks and hash, a line each. Packets with `copy`,
/// decoded frames without.
fn hashes(program: &Path, before: &[&str], file: &Path, map: &str, copy: bool) -> Vec<(i64, String)> {
    let (read, said) = hashes_and_complaints(program, before, file, map, copy);
    assert!(said.is_empty(), "{}: {said}", file.display());
    read
}

/// The same with what FFmpeg complains of.
fn hashes_and_complaints(
    program: &Path,
    before: &[&str],
    file: &Path,
    map: &str,
    copy: bool,
) -> (Vec<(i64, String)>, String) {
    let mut command = Command::new(program);
    command.args(["-nostdin", "-nostats", "-v", "error", "-copyts"]).args(before).arg("-i").arg(file);
    command.args(["-map", map]).args(if copy { &["-c", "copy"][..] } else { &[] });
    let output = judge::run(command.args(["-fps_mode", "passthrough", "-f", "framemd5", "-"]));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let read = lines.map(|line| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        (fields[2].parse().unwrap(), fields[5].to_owned())
    });
    let read: Vec<_> = read.collect();
    assert!(!read.is_empty(), "{} has nothing at {map}", file.display());
    (read, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Only what `hashes` says of the content.
fn content(hashes: &[(i64, String)]) -> Vec<&str> {
    hashes.iter().map(|(_, hash)| hash.as_str()).collect()
}

/// Every file below a folder, by its path there.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut open = vec![folder.to_owned()];
    let mut files = BTreeMap::new();
    while let Some(next) = open.pop() {
        for path in next.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// The boxes of this type anywhere in `bytes`, each with its header.
fn boxes<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Vec<&'a [u8]> {
    let starts = (4..bytes.len().saturating_sub(4)).filter(|at| bytes[*at..].starts_with(kind));
    let sized = starts.filter_map(|at| {
        let size = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
        bytes.get(at - 4..at - 4 + size).filter(|found| found.len() > 8)
    });
    sized.collect()
}

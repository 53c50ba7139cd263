//! What cannot be packaged is refused with a sentence, an exit code, and nothing left behind.

use std::path::{Path, PathBuf};

use super::inputs::{ffmpeg, rungs};
use super::{KEYS, attempt, package, track_names};
use crate::judge;

/// Runs into `folder/out`, which must fail with this code; gives the error it told.
pub fn refused(folder: &Path, inputs: &[&Path], arguments: &[&str], exit: i32) -> serde_json::Value {
    let before = folder.read_dir().unwrap().count();
    let output = attempt(inputs, &folder.join("out"), arguments);
    let (told, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(exit), "{inputs:?} {arguments:?}: {told} {said}");
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(folder.read_dir().unwrap().count(), before, "{inputs:?}: something was left behind");
    for (_, key, _) in KEYS {
        assert!(!told.contains(&key[..8]) && !said.contains(&key[..8]), "a key was told: {told} {said}");
    }
    let last = told.lines().last().unwrap_or_default();
    let answer: serde_json::Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {told} {said}"));
    assert!(answer["error"]["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{answer}");
    answer["error"].clone()
}

/// The first part of a file.
fn cut(folder: &Path, name: &str, file: &Path, length: usize) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, &std::fs::read(file).unwrap()[..length]).unwrap();
    path
}

#[test]
fn inputs_that_cannot_be_packaged_are_named_with_what_is_wrong() {
    let made = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (missing, low) = (made.path().join("missing.mp4"), &rungs().low);
    let counter = judge::media("counter.mp4");
    let index = std::fs::read(&counter).unwrap().windows(4).position(|bytes| bytes == b"moov").unwrap();
    let no_index = cut(made.path(), "no-index.mp4", low, 100_000);
    let half_index = cut(made.path(), "half-index.mp4", &counter, index + 2_000);
    let bad = |name: &str| judge::media(&format!("bad/{name}"));
    let cases: [(PathBuf, &str); 10] = [
        (missing, "No such file"),
        (made.path().to_owned(), "not a regular file"),
        (bad("text.mp4"), "text file"),
        (bad("image.png"), "PNG"),
        (bad("empty.mp4"), "empty"),
        (bad("playlist.mp4"), "playlist"),
        (bad("zero-timescale.mp4"), "timescale"),
        (bad("box-loop.mp4"), "beyond"),
        (no_index, "moov"),
        (half_index, "index is lost"),
    ];
    for (input, says) in cases {
        let error = refused(folder.path(), &[low, &input], &[], 65);
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains(says) && detail.contains(input.to_str().unwrap()), "{}: {error}", input.display());
    }
}

#[test]
fn a_file_cut_inside_its_media_is_packaged_to_the_cut_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let report = package(&[&judge::media("bad/cut.mp4")], &out, &[]);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("beyond the end of the file"), "{warnings}");
    for track in track_names(&report) {
        let file = super::joined(&out, &track);
        judge::decode_silently(&judge::ffmpeg_9(), file.to_str().unwrap(), "0");
    }
}

#[test]
fn mistakes_in_key_files_are_told_by_line_and_column_and_never_by_content() {
    let made = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [(id, key, _), (other, _, _)] = KEYS;
    let cases = [
        (String::new(), "line 1, column 1"),
        (format!("{id}\n"), "line 1, column 33"),
        (format!("# comment\n{id}:{}\n", &key[..31]), "line 2, column 34"),
        (format!("{id}:{}g\n", &key[..31]), "line 1, column 65"),
        (format!("{other}:{key}:audio\n{id}:{key}:movie\n"), "line 2, column 67"),
        (format!("{id}:{key}\n{id}:{key}:audio\n"), "line 2"),
        (format!("{id}:{key}:audio\n"), "sd"),
    ];
    let file = made.path().join("keys.txt");
    for (text, says) in cases {
        std::fs::write(&file, &text).unwrap();
        let arguments = ["--scheme", "cbcs", "--key-file", file.to_str().unwrap()];
        let error = refused(folder.path(), &[&rungs().low], &arguments, 78);
        assert!(error["detail"].as_str().unwrap().contains(says), "{text:?}: {error}");
    }
    let absent = made.path().join("absent.txt");
    refused(folder.path(), &[&rungs().low], &["--scheme", "cbcs", "--key-file", absent.to_str().unwrap()], 78);
}

#[test]
fn a_folder_with_anything_in_it_is_never_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("mine.txt"), "mine").unwrap();
    let error = refused(folder.path(), &[&rungs().low], &[], 65);
    assert!(error["detail"].as_str().unwrap().contains("not an empty folder"), "{error}");
    assert_eq!(super::tree(&out).len(), 1);
    std::fs::remove_file(out.join("mine.txt")).unwrap();
    package(&[&rungs().low], &out, &[]);
}

#[test]
fn renditions_whose_keyframes_do_not_meet_and_inputs_named_twice_are_told() {
    let made = tempfile::tempdir().unwrap();
    let low = &rungs().low;
    let video = "-map 0:v -c:v libx264 -preset ultrafast -g 250 -force_key_frames 0,3.7,9.1 -s 160x90 other.mp4";
    let mut arguments = vec!["-i", low.to_str().unwrap()];
    arguments.extend(video.split(' '));
    ffmpeg(made.path(), &arguments);
    let report = package(&[low, &made.path().join("other.mp4")], &made.path().join("a"), &["--segment-duration", "2"]);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("no keyframe in common"), "{warnings}");

    let twice = package(&[low, low], &made.path().join("b"), &[]);
    assert_eq!(track_names(&twice), ["video-180p", "audio-und"]);
    assert_eq!(twice["warnings"].as_array().unwrap().len(), 2, "{}", twice["warnings"]);
    package(&[low], &made.path().join("c"), &[]);
    assert!(super::tree(&made.path().join("b")) == super::tree(&made.path().join("c")), "the second adds nothing");
}

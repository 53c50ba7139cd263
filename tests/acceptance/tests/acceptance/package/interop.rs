//! What is encrypted here is decrypted by others: FFmpeg and Shaka Packager give back every packet.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::inputs::{ffmpeg, rungs};
use super::{content, hashes, hashes_and_complaints, joined, key_file, key_of, package, track_names};
use crate::judge;

/// Shaka Packager.
pub fn shaka(arguments: &[String]) {
    let found = std::fs::read_to_string(judge::root().join(".cache/shaka-path"));
    let path = found.expect("run `make test`, which installs Shaka Packager");
    judge::run(Command::new(path.trim()).arg("--quiet").args(arguments));
}

/// Decrypts these tracks of a package with Shaka Packager, one file each.
fn decrypted_by_shaka(out: &Path, tracks: &[String]) -> Vec<PathBuf> {
    let mut arguments = vec!["--enable_raw_key_decryption".to_owned(), "--keys".to_owned()];
    arguments.push(super::KEYS.map(|(id, key, class)| format!("label={class}:key_id={id}:key={key}")).join(","));
    let mut files = Vec::new();
    for track in tracks {
        let kind = if track.starts_with("audio") { "audio" } else { "video" };
        let file = out.join(format!("{track}-shaka.mp4"));
        arguments.push(format!("in={},stream={kind},output={}", joined(out, track).display(), file.display()));
        files.push(file);
    }
    shaka(&arguments);
    files
}

/// Packages clear and by each scheme; every track of each must decrypt to the packets of its clear twin. Gives the
/// folder of all, in which `clear` holds the clear one.
fn round_trip(inputs: &[&Path], schemes: &[&str]) -> tempfile::TempDir {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path();
    let keys = key_file(folder);
    let clear = folder.join("clear");
    let tracks = track_names(&package(inputs, &clear, &["--segment-duration", "2"]));
    let newest = judge::ffmpeg_9();
    let wanted: Vec<_> = tracks.iter().map(|track| hashes(&newest, &[], &joined(&clear, track), "0:0", true)).collect();
    for scheme in schemes {
        let out = folder.join(scheme);
        let arguments = ["--segment-duration", "2", "--scheme", scheme, "--key-file", keys.to_str().unwrap()];
        assert_eq!(track_names(&package(inputs, &out, &arguments)), tracks);
        let shaka = decrypted_by_shaka(&out, &tracks);
        for ((track, wanted), by_shaka) in tracks.iter().zip(&wanted).zip(shaka) {
            let file = joined(&out, track);
            let (sealed, _) = hashes_and_complaints(&newest, &[], &file, "0:0", true);
            assert!(content(&sealed) != content(wanted), "{scheme} {track} is clear");
            let found = hashes(&newest, &[], &by_shaka, "0:0", true);
            assert!(content(&found) == content(wanted), "{scheme} {track}: Shaka Packager decrypts to something else");
            // FFmpeg leaves the last partial block of `cens` audio, which is protected whole, as it is.
            if *scheme == "cens" && track.starts_with("audio") {
                continue;
            }
            let found = hashes(&newest, &["-decryption_key", key_of(track).1], &file, "0:0", true);
            assert!(found == *wanted, "{scheme} {track}: FFmpeg decrypts to something else");
        }
    }
    made
}

#[test]
fn four_schemes_decrypt_to_the_clear_packets_in_ffmpeg_and_in_shaka_packager() {
    let inputs = rungs();
    let folder = round_trip(&[&inputs.low, &inputs.high], &["cenc", "cens", "cbc1", "cbcs"]);
    for (input, map, track) in
        [(&inputs.low, "0:v", "video-180p"), (&inputs.high, "0:v", "video-360p"), (&inputs.low, "0:a", "audio-und")]
    {
        check_kept(input, map, &folder.path().join("clear"), track);
    }
}

/// The packets of a clear track are those of its source, bytes and times.
fn check_kept(input: &Path, map: &str, clear: &Path, track: &str) {
    let source = hashes(&judge::ffmpeg_9(), &[], input, map, true);
    let packaged = hashes(&judge::ffmpeg_9(), &[], &clear.join(format!("{track}.mp4")), "0:0", true);
    assert!(content(&source) == content(&packaged), "{track}: bytes of packets changed");
    assert!(source == packaged, "{track}: {:?} became {:?}", &source[..3], &packaged[..3]);
}

#[test]
fn every_codec_decrypts_to_the_clear_packets_in_ffmpeg_and_in_shaka_packager() {
    let made = tempfile::tempdir().unwrap();
    let low = rungs().low.to_str().unwrap();
    let video = ["-i", low, "-map", "0:v", "-t", "4.004", "-g", "48", "-s", "192x108"];
    let audio = ["-i", low, "-map", "0:a", "-t", "4"];
    let coded: [(&str, &[&str], &str); 7] = [
        ("hevc.mp4", &video, "-c:v libx265 -preset ultrafast -x265-params log-level=none:scenecut=0 -tag:v hvc1"),
        ("av1.mp4", &video, "-c:v libsvtav1 -preset 12"),
        ("vp9.mp4", &video, "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 200k"),
        ("ac3.mp4", &audio, "-c:a ac3 -b:a 96k"),
        ("eac3.mp4", &audio, "-c:a eac3 -b:a 96k"),
        ("opus.mp4", &audio, "-c:a libopus -ar 48000"),
        ("flac.mp4", &audio, "-c:a flac -strict -2"),
    ];
    let mut files = Vec::new();
    for (name, input, codec) in coded {
        let mut arguments = input.to_vec();
        arguments.extend(codec.split(' '));
        arguments.push(name);
        ffmpeg(made.path(), &arguments);
        files.push(made.path().join(name));
    }
    let inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let folder = round_trip(&inputs, &["cenc", "cbcs"]);
    let names = ["video-108p-hevc", "video-108p-av1", "video-108p-vp9"].into_iter();
    let names = names.chain(["audio-und-ac3", "audio-und-eac3", "audio-und-opus", "audio-und-flac"]);
    for (input, track) in files.iter().zip(names) {
        check_kept(input, "0:0", &folder.path().join("clear"), track);
    }
}

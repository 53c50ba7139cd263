//! Inputs that are sound and unusual: they play as they are meant to, or say why not.

use super::inputs::{ffmpeg, rungs};
use super::{content, hashes, joined, package, track_names};
use crate::judge;

/// The length of each segment of a track, in microseconds.
fn lengths_us(out: &std::path::Path, track: &str) -> Vec<i64> {
    let text = std::fs::read_to_string(out.join(track).join("media.m3u8")).unwrap();
    let durations = text.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    durations.map(|value| (value.trim_end_matches(',').parse::<f64>().unwrap() * 1e6).round() as i64).collect()
}

#[test]
fn a_part_of_a_live_recording_begins_at_0() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let flags = "frag_keyframe+delay_moov+default_base_moof";
    let mut bytes = std::fs::read(inputs.remuxed("parts.mp4", &["-movflags", flags])).unwrap();
    // A day later, in the clock of each track.
    let mut id = 0;
    for at in 4..bytes.len() - 20 {
        match &bytes[at..at + 4] {
            b"tfhd" => id = bytes[at + 11],
            b"tfdt" => {
                assert_eq!(bytes[at + 4], 1, "a version with 64 bits");
                let start = u64::from_be_bytes(bytes[at + 8..at + 16].try_into().unwrap());
                let later = start + 86_400 * if id == 1 { 24_000 } else { 44_100 };
                bytes[at + 8..at + 16].copy_from_slice(&later.to_be_bytes());
            }
            _ => {}
        }
    }
    let late = folder.path().join("late.mp4");
    std::fs::write(&late, bytes).unwrap();
    let [on_time, moved] = ["on-time", "moved"].map(|name| folder.path().join(name));
    package(&[&inputs.low], &on_time, &["--segment-duration", "2"]);
    let report = package(&[&late], &moved, &["--segment-duration", "2"]);
    let notes = report["warnings"].to_string();
    assert!(notes.contains("nothing is shown or heard before 86400"), "{notes}");
    for track in track_names(&report) {
        let newest = judge::ffmpeg_9();
        let [wanted, found] = [&on_time, &moved].map(|out| hashes(&newest, &[], &joined(out, &track), "0:0", true));
        assert!(content(&found) == content(&wanted), "{track}: other packets");
        let apart: Vec<i64> = found.iter().zip(&wanted).map(|(found, wanted)| found.0 - wanted.0).collect();
        let most = if track.starts_with("audio") { 2 } else { 0 };
        assert!(apart.iter().all(|apart| apart.abs() <= most), "{track}: {:?} instead of {:?}", found[0], wanted[0]);
        assert_eq!(lengths_us(&moved, &track).len(), lengths_us(&on_time, &track).len());
    }
}

#[test]
fn sound_that_goes_on_behind_the_pictures_keeps_its_segments_short() {
    let made = tempfile::tempdir().unwrap();
    let low = rungs().low.to_str().unwrap();
    ffmpeg(made.path(), &["-i", low, "-map", "0:v", "-c", "copy", "-frames:v", "96", "short.mp4"]);
    let both = ["-i", "short.mp4", "-i", low, "-map", "0:v", "-map", "1:a", "-c", "copy", "long-sound.mp4"];
    ffmpeg(made.path(), &both);
    let input = made.path().join("long-sound.mp4");
    let out = made.path().join("out");
    let report = package(&[&input], &out, &["--segment-duration", "2"]);
    assert_eq!(report["warnings"], serde_json::json!([]));
    assert_eq!(lengths_us(&out, "video-180p"), [2_002_000; 2]);
    let sound = lengths_us(&out, "audio-und");
    assert!(sound.len() == 6 && sound.iter().all(|length| (1_900_000..2_100_000).contains(length)), "{sound:?}");
    let newest = judge::ffmpeg_9();
    let [source, found] =
        [(&input, "0:a"), (&joined(&out, "audio-und"), "0:0")].map(|(file, map)| hashes(&newest, &[], file, map, true));
    assert!(source == found);
}

#[test]
fn keyframes_that_are_no_clean_start_are_told() {
    let made = tempfile::tempdir().unwrap();
    let low = rungs().low.to_str().unwrap();
    for (name, how, told) in [
        ("open", "open-gop=1:keyint=24:min-keyint=24:bframes=3:scenecut=0", true),
        ("refresh", "intra-refresh=1:keyint=24", true),
        ("closed", "keyint=24:bframes=3", false),
    ] {
        let file = format!("{name}.mp4");
        let video =
            ["-i", low, "-map", "0:v", "-t", "5", "-c:v", "libx264", "-preset", "veryfast", "-x264-params", how];
        ffmpeg(made.path(), &[&video[..], &[&file]].concat());
        let report = package(&[&made.path().join(&file)], &made.path().join(name), &["--segment-duration", "1"]);
        let notes = report["warnings"].to_string();
        assert_eq!(notes.contains("are no IDR pictures"), told, "{name}: {notes}");
    }
}

//! Times: those of the source, in every container, and the same in playlists, manifest and media.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::inputs::{FRAMES, GROUP, ffmpeg, rungs};
use super::{boxes, content, hashes, joined, key_file, package, track_names, tree};
use crate::judge;

/// Partial sums of a playlist's durations, in microseconds.
fn borders_us(out: &Path, track: &str) -> Vec<i64> {
    let text = std::fs::read_to_string(out.join(track).join("media.m3u8")).unwrap();
    let mut sum = 0;
    let durations = text.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    let sums = durations.map(|value| {
        let (whole, fraction) = value.trim_end_matches(',').split_once('.').unwrap();
        assert_eq!(fraction.len(), 6, "{value}");
        sum += whole.parse::<i64>().unwrap() * 1_000_000 + fraction.parse::<i64>().unwrap();
        sum
    });
    sums.collect()
}

/// Starts and durations of every segment timeline of the manifest, in order.
fn timelines(out: &Path) -> Vec<Vec<(u64, u64)>> {
    let text = std::fs::read_to_string(out.join("manifest.mpd")).unwrap();
    let number = |entry: &str, name: &str| {
        let value = entry.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0;
        Some(value.parse::<u64>().unwrap())
    };
    let timeline = |body: &str| {
        let (mut at, mut segments) = (0, Vec::new());
        for entry in body.split("<S").skip(1) {
            at = number(entry, "t").unwrap_or(at);
            let duration = number(entry, "d").unwrap();
            for _ in 0..=number(entry, "r").unwrap_or(0) {
                segments.push((at, duration));
                at += duration;
            }
        }
        segments
    };
    text.split("<SegmentTimeline>").skip(1).map(|rest| timeline(rest.split("</").next().unwrap())).collect()
}

/// The base decode time of each segment.
fn decode_times(out: &Path, track: &str) -> Vec<u64> {
    let bytes = std::fs::read(joined(out, track)).unwrap();
    boxes(&bytes, b"tfdt").into_iter().map(|tfdt| u64::from_be_bytes(tfdt[12..20].try_into().unwrap())).collect()
}

#[test]
fn playlists_manifest_and_media_agree_at_24000_1001_beside_44_100() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    package(&[&inputs.low, &inputs.high], &out, &["--segment-duration", "2"]);
    let [video, audio] = &timelines(&out)[..] else { panic!("one timeline for pictures, one for sound") };
    let groups = FRAMES / GROUP;
    let exact: Vec<(u64, u64)> = (0..groups).map(|index| (index * GROUP * 1001, GROUP * 1001)).collect();
    assert_eq!(*video, exact);
    for track in ["video-180p", "video-360p"] {
        let exact: Vec<i64> = (1..=groups as i64).map(|count| count * 2_002_000).collect();
        assert_eq!(borders_us(&out, track), exact, "{track}");
        assert_eq!(decode_times(&out, track), video.iter().map(|(start, _)| *start).collect::<Vec<_>>(), "{track}");
        let file = joined(&out, track);
        let shown = judge::ffprobe(&["-show_entries", "packet=pts,flags"], file.to_str().unwrap())["packets"].clone();
        let shown = shown.as_array().unwrap().iter();
        let keys = shown.filter(|packet| packet["flags"].as_str().unwrap().starts_with('K'));
        let keys: Vec<u64> = keys.map(|packet| packet["pts"].as_u64().unwrap()).collect();
        assert_eq!(
            keys,
            video.iter().map(|(start, _)| *start).collect::<Vec<_>>(),
            "{track}: keyframes begin segments"
        );
    }
    check_audio(&out, video, audio);
}

/// Sound is cut within half an AAC frame of the pictures' borders, its priming is not counted, and playlists and manifest
/// agree with what lies in the segments.
fn check_audio(out: &Path, video: &[(u64, u64)], audio: &[(u64, u64)]) {
    const FRAME: u64 = 1024;
    let track = "audio-und";
    let starts = decode_times(out, track);
    assert_eq!(audio.len(), video.len());
    for ((start, _), (picture, _)) in audio.iter().zip(video) {
        let wanted = picture * 44_100 / 24_000;
        assert!(start.abs_diff(wanted) <= FRAME / 2, "sound is cut at {start} and not near {wanted}");
    }
    for ((next, (start, duration)), base) in audio[1..].iter().zip(audio).zip(&starts) {
        assert_eq!((start + duration, next.0 % FRAME), (next.0, 0), "no gap, whole frames");
        assert_eq!(*start, base.saturating_sub(FRAME), "beside a decode time of {base}");
    }
    let mut sum = 0;
    for (border_us, (_, duration)) in borders_us(out, track).into_iter().zip(audio) {
        sum += duration;
        assert!((border_us as f64 - sum as f64 / 0.0441).abs() <= 0.5 + 1e-6, "{border_us} for {sum} ticks");
    }
}

#[test]
fn a_recording_packages_to_the_same_frames_and_times_from_every_container() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let flags = "frag_keyframe+delay_moov+default_base_moof";
    let containers: [(&str, PathBuf); 4] = [
        ("mp4", inputs.low.clone()),
        ("fragmented", inputs.remuxed("fragmented.mp4", &["-movflags", flags])),
        ("ts", inputs.remuxed("low.ts", &[])),
        ("mkv", inputs.remuxed("low.mkv", &[])),
    ];
    let outs = containers.map(|(name, input)| {
        let out = folder.path().join(name);
        package(&[&input], &out, &["--segment-duration", "2"]);
        out
    });
    assert!(tree(&outs[0]) == tree(&outs[1]), "fragments change nothing at all");
    let newest = judge::ffmpeg_9();
    // Decoded sound differs where an edit list hides its priming, which MP4 alone has: there the packets must be equal.
    let judged = |out: &Path, track: &str| hashes(&newest, &[], &joined(out, track), "0:0", track.starts_with("audio"));
    // What can be told apart: ticks of 90 kHz in a transport stream, milliseconds in Matroska.
    for (out, scale, coarse_s) in [(&outs[2], 90_000.0, 1.0 / 90_000.0), (&outs[3], 24_000.0, 0.001)] {
        for track in ["video-180p", "audio-und"] {
            let same = content(&judged(out, track)) == content(&judged(&outs[0], track));
            assert!(same, "{} {track}: other frames", out.display());
        }
        let (wanted, found) = (presented(&outs[0], "video-180p"), presented(out, "video-180p"));
        let apart = found[0] as f64 / scale - wanted[0] as f64 / 24_000.0;
        for (found, wanted) in found.iter().zip(&wanted) {
            let off = *found as f64 / scale - *wanted as f64 / 24_000.0 - apart;
            assert!(off.abs() <= coarse_s, "{}: a picture is {off} s off", out.display());
        }
        assert_eq!(borders_us(out, "video-180p"), borders_us(&outs[0], "video-180p"), "{}", out.display());
        // Sound keeps its distance from the pictures, wherever zero was put.
        let sound = presented(out, "audio-und")[0] - presented(&outs[0], "audio-und")[0];
        let off = sound as f64 / 44_100.0 - apart;
        assert!(off.abs() <= coarse_s + 1.0 / 44_100.0, "{}: sound is {off} s off its pictures", out.display());
    }
}

/// Presentation times of all packets, in ticks of the track, rising.
fn presented(out: &Path, track: &str) -> Vec<i64> {
    let packets = hashes(&judge::ffmpeg_9(), &[], &joined(out, track), "0:0", true);
    let mut times: Vec<i64> = packets.into_iter().map(|(time, _)| time).collect();
    times.sort_unstable();
    times
}

#[test]
fn edit_lists_and_late_sound_keep_their_times() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let low = inputs.low.to_str().unwrap();
    ffmpeg(folder.path(), &["-ss", "1", "-i", low, "-c", "copy", "trimmed.mp4"]);
    let late = ["-i", low, "-itsoffset", "1.5", "-i", low, "-map", "0:v", "-map", "1:a", "-c", "copy", "late.mp4"];
    ffmpeg(folder.path(), &late);
    // What an edit list hides behind a keyframe is shown, since browsers drop what comes before 0 and all that needs it:
    // everything moves by the second that was trimmed.
    for (name, moved_s) in [("trimmed", 1), ("late", 0)] {
        let input = folder.path().join(name).with_extension("mp4");
        let out = folder.path().join(name);
        package(&[&input], &out, &["--segment-duration", "2"]);
        for (track, map, scale) in [("video-180p", "0:v", 24_000), ("audio-und", "0:a", 44_100)] {
            let mut source = hashes(&judge::ffmpeg_9(), &["-advanced_editlist", "0"], &input, map, true);
            source.iter_mut().for_each(|(time, _)| *time += moved_s * scale);
            let found = hashes(&judge::ffmpeg_9(), &[], &joined(&out, track), "0:0", true);
            assert!(found == source, "{name} {track}: {:?} instead of {:?}", &found[..2], &source[..2]);
        }
    }
    let trimmed = folder.path().join("trimmed");
    assert_eq!(presented(&trimmed, "video-180p")[0], 0);
    assert_eq!(*borders_us(&trimmed, "video-180p").last().unwrap(), 12_012_000);
    let [video, audio] = &timelines(&folder.path().join("late"))[..] else { panic!("two timelines") };
    assert_eq!(video[0].0, 0);
    let begins = decode_times(&folder.path().join("late"), "audio-und")[0];
    assert_eq!(audio[0].0, begins, "sound begins where it begins");
}

#[test]
fn a_download_holds_the_samples_of_the_largest_picture_and_the_sound_at_their_times() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let newest = judge::ffmpeg_9();
    for (layout, more) in [("segments", &[][..]), ("single", &["--single-file"])] {
        let out = folder.path().join(layout);
        package(&[&inputs.low, &inputs.high], &out, &[more, &["--progressive"]].concat());
        let download = out.join("download.mp4");
        for (map, source) in [("0:v", &inputs.high), ("0:a", &inputs.low)] {
            let (found, wanted) = (hashes(&newest, &[], &download, map, true), hashes(&newest, &[], source, map, true));
            assert!(found == wanted && !found.is_empty(), "{layout} {map}: {:?} instead of {:?}", found[0], wanted[0]);
        }
    }
}

#[test]
fn the_same_bytes_come_out_on_every_run_and_with_one_processor() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let keys = key_file(folder.path());
    for (layout, more) in [("segments", &["--segment-duration", "2"][..]), ("single", &["--single-file"])] {
        let arguments = [more, &["--scheme", "cbcs", "--key-file", keys.to_str().unwrap()]].concat();
        let out = |name: &str| folder.path().join(format!("{layout}-{name}"));
        let report = package(&[&inputs.low, &inputs.high], &out("a"), &arguments);
        assert_eq!(track_names(&report), ["video-180p", "audio-und", "video-360p"]);
        package(&[&inputs.low, &inputs.high], &out("b"), &arguments);
        let mut alone = Command::new("taskset");
        alone.args(["-c", "0"]).arg(judge::lectern()).args(["package", "--out"]).arg(out("c")).args(&arguments);
        judge::run(alone.arg("--input").arg(&inputs.low).arg("--input").arg(&inputs.high));
        let first = tree(&out("a"));
        for other in ["b", "c"] {
            let again = tree(&out(other));
            assert_eq!(first.keys().collect::<Vec<_>>(), again.keys().collect::<Vec<_>>());
            let differing = first.iter().filter(|(name, bytes)| again[*name] != **bytes).map(|(name, _)| name);
            assert_eq!(differing.collect::<Vec<_>>(), Vec::<&PathBuf>::new(), "{layout} {other}");
        }
    }
}

//! Breaks of a transport stream and cues of a list, through the whole command.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser;
use media_types::{MediaTime, Timescale};
use packager::markers::{Marker, parse_cue_list};
use packager::repack::{PacketTimes, SegmentGrid, Survey};
use scte35::BreakDuration;
use scte35::testing::{insert, with_messages};

use super::cut_places;
use crate::cli::Arguments;
use crate::commands;

/// The stream with messages: out 2 s behind the first picture, said twice, and in 2 s later.
fn with_breaks(stream: &[u8]) -> Vec<u8> {
    // It is announced to last 2.5 s, and does not return by itself.
    let announced = BreakDuration { auto_return: false, ticks: 225_000 };
    let mut count = 0;
    let marked = with_messages(stream, |times| {
        let section = match times.len() {
            1 | 2 => insert(7, true, Some(times[0] + 180_000), Some(announced)),
            3 => insert(7, false, Some(times[0] + 360_000), None),
            _ => return Vec::new(),
        };
        count += 1;
        vec![section]
    });
    assert_eq!(count, 3);
    marked
}

fn package(arguments: &[&str]) -> Result<(), String> {
    let all = ["lectern", "--json", "package", "--segment-duration", "2"].iter().chain(arguments);
    let parsed = Arguments::try_parse_from(all).map_err(|error| error.to_string())?;
    commands::run(parsed).map_err(|failure| format!("{failure:?}"))
}

fn clip(folder: &Path) -> String {
    let path = folder.join("plain.ts");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=25:duration=6"])
        .args(["-f", "lavfi", "-i", "sine=duration=6", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0"])
        .args(["-g", "25", "-c:a", "aac", "-shortest"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    let marked = folder.join("marked.ts");
    fs::write(&marked, with_breaks(&fs::read(&path).unwrap())).unwrap();
    marked.to_str().unwrap().to_owned()
}

fn broken_rules(target: &Path) -> Vec<String> {
    let report = commands::lint::examine(&target.to_string_lossy(), lint::Options::default());
    let errors = report.findings.into_iter().filter(|finding| finding.severity == lint::Severity::Error);
    errors.map(|finding| format!("{}: {}", finding.rule.id, finding.message)).collect()
}

#[test]
fn breaks_of_a_stream_and_cues_of_a_list_reach_every_playlist_and_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path());
    let list = folder.path().join("cues.txt");
    fs::write(&list, "# one inside, one behind the end\n1.5 0.5 mid\n00:01:00 late\n").unwrap();
    for layout in [&[][..], &["--single-file"]] {
        let out = folder.path().join(format!("out{}", layout.len()));
        let paths = ["--input", &input, "--out", out.to_str().unwrap(), "--cue-file", list.to_str().unwrap()];
        package(&[&paths, layout].concat()).unwrap();
        let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
        let master = read("master.m3u8");
        let mut playlists: Vec<_> = master.lines().filter(|line| line.ends_with("media.m3u8")).collect();
        let sound = master.split('"').find(|part| part.starts_with("audio-") && part.ends_with("media.m3u8"));
        playlists.extend(sound);
        assert_eq!(playlists.len(), 2, "{master}");
        for playlist in playlists {
            let text = read(playlist);
            let ranges: Vec<_> = text.lines().filter(|line| line.starts_with("#EXT-X-DATERANGE")).collect();
            assert_eq!(ranges.len(), 2, "{text}");
            assert_eq!(
                ranges[0],
                "#EXT-X-DATERANGE:ID=\"mid\",CLASS=\"cue\",START-DATE=\"1970-01-01T00:00:01.500Z\",DURATION=0.500"
            );
            let break_start = "#EXT-X-DATERANGE:ID=\"splice-7\",START-DATE=\"1970-01-01T00:00:02.000Z\",\
                               DURATION=2.000,PLANNED-DURATION=2.500,SCTE35-OUT=0xFC30";
            assert!(ranges[1].starts_with(break_start) && ranges[1].contains(",SCTE35-IN=0xFC30"), "{text}");
            assert_eq!(text.matches("#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z").count(), 1, "{text}");
        }
        let manifest = read("manifest.mpd");
        for event in ["presentationTime=\"135000\" duration=\"45000\">mid<", "presentationTime=\"360000\">"] {
            assert!(manifest.contains(event), "{manifest}");
        }
        assert!(manifest.contains("presentationTime=\"180000\" duration=\"180000\"><scte35:Signal>"), "{manifest}");
        for root in ["master.m3u8", "manifest.mpd"] {
            assert_eq!(broken_rules(&out.join(root)), Vec::<String>::new());
        }
    }
}

/// Lengths of a track's segments in milliseconds.
fn lengths_ms(out: &Path, track: &str) -> Vec<u64> {
    let text = fs::read_to_string(out.join(track).join("media.m3u8")).unwrap();
    let lengths = text.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    let micros = lengths.map(|length| length.trim_end_matches(',').replace('.', "").parse::<u64>().unwrap());
    micros.map(|length| (length + 500) / 1000).collect()
}

#[test]
fn segments_periods_and_messages_follow_breaks_and_cues_and_the_linter_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path());
    let list = folder.path().join("cues.txt");
    // Out at 2 s and in at 4 s say the messages; keyframes are a second apart.
    fs::write(&list, "4.96 mid\n1 note cut=no\n").unwrap();
    let cues = ["--cue-file", list.to_str().unwrap(), "--emsg"];
    for (name, more) in [("single", "--single-file"), ("periods", "--periods")] {
        let out = folder.path().join(name);
        let paths = ["--input", &input, "--out", out.to_str().unwrap(), more];
        package(&[&paths[..], &cues].concat()).unwrap();
        assert_eq!(lengths_ms(&out, "video-90p"), [2000, 2000, 1000, 1000], "{name}");
        let sound = lengths_ms(&out, "audio-und");
        assert_eq!(sound.len(), 4, "{sound:?}");
        assert!(sound.iter().zip([2000, 2000, 1000, 1000]).all(|(length, wanted)| length.abs_diff(wanted) <= 40));
        let manifest = fs::read_to_string(out.join("manifest.mpd")).unwrap();
        let periods = if name == "single" { 1 } else { 4 };
        let inband = "<InbandEventStream schemeIdUri=\"urn:scte:scte35:2013:bin\"";
        assert_eq!((manifest.matches("<Period ").count(), manifest.matches(inband).count()), (periods, periods));
        for root in ["master.m3u8", "manifest.mpd"] {
            assert_eq!(broken_rules(&out.join(root)), Vec::<String>::new(), "{name}");
        }
    }
    // Each message lies in the segment that begins with its event.
    let counts = (1..=4).map(|number| {
        let bytes = fs::read(folder.path().join(format!("periods/video-90p/{number:05}.m4s"))).unwrap();
        bytes.windows(4).filter(|window| window == b"emsg").count()
    });
    assert_eq!(counts.collect::<Vec<_>>(), [0, 1, 1, 0]);
}

#[test]
fn periods_of_a_single_file_are_refused() {
    let told = package(&["--input", "x.ts", "--out", "out", "--single-file", "--periods"]).unwrap_err();
    assert!(told.contains("'--single-file' cannot be used with '--periods'"), "{told}");
}

#[test]
fn places_without_a_keyframe_are_told_with_the_farthest() {
    let scale = Timescale::new(25).unwrap();
    let mut pictures = Survey::new(true);
    for at in 0..250 {
        pictures.add(PacketTimes { dts: at, pts: at, duration: Some(1), keyframe: at % 50 == 0 }).unwrap();
    }
    let shape = pictures.finish(scale, None, 0).unwrap().unwrap();
    let places = |text: &str| {
        let markers = parse_cue_list(text).unwrap();
        let cuts: Vec<MediaTime> = markers.iter().flat_map(Marker::borders).collect();
        let grid = SegmentGrid::new(&[(scale, &shape)], 4000, &cuts);
        let mut warnings = Vec::new();
        let places = cut_places(&grid, &markers, shape.rate, &mut warnings);
        (places.iter().map(|place| place.ticks).collect::<Vec<_>>(), warnings)
    };
    // One picture off is near enough; what has the end beside it needs no place.
    assert_eq!(places("1.96 4.08\n9.98\n20"), (vec![50, 150], Vec::new()));
    let (found, warnings) = places("2 0.5 a\n6.8 b");
    assert_eq!(found, [50, 150]);
    assert_eq!(
        warnings,
        [
            "2 of 3 places to cut at have no keyframe within a picture; the nearest one is taken, at most 0.800 s away (b at \
         6.800 s, at 6.000 s); encode with keyframes at markers"
        ]
    );
}

#[test]
fn a_list_that_cannot_be_read_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("cues.txt");
    fs::write(&list, "5\nten\n").unwrap();
    let out = folder.path().join("out");
    let told = package(&["--input", "x.ts", "--out", out.to_str().unwrap(), "--cue-file", list.to_str().unwrap()]);
    let told = told.unwrap_err();
    assert!(told.contains("cues.txt: line 2, column 1: ") && told.contains("START [DURATION] [ID]"), "{told}");
    assert!(!out.exists());
}

//! Breaks of a transport stream and cues of a list, through the whole command.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser;
use media_types::{MediaTime, Timescale};
use packager::markers::{Marker, parse_cue_list};
use packager::repack::{PacketTimes, SegmentGrid, Survey};

use super::cut_places;
use crate::cli::Arguments;
use crate::commands;

const PACKET: usize = 188;
const VIDEO: u16 = 0x100;
const MAP: u16 = 0x1000;
const CUES: u16 = 0x1f0;

/// CRC of sections (ISO/IEC 13818-1 annex A).
fn with_crc(mut section: Vec<u8>) -> Vec<u8> {
    let crc = section.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte) << 24, |crc, _| crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    });
    section.extend(crc.to_be_bytes());
    section
}

/// A packet that holds a section.
fn packet(pid: u16, counter: u8, section: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x47, 0x40 | (pid >> 8) as u8, pid as u8, 0x10 | counter & 15, 0];
    packet.extend(section);
    packet.resize(PACKET, 0xff);
    packet
}

/// `splice_insert` of event 7 at `time`.
fn insert(is_out: bool, time: u64) -> Vec<u8> {
    let mut command = vec![0, 0, 0, 7, 0x7f, if is_out { 0xef } else { 0x4f }];
    command.extend(&(0xfe_0000_0000 | time & 0x1_ffff_ffff).to_be_bytes()[3..]);
    if is_out {
        // It is announced to last 2.5 s, and does not return by itself.
        command.extend([0x7e, 0, 3, 0x6e, 0xe8]);
    }
    command.extend([0, 1, 0, 0]);
    let mut section = vec![0xfc, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xf0, command.len() as u8, 5];
    section.extend(&command);
    section.extend([0, 0]);
    section[2] = section.len() as u8 + 1;
    with_crc(section)
}

fn pid(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
}

/// The presentation time of the PES packet that begins in this packet.
fn time(packet: &[u8]) -> u64 {
    let payload = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
    let stamp = &packet[payload + 9..payload + 14];
    let part = |index: usize| u64::from(stamp[index]);
    (part(0) >> 1 & 7) << 30 | part(1) << 22 | (part(2) >> 1) << 15 | part(3) << 7 | part(4) >> 1
}

/// The stream with a PID of cues: out 2 s behind the first picture, said twice, and in 2 s later.
fn with_breaks(stream: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut first, mut counter) = (None, 0);
    for from in stream.chunks_exact(PACKET) {
        if pid(from) == MAP {
            let length = usize::from(from[6] & 0x0f) << 8 | usize::from(from[7]);
            let mut section = from[5..8 + length - 4].to_vec();
            section.extend([0x86, 0xe0 | (CUES >> 8) as u8, CUES as u8, 0xf0, 0]);
            section[2] = length as u8 + 5;
            out.extend(packet(MAP, from[3], &with_crc(section)));
            continue;
        }
        out.extend(from);
        if pid(from) == VIDEO && from[1] & 0x40 != 0 && counter < 3 {
            let start = *first.get_or_insert(time(from));
            let section = if counter < 2 { insert(true, start + 180_000) } else { insert(false, start + 360_000) };
            out.extend(packet(CUES, counter, &section));
            counter += 1;
        }
    }
    assert_eq!(counter, 3);
    out
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

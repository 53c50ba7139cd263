//! Transport streams written by hand around FFmpeg's elementary streams: what muxers may do, though few do it.
#![allow(clippy::unwrap_used)]

#[path = "ts/support.rs"]
#[allow(dead_code)]
mod support;
#[path = "ts/writer.rs"]
mod writer;

use support::{Clip, Played, demux, ffmpeg};
use writer::Writer;

/// The bytes of a clip with B-pictures in one piece, and what the same pictures are in a stream that FFmpeg muxed.
fn pictures(codec: &[&str], stream: &str) -> (Vec<u8>, Played) {
    let clip = Clip::new();
    let mut make = vec!["-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=3"];
    make.extend(codec);
    make.extend(["-g", "30", "a.ts"]);
    ffmpeg(&clip, &make);
    ffmpeg(&clip, &["-i", "a.ts", "-c", "copy", stream]);
    (clip.read(stream), demux(&clip.read("a.ts")))
}

/// A program with one stream, cut into PES packets of `size` bytes of which only the first has a time stamp.
fn unstamped(kind: u8, stream: &[u8], first: (u64, u64), size: usize) -> Played {
    let mut writer = Writer::default();
    writer.programs(&[(1, 0x1000)]);
    writer.map(0x1000, 1, 0, &[(kind, 0x100, &[])]);
    for (index, piece) in stream.chunks(size).enumerate() {
        writer.pes(0x100, (index == 0).then_some(first), piece);
    }
    demux(&writer.bytes)
}

const AVC: &[&str] = &["-c:v", "libx264", "-preset", "medium", "-bf", "3", "-b-pyramid", "normal"];
const HEVC: &[&str] = &["-c:v", "libx265", "-preset", "fast", "-x265-params", "log-level=error:info=0:bframes=4"];
const FIELDS: &[&str] = &["-c:v", "libx264", "-x264-params", "tff=1:slices=3"];

#[test]
fn pictures_are_found_and_timed_wherever_pes_packets_begin() {
    for (codec, kind, name) in [(AVC, 0x1b, "a.h264"), (HEVC, 0x24, "a.hevc"), (FIELDS, 0x1b, "a.h264")] {
        let (stream, muxed) = pictures(codec, name);
        let first = &muxed.packets[0];
        let start = ((first.pts + 90_000) as u64, (first.dts + 90_000) as u64);
        for size in [1, 50, 173, 5000, 1_000_000] {
            let size = if size == 1 { 7 } else { size };
            let played = unstamped(kind, &stream, start, size);
            assert_eq!(played.error, None);
            assert_eq!(played.packets.len(), muxed.packets.len(), "{codec:?} {size}");
            for (index, (got, wanted)) in played.packets.iter().zip(&muxed.packets).enumerate() {
                assert!(got.data == wanted.data, "{codec:?} {size}: picture {index}");
                let (got, wanted) = ((got.pts, got.dts, got.keyframe), (wanted.pts, wanted.dts, wanted.keyframe));
                assert_eq!(got, wanted, "{codec:?} {size}: picture {index}");
            }
        }
    }
}

/// Thirty frames of silence in ADTS, 48 kHz stereo, that decode to nothing.
fn frame(length: usize) -> Vec<u8> {
    let mut frame =
        vec![0xff, 0xf1, 0x4c, 0x80 | (length >> 11) as u8, (length >> 3) as u8, (length << 5) as u8 | 31, 0xfc];
    frame.resize(length, 0x21);
    frame
}

const AAC: u8 = 0x0f;

#[test]
fn frames_of_sound_cross_pes_packets_and_count_their_own_time() {
    let mut writer = Writer::default();
    writer.programs(&[(1, 0x1000)]);
    writer.map(0x1000, 1, 0, &[(AAC, 0x101, b"\x0a\x04fre\x03")]);
    let stream: Vec<u8> = (0..200).flat_map(|index| frame(60 + index % 7)).collect();
    // Stamps are whole milliseconds, of the first frame that begins in a packet of 500 bytes.
    let mut starts = vec![0];
    (0..199).for_each(|index| starts.push(starts[index] + 60 + index % 7));
    for (index, piece) in stream.chunks(500).enumerate() {
        let first = starts.iter().position(|start| *start >= index * 500).unwrap_or(199) as u64;
        let ticks = 90_000 + first * 1024 * 1000 / 48_000 * 90;
        writer.pes(0x101, Some((ticks, ticks)), piece);
    }
    let played = demux(&writer.bytes);
    assert_eq!((played.error, played.warnings), (None, Vec::new()));
    let times: Vec<_> = played.packets.iter().map(|packet| (packet.dts, packet.duration)).collect();
    assert_eq!(times, (0..200).map(|index| (index * 1024, Some(1024))).collect::<Vec<_>>());
    assert_eq!(played.tracks[0].language, "fr");
    assert!(played.tracks[0].roles.visual_impaired);
    assert!(played.packets.iter().enumerate().all(|(index, packet)| support::data(packet).len() == 53 + index % 7));
}

fn sound(writer: &mut Writer, pid: u16, from: u64, count: u64) {
    for index in from..from + count {
        let ticks = 90_000 + index * 1920;
        writer.pes(pid, Some((ticks, ticks)), &[frame(100), frame(100)].concat()[..100]);
    }
}

#[test]
fn the_first_program_with_media_is_taken_even_when_its_map_comes_late() {
    let mut writer = Writer::default();
    writer.programs(&[(1, 0x1000), (2, 0x1001), (3, 0x1002)]);
    writer.map(0x1000, 1, 0, &[(0x06, 0x200, &[])]);
    sound(&mut writer, 0x101, 0, 20);
    writer.map(0x1002, 3, 0, &[(AAC, 0x102, &[])]);
    writer.map(0x1001, 2, 0, &[(AAC, 0x101, &[])]);
    sound(&mut writer, 0x101, 20, 20);
    let played = demux(&writer.bytes);
    assert_eq!(played.tracks.iter().map(|track| track.id).collect::<Vec<_>>(), [0x101]);
    assert_eq!(played.packets.len(), 40, "what lies before the map counts as well");
    assert!(played.warnings[0].what.contains("program 2 is taken"), "{:?}", played.warnings);
}

#[test]
fn a_new_map_may_repeat_streams_but_not_change_them() {
    let check = |second: &[writer::Listed<'_>]| {
        let mut writer = Writer::default();
        writer.programs(&[(1, 0x1000)]);
        writer.map(0x1000, 1, 0, &[(AAC, 0x101, &[])]);
        sound(&mut writer, 0x101, 0, 20);
        let place = writer.bytes.len() as u64;
        writer.map(0x1000, 1, 1, second);
        sound(&mut writer, 0x101, 20, 20);
        (demux(&writer.bytes), place)
    };
    let (same, _) = check(&[(0x06, 0x200, &[]), (AAC, 0x101, &[])]);
    assert_eq!((same.error, same.packets.len(), same.warnings.len()), (None, 40, 0));
    let (more, place) = check(&[(AAC, 0x101, &[]), (AAC, 0x102, &[])]);
    assert_eq!((more.error, more.packets.len(), more.warnings[0].offset), (None, 40, place));
    for other in [&[(0x1b, 0x101, &[][..])][..], &[(AAC, 0x102, &[])], &[]] {
        let (played, place) = check(other);
        let error = played.error.unwrap();
        assert_eq!(error.offset, place, "{error}");
        assert!(error.reason.contains("PID 257") && error.reason.contains("cut the file"), "{error}");
        assert!(played.packets.len() >= 18, "what lies before it is given");
    }
}

#[test]
fn markers_come_with_the_time_they_speak_of() {
    let mut writer = Writer::default();
    writer.programs(&[(1, 0x1000)]);
    writer.map(0x1000, 1, 0, &[(AAC, 0x101, &[]), (0x86, 0x1f0, &[])]);
    sound(&mut writer, 0x101, 0, 20);
    let time = |ticks: u64| {
        [0xfe | (ticks >> 32) as u8, (ticks >> 24) as u8, (ticks >> 16) as u8, (ticks >> 8) as u8, ticks as u8]
    };
    let message = |command: u8, body: &[u8], adjustment: u8| {
        let mut section = vec![0, 0, 0, 0, 0, adjustment, 0, 0xff, 0xf0, body.len() as u8, command];
        section.extend(body);
        section.extend([0, 0]);
        section
    };
    writer.section(0x1f0, 0xfc, &message(6, &time(90_000 + 450_000), 90));
    let mut insert = vec![0, 0, 0, 1, 0x7f, 0xcf];
    insert.extend(time(90_000 + 900_000));
    insert.extend([0, 1, 0, 0]);
    writer.section(0x1f0, 0xfc, &message(5, &insert, 0));
    writer.section(0x1f0, 0xfc, &message(5, &[0, 0, 0, 2, 0x7f, 0xdf, 0, 1, 0, 0], 0));
    writer.section(0x1f0, 0xfc, &message(0, &[], 0));
    sound(&mut writer, 0x101, 20, 20);
    let broken = writer.bytes.len();
    writer.section(0x1f0, 0xfc, &message(0, &[], 0));
    writer.bytes[broken + 180] ^= 1;
    let played = demux(&writer.bytes);
    let times: Vec<_> = played.markers.iter().map(|(time, _)| *time).collect();
    assert_eq!(times, [Some(450_090), Some(900_000), Some(19 * 1920), None]);
    assert_eq!(played.markers[0].1[..3], [0xfc, 0xb0, 22]);
    assert_eq!(played.warnings.len(), 1, "{:?}", played.warnings);
    assert_eq!(played.warnings[0].offset, broken as u64);
}

#[test]
fn a_change_of_sound_is_refused_and_a_damaged_frame_is_not() {
    let play = |strange: usize| {
        let mut writer = Writer::default();
        writer.programs(&[(1, 0x1000)]);
        writer.map(0x1000, 1, 0, &[(AAC, 0x101, &[])]);
        let mut place = 0;
        for index in 0..60 {
            let mut frame = frame(100);
            if (20..20 + strange).contains(&index) {
                frame[3] = 0xc0;
                place = if index == 20 { writer.bytes.len() } else { place };
            }
            writer.pes(0x101, Some((90_000 + index as u64 * 1920, 90_000 + index as u64 * 1920)), &frame);
        }
        (demux(&writer.bytes), place as u64)
    };
    let (damaged, _) = play(2);
    assert_eq!((damaged.error, damaged.packets.len(), damaged.warnings.len()), (None, 58, 1));
    let (changed, place) = play(40);
    assert_eq!(changed.error.unwrap().offset, place);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, ..Default::default() })]
    #[test]
    fn no_payload_makes_it_panic(
        kind in proptest::sample::select(vec![0x1b_u8, 0x24, 0x0f, 0x81, 0x87, 0x86]),
        units in proptest::collection::vec((proptest::collection::vec(proptest::num::u8::ANY, 0..400), 0u8..4, proptest::num::u64::ANY), 1..40),
    ) {
        let mut writer = Writer::default();
        writer.programs(&[(1, 0x1000)]);
        writer.map(0x1000, 1, 0, &[(kind, 0x100, &[])]);
        for (mut unit, mode, time) in units {
            // What looks like the codec's own gets further.
            let lead: &[u8] = match (kind, mode) {
                (0x1b, 0) => &[0, 0, 0, 1, 0x67, 0x42, 0, 0x1e],
                (0x1b, 1) => &[0, 0, 1, 0x68],
                (0x1b, _) => &[0, 0, 1, 0x65],
                (0x24, 0) => &[0, 0, 1, 0x42, 1],
                (0x24, 1) => &[0, 0, 1, 0x44, 1],
                (0x24, _) => &[0, 0, 1, 0x26, 1],
                (0x0f, _) => &[0xff, 0xf1, 0x4c, 0x80, 2, 0x1f, 0xfc],
                (0x86, _) => &[0, 0xfc, 0xb0, 20],
                _ => &[0x0b, 0x77],
            };
            unit.splice(0..0, lead.iter().copied());
            match mode {
                3 => writer.unit(0x100, &unit),
                _ => writer.pes(0x100, Some((time & 0x1_ffff_ffff, time & 0x1_ffff_ffff)), &unit),
            }
        }
        demux(&writer.bytes);
    }

    #[test]
    fn no_file_makes_it_panic(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..4000), stride in proptest::sample::select(vec![0usize, 188, 192, 204])) {
        if stride > 0 {
            bytes.iter_mut().step_by(stride).for_each(|byte| *byte = 0x47);
        }
        demux(&bytes);
    }
}

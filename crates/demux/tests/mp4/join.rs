//! Parts of one recording, joined and read back.

use bytes::Bytes;
use demux::{Join, JoinError, JoinStep, Step};
use proptest::prelude::*;

use crate::driver::{Outcome, demux};
use crate::real::make;
use crate::writer::{DATA, Track, atom, avc, esds, file, movie, mvex, sound_header, text};

/// The joined file.
pub(crate) fn join(parts: &[Vec<u8>]) -> Result<Vec<u8>, JoinError> {
    let mut join = Join::new(parts.iter().map(|part| part.len() as u64).collect());
    for _ in 0..100_000 {
        match join.poll()? {
            JoinStep::Read { part, range } => {
                assert!((1..=Step::MAX_READ).contains(&range.length));
                let (from, to) = (range.offset as usize, (range.offset + range.length) as usize);
                join.give(Bytes::copy_from_slice(&parts[part][from..to]));
            }
            JoinStep::Done(front) => {
                assert_eq!(join.poll(), Ok(JoinStep::Done(front.clone())), "what it came to stays");
                return Ok([front.to_vec(), parts.concat()].concat());
            }
        }
    }
    panic!("it asks without end");
}

fn refused(parts: &[Vec<u8>]) -> (usize, bool, String) {
    let error = join(parts).unwrap_err();
    (error.part, error.differs, error.to_string())
}

/// Everything that a joined file gave.
fn joined(parts: &[Vec<u8>]) -> Outcome {
    let out = demux(&join(parts).unwrap(), true);
    assert_eq!((&out.error, &out.warnings), (&None, &vec![]));
    out
}

const TICKS: u32 = 600;
const RATE: u32 = 48_000;
const FRAME: u32 = 1024;

/// `count` pictures of 24 ticks and as many bytes as their number, from the byte `at` on.
fn pictures(count: u32, at: u32) -> Track {
    let sizes: Vec<u32> = (1..=count).collect();
    let entries = vec![avc(b"avc1", 4, &[])];
    let stts = vec![count, 24];
    Track { handler: *b"vide", timescale: TICKS, entries, stts, ..text(1, &sizes, at) }
}

/// `count` frames of sound of 5 bytes.
fn sound(count: u32, at: u32) -> Track {
    let entry = [sound_header(0), esds(0x40, &[0x11, 0x90])].concat();
    let (entries, stts) = (vec![atom(b"mp4a", &entry)], vec![count, FRAME]);
    Track { handler: *b"soun", timescale: RATE, entries, stts, ..text(2, &vec![5; count as usize], at) }
}

/// Uncompressed sound of 4 bytes a sample.
fn poured(count: u32, at: u32) -> Track {
    let entries = vec![atom(b"sowt", &sound_header(0))];
    let sizes = crate::writer::full(b"stsz", 0, 0, &crate::writer::words(&[4, count]));
    let stsc = vec![1, count, 1];
    Track {
        handler: *b"soun",
        timescale: RATE,
        entries,
        stts: vec![count, 1],
        stsc,
        tables: vec![sizes],
        ..text(2, &[], at)
    }
}

/// A part with `shown` pictures and another track behind them, each byte of which tells the part.
fn part(number: u8, shown: u32, other: impl Fn(u32) -> Track, change: impl Fn(&mut [Track])) -> Vec<u8> {
    let behind = (1..=shown).sum::<u32>();
    let mut tracks = [pictures(shown, DATA), other(DATA + behind)];
    change(&mut tracks);
    let length: u32 = tracks[1].sizes.iter().sum::<u32>();
    let length = if length == 0 { tracks[1].stts[0] * 4 } else { length };
    file(&vec![number; (behind + length) as usize], &movie(&tracks, &[]))
}

fn plain(number: u8, shown: u32, frames: u32) -> Vec<u8> {
    part(number, shown, |at| sound(frames, at), |_| {})
}

/// By how much each frame of sound is off from where its own part would have it, when that began with its pictures.
fn off_ms(out: &Outcome, starts_ms: &[f64]) -> Vec<f64> {
    let mut heard = vec![0u32; starts_ms.len()];
    let mut off = Vec::new();
    for read in out.of(1) {
        let part = usize::from(read.bytes[0]) - 1;
        let own_ms = starts_ms[part] + f64::from(heard[part] * FRAME) * 1000.0 / f64::from(RATE);
        heard[part] += 1;
        off.push(read.packet.pts as f64 * 1000.0 / f64::from(RATE) - own_ms);
    }
    off
}

#[test]
fn pictures_of_all_parts_follow_one_another_and_sound_stays_with_them() {
    // 100 pictures are 4 s and 187.5 frames of sound.
    let out = joined(&[plain(1, 100, 188), plain(2, 100, 187), plain(3, 10, 19)]);
    let shown = out.times(0);
    assert_eq!(shown.len(), 210);
    assert!(shown.iter().enumerate().all(|(at, &(dts, pts, _))| dts == at as i64 * 24 && pts == dts), "{shown:?}");
    let sizes: Vec<usize> = shown.iter().map(|&(_, _, size)| size).collect();
    assert_eq!(sizes, (1..=100).chain(1..=100).chain(1..=10).collect::<Vec<_>>());
    let number =
        |read: &&crate::driver::Read| read.bytes.iter().all(|&byte| byte == read.bytes[0]).then_some(read.bytes[0]);
    let numbers: Vec<Option<u8>> = out.of(0).iter().map(number).collect();
    assert_eq!((numbers[99], numbers[100], numbers[199], numbers[200]), (Some(1), Some(2), Some(2), Some(3)));
    let off = off_ms(&out, &[0.0, 4000.0, 8000.0]);
    assert!(off.iter().all(|off| off.abs() < 11.0), "{off:?}");
    // No hole is left, and nothing is heard twice.
    let sound = out.times(1);
    assert!(sound.windows(2).all(|two| two[1].0 - two[0].0 == 1024), "{sound:?}");
}

#[test]
fn sound_that_both_parts_have_is_heard_once_and_sound_that_neither_has_is_a_gap() {
    // The first part's sound goes on for 10 frames beyond its pictures.
    let out = joined(&[plain(1, 100, 198), plain(2, 100, 188)]);
    let off = off_ms(&out, &[0.0, 4000.0]);
    assert!(off.iter().all(|off| off.abs() < 11.0), "{off:?}");
    assert_eq!(off.len(), 187 + 188);
    // It ends a second before them.
    let out = joined(&[plain(1, 100, 140), plain(2, 100, 188)]);
    let off = off_ms(&out, &[0.0, 4000.0]);
    assert!(off[140..].iter().all(|off| off.abs() < 0.1), "{off:?}");
    // It ends a frame and a half before them, which players would not fill: the last frame is heard twice more.
    let out = joined(&[plain(1, 100, 186), plain(2, 100, 188)]);
    let sound = out.times(1);
    assert_eq!(sound.len(), 186 + 2 + 188);
    assert!(sound.windows(2).all(|two| two[1].0 - two[0].0 == 1024), "{sound:?}");
}

#[test]
fn a_part_whose_sound_begins_before_its_pictures_goes_on_where_the_other_ended() {
    // Sound of the first part ends 10 frames early, and that of the second begins as much before its pictures.
    let late = |tracks: &mut [Track]| tracks[0].edits = Some(vec![128, u32::MAX, 0x1_0000, 2400, 0, 0x1_0000]);
    let out = joined(&[plain(1, 100, 178), part(2, 100, |at| sound(188, at), late)]);
    let shown = out.times(0);
    assert!(shown.windows(2).all(|two| two[1].1 - two[0].1 == 24), "{shown:?}");
    let off = off_ms(&out, &[0.0, 4000.0 - 128.0 / 0.6]);
    assert!(off.iter().all(|off| off.abs() < 11.0), "{off:?}");
    assert_eq!(off.len(), 177 + 188);
}

#[test]
fn where_much_sound_would_be_left_out_the_last_picture_stays() {
    // The first part's sound goes on for two seconds beyond its pictures: 51 pictures cover it.
    let out = joined(&[plain(1, 100, 282), plain(2, 100, 188)]);
    let shown = out.times(0);
    assert_eq!(shown.len(), 200);
    assert_eq!(shown[100].1 - shown[99].1, 24 * (51 + 1));
    assert!(shown.iter().all(|&(_, pts, _)| pts % 24 == 0), "on the grid");
    assert_eq!(out.of(1).len(), 282 + 1 + 188, "and a frame that is heard twice");
}

#[test]
fn parts_of_sound_alone_go_on_where_the_one_before_ended() {
    let alone = |number: u8, frames: u32| {
        let track = Track { edits: Some(vec![frames * FRAME / 80 - 12, 1024, 0x1_0000]), ..sound(frames, DATA) };
        file(&vec![number; 5 * frames as usize], &movie(&[track], &[]))
    };
    let out = joined(&[alone(1, 50), alone(2, 50)]);
    let times = out.times(0);
    assert!(times.windows(2).all(|two| two[1].0 - two[0].0 == 1024), "{times:?}");
    // What is hidden of the second part is what its encoder put in front.
    assert_eq!((times[0].1, times.len()), (-1024, 50 + 49));
}

#[test]
fn uncompressed_sound_is_cut_and_filled_to_the_sample() {
    for (first, kept) in [(192_500, 192_000), (192_000, 192_000), (191_000, 191_000)] {
        let parts = [part(1, 100, |at| poured(first, at), |_| {}), part(2, 100, |at| poured(192_000, at), |_| {})];
        let file = join(&parts).unwrap();
        let out = demux(&file, true);
        // The demuxer says of uncompressed sound that CMAF does not carry it; where its samples lie is in the index.
        assert_eq!(out.of(0).len(), 200, "{:?}", out.error);
        let stts = file.windows(4).enumerate().filter(|(_, four)| four == b"stts").map(|(at, _)| at).nth(1).unwrap();
        let words = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!([words(stts + 8), words(stts + 12), words(stts + 16)], [1, 192_000 * 2, 1], "{first}: {kept}");
    }
}

#[test]
fn parts_that_do_not_belong_together_are_refused_by_number_and_with_the_difference() {
    let good = || plain(1, 10, 19);
    let larger = part(
        2,
        10,
        |at| sound(19, at),
        |tracks| {
            tracks[0].entries[0][8 + 25] = 128;
        },
    );
    let other_sets = part(
        2,
        10,
        |at| sound(19, at),
        |tracks| {
            let last = tracks[0].entries[0].len() - 1;
            tracks[0].entries[0][last] ^= 8;
        },
    );
    let other_scale = part(2, 10, |at| sound(19, at), |tracks| tracks[0].timescale = 1200);
    let turned = part(2, 10, |at| sound(19, at), |tracks| tracks[0].matrix[0] = -0x1_0000);
    let mute = file(&[0; 55], &movie(&[pictures(10, DATA)], &[]));
    for (other, reason) in [
        (larger, "has pictures of another kind than the first one: 'avc1' of 128x48, not 'avc1' of 64x48"),
        (other_sets, "has pictures that are coded with other settings"),
        (other_scale, "counts the time of its pictures in 1/1200 s, the first one in 1/600 s"),
        (turned, "is turned otherwise"),
        (mute, "has 0 tracks of sound, the first one has 1"),
        (vec![0x47; 188 * 20], "is an MPEG transport stream, the first one is an MP4 or QuickTime file"),
    ] {
        let (part, differs, text) = refused(&[good(), good(), other]);
        assert!(part == 2 && differs && text.starts_with("part 3 ") && text.contains(reason), "{text}");
    }
}

#[test]
fn parts_that_cannot_be_joined_at_all_say_what_to_do() {
    let good = || plain(1, 10, 19);
    let fragments = file(&[0; 55], &movie(&[pictures(10, DATA)], &mvex(1, 0, 0, 0)));
    let trimmed = part(2, 10, |at| sound(19, at), |tracks| tracks[0].edits = Some(vec![192, 48, 0x1_0000]));
    let no_index = atom(b"ftyp", b"iso6\0\0\0\0iso6");
    let mut cut = good();
    cut.drain(60..80);
    let hollow = part(1, 10, |at| sound(19, at + 10_000), |_| {});
    for (parts, at, reason) in [
        (vec![good(), fragments], 1, "is in fragments: write it anew"),
        (vec![good(), trimmed], 1, "begins with pictures that its edit list hides"),
        (vec![no_index, good()], 0, "has no index (moov)"),
        (vec![good(), good()[..100].to_vec(), good()], 1, "is cut short"),
        (vec![hollow, good()], 0, "its index speaks of more than there is"),
        (vec![good(), vec![]], 1, "is empty"),
        (vec![b"#!/bin/sh\necho".to_vec(), good()], 0, "is neither MP4"),
        ((0..33).map(|_| good()).collect(), 32, "is one too many"),
    ] {
        let (part, differs, text) = refused(&parts);
        assert!(part == at && !differs && text.contains(reason), "{text}");
    }
    assert!(join(&[good(), cut]).is_err());
}

#[test]
fn streams_stand_one_behind_the_other_as_they_are() {
    let mut packets = vec![0; 188 * 30];
    packets.iter_mut().step_by(188).for_each(|byte| *byte = 0x47);
    assert_eq!(join(&[packets.clone(), packets.clone()]).unwrap(), packets.repeat(2));
    let program = [b"\0\0\x01\xBA".to_vec(), vec![0; 40]].concat();
    assert_eq!(join(&[program.clone(), program.clone()]).unwrap(), program.repeat(2));
}

#[test]
fn a_recording_that_ffmpeg_cut_is_whole_again_picture_by_picture() {
    for ending in ["mp4", "mov"] {
        let film = "-c:v libx264 -preset ultrafast -bf 2 -g 12 -c:a aac -b:a 64k -threads 1";
        let cut =
            |name: &str, from: &str, to: &str| make(&format!("join-{name}.{ending}"), &format!("{film} {from} {to}"));
        let parts = [cut("one", "", "-t 1"), cut("two", "", "-t 1"), cut("three", "", "-t 0.6")];
        let each: Vec<Outcome> = parts.iter().map(|part| demux(part, true)).collect();
        let out = joined(&parts);
        let video = |out: &Outcome| out.tracks.iter().position(|track| track.id == 1).unwrap();
        let bytes = |out: &Outcome| out.of(video(out)).iter().map(|read| read.bytes.clone()).collect::<Vec<_>>();
        assert_eq!(bytes(&out), each.iter().flat_map(bytes).collect::<Vec<_>>(), "{ending}");
        let mut shown: Vec<i64> = out.times(video(&out)).iter().map(|&(_, pts, _)| pts).collect();
        shown.sort_unstable();
        assert_eq!(shown[0], 0);
        assert!(shown.windows(2).all(|two| two[1] - two[0] == shown[1]), "{ending}: {shown:?}");
        assert!(out.of(video(&out)).iter().filter(|read| read.packet.keyframe).count() >= 3);
    }
}

proptest! {
    #[test]
    fn any_lengths_keep_every_picture_and_sound_within_a_frame(lengths in prop::collection::vec((1u32..60, -3i32..3), 1..6)) {
        let parts: Vec<Vec<u8>> = lengths.iter().zip(1u8..).map(|(&(shown, more), number)| {
            let frames = (shown * 24 * RATE / TICKS / FRAME) as i32 + more;
            plain(number, shown, frames.max(1) as u32)
        }).collect();
        let out = joined(&parts);
        let shown = out.times(0);
        prop_assert_eq!(shown.len() as u32, lengths.iter().map(|&(shown, _)| shown).sum::<u32>());
        prop_assert!(shown.iter().enumerate().all(|(at, &(_, pts, _))| pts == at as i64 * 24));
        let starts: Vec<f64> = lengths.iter().scan(0.0, |at, &(shown, _)| {
            let start = *at;
            *at += f64::from(shown) * 40.0;
            Some(start)
        }).collect();
        for (at, read) in out.of(1).windows(2).enumerate() {
            prop_assert!(read[1].packet.dts > read[0].packet.dts, "{}", at);
        }
        let last_of = |number: u8| out.of(1).into_iter().rfind(|read| read.bytes[0] == number).map(|read| read.packet.pts);
        for (number, start) in (1u8..).zip(&starts) {
            let end_ms = last_of(number).map(|pts| pts as f64 / 48.0);
            let until = starts.get(usize::from(number)).copied().unwrap_or(f64::MAX);
            prop_assert!(end_ms.is_none_or(|end| end < until + 46.0 && end > start - 22.0), "{:?} {}", end_ms, until);
        }
    }

    #[test]
    fn damage_is_refused_or_joined_and_never_panics(at in 0usize..1400, value: u8, second: bool) {
        let mut parts = [plain(1, 10, 19), plain(2, 10, 19)];
        let damaged = &mut parts[usize::from(second)];
        let at = at % damaged.len();
        damaged[at] = value;
        if let Ok(file) = join(&parts) {
            demux(&file, true);
        }
    }
}

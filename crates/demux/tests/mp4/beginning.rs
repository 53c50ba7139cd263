//! What of a file that is still arriving is needed to begin with it.

use bytes::Bytes;
use demux::{Beginning, Need};
use proptest::prelude::*;

use crate::driver::demux;
use crate::real::make;
use crate::writer::{DATA, Track, atom, avc, file, movie, mvex, text};

/// What it says at last, having seen nothing behind `there`; `None` when it wants more than that.
fn asked(file: &[u8], length: u64, seconds: u32, there: usize) -> Option<Need> {
    let mut beginning = Beginning::new(length, seconds);
    for _ in 0..10_000 {
        match beginning.poll() {
            Need::Bytes(range) => {
                assert!(range.length > 0 && range.offset + range.length <= length, "{range:?} of {length}");
                let (from, to) = (range.offset as usize, (range.offset + range.length) as usize);
                if to > there {
                    return None;
                }
                beginning.give(Bytes::copy_from_slice(&file[from..to]));
            }
            need => {
                assert_eq!(beginning.poll(), need, "what it says stays");
                return Some(need);
            }
        }
    }
    panic!("it asks without end");
}

fn need(file: &[u8], seconds: u32) -> Need {
    asked(file, file.len() as u64, seconds, file.len()).unwrap()
}

const FILM: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a aac -b:a 24k -threads 1";

#[test]
fn of_a_file_with_its_index_in_front_the_first_seconds_are_needed_and_no_more() {
    let film = make("beginning-front.mp4", &format!("{FILM} -movflags +faststart"));
    let Need::UpTo(end) = need(&film, 1) else { panic!("the index lies in front") };
    let out = demux(&film, true);
    let (mut first, mut latest) = (0, 0);
    for read in &out.reads {
        let demux::Data::At(range) = read.packet.data else { continue };
        let scale = i64::from(out.tracks[read.packet.track].timescale.get());
        if read.packet.dts < scale {
            first = first.max(range.offset + range.length);
        }
        latest = latest.max(range.offset + range.length);
    }
    assert_eq!(end, first);
    assert!(end < latest && latest == film.len() as u64);
    // It is known before those bytes are there, and not before the index is whole.
    let index = film.windows(4).position(|four| four == b"mdat").unwrap() + 12;
    let there = film.len().min(index + (16 << 10));
    assert_eq!(asked(&film, film.len() as u64, 1, there), Some(Need::UpTo(end)));
    assert_eq!(asked(&film, film.len() as u64, 1, index - 600), None);
    assert_eq!(need(&film, 60), Need::Whole, "it is shorter than that");
}

#[test]
fn any_other_file_is_needed_whole() {
    for (name, options) in [
        ("beginning-behind.mp4", ""),
        ("beginning-pieces.mp4", "-movflags frag_keyframe+empty_moov+default_base_moof"),
        ("beginning-front.mkv", ""),
        ("beginning.ts", ""),
    ] {
        assert_eq!(need(&make(name, &format!("{FILM} {options}")), 2), Need::Whole, "{name}");
    }
    assert_eq!(need(b"#!/bin/sh\necho not a film\n", 2), Need::Whole);
    assert_eq!(need(b"x", 2), Need::Whole);
}

/// A track of a picture a second with 10 bytes each, in one chunk.
fn pictures(count: u32, offset: u32) -> Track {
    let entries = vec![avc(b"avc1", 4, &[])];
    Track { handler: *b"vide", entries, ..text(1, &vec![10; count as usize], offset) }
}

/// A file of 60 bytes of media with its index in front, whose size is the same wherever it says that the media lie.
fn front(tracks: impl Fn(u32) -> Vec<Track>, besides: &[u8], behind: &[u8]) -> (Vec<u8>, u32) {
    let index = |offset| movie(&tracks(offset), besides);
    let data = DATA + index(0).len() as u32;
    let mut out = file(&[0; 60], &[]);
    out.splice(20..20, index(data));
    out.extend_from_slice(behind);
    (out, data)
}

#[test]
fn what_lies_behind_the_media_or_in_fragments_is_needed_too() {
    let one = |offset| vec![pictures(6, offset)];
    let (plain, data) = front(one, &[], &[]);
    assert_eq!(need(&plain, 2), Need::UpTo(u64::from(data) + 20));
    let (trailed, _) = front(one, &[], &atom(b"free", &[0; 4]));
    assert_eq!(need(&trailed, 2), Need::Whole);
    let (fragmented, _) = front(one, &mvex(1, 0, 0, 0), &[]);
    assert_eq!(need(&fragmented, 2), Need::Whole);
    // Of two tracks one behind the other, the beginning of the second lies late.
    let two = |offset| vec![pictures(3, offset), Track { id: 2, ..pictures(3, offset + 30) }];
    let (split, data) = front(two, &[], &[]);
    assert_eq!(need(&split, 1), Need::UpTo(u64::from(data) + 40));
    // Text may come as late as it likes.
    let with_text = |offset| vec![pictures(5, offset), text(2, &[10], offset + 50)];
    let (subtitled, data) = front(with_text, &[], &[]);
    assert_eq!(need(&subtitled, 2), Need::UpTo(u64::from(data) + 20));
    let (text_alone, _) = front(|offset| vec![text(2, &[10; 6], offset)], &[], &[]);
    assert_eq!(need(&text_alone, 2), Need::Whole);
}

proptest! {
    #[test]
    fn damage_is_answered_and_asks_for_nothing_outside(at in 0usize..700, value: u8, seconds in 0u32..9) {
        let (mut file, _) = front(|offset| vec![pictures(3, offset), Track { id: 2, ..pictures(3, offset + 30) }], &[], &[]);
        let at = at % file.len();
        file[at] = value;
        let need = need(&file, seconds);
        prop_assert!(matches!(need, Need::Whole | Need::UpTo(_)));
        if let Need::UpTo(end) = need {
            prop_assert!(end < file.len() as u64);
        }
    }
}

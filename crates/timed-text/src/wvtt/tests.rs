#![allow(clippy::unwrap_used)]

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::webvtt::parse;
use crate::{Cue, Document, TextError, TextSample};

const MILLI: NonZeroU32 = NonZeroU32::new(1000).unwrap();

fn cue(start_ms: i64, end_ms: i64, payload: &str) -> Cue {
    Cue { start_us: start_ms * 1000, end_us: end_ms * 1000, payload: payload.to_owned(), ..Cue::default() }
}

fn back(config: &str, scale: NonZeroU32, segments: &[Vec<TextSample>]) -> Document {
    let samples = segments.iter().flatten().map(|sample| (sample.start, sample.duration, &sample.data[..]));
    document(config, scale, samples).unwrap().document
}

fn with_cues(cues: Vec<Cue>) -> Document {
    Document { cues, ..Document::default() }
}

#[test]
fn samples_are_split_at_cues_and_borders() {
    let settings = "line:0".to_owned();
    let document =
        with_cues(vec![Cue { id: Some("x".to_owned()), settings, ..cue(1000, 5000, "a") }, cue(2000, 3000, "b")]);
    let found = samples(&document, MILLI, &[0, 4000, 8000]).unwrap();
    let a = "0000003476747463\
        0000000c7673696400000000\
        000000096964656e78\
        0000000e737474676c696e653a30\
        000000097061796c61";
    let b = "0000001176747463000000097061796c62";
    let empty = "0000000876747465";
    let shown: Vec<Vec<(i64, u32, String)>> = found
        .iter()
        .map(|segment| {
            segment.iter().map(|sample| (sample.start, sample.duration, hex::encode(&sample.data))).collect()
        })
        .collect();
    let expected = [
        vec![
            (0, 1000, empty.to_owned()),
            (1000, 1000, a.to_owned()),
            (2000, 1000, format!("{a}{b}")),
            (3000, 1000, a.to_owned()),
        ],
        vec![(4000, 1000, a.to_owned()), (5000, 3000, empty.to_owned())],
    ];
    assert_eq!(shown, expected);
    assert_eq!(back("WEBVTT", MILLI, &found).cues, document.cues);
}

#[test]
fn equal_cues_that_touch_stay_two_and_split_ones_of_other_packagers_become_one() {
    let document = with_cues(vec![cue(0, 1000, "a"), cue(1000, 2000, "a")]);
    let found = samples(&document, MILLI, &[0, 2000]).unwrap();
    assert_eq!(back("WEBVTT", MILLI, &found).cues, document.cues);
    let plain = b"\0\0\0\x11vttc\0\0\0\x09payla".as_slice();
    let parsed = super::document("WEBVTT", MILLI, [(0, 1000, plain), (1000, 1000, plain), (2500, 500, plain)]).unwrap();
    assert_eq!(parsed.document.cues, [cue(0, 2000, "a"), cue(2500, 3000, "a")]);
}

#[test]
fn the_configuration_holds_header_regions_and_styles() {
    let file = "WEBVTT x\n\nREGION\nid:a\n\nSTYLE\n::cue{}\n\n00:01.000 --> 00:02.000\nt\n";
    let document = parse(file.as_bytes()).unwrap().document;
    assert_eq!(config(&document), "WEBVTT x\n\nREGION\nid:a\n\nSTYLE\n::cue{}");
    let read = back(&config(&document), MILLI, &samples(&document, MILLI, &[0, 3000]).unwrap());
    assert_eq!(read, document);
    assert_eq!(config(&Document::default()), "WEBVTT");
}

#[test]
fn inner_times_carry_the_clock_and_follow_it() {
    let document = with_cues(vec![cue(1000, 5000, "a<00:00:02.000>b")]);
    let found = samples(&document, MILLI, &[0, 4000, 8000]).unwrap();
    let text = String::from_utf8_lossy(&found[1][0].data).into_owned();
    assert!(text.contains("ctim00:00:04.000"), "{text:?}");
    assert_eq!(back("", MILLI, &found).cues, document.cues);
    let moved = found.iter().flatten().map(|sample| (sample.start + 10_000, sample.duration, &sample.data[..]));
    let parsed = super::document("", MILLI, moved).unwrap();
    assert_eq!(parsed.document.cues, [cue(11_000, 15_000, "a<00:00:12.000>b")]);
}

#[test]
fn broken_boxes_are_named_with_their_place() {
    for (bytes, offset) in [
        (&b"\0\0\0\x09vtte"[..], 0),
        (b"\0\0\0\x08vtte\0\0", 8),
        (b"\0\0\0\x10vttc\0\0\0\xffpayl", 8),
        (b"\0\0\0\0vtte", 0),
    ] {
        let error = super::document("WEBVTT", MILLI, [(0, 1, bytes)]).unwrap_err();
        assert!(matches!(error, TextError::Sample { sample: 0, offset: found, .. } if found == offset), "{error}");
    }
}

#[test]
fn a_hostile_overlap_is_refused_rather_than_written() {
    let cues = (0..20_000).map(|index| cue(index, 100_000 + index, "hostile")).collect();
    let error = samples(&with_cues(cues), MILLI, &[0, 200_000]).unwrap_err();
    assert!(matches!(error, TextError::TooLarge { .. }));
    assert!(matches!(samples(&Document::default(), MILLI, &[0, 1 << 33]), Err(TextError::Borders { .. })));
}

proptest! {
    #[test]
    fn samples_cover_their_segments_and_read_back(
        document in crate::webvtt::any_document(),
        scale in prop::sample::select(vec![1000u32, 12_800, 30_000, 48_000, 90_000]),
        lengths in prop::collection::vec(1i64..9000, 1..8),
    ) {
        let timescale = NonZeroU32::new(scale).unwrap();
        let mut borders = vec![0];
        for length in lengths {
            borders.push(borders[borders.len() - 1] + length * i64::from(scale) / 1000 + 1);
        }
        borders.push(borders[borders.len() - 1] + 50_001 * i64::from(scale) / 1000);
        let segments = samples(&document, timescale, &borders).unwrap();
        prop_assert_eq!(segments.len(), borders.len() - 1);
        for (segment, pair) in segments.iter().zip(borders.windows(2)) {
            let mut at = pair[0];
            for sample in segment {
                prop_assert_eq!(sample.start, at);
                prop_assert!(sample.duration > 0);
                at += i64::from(sample.duration);
            }
            prop_assert_eq!(at, pair[1]);
        }
        let mut read = back(&config(&document), timescale, &segments);
        // Milliseconds are exact again once they are written.
        for cue in &mut read.cues {
            (cue.start_us, cue.end_us) = ((cue.start_us + 500) / 1000 * 1000, (cue.end_us + 500) / 1000 * 1000);
        }
        let mut expected = Document { timestamp_map: None, ..document };
        let order = |cue: &Cue| (cue.start_us, cue.end_us, cue.id.clone(), cue.settings.clone(), cue.payload.clone());
        expected.cues.sort_by_key(order);
        read.cues.sort_by_key(order);
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(samples in prop::collection::vec((any::<i64>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..60)), 0..8), config in ".{0,40}") {
        let _ = super::document(&config, MILLI, samples.iter().map(|(start, duration, data)| (*start, *duration, &data[..])));
    }

    #[test]
    fn no_change_of_one_byte_makes_the_reader_panic(at in 0usize..200, byte in any::<u8>()) {
        let document = with_cues(vec![Cue { id: Some("é".to_owned()), settings: "line:0".to_owned(), ..cue(0, 4000, "a<00:00:02.000>b") }, cue(1000, 2000, "b")]);
        let segments = samples(&document, MILLI, &[0, 3000, 6000]).unwrap();
        let mut data: Vec<Vec<u8>> = segments.iter().flatten().map(|sample| sample.data.to_vec()).collect();
        for sample in &mut data {
            if let Some(target) = sample.get_mut(at) { *target = byte; }
        }
        let _ = super::document("WEBVTT", MILLI, data.iter().enumerate().map(|(index, data)| (index as i64 * 10, 10, &data[..])));
    }
}

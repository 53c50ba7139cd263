#![allow(clippy::unwrap_used)]
use media_types::segment::CaptionChannel::{Line21, Service};
use proptest::prelude::*;

use super::*;

/// A picture every 40 ms.
const PICTURE_US: i64 = 40_000;

fn odd(byte: u8) -> u8 {
    if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte }
}

fn twice(first: u8, second: u8) -> Vec<[u8; 2]> {
    vec![[first, second]; 2]
}

fn letters(text: &str) -> Vec<[u8; 2]> {
    text.as_bytes().chunks(2).map(|two| [two[0], two.get(1).copied().unwrap_or(0)]).collect()
}

/// One pair of a field in each picture.
fn read(kind: u8, pairs: &[Vec<[u8; 2]>]) -> Vec<Caption> {
    let mut reader = CaptionReader::default();
    let mut said = Vec::new();
    for (picture, pair) in (0..).zip(pairs.concat()) {
        let pair = CaptionPair { valid: true, kind, data: pair.map(odd) };
        said.extend(reader.picture(picture * PICTURE_US, &[pair]));
    }
    said.extend(reader.finish());
    said
}

/// From and to, in pictures, and the text.
fn told(captions: &[Caption]) -> Vec<(i64, Option<i64>, &str)> {
    let pictures = |us: i64| us / PICTURE_US;
    captions.iter().map(|said| (pictures(said.start_us), said.end_us.map(pictures), &*said.text)).collect()
}

#[test]
fn a_loaded_caption_is_shown_from_its_end_code_until_it_is_erased() {
    let load = [twice(0x14, 0x20), twice(0x14, 0x2e), twice(0x13, 0x70), letters("HELLO"), twice(0x14, 0x50)].concat();
    let said = read(0, &[load, letters("THERE!"), twice(0x14, 0x2f), vec![[0, 0]; 20], twice(0x14, 0x2c)]);
    assert_eq!(told(&said), [(14, Some(36), r"HELLO\NTHERE!")]);
    assert_eq!(said[0].channel, Line21(1));
    // Rows 13 and 14, from the first column on.
    assert_eq!(said[0].place, TextPlace { top_percent: None, left_percent: Some(10) });
}

#[test]
fn rows_columns_and_letters_are_those_of_the_code() {
    // Row 1, indent 4 and two columns more; italic from a mid-row code on; an extended character in place of its stand-in.
    let load = [twice(0x14, 0x20), twice(0x11, 0x52), twice(0x17, 0x22), letters("El ni*"), twice(0x11, 0x2e)].concat();
    let more = [letters("a"), twice(0x12, 0x21), letters("~"), twice(0x11, 0x37), twice(0x14, 0x21)].concat();
    let said =
        read(0, &[load, more, letters("("), twice(0x13, 0x29), twice(0x14, 0x2f), vec![[0, 0]], twice(0x14, 0x2f)]);
    assert_eq!(said[0].text, r"El niá {\i1}Éñ\{");
    assert_eq!(said[0].place, TextPlace { top_percent: Some(10), left_percent: Some(25) });
    // Text in the middle stands there by itself, and so does what is more than a row apart.
    let load = [twice(0x14, 0x20), twice(0x15, 0x56), twice(0x17, 0x22), letters("IN THE"), twice(0x16, 0x76)].concat();
    let said = read(0, &[load, letters("MIDDLE"), twice(0x14, 0x2f)]);
    let places: Vec<_> = said.iter().map(|said| (said.place.top_percent, said.place.left_percent)).collect();
    assert_eq!((places, told(&said).len()), (vec![(Some(31), None), (Some(47), None)], 2));
}

#[test]
fn rolling_rows_are_a_caption_for_every_line() {
    let line = |text| [twice(0x14, 0x2d), letters(text)].concat();
    let begin = [twice(0x14, 0x25), twice(0x14, 0x70)].concat();
    let said = read(0, &[begin, line("one"), line("two"), line("three"), twice(0x14, 0x2c)]);
    let wanted = [(6, Some(8), "one"), (8, Some(12), r"one\Ntwo"), (12, Some(17), r"two\Nthree")];
    assert_eq!(told(&said), wanted);
}

#[test]
fn what_is_written_after_a_pause_is_a_caption_of_its_own() {
    let said = read(0, &[twice(0x14, 0x29), letters("wait"), vec![[0, 0]; 30], letters(" now"), twice(0x14, 0x2c)]);
    assert_eq!(told(&said), [(2, Some(34), "wait"), (34, Some(36), "wait now")]);
}

#[test]
fn channels_of_both_fields_are_told_apart_and_text_mode_is_none() {
    let two = [twice(0x1c, 0x29), letters("two"), twice(0x14, 0x29), letters("one"), twice(0x1c, 0x2c)].concat();
    let said = read(0, &[two, twice(0x14, 0x2a), letters("text")]);
    assert_eq!(
        said.iter().map(|said| (said.channel, &*said.text)).collect::<Vec<_>>(),
        [(Line21(2), "two"), (Line21(1), "one")]
    );
    assert_eq!(said[1].end_us, None, "nothing took it away");
    let said = read(1, &[twice(0x15, 0x29), letters("three"), twice(0x1d, 0x29), letters("four"), twice(0x15, 0x2c)]);
    assert_eq!(said.iter().map(|said| said.channel).collect::<Vec<_>>(), [Line21(3), Line21(4)]);
}

/// A packet of blocks, in one picture.
fn packet(blocks: &[u8]) -> Vec<CaptionPair> {
    let mut bytes = [&[0], blocks].concat();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes[0] = (bytes.len() / 2) as u8;
    let pairs = bytes.chunks_exact(2).enumerate();
    pairs
        .map(|(at, two)| CaptionPair { valid: true, kind: if at == 0 { 3 } else { 2 }, data: [two[0], two[1]] })
        .collect()
}

fn block(service: u8, codes: &[u8]) -> Vec<u8> {
    [&[service << 5 | codes.len() as u8], codes].concat()
}

fn serve(pictures: &[Vec<u8>]) -> Vec<Caption> {
    let mut reader = CaptionReader::default();
    let shown = (0..).zip(pictures).flat_map(|(at, blocks)| reader.picture(at * PICTURE_US, &packet(blocks)));
    let mut said: Vec<_> = shown.collect();
    said.extend(reader.finish());
    said
}

#[test]
fn a_window_is_shown_from_its_display_until_it_is_deleted() {
    let middle = [0x98, 0x18, 0x80 | 90, 50, 7 << 4 | 1, 31, 1 << 3 | 1];
    let load = [&middle[..], b"Two ", &[0x90, 0, 0x80], b"rows\r\xe9!\x03"];
    let again = [&[0x98, 0x38], &middle[2..]].concat();
    let upper = [0x99, 0x38, 0x80 | 10, 10, 0, 20, 1 << 3 | 1];
    let said = serve(&[
        [block(1, &load.concat()), block(2, &[&upper[..], b"Top"].concat())].concat(),
        block(1, &[0x89, 1]),
        block(1, &again),
        block(1, &[0x8c, 1]),
    ]);
    let wanted = [(1, Some(3), r"Two {\i1}rows\Né!"), (0, None, "Top")];
    assert_eq!(told(&said), wanted);
    assert_eq!(said[0].channel, Service(1));
    assert_eq!(said[0].place, TextPlace::default());
    assert_eq!(said[1].channel, Service(2));
    assert_eq!(said[1].place, TextPlace { top_percent: Some(18), left_percent: Some(18) });
}

#[test]
fn rows_of_a_window_roll() {
    let define = [0x98, 0x38, 0x80 | 90, 50, 7 << 4 | 1, 31, 4 << 3 | 1];
    let said = serve(&[
        block(1, &[&define[..], b"one\rtwo"].concat()),
        block(1, b"\rthree"),
        block(1, &[0x8a, 1]),
        block(1, b" unseen"),
    ]);
    assert_eq!(told(&said), [(0, Some(1), r"one\Ntwo"), (1, Some(2), r"two\Nthree")]);
}

proptest! {
    #[test]
    fn no_entries_make_the_reader_panic_and_nothing_ends_before_it_begins(
        entries in prop::collection::vec((any::<bool>(), 0u8..4, any::<[u8; 2]>(), 0i64..200_000), 0..300),
    ) {
        let (mut reader, mut at_us, mut said) = (CaptionReader::default(), 0, Vec::new());
        for (valid, kind, data, later) in entries {
            at_us += later;
            let data = if kind < 2 { data.map(odd) } else { data };
            said.extend(reader.picture(at_us, &[CaptionPair { valid, kind, data }]));
        }
        said.extend(reader.finish());
        prop_assert!(said.iter().all(|said| said.end_us.is_none_or(|end| end > said.start_us) && !said.text.is_empty()));
    }

    #[test]
    fn no_codes_of_a_service_make_a_window_panic(codes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..31), 0..40)) {
        let blocks: Vec<_> = codes.iter().map(|codes| block(1, codes)).collect();
        serve(&blocks);
    }
}

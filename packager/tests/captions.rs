//! Closed captions: found in pictures, and told in playlists and the MPD.
#![allow(clippy::unwrap_used)]

mod common;

use common::{audio, avc, video};
use media_types::segment::CaptionChannel::{self, Line21, Service};
use media_types::{CodecConfig, TrackRecord};
use packager::captions::CaptionScan;
use packager::{Presentation, mpd, multivariant_playlist};
use proptest::prelude::*;

/// With the odd parity that line 21 asks for.
fn odd(byte: u8) -> u8 {
    if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte }
}

/// An H.264 access unit with caption triplets in an SEI message before its slice.
fn picture(triplets: &[[u8; 3]]) -> Vec<u8> {
    let mut sei = vec![0x06, 4, (11 + 3 * triplets.len()) as u8, 0xb5, 0, 0x31];
    sei.extend_from_slice(b"GA94\x03");
    sei.extend([0x40 | triplets.len() as u8, 0xff]);
    triplets.iter().for_each(|triplet| sei.extend(triplet));
    sei.extend([0xff, 0x80]);
    let mut unit = Vec::new();
    for nal in [&sei[..], &[0x41, 0x9a, 0x55]] {
        unit.extend((nal.len() as u32).to_be_bytes());
        unit.extend(nal);
    }
    unit
}

/// A pair of the first field.
fn line21(pair: [u8; 2]) -> Vec<u8> {
    picture(&[[0xfc, odd(pair[0]), odd(pair[1])]])
}

fn scan(pictures: &[(i64, Vec<u8>)]) -> Vec<CaptionChannel> {
    let mut scan = CaptionScan::new(&avc()).unwrap();
    pictures.iter().for_each(|(pts, data)| scan.sample(*pts, data));
    scan.finish()
}

#[test]
fn text_belongs_to_the_channel_that_was_chosen_last_in_presentation_order() {
    // Resume loading of CC1, its text, end of caption; then CC2 is chosen and says nothing.
    let shown = [[0x14, 0x20], [0x14, 0x70], *b"AB", [0x14, 0x2f], [0x1c, 0x20], [0, 0], [0, 0], [0, 0]];
    let at = |position: usize| (position as i64 * 1001, line21(shown[position]));
    assert_eq!(scan(&(0..8).map(at).collect::<Vec<_>>()), [Line21(1)]);
    // The same as an encoder reorders it.
    let decoded = [0, 1, 4, 2, 3, 7, 5, 6].map(at);
    assert_eq!(scan(&decoded), [Line21(1)]);
    // Taken as it comes, the text would be that of CC2.
    let as_it_comes: Vec<_> = (0..).zip(decoded.map(|(_, data)| data)).collect();
    assert_eq!(scan(&as_it_comes), [Line21(2)]);
}

#[test]
fn digital_services_are_found_too() {
    // A packet of four bytes: its header, a block of two characters for service 2.
    let packet = picture(&[[0xff, 0x02, 2 << 5 | 2], [0xfe, b'H', b'i'], [0xfc, 0x80, 0x80]]);
    assert_eq!(scan(&[(0, packet)]), [Service(2)]);
}

#[test]
fn pictures_without_captions_have_no_channel() {
    assert_eq!(scan(&[]), []);
    assert_eq!(scan(&[(0, picture(&[])), (1, vec![0, 0, 0, 2, 0x41, 0x9a])]), []);
    // A channel that is chosen and cleared, with nothing in it.
    let idle = [[0x14, 0x20], [0x14, 0x2c], [0x14, 0x2f], [0, 0]].map(line21);
    assert_eq!(scan(&idle.map(|data| (0, data))), []);
}

#[test]
fn a_long_stretch_in_order_keeps_nothing_back() {
    let mut pictures: Vec<_> = (0..4000).map(|at| (at, line21([0, 0]))).collect();
    for (at, pair) in [(1000, [0x14, 0x25]), (1001, [0x14, 0x70]), (1002, *b"hi"), (1003, [0x14, 0x2d])] {
        pictures[at].1 = line21(pair);
    }
    assert_eq!(scan(&pictures), [Line21(1)]);
}

#[test]
fn only_codecs_that_carry_them_are_looked_at() {
    assert!(CaptionScan::new(&CodecConfig::Av1(vec![0x81, 0, 0, 0].into())).is_none());
    assert!(CaptionScan::new(&CodecConfig::Aac(vec![0x11, 0x90].into())).is_none());
}

fn with(captions: Option<&[CaptionChannel]>, height: u32) -> TrackRecord {
    TrackRecord { captions: captions.map(<[_]>::to_vec), ..video(height, 96).track }
}

fn playlist(tracks: &[TrackRecord]) -> String {
    multivariant_playlist(&Presentation { tracks, ..Presentation::default() }).unwrap()
}

#[test]
fn channels_are_one_group_beside_every_variant_that_has_them() {
    let found: &[_] = &[Line21(1), Line21(3), Service(1)];
    let tracks = [with(Some(found), 360), with(Some(found), 720), audio("audio-en", "eng", 96).track];
    let playlist = playlist(&tracks);
    let media: Vec<_> = playlist.lines().filter(|line| line.contains("CLOSED-CAPTIONS,")).collect();
    assert_eq!(
        media,
        [
            "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",LANGUAGE=\"en\",NAME=\"CC1\",DEFAULT=NO,AUTOSELECT=YES,\
             INSTREAM-ID=\"CC1\"",
            "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"CC3\",DEFAULT=NO,AUTOSELECT=YES,\
             INSTREAM-ID=\"CC3\"",
            "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",LANGUAGE=\"en\",NAME=\"Service 1\",DEFAULT=NO,\
             AUTOSELECT=NO,INSTREAM-ID=\"SERVICE1\"",
        ]
    );
    assert_eq!(playlist.matches(",CLOSED-CAPTIONS=\"cc\"\n").count(), 2);
    let manifest = mpd(&Presentation { tracks: &tracks, ..Presentation::default() }).unwrap();
    for said in [
        "<Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-608:2015\" value=\"CC1=eng;CC3=und\"/>",
        "<Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-708:2015\" value=\"1=lang:eng\"/>",
    ] {
        assert_eq!(manifest.matches(said).count(), 1, "{said} is not in {manifest}");
    }
}

#[test]
fn none_is_said_only_when_every_picture_was_looked_at() {
    assert_eq!(playlist(&[with(Some(&[]), 360), with(Some(&[]), 720)]).matches(",CLOSED-CAPTIONS=NONE\n").count(), 2);
    assert!(!playlist(&[with(Some(&[]), 360), with(None, 720)]).contains("CLOSED-CAPTIONS"));
    let mixed = playlist(&[with(Some(&[]), 360), with(Some(&[Line21(1)]), 720)]);
    assert_eq!((mixed.matches(",CLOSED-CAPTIONS=\"cc\"\n").count(), mixed.matches("NONE").count()), (1, 0));
    let differ = playlist(&[with(Some(&[Line21(2)]), 360), with(Some(&[Line21(1)]), 720)]);
    assert_eq!(differ.matches(",CLOSED-CAPTIONS=\"cc-2\"\n").count(), 1);
}

proptest! {
    #[test]
    fn no_bytes_make_the_scan_panic(
        samples in prop::collection::vec((any::<i64>(), prop::collection::vec(any::<u8>(), 0..200)), 0..80),
        pairs in prop::collection::vec(any::<[u8; 3]>(), 0..31), flip in any::<prop::sample::Index>(), value: u8,
    ) {
        let mut valid = picture(&pairs);
        let at = flip.index(valid.len());
        valid[at] = value;
        for config in [avc(), CodecConfig::Hevc(vec![].into())] {
            let mut scan = CaptionScan::new(&config).unwrap();
            for (pts, data) in &samples {
                scan.sample(*pts, data);
                scan.sample(*pts, &valid);
            }
            scan.finish();
        }
    }
}

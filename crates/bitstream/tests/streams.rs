//! Parameter sets and slices that x264 and x265 made of `testsrc2` with noise, configuration records that FFmpeg wrote of
//! them, and header lengths that FFmpeg's `trace_headers` told.
#![allow(clippy::unwrap_used)]

use bitstream::avc::{self, Colour, PicOrder};
use bitstream::sei::{CaptionChannels, CaptionPair, RecoveryPoint, messages};
use bitstream::{annex_b, hevc};
use proptest::prelude::*;

// weightp=2:ref=6:bframes=3, fading.
const AVC_SPS: &str = "6764000cacd9c1419b011000000300100000030320f14299e0";
const AVC_PPS: &str = "68e9b8f2c8b0";
const AVC_RECORD: &str = "0164000cffe100196764000cacd9c1419b011000000300100000030320f14299e001000668e9b8f2c8b0fdf8f800";
// -flags +ilme+ildct, tff=1:slices=3:ref=5.
const TFF_SPS: &str = "67640015acd98143360220000003002000000643e2853340";
const TFF_PPS: &str = "68f968f2c8b0";
// weightb=1:weightp=1:ref=5:bframes=4, fading.
const HEVC_VPS: &str = "40010c01ffff01600000030090000003000003003c999809";
const HEVC_SPS: &str = "42010101600000030090000003000003003ca00a080c165999a4932bc05a020000030002000003003210";
const HEVC_PPS: &str = "4401c172b66240";
const HEVC_RECORD: &str = "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003\
    003c999809a10001002a42010101600000030090000003000003003ca00a080c165999a4932bc05a020000030002000003003210a20001000744\
    01c172b66240";

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

#[test]
fn h264_parameter_sets_say_what_the_encoder_was_told() {
    let sps = avc::Sps::parse(&hex(AVC_SPS)).unwrap();
    assert_eq!((sps.width, sps.height, sps.profile, sps.level), (320, 192, 100, 12));
    assert_eq!((sps.frame_rate, sps.reorder_frames, sps.max_reorder()), (Some((25, 1)), Some(2), 2));
    assert_eq!((sps.ref_frames, sps.frames_only, sps.bit_depth_luma), (6, true, 8));
    assert!(matches!(sps.pic_order, PicOrder::Counted { .. }));
    let tff = avc::Sps::parse(&hex(TFF_SPS)).unwrap();
    assert_eq!((tff.width, tff.height, tff.frames_only, tff.frame_rate), (320, 192, false, Some((25, 1))));
    let pps = avc::Pps::parse(&hex(AVC_PPS)).unwrap();
    assert_eq!((pps.cabac, pps.weighted, pps.weighted_bi, pps.deblocking_control), (true, true, 2, true));
}

#[test]
fn size_shape_and_colour_are_read() {
    let plain = avc::Sps::parse(&hex("67640028acd940780227e584000003000400000300f03c60c658")).unwrap();
    assert_eq!((plain.width, plain.height, plain.sample_aspect, plain.colour), (1920, 1080, None, None));
    assert_eq!((plain.frame_rate, plain.reorder_frames), (Some((30, 1)), Some(2)));
    let wide = avc::Sps::parse(&hex("6764001eacd940b4126c11a808080a000003000200000300641e2c5b2c")).unwrap();
    let colour = Some(Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false });
    assert_eq!((wide.width, wide.height, wide.sample_aspect, wide.colour), (720, 576, Some((16, 11)), colour));
    assert_eq!((wide.frame_rate, wide.reorder_frames), (Some((25, 1)), Some(2)));
}

#[test]
fn reordering_that_is_not_stated_is_bound_by_profile_and_level() {
    let mut sps = avc::Sps::parse(&hex(AVC_SPS)).unwrap();
    sps.reorder_frames = None;
    // Level 1.2: 2376 macroblocks, 240 a frame.
    assert_eq!(sps.max_reorder(), 9);
    assert_eq!(avc::Sps { profile: 66, ..sps }.max_reorder(), 0);
    assert_eq!(avc::Sps { pic_order: PicOrder::AsDecoded, ..sps }.max_reorder(), 0);
    assert_eq!(avc::Sps { constraints: 0x10, profile: 110, ..sps }.max_reorder(), 0);
}

#[test]
fn h265_parameter_sets_say_what_the_encoder_was_told() {
    let sps = hevc::Sps::parse(&hex(HEVC_SPS)).unwrap();
    assert_eq!((sps.width, sps.height, sps.bit_depth_luma, sps.chroma_format), (320, 192, 8, 1));
    assert_eq!((sps.frame_rate, sps.reorder_pics, sps.sublayers), (Some((25, 1)), 2, 1));
    assert_eq!((sps.profile_tier_level.profile, sps.profile_tier_level.level), (1, 60));
    let vps = hevc::Vps::parse(&hex(HEVC_VPS)).unwrap();
    assert_eq!((vps.sublayers, vps.profile_tier_level), (1, sps.profile_tier_level));
    let pps = hevc::Pps::parse(&hex(HEVC_PPS)).unwrap();
    assert_eq!((pps.wavefronts, pps.tiles, pps.weighted, pps.weighted_bi), (true, false, true, true));
}

#[test]
fn records_are_those_that_ffmpeg_writes() {
    let record = avc::record(&[&hex(AVC_SPS)], &[&hex(AVC_PPS)]).unwrap();
    assert_eq!(hex::encode(&record), AVC_RECORD);
    assert_eq!(avc::codec_string(&record).unwrap(), "avc1.64000c");
    let read = avc::Record::parse(&record).unwrap();
    assert_eq!((read.length_size, read.sps, read.pps), (4, vec![&hex(AVC_SPS)[..]], vec![&hex(AVC_PPS)[..]]));
    assert_eq!(avc::record(&[], &[]), None);

    let record = hevc::record(&[&hex(HEVC_VPS)], &[&hex(HEVC_SPS)], &[&hex(HEVC_PPS)], &[]).unwrap();
    assert_eq!(hex::encode(&record), HEVC_RECORD);
    assert_eq!(hevc::codec_string(&record).unwrap(), "hvc1.1.6.L60.90");
    let read = hevc::Record::parse(&record).unwrap();
    assert_eq!((read.length_size, read.vps.len(), read.sps.len(), read.pps.len()), (4, 1, 1, 1));
    assert_eq!((read.chroma_format, read.bit_depth_luma), (1, 8));
    for cut in 0..record.len() {
        assert_eq!(hevc::Record::parse(&record[..cut]), None, "{cut}");
    }
}

/// What x265 says of light, in headers: content light level, mastering display.
const HEVC_LIGHT: [&str; 2] = ["4e01900403e8019080", "4e01891833c286c41d4c0bb884d03e803d13404200989680000003000180"];

#[test]
fn a_record_keeps_what_is_said_of_light() {
    let sei = HEVC_LIGHT.map(hex);
    let units: Vec<&[u8]> = sei.iter().map(Vec::as_slice).collect();
    let record = hevc::record(&[&hex(HEVC_VPS)], &[&hex(HEVC_SPS)], &[&hex(HEVC_PPS)], &units).unwrap();
    let read = hevc::Record::parse(&record).unwrap();
    assert_eq!((read.sei.clone(), read.pps.len()), (units, 1));
    let light = read.light();
    let display = light.mastering.unwrap();
    assert_eq!(display.primaries, [(13_250, 34_500), (7_500, 3_000), (34_000, 16_000)]);
    assert_eq!((display.white, display.max_luminance, display.min_luminance), ((15_635, 16_450), 10_000_000, 1));
    let content = light.content.unwrap();
    assert_eq!((content.max_content, content.max_average), (1000, 400));
    let plain = hex(HEVC_RECORD);
    assert_eq!(hevc::Record::parse(&plain).unwrap().light(), Default::default());
    for (at, nal) in sei.iter().enumerate() {
        for cut in 0..nal.len() - 1 {
            let messages: Vec<_> = bitstream::sei::messages(&nal[..cut], true).collect();
            assert!(
                messages.iter().all(|one| one.content_light().is_none() && one.mastering_display().is_none()),
                "{at} {cut}"
            );
        }
    }
}

#[test]
fn profiles_and_constraints_are_named() {
    let mut record = hex(HEVC_RECORD);
    record[1] = 0xa2; // profile space B, high tier, profile 2
    record[6..12].copy_from_slice(&[0xb0, 0, 5, 0, 0, 0]);
    assert_eq!(hevc::codec_string(&record).unwrap(), "hvc1.B2.6.H60.B0.0.5");
    record[6..12].fill(0);
    assert_eq!(hevc::codec_string(&record).unwrap(), "hvc1.B2.6.H60");
}

#[test]
fn h264_slice_headers_end_where_ffmpeg_says() {
    let sets = avc::ParameterSets::from_record(&hex(AVC_RECORD)).unwrap();
    for (nal, length) in [
        ("658884002bfffef6737c0a6b6db0", 6),
        ("419aaa4fa842105af218d03505e06a015206a01530350640022fff667f171871f1cc4c", 27),
        ("419bfe4fa842105b5b21c4409c3202780c402780c50270a00093ff44cca81f7077d31f", 27),
    ] {
        assert_eq!(sets.slice_header_length(&hex(nal)), Some(length), "{nal}");
        assert_eq!(sets.slice_header_length(&hex(nal)[..length - 1]), None, "cut short: {nal}");
    }
    assert_eq!(sets.slice_header_length(&hex("42889fff")), None, "a data partition");

    let mut sets = avc::ParameterSets::new();
    assert_eq!(sets.slice_header_length(&hex("6588820b17cc47bff91bb3efd1")), None, "no sets");
    assert!(sets.learn(&hex(TFF_SPS)) && sets.learn(&hex(TFF_PPS)));
    assert_eq!(sets.slice_header_length(&hex("6588820b17cc47bff91bb3efd1")), Some(5));
    assert_eq!(sets.slice_header_length(&hex("410289b2a5c9a5b52223ffca92c65f366724fd")), Some(11));
}

#[test]
fn h265_slice_headers_end_where_ffmpeg_says() {
    let sets = hevc::ParameterSets::from_record(&hex(HEVC_RECORD)).unwrap();
    for (nal, length) in [
        ("2801af1d657a20f7015bfff24efec7", 7),
        ("0201e0e2a555d7c90f8806c3c1741c70f880ec3b61233503c0e8de9ffe71d4fc17", 25),
        ("0201e162a55555f2432881c24350c71660ac2b612b35a5c0e9fa7d5d4446cee7", 24),
    ] {
        assert_eq!(sets.slice_header_length(&hex(nal)), Some(length), "{nal}");
        assert_eq!(sets.slice_header_length(&hex(nal)[..length - 1]), None, "cut short: {nal}");
    }
    let header = sets.slice_header(&hex("2801af1d657a20f7015bfff24efec7")).unwrap();
    assert!(header.first_in_picture && header.nal_type.is_idr() && header.nal_type.is_irap());
}

#[test]
fn a_damaged_set_takes_the_place_of_the_one_before_it() {
    let mut sets = avc::ParameterSets::from_record(&hex(AVC_RECORD)).unwrap();
    assert!(sets.pps(0).is_some() && sets.sps(0).is_some());
    assert!(!sets.learn(&hex(AVC_PPS)[..2]));
    assert!(sets.pps(0).is_none());
    assert!(!sets.learn(&hex("01")), "no parameter set");
    assert!(sets.sps(0).is_some());
}

#[test]
fn h264_access_units_begin_by_type_and_by_header() {
    let mut units = avc::AccessUnits::new();
    let idr = hex("658884002bfffef6737c0a6b6db0");
    let p = hex("419aaa4fa842105af218d03505e06a015206a01530350640022fff667f171871f1cc4c");
    let other = hex("419bfe4fa842105b5b21c4409c3202780c402780c50270a00093ff44cca81f7077d31f");
    let begins = [&hex("0910"), &hex(AVC_SPS), &hex(AVC_PPS), &idr, &idr, &p, &p, &other, &hex("0c80"), &hex("0605")]
        .map(|nal| units.begins(nal));
    assert_eq!(begins, [true, false, false, false, false, true, false, true, false, true]);
}

#[test]
fn h265_access_units_begin_by_type_and_first_segment() {
    let mut units = hevc::AccessUnits::new();
    let (first, next) = (hex("2801af1d"), hex("28012f1d"));
    let suffix_sei = hex("500105");
    let begins =
        [&hex("460150"), &hex(HEVC_VPS), &first, &next, &suffix_sei, &first, &hex("4e0105"), &first, &hex(HEVC_PPS)]
            .map(|nal| units.begins(nal));
    assert_eq!(begins, [true, false, false, false, false, true, true, false, true]);
}

/// Odd parity.
fn odd(byte: u8) -> u8 {
    if byte.count_ones() % 2 == 1 { byte } else { byte | 0x80 }
}

/// An SEI NAL unit body of captions, with emulation prevention.
fn caption_sei(header: &[u8], pairs: &[(u8, [u8; 2])]) -> Vec<u8> {
    let mut payload = hex("b50031474139340300ff");
    payload[8] = 0x40 | pairs.len() as u8;
    for (flags, data) in pairs {
        payload.extend_from_slice(&[0xf8 | flags, data[0], data[1]]);
    }
    payload.push(0xff);
    let mut rbsp = vec![1, 1, 0, 4, payload.len() as u8];
    rbsp.extend_from_slice(&payload);
    rbsp.push(0x80);
    let mut nal = header.to_vec();
    for byte in rbsp {
        if nal.ends_with(&[0, 0]) && byte <= 3 {
            nal.push(3);
        }
        nal.push(byte);
    }
    nal
}

#[test]
fn captions_are_found_in_the_side_data_of_both_codecs() {
    for (header, is_hevc) in [(&[6][..], false), (&[0x4e, 1], true)] {
        let mut channels = CaptionChannels::new();
        let pictures = [
            vec![(4, [odd(0x14), odd(0x25)]), (5, [0x80, 0x80]), (7, [3, 3 << 5 | 3]), (6, [b'H', b'i'])],
            vec![(4, [odd(b'H'), odd(b'i')]), (5, [odd(0x1d), odd(0x20)]), (6, [b'!', 0]), (2, [0, 0])],
            vec![(4, [0x80, 0x80]), (5, [odd(b'Y'), odd(b'o')])],
        ];
        for pairs in &pictures {
            let nal = caption_sei(header, pairs);
            let found: Vec<_> = messages(&nal, is_hevc).collect();
            assert_eq!(found.iter().map(|message| message.payload_type).collect::<Vec<_>>(), [1, 4]);
            let data = found[1].captions().unwrap();
            let want = pairs.iter().map(|&(flags, data)| CaptionPair { valid: flags & 4 != 0, kind: flags & 3, data });
            assert!(data.pairs().eq(want));
            channels.picture(&data);
        }
        assert_eq!(channels.line21().collect::<Vec<_>>(), [1, 4]);
        assert_eq!(channels.services().collect::<Vec<_>>(), [3]);
    }
}

#[test]
fn recovery_points_are_read() {
    let of = |nal: &str, is_hevc| messages(&hex(nal), is_hevc).find_map(|message| message.recovery_point());
    // recovery_frame_cnt 3: 00100, exact 1, broken 0, changing_slice_group_idc 00.
    assert_eq!(of("060602244080", false), Some(RecoveryPoint { count: 3, exact: true, broken_link: false }));
    // recovery_poc_cnt -2: 00101, exact 0, broken 1.
    assert_eq!(of("4e0106012a80", true), Some(RecoveryPoint { count: -2, exact: false, broken_link: true }));
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (avc::Sps::parse(&bytes), avc::Pps::parse(&bytes), hevc::Vps::parse(&bytes), hevc::Sps::parse(&bytes));
        let _ = (hevc::Pps::parse(&bytes), avc::Record::parse(&bytes), hevc::Record::parse(&bytes));
        let _ = (avc::codec_string(&bytes), hevc::codec_string(&bytes), avc::record(&[&bytes], &[&bytes]));
        let (mut channels, mut units) = (CaptionChannels::new(), hevc::AccessUnits::new());
        for nal in annex_b::units(&bytes).chain([&bytes[..]]) {
            units.begins(nal);
            for message in messages(nal, false).chain(messages(nal, true)) {
                let _ = message.recovery_point();
                message.captions().inspect(|data| channels.picture(data));
            }
        }
    }

    #[test]
    fn no_caption_bytes_make_the_search_panic(pairs in prop::collection::vec(any::<(bool, u8, [u8; 2])>(), 0..200)) {
        let mut channels = CaptionChannels::new();
        pairs.into_iter().for_each(|(valid, kind, data)| channels.pair(CaptionPair { valid, kind: kind & 3, data }));
        prop_assert!(channels.services().count() < 64);
    }

    #[test]
    fn slices_of_any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let avc_sets = avc::ParameterSets::from_record(&hex(AVC_RECORD)).unwrap();
        let hevc_sets = hevc::ParameterSets::from_record(&hex(HEVC_RECORD)).unwrap();
        for length in [avc_sets.slice_header_length(&bytes), hevc_sets.slice_header_length(&bytes)].into_iter().flatten() {
            prop_assert!(length <= bytes.len());
        }
    }
}

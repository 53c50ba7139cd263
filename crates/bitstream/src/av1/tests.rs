#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// A sequence header of libaom for 64x64, a frame shown again, and its headers of frames that repeat what is there.
const SHOWN: &str =
    "12000a0a00000002afff9b5f20083202100012001a01a81200321132032204c000837c0000016000380097c0120032023040";

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

#[test]
fn sequence_headers_say_what_encoders_were_told() {
    // libaom, 320x180 8 bit; with a decoder model; at 25/1; 12 bit 4:2:2; rav1e, 10 bit 4:2:2.
    for (payload, size, rate, depth, chroma, grain) in [
        ("000000043cfeccdaf90040", (320, 180), None, 8, (true, true), false),
        ("040000000400000065780000000a530000035f915f90bc3cfeccdaf900c0", (320, 180), None, 8, (true, true), true),
        ("040000000400000067400000bc3cfeccdaf900c0", (320, 180), Some((25, 1)), 8, (true, true), true),
        ("400000043cfeccdaf96220", (320, 180), None, 12, (true, false), false),
        ("400000fa1e7f66210ae408080940", (320, 180), None, 10, (true, false), false),
    ] {
        let header = SequenceHeader::parse(&hex(payload)).unwrap();
        assert_eq!((header.max_width, header.max_height), size, "{payload}");
        assert_eq!(header.frame_rate, rate, "{payload}");
        assert_eq!((header.bit_depth, (header.subsampling_x, header.subsampling_y)), (depth, chroma), "{payload}");
        assert_eq!((header.operating_points_list().len(), header.film_grain), (1, grain), "{payload}");
        assert!(!header.still_picture && !header.mono_chrome, "{payload}");
    }
}

#[test]
fn a_record_is_read_as_it_was_written() {
    for (obu, string) in [
        ("0a0b000000043cfeccdaf90040", "av01.0.00M.08"),
        ("0a0b400000043cfeccdaf96220", "av01.2.00M.12.0.100.01.01.01.0"),
        ("0a0e400000fa1e7f66210ae408080940", "av01.2.31M.10.0.100.02.02.02.0"),
    ] {
        let config = record(&hex(obu)).unwrap();
        let parsed = Record::parse(&config).unwrap();
        assert_eq!(hex::encode(parsed.config_obus), obu);
        assert_eq!(parsed.sequence_header().unwrap().bit_depth, parsed.bit_depth);
        assert_eq!(codec_string(&config).as_deref(), Some(string));
    }
}

#[test]
fn a_record_keeps_what_is_said_of_light() {
    let sequence = hex("0a0b000000043cfeccdaf90040");
    // Of SVT-AV1: a screen with the colours of P3 and 1,000 cd/m²; and what is no light, an ITU-T T.35 message.
    let content = hex("2a060103e8019080");
    let display = [&hex("2a1a02")[..], &P3.map(u16::to_be_bytes).concat(), &hex("0003e8000000000280")].concat();
    let other = hex("2a0404b5003c");
    let unit = [&hex("1200")[..], &sequence, &other, &content, &display].concat();
    let config = record(&unit).unwrap();
    let parsed = Record::parse(&config).unwrap();
    assert_eq!(parsed.config_obus, [&sequence[..], &content, &display].concat());
    let light = parsed.light();
    let screen = light.mastering.unwrap();
    assert_eq!(screen.primaries, [(13_250, 34_500), (7_500, 3_000), (34_000, 16_000)]);
    assert_eq!((screen.white, screen.max_luminance, screen.min_luminance), ((15_635, 16_450), 10_000_000, 1));
    assert_eq!(light.content.map(|light| (light.max_content, light.max_average)), Some((1000, 400)));
    assert_eq!(Record::parse(&record(&sequence).unwrap()).unwrap().light(), Default::default());
    for cut in 0..config.len() {
        let _ = Record::parse(&config[..cut]).map(|record| record.light());
    }
}

/// Red, green, blue and white in 0.16 fixed point.
const P3: [u16; 8] = [44_564, 20_972, 17_367, 45_220, 9_830, 3_932, 20_493, 21_561];

#[test]
fn the_optional_fields_of_the_codecs_string_are_there_when_one_is_not_the_default() {
    // profile, level and tier, depth and chroma: without OBUs, so colours are the defaults.
    for (config, string) in [
        ("81044c00", "av01.0.04M.10"),
        ("810d4c00", "av01.0.13M.10"),
        ("810dcc00", "av01.0.13H.10"),
        ("81040c00", "av01.0.04M.08"),
        ("81040e00", "av01.0.04M.08.0.112.01.01.01.0"),
        ("81041c00", "av01.0.04M.08.1.110.01.01.01.0"),
        ("81240000", "av01.1.04M.08.0.000.01.01.01.0"),
    ] {
        assert_eq!(codec_string(&hex(config)).as_deref(), Some(string), "{config}");
    }
    assert_eq!(codec_string(&hex("01040c00")), None, "no marker");
    assert_eq!(codec_string(&hex("81040c")), None, "short");
}

#[test]
fn a_sequence_header_without_size_gets_one_in_the_record() {
    let sized = record(&hex("0a0b000000043cfeccdaf90040")).unwrap();
    assert_eq!(record(&hex("08000000043cfeccdaf90040")).unwrap(), sized);
    // With an extension header.
    assert_eq!(record(&hex("0e200b000000043cfeccdaf90040")).unwrap(), sized);
}

#[test]
fn samples_lose_delimiters_and_padding_only() {
    // Delimiter, padding of 1, sequence header, delimiter, frame header, metadata.
    let unit = hex("12007a01800a01ff12001a01a82a021234");
    let mut ranges = Vec::new();
    kept(&unit, &mut ranges).unwrap();
    assert_eq!(ranges, [5..8, 10..17]);
    assert_eq!(kept(&unit[..unit.len() - 1], &mut ranges), None, "the last one runs past the end");
}

#[test]
fn sync_samples_are_shown_key_frames_behind_a_sequence_header() {
    let sequence = "0a0b000000043cfeccdaf90040";
    for (frame, sync) in [("320110", true), ("320100", false), ("320130", false), ("1a0190", false), ("320150", false)]
    {
        assert_eq!(is_keyframe(&hex(&format!("1200{sequence}{frame}"))), sync, "{frame}");
        assert!(!is_keyframe(&hex(frame)), "{frame} alone");
    }
}

#[test]
fn sizes_are_little_endian_groups_of_seven_bits() {
    assert_eq!(leb128(&[0xe5, 0x8e, 0x26]), Some((624_485, 3)));
    assert_eq!(leb128(&[0x80, 0x80, 0x00]), Some((0, 3)));
    assert_eq!(leb128(&[0xff; 9]), None);
    assert_eq!(leb128(&[0x80]), None);
}

proptest! {
    #[test]
    fn leb128_is_read_as_it_was_written(value in any::<u32>()) {
        let mut out = Vec::new();
        obu::write_leb128(value as usize, &mut out);
        prop_assert_eq!(leb128(&out), Some((value, out.len())));
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut out = Vec::new();
        let _ = (record(&bytes), codec_string(&bytes), SequenceHeader::parse(&bytes), is_keyframe(&bytes));
        let _ = (kept(&bytes, &mut out), Frames::with_record(&bytes).tiles(&bytes, &mut out));
    }

    #[test]
    fn no_change_of_a_stream_makes_the_readers_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        tail in prop::collection::vec(any::<u8>(), 0..80),
        frame in 0u8..128,
    ) {
        let mut bytes = hex(SHOWN);
        bytes.extend([0x30, frame]);
        bytes.extend(&tail);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let mut frames = Frames::new();
        let mut out = Vec::new();
        for _ in 0..3 {
            out.clear();
            if frames.tiles(&bytes, &mut out).is_some() {
                prop_assert!(out.iter().all(|tile| !tile.is_empty() && tile.end <= bytes.len()));
                prop_assert!(out.windows(2).all(|pair| pair[0].end <= pair[1].start));
            }
        }
        let _ = (record(&bytes), is_keyframe(&bytes));
    }

    #[test]
    fn frame_headers_of_any_bits_are_read_or_refused(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 1..12),
    ) {
        // Behind a sound key frame state grows from whatever the headers say.
        let mut state = Frames::with_record(&record(&hex("0a0b000000043cfeccdaf90040")).unwrap());
        for frame in frames {
            let mut unit = vec![0x30];
            unit.extend(frame);
            let _ = state.tiles(&unit, &mut Vec::new());
        }
    }
}

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::adts::{Frames, Header};
use super::*;

fn config(text: &str) -> Config {
    Config::parse(&hex::decode(text).unwrap()).unwrap()
}

#[test]
fn configurations_say_what_is_coded_and_what_is_heard() {
    // LC stereo; LC 5.1 with absent SBR; HE hierarchical; HE v2 hierarchical; HE and HE v2 compatible; an escaped rate;
    // 960 samples; xHE-AAC.
    for (text, string, core, output, channels, length) in [
        ("1190", "mp4a.40.2", 48_000, 48_000, 2, 1024),
        ("11b056e500", "mp4a.40.2", 48_000, 48_000, 6, 1024),
        ("2b118800", "mp4a.40.5", 24_000, 48_000, 2, 2048),
        ("eb098800", "mp4a.40.29", 24_000, 48_000, 2, 2048),
        ("131056e598", "mp4a.40.5", 24_000, 48_000, 2, 2048),
        ("130856e59d4880", "mp4a.40.29", 24_000, 48_000, 2, 2048),
        ("17805dc010", "mp4a.40.2", 48_000, 48_000, 2, 1024),
        ("1194", "mp4a.40.2", 48_000, 48_000, 2, 960),
        ("f9464322", "mp4a.40.42", 48_000, 48_000, 2, 1024),
    ] {
        let config = config(text);
        assert_eq!(codec_string(&hex::decode(text).unwrap()).as_deref(), Some(string), "{text}");
        assert_eq!((config.core_rate, config.output_rate, config.channels()), (core, output, channels), "{text}");
        assert_eq!(config.output_frame_length(), length, "{text}");
    }
}

#[test]
fn only_silence_about_sbr_at_low_rates_leaves_it_open() {
    assert!(config("1310").may_hide_sbr());
    assert!(!config("1190").may_hide_sbr(), "48 kHz");
    assert_eq!(config("11b056e500").sbr, Sbr::Absent);
    assert!(!config("131056e500").may_hide_sbr());
}

#[test]
fn channels_of_a_program_config_element_are_counted() {
    // 48 kHz LC: a centre, a pair before, a pair behind, one low-frequency channel.
    let mut bits = String::from("00010" /* type */) + "0011" + "0000" + "000";
    bits += &(String::from("0000") + "01" + "0011" + "0010" + "0000" + "0001" + "01" + "000" + "0000" + "000");
    bits += &(String::from("00000") + "10000" + "10001" + "0000");
    while !bits.len().is_multiple_of(8) {
        bits.push('0');
    }
    bits += "00000000";
    let bytes: Vec<u8> =
        (0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).unwrap()).collect();
    assert_eq!(Config::parse(&bytes).unwrap().channels(), 6);
}

#[test]
fn what_is_written_is_what_was_read() {
    for text in ["1190", "11b056e500", "2b118800", "eb098800", "131056e598", "130856e59d4880"] {
        let config = config(text);
        assert_eq!(Config::parse(&config.to_bytes().unwrap()), Some(config), "{text}");
    }
    assert_eq!(Config::new(2, 44_100, 2).unwrap().to_bytes().unwrap(), [0x12, 0x10]);
    assert_eq!(Config::new(2, 44_101, 2), None);
}

/// Frames of such payloads, 48 kHz stereo.
fn stream(payloads: &[usize], check: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for &length in payloads {
        let header = if check { 9 } else { 7 };
        let total = length + header;
        out.extend([0xff, if check { 0xf0 } else { 0xf1 }, 0x4c, 0x80 | (total >> 11) as u8, (total >> 3) as u8]);
        out.extend([(total << 5) as u8 | 0x1f, 0xfc]);
        out.extend(std::iter::repeat_n(0x55, length + header - 7));
    }
    out
}

#[test]
fn adts_frames_are_found_with_their_payloads() {
    for check in [false, true] {
        let bytes = stream(&[10, 20, 30], check);
        let frames: Vec<_> = Frames::new(&bytes).collect();
        assert_eq!(frames.iter().map(|frame| frame.payload.len()).collect::<Vec<_>>(), [10, 20, 30]);
        assert!(frames.iter().all(|frame| frame.skipped == 0 && frame.header.blocks == 1));
        assert_eq!(frames[0].header.config().unwrap().to_bytes().unwrap(), [0x11, 0x90]);
    }
}

#[test]
fn adts_is_found_again_behind_garbage() {
    // A sync word in the garbage, with no frame where the next one should be.
    let mut bytes = vec![0xff, 0xf1, 0x4c, 0x80, 0x02, 0x1f, 0xfc, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let garbage = bytes.len();
    bytes.extend(stream(&[40, 40, 40], false));
    let cut = bytes.len() - 5;
    let mut frames = Frames::new(&bytes[..cut]);
    let found: Vec<_> = frames.by_ref().map(|frame| (frame.skipped, frame.whole)).collect();
    assert_eq!(found, [(garbage, garbage..garbage + 47), (0, garbage + 47..garbage + 94)]);
    assert_eq!(frames.position(), garbage + 94, "the unfinished frame waits for the next piece");
}

#[test]
fn real_adts_is_read_as_another_reader_does() {
    let arguments =
        ["-v", "error", "-f", "lavfi", "-i", "sine=d=1:r=44100", "-ac", "2", "-c:a", "aac", "-f", "adts", "pipe:1"];
    let (bytes, _) = crate::av1::ffmpeg::ffmpeg(&arguments, &[]);
    let mut frames = Frames::new(&bytes);
    let all: Vec<_> = frames.by_ref().collect();
    // 44,100 samples and one frame of priming.
    assert_eq!((all.len(), frames.position()), (45, bytes.len()));
    assert!(all.iter().all(|frame| frame.skipped == 0 && frame.header.is_like(&all[0].header)));
    assert_eq!(all[0].header.config(), Config::new(2, 44_100, 2));
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Some(config) = Config::parse(&bytes) {
            let _ = (config.to_bytes(), config.channels(), config.output_frame_length(), codec_string(&bytes));
        }
        let _ = Header::parse(&bytes);
    }

    #[test]
    fn adts_frames_lie_in_the_bytes_in_order(mut bytes in prop::collection::vec(any::<u8>(), 0..40), cuts in prop::collection::vec(0usize..60, 0..6)) {
        for cut in cuts {
            bytes.extend(stream(&[cut], false));
            bytes.truncate(bytes.len().saturating_sub(cut % 3));
        }
        let mut at = 0;
        let mut frames = Frames::new(&bytes);
        for frame in frames.by_ref() {
            prop_assert_eq!(frame.whole.start, at + frame.skipped);
            prop_assert!(frame.payload.start < frame.payload.end && frame.payload.end == frame.whole.end);
            at = frame.whole.end;
        }
        prop_assert!(at <= bytes.len() && frames.position() <= bytes.len());
    }
}

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::av1::ffmpeg::ffmpeg;

fn frame(text: &str) -> SyncFrame {
    SyncFrame::parse(&hex::decode(text).unwrap()).unwrap()
}

fn encoded(codec: &str, options: &str) -> Vec<u8> {
    let mut arguments = vec!["-v", "error", "-f", "lavfi", "-i", "sine=d=0.5:r=48000", "-c:a", codec];
    arguments.extend(options.split(' '));
    arguments.extend(["-f", codec, "pipe:1"]);
    ffmpeg(&arguments, &[]).0
}

#[test]
fn frames_say_what_encoders_were_told() {
    // FFmpeg: stereo 192k, 5.1 448k, mono 64k at 44.1 kHz; E-AC-3 stereo 96k, 5.1 256k.
    for (text, kind, channels, rate, length) in [
        ("0b77fe95144043e106f46370c0c0", Kind::Ac3, 2, 48_000, 768),
        ("0b77b50b1e40ebf8403eff99ff08", Kind::Ac3, 6, 48_000, 1792),
        ("0b77960948402f842b51877b875d", Kind::Ac3, 1, 44_100, 278),
        ("0b7700bf3487c00020fc210830c0", Kind::Independent, 2, 48_000, 384),
        ("0b7701ff3f87c000208020000200", Kind::Independent, 6, 48_000, 1024),
    ] {
        let frame = frame(text);
        assert_eq!((frame.kind, frame.channels(), frame.rate, frame.length), (kind, channels, rate, length), "{text}");
        assert_eq!(frame.samples(), 1536, "{text}");
    }
}

#[test]
fn real_streams_are_whole_sync_frames() {
    for (codec, options, channels, rate) in [
        ("ac3", "-ac 6 -b:a 448k", 6, 48_000),
        ("ac3", "-ac 1 -ar 44100 -b:a 64k", 1, 44_100),
        ("ac3", "-ac 2 -ar 32000 -b:a 128k", 2, 32_000),
        ("eac3", "-ac 6 -b:a 256k", 6, 48_000),
        ("eac3", "-ac 2 -b:a 64k -ar 44100", 2, 44_100),
    ] {
        let bytes = encoded(codec, options);
        let mut frames = SyncFrames::new(&bytes);
        let mut at = 0;
        for (frame, range) in frames.by_ref() {
            assert_eq!((frame.channels(), frame.rate, range.start), (channels, rate, at), "{codec} {options}");
            let unit = access_unit(&bytes[at..], range.end == bytes.len()).unwrap();
            assert_eq!((unit.length, unit.samples, unit.rate), (range.len(), 1536, rate));
            at = range.end;
        }
        assert_eq!((at, frames.position()), (bytes.len(), bytes.len()), "{codec} {options}");
    }
}

#[test]
fn boxes_are_what_another_muxer_writes() {
    // FFmpeg's own dac3 and dec3 for these streams.
    let unit = encoded("ac3", "-ac 6 -b:a 448k");
    let config = Ac3Config::new(&SyncFrame::parse(&unit).unwrap()).unwrap();
    assert_eq!(hex::encode(config.to_bytes()), "103de0");
    assert_eq!((config.channels(), config.rate(), config.bitrate_bps()), (6, 48_000, 448_000));
    assert_eq!(Ac3Config::parse(&config.to_bytes()), Some(config));

    let stream = encoded("eac3", "-ac 6 -b:a 448k");
    let unit = access_unit(&stream, false).unwrap();
    let config = Eac3Config::new(&stream[..unit.length]).unwrap();
    assert_eq!(hex::encode(config.to_bytes()), "0e00200f00");
    assert_eq!((config.channels(), config.data_rate_kbps, config.substreams().len()), (6, 448, 1));
    assert_eq!(Eac3Config::parse(&config.to_bytes()), Some(config));
    assert_eq!(codec_string(&[0x10, 0x3d, 0xe0]).as_deref(), Some("ac-3"));
    assert_eq!(codec_string_enhanced(&config.to_bytes()).as_deref(), Some("ec-3"));
}

/// Bits that make up bytes, filled up with zeros to `length`.
fn packed(fields: &[(u32, u32)], length: usize) -> Vec<u8> {
    let text: String =
        fields.iter().map(|(value, width)| format!("{value:0width$b}", width = *width as usize)).collect();
    let mut out: Vec<u8> = (0..text.len().div_ceil(8))
        .map(|at| u8::from_str_radix(&format!("{:0<8}", &text[at * 8..text.len().min(at * 8 + 8)]), 2).unwrap())
        .collect();
    out.resize(length, 0);
    out
}

/// 5.1 with one block less complexity: `blocks` code, then an addbsi that says joint object coding with 16 objects.
fn independent(blocks: u32, length: usize) -> Vec<u8> {
    let mut fields =
        vec![(0x0b77, 16), (0, 2), (0, 3), (length as u32 / 2 - 1, 11), (0, 2), (blocks, 2), (7, 3), (1, 1)];
    // bsid, dialnorm, compre; no mixing, no information
    fields.extend([(16, 5), (27, 5), (0, 1), (0, 1), (0, 1)]);
    if blocks != 3 {
        fields.push((0, 1));
    }
    fields.extend([(1, 1), (1, 6), (0, 7), (1, 1), (16, 8)]);
    packed(&fields, length)
}

/// Two rear surround channels, as 7.1 adds them, in the same number of blocks.
fn dependent(blocks: u32, length: usize) -> Vec<u8> {
    let fields = [(0x0b77, 16), (1, 2), (0, 3), (length as u32 / 2 - 1, 11), (0, 2), (blocks, 2), (2, 3), (0, 1)];
    let rest = [(16, 5), (27, 5), (0, 1), (1, 1), (1 << 9, 16), (0, 1), (0, 1), (0, 1)];
    packed(&[&fields[..], &rest[..]].concat(), length)
}

#[test]
fn dependent_substreams_add_their_channels_to_the_programme() {
    let unit = [independent(3, 400), dependent(3, 240)].concat();
    let stream = [unit.clone(), unit.clone()].concat();
    assert_eq!(access_unit(&stream, false).unwrap(), Unit { length: 640, samples: 1536, rate: 48_000, frames: 2 });
    assert_eq!(access_unit(&unit, false), None, "more might follow");
    assert_eq!(access_unit(&unit, true).unwrap().length, 640);
    assert_eq!(access_unit(&unit[..639], true), None, "cut short");
    let config = Eac3Config::new(&unit).unwrap();
    assert_eq!((config.channels(), config.data_rate_kbps, config.joc_complexity), (8, 160, Some(16)));
    let main = config.substreams()[0];
    assert_eq!((main.dependent, main.locations), (1, 0b10));
    assert_eq!(hex::encode(config.to_bytes()), "0500200f02020110");
    assert_eq!(Eac3Config::parse(&config.to_bytes()), Some(config));
}

#[test]
fn short_frames_are_gathered_to_six_blocks() {
    // Frames of two blocks.
    let stream = (0..6).map(|_| independent(1, 100)).collect::<Vec<_>>().concat();
    assert_eq!(access_unit(&stream, false).unwrap(), Unit { length: 300, samples: 1536, rate: 48_000, frames: 3 });
    assert_eq!(Eac3Config::new(&stream[..300]).unwrap().data_rate_kbps, 75);
}

#[test]
fn sync_is_found_again_behind_garbage() {
    let mut bytes = vec![0x0b, 0x77, 0, 20, 0x3f, 0x80, 0, 1, 2, 3];
    let garbage = bytes.len();
    bytes.extend([independent(3, 100), independent(3, 100)].concat());
    let found: Vec<_> = SyncFrames::new(&bytes).map(|(_, range)| range).collect();
    assert_eq!(found, [garbage..garbage + 100, garbage + 100..garbage + 200]);
    let mut frames = SyncFrames::new(&bytes[..garbage + 150]);
    assert_eq!(frames.by_ref().count(), 1);
    assert_eq!(frames.position(), garbage + 100);
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..120), sync in any::<bool>()) {
        if sync && bytes.len() > 6 {
            bytes[..2].copy_from_slice(&[0x0b, 0x77]);
            bytes[5] = 0x80 | bytes[5] & 7;
        }
        let _ = (SyncFrame::parse(&bytes), access_unit(&bytes, true), Eac3Config::new(&bytes));
        let _ = SyncFrames::new(&bytes).count();
        if let Some(config) = Ac3Config::parse(&bytes) {
            let _ = (config.rate(), config.channels(), config.bitrate_bps());
        }
        if let Some(config) = Eac3Config::parse(&bytes) {
            let _ = config.channels();
            prop_assert_eq!(Eac3Config::parse(&config.to_bytes()).map(|again| again.substreams().len()), Some(config.substreams().len()));
        }
    }
}

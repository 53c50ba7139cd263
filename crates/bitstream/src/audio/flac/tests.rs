#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const INFO: &str = "00000022120012000002550004ff0bb800f00000bb80ba53abf56ced381f730b6f85c5f5e43d";

#[test]
fn stream_information_is_read_and_kept_alone() {
    let native = [&b"fLaC"[..], &hex::decode(INFO).unwrap(), &[0x84, 0, 0, 2, 1, 2]].concat();
    let config = metadata(&native).unwrap();
    assert_eq!(hex::encode(&config), format!("80{}", &INFO[2..]));
    assert_eq!(metadata(&native[4..]), Some(config.clone()));
    let info = StreamInfo::parse(&config).unwrap();
    assert_eq!((info.rate, info.channels, info.bits, info.samples), (48_000, 1, 16, 48_000));
    assert_eq!((info.min_block, info.max_block), (4608, 4608));
    assert_eq!(codec_string(&config).as_deref(), Some("fLaC"));
    assert_eq!(metadata(&native[..20]), None);
}

#[test]
fn frames_say_their_block_size() {
    for (frame, size) in [
        (&[0xff, 0xf8, 0x19, 0x08, 0x00, 0][..], 192),
        (&[0xff, 0xf8, 0x59, 0x08, 0x00, 0], 4608),
        (&[0xff, 0xf8, 0xc9, 0x08, 0x00, 0], 4096),
        (&[0xff, 0xf9, 0xf9, 0x08, 0xc2, 0x80, 0], 32_768),
        (&[0xff, 0xf8, 0x69, 0x08, 0x00, 0x1f, 0], 32),
        (&[0xff, 0xf8, 0x79, 0x08, 0xe1, 0x80, 0x80, 0x07, 0xcf, 0], 2000),
    ] {
        assert_eq!(block_size(frame), Some(size), "{frame:x?}");
    }
    assert_eq!(block_size(&[0xff, 0xf8, 0x09, 0x08, 0x00]), None, "reserved");
    assert_eq!(block_size(&[0xff, 0xf8, 0x79, 0x08, 0x00, 7]), None, "cut off");
    assert_eq!(block_size(&[0xff, 0xf0, 0x59, 0x08, 0x00]), None, "no sync code");
}

#[test]
fn blocks_of_a_real_stream_fill_it() {
    let arguments = ["-v", "error", "-f", "lavfi", "-i", "sine=d=0.3:r=44100", "-c:a", "flac", "-f", "flac", "pipe:1"];
    let (bytes, _) = crate::av1::ffmpeg::ffmpeg(&arguments, &[]);
    let info = StreamInfo::parse(&metadata(&bytes).unwrap()).unwrap();
    // The first frame begins behind all metadata blocks.
    let mut rest = &bytes[4..];
    while let Some((kind, _, after)) = block(rest) {
        rest = after;
        if kind & 0x80 != 0 {
            break;
        }
    }
    assert_eq!(block_size(rest), Some(u32::from(info.max_block)));
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = (metadata(&bytes), block_size(&bytes), codec_string(&bytes));
        if bytes.len() > 2 {
            bytes[..2].copy_from_slice(&[0xff, 0xf8]);
            prop_assert!(block_size(&bytes).is_none_or(|size| (1..=65_536).contains(&size)));
        }
    }
}

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

#[test]
fn the_first_byte_says_how_long_a_packet_lasts() {
    for (packet, samples) in [
        (&[0x00][..], 480),
        (&[0x18], 2880),
        (&[0x60], 480),
        (&[0x78], 960),
        (&[0x80], 120),
        (&[0xfc], 960),
        (&[0xfd], 1920),
        (&[0xff, 3], 2880),
        (&[0xff, 0x83], 2880),
        (&[0x83, 48], 5760),
    ] {
        assert_eq!(duration(packet), Some(samples), "{packet:x?}");
    }
    for packet in [&[][..], &[0xff], &[0xff, 0], &[0xff, 7], &[0x1b, 3]] {
        assert_eq!(duration(packet), None, "{packet:x?}");
    }
}

#[test]
fn boxes_and_heads_say_the_same() {
    // FFmpeg's dOps for 5.1.
    let dops = hex::decode("000601380000bb800000010402000401020305").unwrap();
    let config = Config::parse(&dops).unwrap();
    assert_eq!((config.channels, config.pre_skip, config.input_rate, config.family), (6, 312, 48_000, 1));
    assert_eq!(config.to_bytes(), dops);
    assert_eq!(Config::from_head(&config.to_head()), Some(config));
    assert_eq!(codec_string(&dops).as_deref(), Some("opus"));
    assert_eq!(Config::parse(&dops[..18]), None, "mapping cut off");
    assert_eq!(Config::from_head(b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0").unwrap().pre_skip, 312);
    assert_eq!(Config::from_head(b"OpusHead\x01\x03\x38\x01\x80\xbb\0\0\0\0\0"), None, "family 0 is at most stereo");
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = (duration(&bytes), Config::from_head(&bytes));
        if let Some(config) = Config::parse(&bytes) {
            prop_assert!(bytes.starts_with(&config.to_bytes()));
        }
    }
}

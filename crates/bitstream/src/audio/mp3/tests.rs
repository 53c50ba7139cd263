use proptest::prelude::*;

use super::*;

#[test]
fn headers_of_every_version_and_layer_are_read() {
    for (bytes, layer, rate, channels, bitrate, length, samples) in [
        ([0xff, 0xfb, 0x94, 0xc4], 3, 48_000, 1, 128_000, 384, 1152),
        ([0xff, 0xfb, 0x90, 0x00], 3, 44_100, 2, 128_000, 417, 1152),
        ([0xff, 0xfb, 0x92, 0x00], 3, 44_100, 2, 128_000, 418, 1152),
        ([0xff, 0xf3, 0x84, 0x00], 3, 24_000, 2, 64_000, 192, 576),
        ([0xff, 0xe3, 0x48, 0x00], 3, 8_000, 2, 32_000, 288, 576),
        ([0xff, 0xfd, 0xa4, 0x00], 2, 48_000, 2, 192_000, 576, 1152),
        ([0xff, 0xff, 0x44, 0x00], 1, 48_000, 2, 128_000, 128, 384),
    ] {
        let expected = Header { layer, rate, channels, bitrate_bps: bitrate, length, samples };
        assert_eq!(Header::parse(&bytes), Some(expected), "{bytes:x?}");
    }
    assert_eq!(codec_string(&[0xff, 0xfb, 0x94, 0xc4]).as_deref(), Some("mp4a.40.34"));
    assert_eq!(codec_string(&[0xff, 0xf1, 0x4c, 0x80]), None, "that is ADTS");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in any::<[u8; 4]>()) {
        let [_, second, third, fourth] = bytes;
        let _ = (Header::parse(&bytes), Header::parse(&[0xff, second, third, fourth]));
    }
}

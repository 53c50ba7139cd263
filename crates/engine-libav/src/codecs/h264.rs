//! H.264 High by x264.

use bitstream::avc;
use bytes::Bytes;
use ff::{codec, frame};
use ffmpeg_next as ff;
use media_types::{CodecConfig, VideoEncoding};
use pipeline::VideoSetup;

use super::Codec;
use super::units::units;

pub(super) const X264: Codec = Codec {
    name: "libx264",
    options,
    configuration: |opened| decoder_configuration(opened.headers),
    sample: |packet| Some(Bytes::copy_from_slice(packet)),
    takes_orders: true,
};

fn options(video: &VideoSetup, encoding: &VideoEncoding) -> Vec<(&'static str, String)> {
    let mut options = vec![
        ("preset", encoding.preset.clone()),
        ("crf", encoding.crf.to_string()),
        ("maxrate", encoding.max_bitrate_bps.to_string()),
        ("bufsize", encoding.buffer_bits.to_string()),
        ("profile", "high".to_owned()),
        ("forced-idr", "1".to_owned()),
        ("keyint_min", video.gop_frames.to_string()),
        ("sc_threshold", "0".to_owned()),
        // Lengths instead of start codes is what samples in ISO files have; every other choice stays the preset's.
        ("x264-params", "annexb=0".to_owned()),
    ];
    options.extend(encoding.tune.iter().map(|tune| ("tune", tune.clone())));
    options
}

fn decoder_configuration(headers: &[u8]) -> Option<CodecConfig> {
    let units = units(headers)?;
    let of_type = |wanted: u8| -> Vec<&[u8]> {
        units.iter().copied().filter(|unit| unit.first().is_some_and(|head| head & 0x1f == wanted)).collect()
    };
    let (sps, pps) = (of_type(7), of_type(8));
    avc::record(&sps, &pps).filter(|_| !pps.is_empty()).map(|record| CodecConfig::Avc(record.into()))
}

/// The build of x264, such as `164-r3095-baee400`: what it writes of itself into a stream.
pub(super) fn build() -> Option<String> {
    let data = first_packet()?;
    let text = String::from_utf8_lossy(&data);
    let (_, rest) = text.split_once("x264 - core ")?;
    let (build, _) = rest.split_once(" - ")?;
    let clean = build.len() <= 40 && build.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
    clean.then(|| build.replace(' ', "-"))
}

/// One small grey picture, encoded.
fn first_packet() -> Option<Vec<u8>> {
    let found = ff::encoder::find_by_name(X264.name)?;
    let mut video = codec::Context::new_with_codec(found).encoder().video().ok()?;
    video.set_width(64);
    video.set_height(64);
    video.set_format(ff::format::Pixel::YUV420P);
    video.set_time_base(ff::Rational::new(1, 25));
    let mut options = ff::Dictionary::new();
    options.set("preset", "ultrafast");
    let mut encoder = video.open_as_with(found, options).ok()?;
    let mut grey = frame::Video::new(ff::format::Pixel::YUV420P, 64, 64);
    (0..3).for_each(|plane| grey.data_mut(plane).fill(128));
    grey.set_pts(Some(0));
    encoder.send_frame(&grey).ok()?;
    encoder.send_eof().ok()?;
    let mut packet = ff::Packet::empty();
    encoder.receive_packet(&mut packet).ok()?;
    packet.data().map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of x264, for High profile at level 1, 64x64.
    const SPS: [u8; 24] = [
        0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x44, 0x26, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03,
        0x00, 0xc8, 0x3c, 0x48, 0x96, 0x58,
    ];
    const PPS: [u8; 6] = [0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

    #[test]
    fn start_codes_and_lengths_give_the_same_record() {
        let annex_b = [&[0, 0, 0, 1][..], &SPS, &[0, 0, 0, 1], &PPS].concat();
        let lengths = [&[0, 0, 0, 24][..], &SPS, &[0, 0, 0, 6], &PPS].concat();
        let Some(CodecConfig::Avc(record)) = decoder_configuration(&annex_b) else { panic!("a record") };
        assert_eq!(Some(CodecConfig::Avc(record.clone())), decoder_configuration(&lengths));
        assert_eq!(&record[..8], [1, 0x64, 0x00, 0x0a, 0xff, 0xe1, 0, 24]);
        assert_eq!(&record[record.len() - 4..], [0xfd, 0xf8, 0xf8, 0], "high profile extension");
    }

    #[test]
    fn headers_without_a_picture_parameter_set_give_no_record() {
        assert_eq!(decoder_configuration(&[&[0, 0, 0, 1][..], &SPS].concat()), None);
        assert_eq!(decoder_configuration(&[0, 0, 0, 200, 1]), None);
    }
}

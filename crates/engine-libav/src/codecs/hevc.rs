//! HEVC Main by x265.

use bitstream::hevc::{self, NalType};
use bytes::Bytes;
use media_types::{CodecConfig, VideoEncoding};
use pipeline::VideoSetup;

use super::units::units;
use super::{Codec, version_by_variable};

pub(super) const X265: Codec = Codec {
    name: "libx265",
    options,
    configuration: |opened| decoder_configuration(opened.headers),
    sample: |packet| Some(Bytes::copy_from_slice(packet)),
    takes_orders: true,
};

/// - No pool and one frame at a time: with threads of its own, x265 asks how far they have come.
/// - Closed groups of pictures without pictures that lead into them, and key frames where they are forced alone.
/// - Parameter sets in the configuration alone, and nothing about the encoder beside them: its build and settings would
///   be taken for a part of the configuration.
/// - The main tier: some decoders know no other.
const PARAMETERS: &str = "log-level=none:pools=none:frame-threads=1:annexb=0:repeat-headers=0:info=0:open-gop=0:\
                          radl=0:scenecut=0:high-tier=0";

fn options(video: &VideoSetup, encoding: &VideoEncoding) -> Vec<(&'static str, String)> {
    let mut options = vec![
        ("preset", encoding.preset.clone()),
        ("crf", encoding.crf.to_string()),
        ("maxrate", encoding.max_bitrate_bps.to_string()),
        ("bufsize", encoding.buffer_bits.to_string()),
        ("profile", "main".to_owned()),
        ("forced-idr", "1".to_owned()),
        ("x265-params", format!("{PARAMETERS}:min-keyint={}", video.gop_frames)),
    ];
    options.extend(encoding.tune.iter().map(|tune| ("tune", tune.clone())));
    options
}

fn decoder_configuration(headers: &[u8]) -> Option<CodecConfig> {
    let units = units(headers)?;
    let of_type = |wanted: NalType| -> Vec<&[u8]> {
        units.iter().copied().filter(|unit| NalType::of(unit) == Some(wanted)).collect()
    };
    let (vps, sps, pps) = (of_type(NalType::VPS), of_type(NalType::SPS), of_type(NalType::PPS));
    let record = hevc::record(&vps, &sps, &pps)?;
    (!vps.is_empty() && !pps.is_empty()).then(|| CodecConfig::Hevc(record.into()))
}

/// The version of x265, such as `3.5+1-f0c1022b6`.
pub(super) fn build() -> Option<String> {
    version_by_variable(c"x265_version_str")
}

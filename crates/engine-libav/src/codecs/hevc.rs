//! HEVC Main by x265; of high dynamic range Main 10.

use bitstream::hevc::{self, NalType};
use bitstream::sei;
use bytes::Bytes;
use media_types::{CodecConfig, DynamicRange, HdrVideo, VideoEncoding};
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
    let mut parameters = format!("{PARAMETERS}:min-keyint={}", video.gop_frames);
    let mut profile = "main";
    if encoding.dynamic_range == DynamicRange::Hdr {
        profile = "main10";
        parameters.extend(video.hdr.iter().map(light));
    }
    let mut options = vec![
        ("preset", encoding.preset.clone()),
        ("crf", encoding.crf.to_string()),
        ("maxrate", encoding.max_bitrate_bps.to_string()),
        ("bufsize", encoding.buffer_bits.to_string()),
        ("profile", profile.to_owned()),
        ("forced-idr", "1".to_owned()),
        ("x265-params", parameters),
    ];
    options.extend(encoding.tune.iter().map(|tune| ("tune", tune.clone())));
    options
}

/// Parameters that make x265 say what the source says of its light, which it does in its headers.
fn light(hdr: &HdrVideo) -> String {
    let mut out = String::new();
    if let Some(display) = hdr.mastering {
        let [green, blue, red] = display.primaries;
        for (name, (x, y)) in [(":master-display=G", green), ("B", blue), ("R", red), ("WP", display.white)] {
            out.push_str(&format!("{name}({x},{y})"));
        }
        out.push_str(&format!("L({},{})", display.max_luminance, display.min_luminance));
    }
    if let Some(light) = hdr.content_light {
        out.push_str(&format!(":max-cll={},{}", light.max_content, light.max_average));
    }
    out
}

fn decoder_configuration(headers: &[u8]) -> Option<CodecConfig> {
    let units = units(headers)?;
    let of_type = |wanted: NalType| -> Vec<&[u8]> {
        units.iter().copied().filter(|unit| NalType::of(unit) == Some(wanted)).collect()
    };
    let (vps, sps, pps) = (of_type(NalType::VPS), of_type(NalType::SPS), of_type(NalType::PPS));
    let says_light = |unit: &&[u8]| {
        sei::messages(unit, true)
            .any(|message| message.mastering_display().is_some() || message.content_light().is_some())
    };
    let sei: Vec<&[u8]> = of_type(NalType::PREFIX_SEI).into_iter().filter(says_light).collect();
    let record = hevc::record(&vps, &sps, &pps, &sei)?;
    (!vps.is_empty() && !pps.is_empty()).then(|| CodecConfig::Hevc(record.into()))
}

/// The version of x265, such as `3.5+1-f0c1022b6`.
pub(super) fn build() -> Option<String> {
    version_by_variable(c"x265_version_str")
}

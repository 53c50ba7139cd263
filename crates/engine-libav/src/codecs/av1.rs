//! AV1 Main by SVT-AV1; of high dynamic range with 10 bits.

use bitstream::av1;
use bytes::Bytes;
use media_types::{CodecConfig, DynamicRange, HdrVideo, VideoEncoding};
use pipeline::VideoSetup;

use super::{Codec, version_by_function};

/// libavcodec 5.1 does not tell SVT-AV1 which pictures shall be key frames, and SVT-AV1 counts pictures, of which held ones
/// are none: so each key frame is the first picture of an encoder.
pub(super) const SVT: Codec = Codec {
    name: "libsvtav1",
    options,
    // The headers of 1.4 allow for other tools than those in front of the pictures do.
    configuration: |opened| av1::record(opened.packet).map(|record| CodecConfig::Av1(record.into())),
    sample,
    takes_orders: false,
};

/// The most that SVT-AV1 takes for a cap.
const MAX_BPS: u64 = 100_000_000;
/// Of its buffer, in seconds at the cap.
const MAX_BUFFER_S: u64 = 10;

fn options(video: &VideoSetup, encoding: &VideoEncoding) -> Vec<(&'static str, String)> {
    let cap = encoding.max_bitrate_bps.min(MAX_BPS);
    // By its own name, since libavcodec takes 0 for a factor that is not given.
    let mut parameters = format!("lp=1:crf={}", encoding.crf.round());
    if encoding.tune.is_some() {
        // Visual quality, in place of what is measured; there is no other.
        parameters.push_str(":tune=0");
    }
    if encoding.dynamic_range == DynamicRange::Hdr {
        parameters.extend(video.hdr.iter().map(light));
    }
    vec![
        ("preset", encoding.preset.clone()),
        ("maxrate", cap.to_string()),
        ("bufsize", encoding.buffer_bits.min(cap * MAX_BUFFER_S).to_string()),
        ("svtav1-params", parameters),
    ]
}

/// Parameters that make SVT-AV1 say what the source says of its light, in front of each key frame. It takes decimal numbers and
/// keeps chromaticities in 0.16 fixed point, the brightest light in 24.8 and the darkest in 18.14: a quarter of a step more than
/// what is meant comes out right whether it rounds or cuts off.
fn light(hdr: &HdrVideo) -> String {
    let mut out = String::new();
    let fixed = |value: u32, unit: f64, one: u32| {
        let steps = (f64::from(value) / unit * f64::from(one)).round();
        format!("{:.9}", (steps + 0.25) / f64::from(one))
    };
    if let Some(display) = hdr.mastering {
        let side = |value: u16| fixed(value.into(), 50_000.0, 1 << 16);
        let [green, blue, red] = display.primaries;
        for (name, (x, y)) in [(":mastering-display=G", green), ("B", blue), ("R", red), ("WP", display.white)] {
            out.push_str(&format!("{name}({},{})", side(x), side(y)));
        }
        let (max, min) = (display.max_luminance, display.min_luminance);
        out.push_str(&format!("L({},{})", fixed(max, 10_000.0, 1 << 8), fixed(min, 10_000.0, 1 << 14)));
    }
    if let Some(light) = hdr.content_light {
        out.push_str(&format!(":content-light={},{}", light.max_content, light.max_average));
    }
    out
}

/// A temporal unit without its delimiter.
fn sample(packet: &[u8]) -> Option<Bytes> {
    let mut kept = Vec::new();
    av1::kept(packet, &mut kept)?;
    Some(kept.into_iter().flat_map(|range| &packet[range]).copied().collect())
}

/// The version of SVT-AV1, such as `v1.4.1`.
pub(super) fn build() -> Option<String> {
    version_by_function(c"svt_av1_get_version")
}

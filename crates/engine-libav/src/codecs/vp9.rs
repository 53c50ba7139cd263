//! VP9, profile 0, by libvpx.

use bitstream::vp9::{Record, level};
use bytes::Bytes;
use media_types::{CodecConfig, VideoEncoding};
use pipeline::VideoSetup;

use super::{Codec, Opened, version_by_function};

pub(super) const LIBVPX: Codec = Codec {
    name: "libvpx-vp9",
    options,
    configuration: |opened| Some(CodecConfig::Vp9(record(opened).to_bytes().into())),
    sample: |packet| Some(Bytes::copy_from_slice(packet)),
    takes_orders: true,
};

/// Quality under a cap that holds: a constant bitrate with a buffer, where the rate factor is the finest quantizer that is
/// used, so that easy pictures take less than the cap. What libvpx calls constrained quality spends half as much again as its
/// cap when it goes through pictures once.
fn options(_: &VideoSetup, encoding: &VideoEncoding) -> Vec<(&'static str, String)> {
    let cap = encoding.max_bitrate_bps.to_string();
    let mut options = vec![
        ("deadline", "good".to_owned()),
        ("cpu-used", encoding.preset.clone()),
        ("row-mt", "0".to_owned()),
        ("b", cap.clone()),
        ("minrate", cap.clone()),
        ("maxrate", cap),
        ("bufsize", encoding.buffer_bits.to_string()),
        ("qmin", encoding.crf.round().to_string()),
        ("qmax", "63".to_owned()),
    ];
    options.extend(encoding.tune.iter().map(|tune| ("tune-content", tune.clone())));
    options
}

/// libvpx gives no headers: the record follows from what it is told.
fn record(opened: &Opened<'_>) -> Record {
    let (rendition, rate, look) = (opened.rendition, opened.frame_rate, opened.look);
    let (primaries, transfer, matrix) = look.code_points();
    Record {
        profile: 0,
        level: level(rendition.width, rendition.height, Some((rate.num(), rate.den()))),
        bit_depth: 8,
        chroma_subsampling: 1,
        full_range: false,
        primaries,
        transfer,
        matrix,
    }
}

/// The version of libvpx, such as `v1.12.0`.
pub(super) fn build() -> Option<String> {
    version_by_function(c"vpx_codec_version_str")
}

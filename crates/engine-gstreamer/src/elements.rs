//! The elements that are known. What a profile may name is a matter of this list, never of what is installed.

use media_types::VideoEncoding;
use pipeline::{SourceCodec, VideoSetup};

/// A kind of device, with memory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    /// NVIDIA's, by nvcodec.
    Cuda,
    /// Those of the Video Acceleration API.
    Va,
    /// None: the processor, for tests and for what a device lacks.
    Software,
}

impl Family {
    /// What pictures in its memory are marked with.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Self::Cuda => "(memory:CUDAMemory)",
            Self::Va => "(memory:VAMemory)",
            Self::Software => "",
        }
    }
}

/// What an element is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Decodes pictures of a codec.
    Decode(SourceCodec),
    /// Scales pictures in its memory.
    Scale,
    /// Encodes H.264.
    Encode,
}

/// An element that may be used once it passed its trial.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// What GStreamer calls it.
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    pub(crate) does: Does,
    /// File of the plugin that has it, without `libgst` and `.so`.
    pub(crate) plugin: &'static str,
}

const fn known(name: &'static str, family: Family, does: Does, plugin: &'static str) -> Known {
    Known { name, family, does, plugin }
}

use Does::{Decode, Encode, Scale};
use Family::{Cuda, Software, Va};

/// All of them; of those that do the same for one family the better comes first.
pub(crate) const KNOWN: &[Known] = &[
    known("nvh264dec", Cuda, Decode(SourceCodec::H264), "nvcodec"),
    known("nvh265dec", Cuda, Decode(SourceCodec::Hevc), "nvcodec"),
    known("nvvp9dec", Cuda, Decode(SourceCodec::Vp9), "nvcodec"),
    known("nvav1dec", Cuda, Decode(SourceCodec::Av1), "nvcodec"),
    known("cudaconvertscale", Cuda, Scale, "nvcodec"),
    known("nvcudah264enc", Cuda, Encode, "nvcodec"),
    known("nvh264enc", Cuda, Encode, "nvcodec"),
    known("vah264dec", Va, Decode(SourceCodec::H264), "va"),
    known("vah265dec", Va, Decode(SourceCodec::Hevc), "va"),
    known("vavp9dec", Va, Decode(SourceCodec::Vp9), "va"),
    known("vaav1dec", Va, Decode(SourceCodec::Av1), "va"),
    known("vapostproc", Va, Scale, "va"),
    known("vah264enc", Va, Encode, "va"),
    known("vah264lpenc", Va, Encode, "va"),
    known("avdec_h264", Software, Decode(SourceCodec::H264), "libav"),
    known("avdec_h265", Software, Decode(SourceCodec::Hevc), "libav"),
    known("vp9dec", Software, Decode(SourceCodec::Vp9), "vpx"),
    known("av1dec", Software, Decode(SourceCodec::Av1), "aom"),
    known("videoconvertscale", Software, Scale, "videoconvertscale"),
    known("x264enc", Software, Encode, "x264"),
];

/// The element of this name.
pub(crate) fn by_name(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// Those of a family that do one thing, the better first.
pub(crate) fn candidates(family: Family, does: Does) -> impl Iterator<Item = &'static Known> {
    KNOWN.iter().filter(move |known| known.family == family && known.does == does)
}

/// Properties and their values, as GStreamer writes them.
pub(crate) type Properties = Vec<(&'static str, String)>;

/// What an encoder is told: quality under a cap, nothing that refers across key frames, and key frames at nobody's wish but
/// ours. Devices decode pictures in the order in which they show them. The processor's encoder is told exactly what the other
/// engine tells it, so that the ranges of both go into one track: they have one configuration.
pub(crate) fn encoder_properties(name: &str, video: &VideoSetup, encoding: &VideoEncoding) -> Properties {
    let cap_kbps = (encoding.max_bitrate_bps / 1000).max(1);
    let buffer_kbit = (encoding.buffer_bits / 1000).max(1);
    let quality = encoding.crf.round().clamp(1.0, 51.0);
    let text = |value: &str| value.to_owned();
    match name {
        "x264enc" => {
            let mut told = vec![
                ("speed-preset", encoding.preset.clone()),
                ("pass", text("qual")),
                ("quantizer", quality.to_string()),
                ("bitrate", cap_kbps.to_string()),
                ("threads", text("1")),
                ("option-string", x264_options(video, encoding)),
            ];
            // Devices have no tunes. The library has those of what is seen apart from the others.
            told.extend(encoding.tune.iter().map(|tune| match tune.as_str() {
                "stillimage" => ("tune", tune.clone()),
                _ => ("psy-tune", tune.clone()),
            }));
            told
        }
        "nvcudah264enc" => vec![
            ("rc-mode", text("vbr")),
            ("const-quality", quality.to_string()),
            ("max-bitrate", cap_kbps.to_string()),
            ("vbv-buffer-size", buffer_kbit.to_string()),
            ("b-frames", text("0")),
            ("gop-size", text("-1")),
        ],
        "nvh264enc" => vec![
            ("rc-mode", text("vbr-hq")),
            ("const-quality", quality.to_string()),
            ("max-bitrate", cap_kbps.to_string()),
            ("vbv-buffer-size", buffer_kbit.to_string()),
            ("bframes", text("0")),
            ("gop-size", text("-1")),
        ],
        // GStreamer 1.22 knows no mode of VA with a quality and a cap: there these fail their trial, which says so.
        "vah264enc" | "vah264lpenc" => vec![
            ("rate-control", text("qvbr")),
            ("qpi", quality.to_string()),
            ("bitrate", cap_kbps.to_string()),
            ("cpb-size", buffer_kbit.to_string()),
            ("b-frames", text("0")),
            ("key-int-max", text("1024")),
        ],
        _ => Vec::new(),
    }
}

/// What x264 is told beside, in its own words: the same as by the other engine.
fn x264_options(video: &VideoSetup, encoding: &VideoEncoding) -> String {
    let gop = video.gop_frames.max(1);
    format!(
        "crf={}:vbv-maxrate={}:vbv-bufsize={}:keyint={gop}:min-keyint={gop}:scenecut=0",
        encoding.crf,
        (encoding.max_bitrate_bps / 1000).max(1),
        (encoding.buffer_bits / 1000).max(1),
    )
}

/// The form in which an encoder takes pictures.
pub(crate) fn encoder_format(name: &str) -> &'static str {
    if name == "x264enc" { "I420" } else { "NV12" }
}

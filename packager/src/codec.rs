//! Codec configurations: checked once, and named as RFC 6381 names them.

use bitstream::audio::{aac, ac3, flac, opus};
use bitstream::light::StaticLight;
use bitstream::{av1, avc, hevc, vp9};
use media_types::{CodecConfig, FrameRate, Timescale, TrackKind};

use crate::PackageError;

/// Which codec, whatever its profile: what may share an adaptation set or a group of renditions. In the order in which
/// pictures are listed: what every player plays comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    Avc,
    Hevc,
    Av1,
    Vp9,
    Aac,
    Ac3,
    Eac3,
    Opus,
    Flac,
    Wvtt,
    Stpp,
}

impl Family {
    pub(crate) fn of(config: &CodecConfig) -> Self {
        match config {
            CodecConfig::Avc(_) => Self::Avc,
            CodecConfig::Hevc(_) => Self::Hevc,
            CodecConfig::Av1(_) => Self::Av1,
            CodecConfig::Vp9(_) => Self::Vp9,
            CodecConfig::Aac(_) => Self::Aac,
            CodecConfig::Ac3(_) => Self::Ac3,
            CodecConfig::Eac3(_) => Self::Eac3,
            CodecConfig::Opus(_) => Self::Opus,
            CodecConfig::Flac(_) => Self::Flac,
            CodecConfig::Wvtt(_) => Self::Wvtt,
            CodecConfig::Stpp(_) => Self::Stpp,
        }
    }

    /// A short name, for folders and groups.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Avc => "avc",
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
            Self::Vp9 => "vp9",
            Self::Aac => "aac",
            Self::Ac3 => "ac3",
            Self::Eac3 => "eac3",
            Self::Opus => "opus",
            Self::Flac => "flac",
            Self::Wvtt => "wvtt",
            Self::Stpp => "stpp",
        }
    }

    /// The name of its sample entry. Parameter sets are in the configuration record only, hence `avc1` and `hvc1`.
    pub(crate) fn sample_entry(self) -> &'static [u8; 4] {
        match self {
            Self::Avc => b"avc1",
            Self::Hevc => b"hvc1",
            Self::Av1 => b"av01",
            Self::Vp9 => b"vp09",
            Self::Aac => b"mp4a",
            Self::Ac3 => b"ac-3",
            Self::Eac3 => b"ec-3",
            Self::Opus => b"Opus",
            Self::Flac => b"fLaC",
            Self::Wvtt => b"wvtt",
            Self::Stpp => b"stpp",
        }
    }
}

/// Colour description code points (ITU-T H.273).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    pub(crate) primaries: u8,
    pub(crate) transfer: u8,
    pub(crate) matrix: u8,
    pub(crate) full_range: bool,
}

/// How much light pictures show, as HLS names it (RFC 8216bis §4.4.6.2). Standard range, which every player plays, comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum VideoRange {
    Sdr,
    Hlg,
    Pq,
}

impl VideoRange {
    /// By the transfer characteristics (ITU-T H.273 §8.2) that the codec states; standard where it states none.
    pub(crate) fn of(config: &CodecConfig) -> Self {
        match colour(config).map(|colour| colour.transfer) {
            Some(16) => Self::Pq,
            Some(18) => Self::Hlg,
            _ => Self::Sdr,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sdr => "SDR",
            Self::Hlg => "HLG",
            Self::Pq => "PQ",
        }
    }
}

/// The colours that a codec states.
pub(crate) fn colour(config: &CodecConfig) -> Option<Colour> {
    match Configured::read(config) {
        Ok(Configured::Video { colour, .. }) => colour,
        _ => None,
    }
}

/// What a configuration says that containers and manifests repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Configured {
    Video {
        colour: Option<Colour>,
        /// What pictures of high dynamic range say of their light.
        light: StaticLight,
        /// How many pictures may come before one in decode order and after it in presentation order.
        reorder: u32,
    },
    Audio {
        /// Samples per second of what is heard, when it is stated.
        sample_rate: Option<u32>,
    },
    Text,
}

impl Configured {
    /// # Errors
    /// [`PackageError::Config`] when the configuration cannot be read or lacks what players need.
    pub(crate) fn read(config: &CodecConfig) -> Result<Self, PackageError> {
        match config {
            CodecConfig::Avc(record) => avc_configured(record),
            CodecConfig::Hevc(record) => hevc_configured(record),
            CodecConfig::Av1(record) => {
                let record = av1::Record::parse(record).ok_or(PackageError::Config("not an av1C record"))?;
                let colour = record.sequence_header().and_then(|sequence| av1_colour(&sequence));
                Ok(Self::Video { colour, light: record.light(), reorder: 0 })
            }
            CodecConfig::Vp9(record) => {
                let record = vp9::Record::parse(record).ok_or(PackageError::Config("not a vpcC record"))?;
                let colour = Colour {
                    primaries: record.primaries,
                    transfer: record.transfer,
                    matrix: record.matrix,
                    full_range: record.full_range,
                };
                let colour = Some(colour).filter(|colour| colour.primaries != 2);
                Ok(Self::Video { colour, light: StaticLight::default(), reorder: 0 })
            }
            CodecConfig::Aac(config) => {
                let config = aac::Config::parse(config).ok_or(PackageError::Config("not an AudioSpecificConfig"))?;
                Ok(Self::Audio { sample_rate: Some(config.output_rate) })
            }
            CodecConfig::Ac3(record) => {
                let record = ac3::Ac3Config::parse(record).ok_or(PackageError::Config("not a dac3 record"))?;
                Ok(Self::Audio { sample_rate: Some(record.rate()) })
            }
            CodecConfig::Eac3(record) => {
                ac3::Eac3Config::parse(record).ok_or(PackageError::Config("not a dec3 record"))?;
                Ok(Self::Audio { sample_rate: None })
            }
            CodecConfig::Opus(record) => {
                opus::Config::parse(record).ok_or(PackageError::Config("not a dOps record"))?;
                Ok(Self::Audio { sample_rate: Some(48_000) })
            }
            CodecConfig::Flac(blocks) => {
                let info = flac::StreamInfo::parse(blocks).ok_or(PackageError::Config("no STREAMINFO in dfLa"))?;
                Ok(Self::Audio { sample_rate: Some(info.rate) })
            }
            CodecConfig::Wvtt(_) | CodecConfig::Stpp(_) => Ok(Self::Text),
        }
    }
}

fn avc_configured(record: &[u8]) -> Result<Configured, PackageError> {
    let record = avc::Record::parse(record).ok_or(PackageError::Config("not an avcC record of version 1"))?;
    if record.length_size != 4 {
        return Err(PackageError::Config("NAL unit lengths must take 4 bytes"));
    }
    if record.sps.is_empty() || record.pps.is_empty() {
        return Err(PackageError::Config("the avcC record lacks a parameter set"));
    }
    let sps = record.first_sps();
    let colour = sps.as_ref().and_then(|sps| sps.colour).map(|colour| Colour {
        primaries: colour.primaries,
        transfer: colour.transfer,
        matrix: colour.matrix,
        full_range: colour.full_range,
    });
    let reorder = sps.and_then(|sps| sps.reorder_frames).unwrap_or(0);
    Ok(Configured::Video { colour, light: StaticLight::default(), reorder })
}

fn hevc_configured(record: &[u8]) -> Result<Configured, PackageError> {
    let record = hevc::Record::parse(record).ok_or(PackageError::Config("not an hvcC record of version 1"))?;
    if record.length_size != 4 {
        return Err(PackageError::Config("NAL unit lengths must take 4 bytes"));
    }
    let sps = record.first_sps().ok_or(PackageError::Config("the hvcC record lacks a parameter set"))?;
    let colour = sps.colour.map(|colour| Colour {
        primaries: colour.primaries,
        transfer: colour.transfer,
        matrix: colour.matrix,
        full_range: colour.full_range,
    });
    Ok(Configured::Video { colour, light: record.light(), reorder: sps.reorder_pics })
}

fn av1_colour(sequence: &av1::SequenceHeader) -> Option<Colour> {
    let av1::Colour { primaries, transfer, matrix } = sequence.colour?;
    Some(Colour { primaries, transfer, matrix, full_range: sequence.full_range })
}

/// Ticks by which an encoder's track has its composition offsets raised so that none is negative: as many frames as its
/// pictures may be reordered by. The edit list takes them back, so that presentation starts at 0. `None` for sound,
/// which is never reordered.
///
/// Signed offsets without an edit list (brand `cmf2`) would say the same, but FFmpeg and what is built on it show such
/// pictures late, out of step with the sound.
///
/// # Errors
/// [`PackageError::Config`] when the configuration cannot be read.
pub fn composition_delay(
    kind: &TrackKind,
    timescale: Timescale,
    config: &CodecConfig,
) -> Result<Option<u32>, PackageError> {
    let Configured::Video { reorder, .. } = Configured::read(config)? else { return Ok(None) };
    let ticks = frame_ticks(kind, timescale).ok_or(PackageError::Track("a frame lasts a whole number of ticks"))?;
    reorder.checked_mul(ticks).map(Some).ok_or(PackageError::Track("its frames are too long"))
}

/// Ticks that a frame of an encoder's pictures lasts; `None` when that is no whole number.
fn frame_ticks(kind: &TrackKind, timescale: Timescale) -> Option<u32> {
    let TrackKind::Video { rate_num, rate_den, .. } = *kind else { return None };
    FrameRate::new(rate_num, rate_den)?.frame_ticks(timescale)
}

/// The RFC 6381 name, such as `avc1.64001f` or `mp4a.40.2`.
///
/// # Errors
/// [`PackageError::Config`] when the configuration cannot be read.
pub fn codec_string(config: &CodecConfig) -> Result<String, PackageError> {
    let name = match config {
        CodecConfig::Avc(record) => avc::codec_string(record),
        CodecConfig::Hevc(record) => hevc::codec_string(record),
        CodecConfig::Av1(record) => av1::codec_string(record),
        CodecConfig::Vp9(record) => vp9::codec_string(record),
        CodecConfig::Aac(config) => aac::codec_string(config),
        CodecConfig::Ac3(_) => Some("ac-3".to_owned()),
        CodecConfig::Eac3(_) => Some("ec-3".to_owned()),
        CodecConfig::Opus(_) => Some("opus".to_owned()),
        CodecConfig::Flac(_) => Some("fLaC".to_owned()),
        CodecConfig::Wvtt(_) => Some("wvtt".to_owned()),
        CodecConfig::Stpp(names) => Some(stpp_string(names)),
    };
    name.ok_or(PackageError::Config("it has no name"))
}

/// IMSC1 text profile when the namespace is TTML's and nothing says otherwise.
fn stpp_string(names: &[u8]) -> String {
    let ttml = names.split(|&byte| byte == 0).next().is_some_and(|name| name.starts_with(b"http://www.w3.org/ns/ttml"));
    if ttml { "stpp.ttml.im1t".to_owned() } else { "stpp".to_owned() }
}

/// A short name of the codec, whatever its profile: `avc`, `opus`.
pub fn codec_name(config: &CodecConfig) -> &'static str {
    Family::of(config).name()
}

/// Width and height of the pictures after cropping, where the configuration states them.
pub fn coded_size(config: &CodecConfig) -> Option<(u32, u32)> {
    match config {
        CodecConfig::Avc(record) => avc::Record::parse(record)?.first_sps().map(|sps| (sps.width, sps.height)),
        CodecConfig::Hevc(record) => hevc::Record::parse(record)?.first_sps().map(|sps| (sps.width, sps.height)),
        _ => None,
    }
}

//! How a sound track is encoded.

use serde::{Deserialize, Serialize};

use crate::segment::Roles;
use crate::time::rescale;
use crate::{CodecConfig, Rational, StreamClock};

/// How loud sound is made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoudnessTarget {
    /// Integrated loudness in LUFS, as ITU-R BS.1770-4 and EBU R 128 measure it.
    pub integrated_lufs: f64,
    /// True peak, in dBTP, that nothing handed to the encoder exceeds.
    pub max_true_peak_dbtp: f64,
}

/// What sound is coded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioCodec {
    /// AAC-LC (ISO/IEC 14496-3), which every player plays.
    Aac,
    /// Opus (RFC 6716), in packets of 20 ms.
    Opus,
}

impl AudioCodec {
    /// Samples in one coded frame, at the track's rate: ISO/IEC 14496-3 §4.5.1.1, and 20 ms at 48 kHz.
    pub fn frame_samples(self) -> u32 {
        match self {
            Self::Aac => 1024,
            Self::Opus => 960,
        }
    }

    /// What a configuration is of; `None` for what no encoder makes.
    pub fn of(config: &CodecConfig) -> Option<Self> {
        match config {
            CodecConfig::Aac(_) => Some(Self::Aac),
            CodecConfig::Opus(_) => Some(Self::Opus),
            _ => None,
        }
    }
}

/// One encode of a sound track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioCoding {
    /// What it is coded as.
    pub codec: AudioCodec,
    /// Target bitrate in bits per second.
    pub bitrate_bps: u32,
}

/// One sound track of a plan: one continuous encode, or one of each codec, all of the same samples.
///
/// A coded track starts `priming_samples` before the presentation's origin (the encoder's delay, carried in the edit
/// list), so coded frame `k` starts at presentation sample `k * frame_samples - priming_samples`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AudioPlan {
    /// Unique within the plan and safe in a URL, such as `en`.
    #[serde(default)]
    pub name: String,
    /// Index of the stream in its container.
    pub stream_index: u32,
    /// Seconds per source tick.
    pub source_time_base: Rational,
    /// How source times come from those in the file, where those jump.
    #[serde(default)]
    pub clock: StreamClock,
    /// Source presentation time, in source ticks, that becomes presentation sample 0; samples before it are cut, a
    /// later start is filled with silence.
    pub origin_pts: i64,
    /// Output samples per second, and the track's timescale. With Opus 48,000.
    pub sample_rate: u32,
    /// Output channels, 1 or 2.
    pub channels: u32,
    /// Target bitrate of AAC-LC in bits per second.
    pub bitrate_bps: u32,
    /// That of Opus; `None` when there is AAC-LC alone.
    #[serde(default)]
    pub opus_bitrate_bps: Option<u32>,
    /// Presentation samples to produce: longer sources are cut, shorter ones filled with silence.
    pub sample_count: u64,
    /// First sample, in presentation samples, of every segment after the first: the video grid's borders in the
    /// audio timescale, rounded to nearest. The packager moves each to the nearest coded-frame border.
    pub borders: Vec<u64>,
    /// BCP 47 language, `und` when unknown.
    pub language: String,
    /// What people call it, when the source says.
    #[serde(default)]
    pub label: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub roles: Roles,
    /// `None` when the sound stays as loud as it is.
    pub loudness: Option<LoudnessTarget>,
}

impl AudioPlan {
    /// The sound is encoded so: AAC-LC first. An engine's `track` is the position in this list.
    pub fn codings(&self) -> impl Iterator<Item = AudioCoding> {
        let opus = self.opus_bitrate_bps.map(|bitrate_bps| AudioCoding { codec: AudioCodec::Opus, bitrate_bps });
        std::iter::once(AudioCoding { codec: AudioCodec::Aac, bitrate_bps: self.bitrate_bps }).chain(opus)
    }

    /// `sample_count` presentation samples from `first_sample` on as a presentation of their own, in one segment. Its start
    /// in the source is rounded to the source's ticks.
    pub fn part(&self, first_sample: u64, sample_count: u64) -> Self {
        let base = self.source_time_base;
        let per_tick = u64::from(base.num.unsigned_abs()).max(1) * u64::from(self.sample_rate.max(1));
        let first = i64::try_from(first_sample).unwrap_or(i64::MAX);
        let ticks = rescale(first, u64::from(base.den.unsigned_abs()).max(1), per_tick);
        Self { origin_pts: self.origin_pts.saturating_add(ticks), sample_count, borders: Vec::new(), ..self.clone() }
    }
}

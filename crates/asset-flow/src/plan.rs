//! The part of an encode plan that decides which jobs there are.

use media_types::{EncodePlan, Loss, SkippedRung, VideoCodec};
use serde::{Deserialize, Deserializer, Serialize};

use crate::FlowError;

/// Most GopRanges of one asset: 16 hours of 24 s, and few enough that an asset's jobs fit one bounded query.
pub const MAX_RANGES: usize = 2_400;
/// Most renditions of one asset.
pub const MAX_RENDITIONS: usize = 32;

/// Most sound tracks of one asset.
pub const MAX_SOUNDS: u32 = 32;

/// One rendition of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenditionSummary {
    /// Unique in its plan, such as `1080p`.
    pub name: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What it is coded as. Plans of before there was a choice are of H.264.
    #[serde(default)]
    pub codec: VideoCodec,
}

impl RenditionSummary {
    /// Pixels of one picture.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// What one picture costs to encode, in pixels of H.264: as measured for the ladder `film-av1`, whose
    /// file has the figures.
    pub(crate) fn cost(&self) -> u64 {
        let times = match self.codec {
            VideoCodec::H264 => 1,
            VideoCodec::Hevc => 4,
            VideoCodec::Av1 => 6,
            VideoCodec::Vp9 => 13,
        };
        self.pixels().saturating_mul(times)
    }
}

/// What the flow and its progress need to know of an [`EncodePlan`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// Output frames of each GopRange, in order; empty for audio-only assets.
    pub ranges: Vec<u64>,
    /// What is encoded, in the order of the plan; empty for audio-only assets.
    pub renditions: Vec<RenditionSummary>,
    /// Sound tracks.
    #[serde(deserialize_with = "count")]
    pub audio: u32,
    /// Text tracks that the source announces.
    #[serde(default)]
    pub text: u32,
    /// Whether there are a poster and a storyboard.
    pub stills: bool,
    /// Length of the presentation in milliseconds.
    pub duration_ms: i64,
    /// Rungs left out, each with its reason.
    #[serde(default)]
    pub skipped: Vec<SkippedRung>,
    /// What a person should know about the result, one sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What the source lacks, as far as its packets tell.
    #[serde(default)]
    pub losses: Vec<Loss>,
    /// Lower-case hex SHA-256 of the ladder file the plan was made with.
    #[serde(default)]
    pub ladder_sha256: String,
    /// Whether the renditions are decided by the recording's own pictures before its ranges are encoded.
    #[serde(default)]
    pub per_title: bool,
    /// The generation that is published before it is made: the lowest rendition and sound, segment by segment as they
    /// come. `None` when everything is published at once.
    #[serde(default)]
    pub planned_generation: Option<u64>,
}

/// Summaries used to say only whether there is sound.
fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Count(u32),
        Any(bool),
    }
    Ok(match Stored::deserialize(from)? {
        Stored::Count(count) => count,
        Stored::Any(any) => any.into(),
    })
}

impl From<&EncodePlan> for PlanSummary {
    fn from(plan: &EncodePlan) -> Self {
        let video = plan.video.as_ref();
        Self {
            ranges: video.map(|video| video.ranges.iter().map(|range| range.frame_count).collect()).unwrap_or_default(),
            renditions: video
                .map(|video| {
                    let summary = |rendition: &media_types::Rendition| RenditionSummary {
                        name: rendition.name.clone(),
                        width: rendition.width,
                        height: rendition.height,
                        codec: rendition.encoding.codec,
                    };
                    video.renditions.iter().map(summary).collect()
                })
                .unwrap_or_default(),
            audio: u32::try_from(plan.audio.len()).unwrap_or(u32::MAX),
            text: u32::try_from(plan.text.len()).unwrap_or(u32::MAX),
            stills: plan.stills.is_some(),
            duration_ms: plan.duration_ms,
            skipped: plan.skipped.clone(),
            warnings: plan.warnings.clone(),
            losses: plan.losses.clone(),
            ladder_sha256: plan.ladder.sha256.clone(),
            per_title: plan.per_title.is_some() && plan.decision.is_none(),
            planned_generation: None,
        }
    }
}

impl PlanSummary {
    /// Whether it is worth while to publish the lowest rendition before it is made: there is more to come than one range of
    /// it.
    pub fn is_planned_early(&self) -> bool {
        self.ranges.len().max(self.renditions.len()) > 1
    }

    /// Takes over what was decided by the recording's own pictures.
    pub(crate) fn decide(&mut self, decided: &PlanSummary) {
        self.renditions.clone_from(&decided.renditions);
        self.skipped.clone_from(&decided.skipped);
    }

    /// What its pictures are coded as, each once.
    pub fn codecs(&self) -> impl Iterator<Item = VideoCodec> {
        VideoCodec::ALL.into_iter().filter(|codec| self.renditions.iter().any(|rendition| rendition.codec == *codec))
    }

    /// Frames of all ranges.
    pub fn frame_count(&self) -> u64 {
        self.ranges.iter().fold(0, |sum, &frames| sum.saturating_add(frames))
    }

    /// Refuses a plan that no set of jobs can carry out.
    pub(crate) fn check(&self) -> Result<(), FlowError> {
        let fault = |reason| Err(FlowError::Plan { reason });
        if self.ranges.is_empty() != self.renditions.is_empty() {
            return fault("it has ranges without renditions or renditions without ranges");
        }
        if self.ranges.is_empty() && self.audio == 0 {
            return fault("it has neither video nor audio");
        }
        if self.ranges.len() > MAX_RANGES {
            return fault("it has too many ranges");
        }
        if self.audio > MAX_SOUNDS {
            return fault("it has too many sound tracks");
        }
        if self.renditions.len() > MAX_RENDITIONS {
            return fault("it has too many renditions");
        }
        if self.ranges.contains(&0) || self.renditions.iter().any(|rendition| rendition.pixels() == 0) {
            return fault("it has an empty range or rendition");
        }
        Ok(())
    }
}

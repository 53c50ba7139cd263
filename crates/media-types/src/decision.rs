//! Rungs decided for one recording: what is to be decided, and what was.

use serde::{Deserialize, Serialize};

/// How the rungs of a recording are decided by its own pictures.
///
/// Quality is XPSNR of the luma in decibels, at the size of the largest rung.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerTitle {
    /// No rung is better than this.
    pub target_db: f64,
    /// Rungs are at least so far apart.
    pub step_db: f64,
    /// What is drawn, such as slides and screens, has so many lines at least in every rung; `None` when lines do not count.
    #[serde(default)]
    pub legible_lines: Option<u32>,
}

/// What one size and rate factor come to, over all samples of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Of the rung whose size it has.
    pub name: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Rate factor of the encoder.
    pub crf: f32,
    /// Average of the samples in bits per second.
    pub bitrate_bps: u64,
    /// XPSNR of the luma, in decibels.
    pub quality_db: f64,
}

/// A rung as it was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// Name of its rendition.
    pub name: String,
    /// What the curves promise, in bits per second.
    pub bitrate_bps: u64,
    /// What the curves promise, in decibels.
    pub quality_db: f64,
}

/// Why a recording has the renditions that it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LadderDecision {
    /// What was wanted.
    pub wanted: PerTitle,
    /// Length of all samples together in milliseconds.
    pub sampled_ms: u64,
    /// Width and height at which pictures were compared.
    pub compared_at: (u32, u32),
    /// Whether most of what was compared is drawn: slides, or a screen.
    #[serde(default)]
    pub is_drawn: bool,
    /// What was tried: the lowest rung first, then each larger size, finest first; last, a legible one with few pictures.
    pub trials: Vec<Trial>,
    /// What was chosen, lowest first.
    pub chosen: Vec<Chosen>,
    /// Whether the plan's first rendition is only for who plays before the rest is made, since another one is better and smaller.
    pub first_is_early_only: bool,
}

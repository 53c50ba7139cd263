//! What a job does.

use serde::{Deserialize, Serialize};

/// One kind of work, with what it needs to know beyond its asset. Its JSON is the payload of the job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// Look at the source: what it contains and when its packets are shown.
    Probe,
    /// Make the encode plan.
    Plan,
    /// Encode samples of the pictures and decide the renditions by them.
    Analyse,
    /// Decode one GopRange once and encode it for all renditions.
    EncodeRange {
        /// Position in the plan's ranges, 0-based.
        range: u32,
    },
    /// Encode some segments of the lowest rendition, or of the first sound track, for who watches already, and for nobody else: what is
    /// published complete comes from the ranges and the whole sound.
    EncodeAhead {
        /// Of what.
        of: Ahead,
        /// Position in the presentation's segments, 0-based.
        first_segment: u32,
        /// At most so many; the presentation may end before.
        segment_count: u32,
    },
    /// Encode one sound track, whole.
    EncodeAudio {
        /// Position in the plan's sound tracks, 0-based.
        #[serde(default)]
        track: u32,
    },
    /// Make the poster and the storyboard.
    Stills,
    /// Read all text tracks.
    ReadText,
    /// Publish the first generation: the lowest rendition and the first sound track, of which only the beginning is made.
    PublishFirst,
    /// Publish the generation that has everything.
    PublishComplete,
    /// Remove what no generation that is still served refers to.
    Tidy,
    /// Remove every object of the asset.
    Delete,
}

/// What is encoded for who watches already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ahead {
    /// The lowest rendition.
    Pictures,
    /// The first sound track.
    Sound,
}

/// From this priority on somebody waits for what a job makes.
pub const URGENT: i64 = 200;
/// From this priority on somebody waits for it in front of a player.
pub const WATCHED: i64 = 220;
/// Of what a viewer has gone to, and not the beginning that somebody may come to: that goes first.
pub const GONE_TO: i64 = WATCHED + 1;

/// Below this priority lies all work of renewals, and nothing else: it is done when there is nothing else to do.
pub const RENEWAL: i64 = 20;

/// What a worker offers, and a job needs, that encodes no pictures: a processor for whatever else there is to do.
pub const CPU: &str = "cpu";
/// What a worker offers that makes ranges with a device. No job needs it: a device is another way to the same.
pub const GPU: &str = "gpu";

/// The name of every stage, in the order of the flow.
pub const ALL_STAGES: [&str; 12] = [
    "probe",
    "plan",
    "analyse",
    "encode_range",
    "encode_ahead",
    "encode_audio",
    "stills",
    "read_text",
    "publish_first",
    "publish_complete",
    "tidy",
    "delete",
];

impl Stage {
    /// Its name, as in its JSON and in the queue.
    pub fn name(&self) -> &'static str {
        match self {
            Stage::Probe => "probe",
            Stage::Plan => "plan",
            Stage::Analyse => "analyse",
            Stage::EncodeRange { .. } => "encode_range",
            Stage::EncodeAhead { .. } => "encode_ahead",
            Stage::EncodeAudio { .. } => "encode_audio",
            Stage::Stills => "stills",
            Stage::ReadText => "read_text",
            Stage::PublishFirst => "publish_first",
            Stage::PublishComplete => "publish_complete",
            Stage::Tidy => "tidy",
            Stage::Delete => "delete",
        }
    }

    /// Whether it makes media of the complete generation, so that publishing that waits for it.
    pub fn makes_media(&self) -> bool {
        matches!(self, Stage::EncodeRange { .. } | Stage::EncodeAudio { .. } | Stage::Stills | Stage::ReadText)
    }

    /// How often it is tried before the asset fails, at least 1. Faults of the source are never tried again.
    pub fn max_attempts(&self) -> i64 {
        match self {
            Stage::Probe | Stage::Plan => 4,
            Stage::Analyse
            | Stage::EncodeRange { .. }
            | Stage::EncodeAhead { .. }
            | Stage::EncodeAudio { .. }
            | Stage::Stills
            | Stage::ReadText => 6,
            Stage::PublishFirst | Stage::PublishComplete => 8,
            Stage::Tidy | Stage::Delete => 12,
        }
    }

    /// Its class in the queue; higher goes first, but for what somebody waits for in front of a player, which goes before all
    /// within a part of what runs. Ending work that is under way beats starting new work, and what makes an asset playable
    /// beats what makes it complete.
    pub fn priority(&self) -> i64 {
        match self {
            Stage::Delete => 400,
            Stage::PublishFirst | Stage::PublishComplete => 350,
            Stage::Probe | Stage::Plan => 300,
            Stage::EncodeAhead { .. } => WATCHED,
            // Of the sound tracks only the first is in the planned generation; stills are made in seconds.
            Stage::EncodeAudio { track: 0 } | Stage::Stills => URGENT,
            Stage::Analyse | Stage::ReadText => 150,
            Stage::EncodeRange { .. } | Stage::EncodeAudio { .. } => 100,
            Stage::Tidy => 50,
        }
    }

    /// The same in a renewal, always below [`RENEWAL`]: all media are alike, and ending work that is under way beats starting
    /// new work here too.
    pub fn renewal_priority(&self) -> i64 {
        match self {
            Stage::PublishComplete => 15,
            Stage::Plan => 10,
            _ => 5,
        }
    }
}

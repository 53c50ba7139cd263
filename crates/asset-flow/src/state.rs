//! Where an asset stands.

use std::fmt;
use std::str::FromStr;

use media_types::Loss;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{FlowFailure, PlanSummary, Renewal};

/// The phases of an asset's life, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Announced; no byte has arrived.
    #[default]
    AwaitingUpload,
    /// Bytes are arriving.
    Ingesting,
    /// The source is complete and jobs work on it. It may already be playable.
    Processing,
    /// Everything is published.
    Ready,
    /// Stopped for good by a fault or by a person; [`AssetState::failure`] says why. It may be playable.
    Errored,
    /// Its objects are being removed.
    Deleting,
    /// Nothing is left. Final.
    Deleted,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Phase; 7] = [
        Phase::AwaitingUpload,
        Phase::Ingesting,
        Phase::Processing,
        Phase::Ready,
        Phase::Errored,
        Phase::Deleting,
        Phase::Deleted,
    ];

    /// Whether the source is not whole yet.
    pub fn is_arriving(self) -> bool {
        matches!(self, Phase::AwaitingUpload | Phase::Ingesting)
    }

    /// Its name, as in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::AwaitingUpload => "awaiting_upload",
            Phase::Ingesting => "ingesting",
            Phase::Processing => "processing",
            Phase::Ready => "ready",
            Phase::Errored => "errored",
            Phase::Deleting => "deleting",
            Phase::Deleted => "deleted",
        }
    }
}

/// A name that is no [`Phase`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a phase of an asset")]
pub struct UnknownPhase;

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = UnknownPhase;
    fn from_str(text: &str) -> Result<Self, UnknownPhase> {
        Phase::ALL.into_iter().find(|phase| phase.as_str() == text).ok_or(UnknownPhase)
    }
}

/// Whether work began before the source was whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadStart {
    /// No.
    #[default]
    None,
    /// With what had arrived; its jobs count.
    Taken,
    /// What had arrived was not enough: the source has to be whole.
    GivenUp,
}

/// All that [`advance`](crate::advance()) remembers of an asset. The default is a new asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetState {
    /// The phase.
    pub phase: Phase,
    /// Whether work began before the source was whole.
    #[serde(default)]
    pub head_start: HeadStart,
    /// How often the upload was begun anew after work had begun with it. What was made of an earlier take is never used.
    #[serde(default)]
    pub take: u32,
    /// Whether the probe report is stored.
    #[serde(default)]
    pub probed: bool,
    /// The newest published generation; `None` while nothing can be played.
    pub playable_generation: Option<u64>,
    /// The generation with everything; `None` until ready.
    pub complete_generation: Option<u64>,
    /// What of the recording is missing or damaged in that one.
    #[serde(default)]
    pub losses: Vec<Loss>,
    /// The plan; `None` until planned.
    pub plan: Option<PlanSummary>,
    /// Which making of the media this is: 0 the first one, then one for each renewal. Results of one making are never taken for
    /// those of another.
    #[serde(default)]
    pub making: u32,
    /// The last making that was begun, or was to be.
    #[serde(default)]
    pub last_making: u32,
    /// The media being made once more, of an asset that is [`Phase::Ready`] and stays so; or why that was given up.
    #[serde(default)]
    pub renewal: Option<Box<Renewal>>,
    /// The first failure. In [`Phase::Deleting`] with stage `delete`: the removal gave up and may be asked for again.
    pub failure: Option<FlowFailure>,
}

impl AssetState {
    /// The step it is at, for a person: `upload`, `probe`, `plan`, `encode` (until everything is published), `done` or
    /// `delete`; for a failed asset the step that failed.
    pub fn step(&self) -> &'static str {
        match self.phase {
            Phase::AwaitingUpload | Phase::Ingesting => "upload",
            Phase::Processing if self.plan.is_some() => "encode",
            Phase::Processing if self.probed => "plan",
            Phase::Processing => "probe",
            Phase::Ready => "done",
            Phase::Errored => match self.failure.as_ref().map(|failure| failure.stage.as_str()) {
                Some("upload") => "upload",
                Some("probe") => "probe",
                Some("plan") => "plan",
                Some("publish_first" | "publish_complete") => "publish",
                _ => "encode",
            },
            Phase::Deleting | Phase::Deleted => "delete",
        }
    }
}

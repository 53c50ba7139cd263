//! What can happen to an asset.

use media_types::{LadderPin, Loss};
use serde::{Deserialize, Serialize};

use crate::PlanSummary;

/// [`FlowFailure::code`] of an asset whose processing a person cancelled.
pub const CANCELLED: &str = "asset.cancelled";

/// Why an asset failed, for a person and for a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowFailure {
    /// Where it failed: the name of a [`Stage`](crate::Stage), or `upload`.
    pub stage: String,
    /// Stable and dotted, such as `input.no_media`.
    pub code: String,
    /// One sentence on what happened.
    pub detail: String,
    /// One sentence on what to do, when there is something to do.
    #[serde(default)]
    pub hint: Option<String>,
}

/// One stage-level event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum FlowEvent {
    /// The first bytes arrived.
    UploadStarted,
    /// Its index and all that is needed of its first half minute are stored and synced; the rest is still arriving.
    BeginningReceived,
    /// What arrived was thrown away, or is about to be: other bytes take its place.
    UploadRestarted,
    /// The whole source is stored and synced.
    SourceReceived,
    /// What has arrived is not enough to probe or plan with after all.
    BeginningUnfit,
    /// The probe report is stored.
    Probed,
    /// The encode plan is stored.
    Planned {
        /// What of it the flow needs.
        summary: PlanSummary,
    },
    /// The renditions are decided, and the plan that has them is stored.
    Analysed {
        /// What of it the flow needs.
        summary: PlanSummary,
    },
    /// The pointer moved to a generation with the lowest rendition.
    FirstPlayable {
        /// That generation, 1 or more.
        generation: u64,
    },
    /// The pointer moved to a generation with everything.
    Complete {
        /// That generation, above every earlier one.
        generation: u64,
        /// What of the recording is missing or damaged in it.
        #[serde(default)]
        losses: Vec<Loss>,
    },
    /// A job gave up.
    Failed {
        /// Why.
        failure: FlowFailure,
    },
    /// The media are to be made once more with this ladder; what is published is served until then.
    RenewRequested {
        /// As it is in force now.
        ladder: LadderPin,
        /// Name of the rendition that is encoded again though one that is made the same is there.
        #[serde(default)]
        again: Option<String>,
    },
    /// It is the renewal's turn.
    RenewalStarted,
    /// Something of the above happened to a job of a renewal.
    InRenewal {
        /// The renewal's.
        making: u32,
        /// What.
        what: Box<FlowEvent>,
    },
    /// The changed ladder asks for what is published already: nothing has to be made. In a renewal alone.
    Repinned {
        /// The plan as it would be.
        summary: PlanSummary,
    },
    /// A person asked to stop. What is published complete stays.
    Cancelled,
    /// A person asked to go on where a job gave up.
    RetryRequested,
    /// A person asked for the asset to go, with all that was published.
    DeleteRequested,
    /// Every object is gone.
    Deleted,
}

impl FlowEvent {
    /// The event as a job of this making brings it: of the first one as it is.
    #[must_use]
    pub fn of_making(self, making: u32) -> Self {
        if making == 0 { self } else { FlowEvent::InRenewal { making, what: Box::new(self) } }
    }

    /// Its name, as in its JSON.
    pub fn name(&self) -> &'static str {
        match self {
            FlowEvent::UploadStarted => "upload_started",
            FlowEvent::BeginningReceived => "beginning_received",
            FlowEvent::UploadRestarted => "upload_restarted",
            FlowEvent::SourceReceived => "source_received",
            FlowEvent::BeginningUnfit => "beginning_unfit",
            FlowEvent::Probed => "probed",
            FlowEvent::Planned { .. } => "planned",
            FlowEvent::Analysed { .. } => "analysed",
            FlowEvent::FirstPlayable { .. } => "first_playable",
            FlowEvent::Complete { .. } => "complete",
            FlowEvent::Failed { .. } => "failed",
            FlowEvent::RenewRequested { .. } => "renew_requested",
            FlowEvent::RenewalStarted => "renewal_started",
            FlowEvent::InRenewal { .. } => "in_renewal",
            FlowEvent::Repinned { .. } => "repinned",
            FlowEvent::Cancelled => "cancelled",
            FlowEvent::RetryRequested => "retry_requested",
            FlowEvent::DeleteRequested => "delete_requested",
            FlowEvent::Deleted => "deleted",
        }
    }
}

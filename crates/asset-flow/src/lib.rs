//! The flow of one recording as one pure function: [`advance()`] takes a state and an event and says what the new state
//! is and which jobs follow.
//!
//! - [`stage`]: what a job does ([`Stage`]).
//! - [`event`]: what can happen to an asset ([`FlowEvent`]) and why it may fail ([`FlowFailure`]).
//! - [`plan`]: the part of an encode plan that the flow needs ([`PlanSummary`]).
//! - [`state`]: where an asset stands ([`AssetState`], [`Phase`]), and whether work began while it arrived ([`HeadStart`]).
//! - [`renewal`]: its media made once more while what there is is served ([`Renewal`]).
//! - [`jobs`]: the jobs that a step asks for, with their priorities, weights and dependencies ([`JobRequest`]).
//! - [`advance`](mod@advance): the function itself.
//!
//! ```text
//! awaiting_upload ─▶ ingesting ─▶ processing ─▶ ready ─▶ deleting ─▶ deleted
//!        └───────────────┴────────────┴─▶ errored ─────────▲
//!
//! beside ready:   waiting ─▶ processing ─▶ the next generation, or errored: what is served stays
//! ```
//!
//! Layer 1: deterministic, no I/O, no clock, no randomness.

pub mod advance;
pub mod event;
pub mod jobs;
pub mod plan;
pub mod renewal;
pub mod stage;
pub mod state;

pub use advance::{Effects, FlowError, advance};
pub use event::{CANCELLED, FlowEvent, FlowFailure};
pub use jobs::{GENERATION_KEPT_MS, JobRequest, WAITED_FOR, ahead};
pub use plan::{MAX_RANGES, MAX_RENDITIONS, MAX_SOUNDS, PlanSummary, RenditionSummary};
pub use renewal::{Renewal, RenewalPhase};
pub use stage::{ALL_STAGES, Ahead, CPU, GONE_TO, GPU, RENEWAL, Stage, URGENT, WATCHED};
pub use state::{AssetState, HeadStart, Phase, UnknownPhase};

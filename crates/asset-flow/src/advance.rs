//! The one step of the flow.

use thiserror::Error;

use crate::event::CANCELLED;
use crate::{AssetState, FlowEvent, FlowFailure, HeadStart, JobRequest, Phase, Stage, jobs, renewal};

/// What must happen together with a new state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Jobs to enqueue after `cancel_jobs` and `cancel_making` were obeyed, in this order.
    pub jobs: Vec<JobRequest>,
    /// Whether every job of the asset that is not finished is cancelled first.
    pub cancel_jobs: bool,
    /// The making whose jobs are cancelled first, as far as they are not finished.
    pub cancel_making: Option<u32>,
    /// Whether the job that gave up, and those that were cancelled because it did, go on where they stood.
    pub revive_jobs: bool,
}

impl Effects {
    pub(crate) fn none() -> Self {
        Self::default()
    }

    fn enqueue(stage: Stage) -> Self {
        Self { jobs: vec![JobRequest::single(stage)], ..Self::default() }
    }

    fn stop() -> Self {
        Self { cancel_jobs: true, ..Self::default() }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty() && !self.cancel_jobs && self.cancel_making.is_none() && !self.revive_jobs
    }
}

/// An event that no correct caller sends.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FlowError {
    /// The event cannot happen in this phase, not even through a race.
    #[error("the event {event} cannot happen to an asset that is {phase}")]
    OutOfOrder {
        /// The asset's phase.
        phase: Phase,
        /// The event's name.
        event: &'static str,
    },
    /// A generation that is not above the published one.
    #[error("generation {generation} is not above {published}")]
    StaleGeneration {
        /// The event's generation.
        generation: u64,
        /// The newest published one, 0 for none.
        published: u64,
    },
    /// A plan that no set of jobs can carry out.
    #[error("the plan cannot be carried out: {reason}")]
    Plan {
        /// What is wrong, a clause.
        reason: &'static str,
    },
}

/// The state after `event`, and what must happen with it.
///
/// Events that a race or a repetition can bring late (an upload attached twice, a job that ends after a cancel, a
/// second request to delete) leave the state as it is and ask for nothing. A request to delete is legal in every phase;
/// a request to cancel too, and once the asset is ready it stops its renewal alone; a request to go on means something only
/// where a job gave up on a source that is whole, which the caller knows. What was played before it was made is not
/// played any more when it never will be whole.
///
/// An asset that is ready stays so while its media are made once more: what happens to its renewal changes what is served with
/// [`FlowEvent::Complete`] alone, and what a job of another making says is late.
///
/// While a source arrives, work may begin with what is there: it is probed and planned, and the pictures of its beginning are
/// made, of which nobody is told. When the source is whole the rest follows from the same plan; when it is begun anew, all of
/// that is forgotten, and the asset's next [`AssetState::take`] begins.
///
/// # Errors
/// [`FlowError`] for events that only a faulty caller can send; the state is then to be left as it was.
pub fn advance(state: &AssetState, event: &FlowEvent) -> Result<(AssetState, Effects), FlowError> {
    let mut next = state.clone();
    let effects = match state.phase {
        Phase::Deleted => Effects::none(),
        Phase::Deleting => deleting(&mut next, event),
        _ => match event {
            FlowEvent::DeleteRequested => {
                next.phase = Phase::Deleting;
                next.renewal = None;
                Effects { cancel_jobs: true, ..Effects::enqueue(Stage::Delete) }
            }
            FlowEvent::Deleted => return Err(out_of_order(state, event)),
            _ if state.phase == Phase::Ready => renewal::ready(&mut next, event)?,
            _ if state.phase == Phase::Errored => errored(&mut next, event),
            _ if of_renewal(event) => Effects::none(),
            _ => underway(&mut next, event)?,
        },
    };
    Ok((next, effects))
}

/// Whether it means a renewal, which an asset has only once it is ready.
fn of_renewal(event: &FlowEvent) -> bool {
    matches!(event, FlowEvent::RenewRequested { .. } | FlowEvent::RenewalStarted | FlowEvent::InRenewal { .. })
}

pub(crate) fn out_of_order(state: &AssetState, event: &FlowEvent) -> FlowError {
    FlowError::OutOfOrder { phase: state.phase, event: event.name() }
}

fn deleting(next: &mut AssetState, event: &FlowEvent) -> Effects {
    let gave_up = |failure: &FlowFailure| failure.stage == Stage::Delete.name();
    match event {
        FlowEvent::Deleted => next.phase = Phase::Deleted,
        FlowEvent::Failed { failure } if gave_up(failure) => next.failure = Some(failure.clone()),
        FlowEvent::DeleteRequested if next.failure.as_ref().is_some_and(gave_up) => {
            next.failure = None;
            return Effects::enqueue(Stage::Delete);
        }
        _ => {}
    }
    Effects::none()
}

/// After a job gave up: what is done stays done. After a person had it cancelled nothing may be left to go on with.
fn errored(next: &mut AssetState, event: &FlowEvent) -> Effects {
    let gave_up = next.failure.as_ref().is_some_and(|failure| failure.code != CANCELLED);
    if *event != FlowEvent::RetryRequested || !gave_up {
        return Effects::none();
    }
    next.phase = Phase::Processing;
    next.failure = None;
    Effects { revive_jobs: true, ..Effects::none() }
}

/// The phases before an end is reached.
fn underway(next: &mut AssetState, event: &FlowEvent) -> Result<Effects, FlowError> {
    let arriving = next.phase.is_arriving();
    let abandoned = if arriving && has_begun(next) { jobs::of_abandonment() } else { Vec::new() };
    Ok(match event {
        FlowEvent::Failed { failure } => {
            next.phase = Phase::Errored;
            next.failure = Some(failure.clone());
            next.playable_generation = next.complete_generation;
            Effects { jobs: abandoned, ..Effects::stop() }
        }
        FlowEvent::Cancelled => {
            next.failure = Some(cancelled(next));
            next.phase = Phase::Errored;
            next.playable_generation = next.complete_generation;
            Effects { jobs: if arriving { abandoned } else { jobs::of_cancellation() }, ..Effects::stop() }
        }
        // Another one has asked already.
        FlowEvent::RetryRequested => Effects::none(),
        FlowEvent::UploadStarted
        | FlowEvent::BeginningReceived
        | FlowEvent::UploadRestarted
        | FlowEvent::SourceReceived => received(next, event),
        FlowEvent::BeginningUnfit if next.head_start == HeadStart::Taken && next.plan.is_none() => {
            next.head_start = HeadStart::GivenUp;
            if arriving { Effects::none() } else { Effects::enqueue(look(next)) }
        }
        FlowEvent::Probed if !next.probed && (!arriving || next.head_start == HeadStart::Taken) => {
            next.probed = true;
            Effects::enqueue(Stage::Plan)
        }
        FlowEvent::Planned { summary } if next.probed && next.plan.is_none() => {
            summary.check()?;
            next.plan = Some(summary.clone());
            let jobs = if arriving { jobs::of_head_start(summary) } else { jobs::of_plan(summary) };
            Effects { jobs, ..Effects::none() }
        }
        FlowEvent::Analysed { summary } if !arriving && next.plan.as_ref().is_some_and(|plan| plan.per_title) => {
            summary.check()?;
            if let Some(plan) = &mut next.plan {
                plan.decide(summary);
            }
            Effects::none()
        }
        FlowEvent::FirstPlayable { generation } if !arriving && next.plan.is_some() => {
            next.playable_generation = Some(grown(next, *generation)?);
            Effects::none()
        }
        FlowEvent::Complete { generation, losses } if !arriving && next.plan.is_some() => {
            let generation = grown(next, *generation)?;
            next.playable_generation = Some(generation);
            next.complete_generation = Some(generation);
            next.losses = losses.clone();
            next.phase = Phase::Ready;
            Effects { jobs: jobs::of_completion(), ..Effects::none() }
        }
        _ => return Err(out_of_order(next, event)),
    })
}

/// What those say who take the bytes. Late, it changes nothing.
fn received(next: &mut AssetState, event: &FlowEvent) -> Effects {
    match event {
        _ if !next.phase.is_arriving() => Effects::none(),
        FlowEvent::UploadStarted => {
            next.phase = Phase::Ingesting;
            Effects::none()
        }
        FlowEvent::BeginningReceived if !has_begun(next) => {
            next.head_start = HeadStart::Taken;
            Effects::enqueue(Stage::Probe)
        }
        FlowEvent::UploadRestarted if has_begun(next) => {
            *next = AssetState { phase: next.phase, take: next.take.saturating_add(1), ..AssetState::default() };
            Effects::stop()
        }
        FlowEvent::SourceReceived => {
            next.phase = Phase::Processing;
            match (&next.plan, next.head_start) {
                (Some(plan), _) => Effects { jobs: jobs::of_plan(plan), ..Effects::none() },
                // A job that looks at what had arrived then says what comes next.
                (None, HeadStart::Taken) => Effects::none(),
                (None, HeadStart::None | HeadStart::GivenUp) => Effects::enqueue(look(next)),
            }
        }
        _ => Effects::none(),
    }
}

/// Whether anything may have been made of what arrives.
fn has_begun(state: &AssetState) -> bool {
    state.head_start != HeadStart::None
}

/// What has to be learned of the source next.
fn look(state: &AssetState) -> Stage {
    if state.probed { Stage::Plan } else { Stage::Probe }
}

pub(crate) fn grown(state: &AssetState, generation: u64) -> Result<u64, FlowError> {
    let published = state.playable_generation.unwrap_or(0);
    if generation > published { Ok(generation) } else { Err(FlowError::StaleGeneration { generation, published }) }
}

fn cancelled(state: &AssetState) -> FlowFailure {
    FlowFailure {
        stage: state.step().to_owned(),
        code: CANCELLED.to_owned(),
        detail: "processing was cancelled".to_owned(),
        hint: Some("upload the file again to start over".to_owned()),
    }
}

//! Encoding an asset again, with another ladder or a changed one, while what it has is served.

use std::fmt;

use media_types::LadderPin;
use serde::{Deserialize, Serialize};

use crate::advance::{Effects, FlowError, grown, out_of_order};
use crate::event::CANCELLED;
use crate::{AssetState, FlowEvent, FlowFailure, PlanSummary, jobs};

/// Where a renewal stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalPhase {
    /// It is asked for; no job works on it, since so many others are under way.
    #[default]
    Waiting,
    /// Jobs work on it.
    Processing,
    /// It was given up, or a person stopped it; [`Renewal::failure`] says why. Nothing of it is served.
    Errored,
}

impl RenewalPhase {
    /// Its name, as in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            RenewalPhase::Waiting => "waiting",
            RenewalPhase::Processing => "processing",
            RenewalPhase::Errored => "errored",
        }
    }
}

impl fmt::Display for RenewalPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The next making of an asset's media, beside the one that is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// Which making it is, 1 or more; see [`AssetState::making`].
    pub making: u32,
    /// What it is made with: as asked for, and once planned, as the plan has it.
    pub ladder: LadderPin,
    /// Name of the rendition that is encoded again though one that is made the same is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// Where it stands.
    pub phase: RenewalPhase,
    /// Its plan; `None` until planned.
    #[serde(default)]
    pub plan: Option<PlanSummary>,
    /// Why it was given up.
    #[serde(default)]
    pub failure: Option<FlowFailure>,
}

impl Renewal {
    /// Whether something is still to come of it.
    pub fn is_open(&self) -> bool {
        self.phase != RenewalPhase::Errored
    }
}

/// What happens to an asset that is ready: to its renewal, and to nothing else.
pub(crate) fn ready(next: &mut AssetState, event: &FlowEvent) -> Result<Effects, FlowError> {
    let open = next.renewal.as_deref().filter(|renewal| renewal.is_open());
    Ok(match (event, open) {
        (FlowEvent::RenewRequested { ladder, again }, open)
            if open.is_none_or(|open| open.ladder != *ladder || (again.is_some() && open.again != *again)) =>
        {
            let effects = open.map_or_else(Effects::none, stopped);
            next.last_making = next.last_making.saturating_add(1);
            next.renewal = Some(Box::new(Renewal {
                making: next.last_making,
                ladder: ladder.clone(),
                again: again.clone(),
                phase: RenewalPhase::Waiting,
                plan: None,
                failure: None,
            }));
            effects
        }
        (FlowEvent::RenewalStarted, Some(open)) if open.phase == RenewalPhase::Waiting => {
            let effects = Effects { jobs: jobs::of_renewal(open.making), ..Effects::none() };
            change(next, |renewal| renewal.phase = RenewalPhase::Processing);
            effects
        }
        (FlowEvent::Cancelled, Some(open)) => {
            let effects = stopped(open);
            change(next, |renewal| give_up(renewal, cancelled()));
            effects
        }
        (FlowEvent::InRenewal { making, what }, Some(open))
            if open.making == *making && open.phase == RenewalPhase::Processing =>
        {
            underway(next, *making, what)?
        }
        _ => Effects::none(),
    })
}

/// What the jobs of a renewal say.
fn underway(next: &mut AssetState, making: u32, what: &FlowEvent) -> Result<Effects, FlowError> {
    let planned = next.renewal.as_ref().and_then(|renewal| renewal.plan.clone());
    Ok(match (what, planned) {
        (FlowEvent::Failed { failure }, _) => {
            let effects = next.renewal.as_deref().map_or_else(Effects::none, stopped);
            change(next, |renewal| give_up(renewal, failure.clone()));
            effects
        }
        (FlowEvent::Planned { summary }, None) => {
            summary.check()?;
            // Nobody waits for it in front of a player: what is served is whole.
            let plan = PlanSummary { planned_generation: None, ..summary.clone() };
            let jobs = jobs::in_renewal(making, jobs::of_plan(&plan));
            change(next, |renewal| {
                renewal.ladder.sha256.clone_from(&plan.ladder_sha256);
                renewal.plan = Some(plan);
            });
            Effects { jobs, ..Effects::none() }
        }
        (FlowEvent::Repinned { summary }, None) => {
            next.renewal = None;
            if let Some(plan) = &mut next.plan {
                plan.ladder_sha256.clone_from(&summary.ladder_sha256);
                plan.skipped.clone_from(&summary.skipped);
            }
            Effects::none()
        }
        (FlowEvent::Analysed { summary }, Some(mut plan)) if plan.per_title => {
            summary.check()?;
            plan.decide(summary);
            change(next, |renewal| renewal.plan = Some(plan));
            Effects::none()
        }
        (FlowEvent::Complete { generation, losses }, Some(plan)) => {
            let generation = grown(next, *generation)?;
            next.losses.clone_from(losses);
            next.playable_generation = Some(generation);
            next.complete_generation = Some(generation);
            next.plan = Some(plan);
            next.making = making;
            next.renewal = None;
            Effects { jobs: jobs::of_completion(), ..Effects::none() }
        }
        _ => return Err(out_of_order(next, what)),
    })
}

fn change(next: &mut AssetState, how: impl FnOnce(&mut Renewal)) {
    if let Some(renewal) = &mut next.renewal {
        how(renewal);
    }
}

/// What a renewal that ends without a result leaves to be done. One that only waited has made nothing.
fn stopped(renewal: &Renewal) -> Effects {
    match renewal.phase {
        RenewalPhase::Processing => {
            Effects { jobs: jobs::of_cancellation(), cancel_making: Some(renewal.making), ..Effects::none() }
        }
        RenewalPhase::Waiting | RenewalPhase::Errored => Effects::none(),
    }
}

fn give_up(renewal: &mut Renewal, failure: FlowFailure) {
    renewal.phase = RenewalPhase::Errored;
    renewal.failure = Some(failure);
}

fn cancelled() -> FlowFailure {
    FlowFailure {
        stage: "encode".to_owned(),
        code: CANCELLED.to_owned(),
        detail: "encoding it again was cancelled".to_owned(),
        hint: Some("what was published before is served; ask for the renewal again to start over".to_owned()),
    }
}

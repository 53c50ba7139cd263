//! Holding a job: claim, renew, finish, fail, hand back.

use database::{Tx, args};

use crate::lease::Used;
use crate::ledger::Look;
use crate::model::{RawClaim, parse};
use crate::policy::budget::{Purse, with_room};
use crate::policy::{Kind, Lane, Running, Share, Window};
use crate::{
    Capabilities, ClaimedJob, FailOutcome, Failure, Fence, JobQueue, Outcome, QueueError, Renewal, Retry, policy, sql,
};

/// The most stages one worker serves.
pub const MAX_STAGES: usize = 16;

const BACK_OFF_FIRST_MS: i64 = 1_000;
pub(crate) const BACK_OFF_MAX_MS: i64 = 60_000;
const UNCOUNTED_BACK_OFF_MS: i64 = 30_000;
const MAX_DETAIL_BYTES: usize = 4_096;

/// How often a worker looks whose turn it is while others are faster, before it waits for its turn.
const LOOKS: u32 = 3;
/// Tenants to choose from: as many workers may claim at once without one waiting for another.
const LANES_AT_ONCE: usize = 8;
/// From so many tenants with jobs of a kind on, not all of them are looked at.
const FEW: i64 = 16;

/// Who claims, and what it can take on.
pub(crate) struct Claimer<'a> {
    pub(crate) worker: &'a str,
    pub(crate) stages: &'a [&'a str],
    /// Jobs of a lower priority are left to others.
    pub(crate) min_priority: i64,
    /// Jobs that need more are left to others; `None` for everything.
    pub(crate) offers: Option<&'a Capabilities>,
    /// What there is room for; `None` for everything.
    pub(crate) room: Option<Look>,
}

impl Claimer<'_> {
    fn serves(&self, (stage, priority, needs): (&str, i64, &str)) -> bool {
        let able = self.offers.is_none_or(|offers| offers.cover(&Capabilities::stored(needs)));
        priority >= self.min_priority && self.stages.contains(&stage) && able
    }

    fn pays(&self, window: &Window, common_open: bool) -> Option<Purse> {
        match &self.room {
            Some(room) => room.pays(&window.stage, window.priority, common_open),
            None => Some(Purse::Common),
        }
    }
}

impl JobQueue {
    /// Claims the job that [`policy`] puts first among those of these stages whose priority is at least `min_priority`, and
    /// charges its tenant. `None` when nothing is due, or what is due is [drained](crate::Drain). At most [`MAX_STAGES`] stages.
    pub async fn claim(
        &self,
        stages: &[&str],
        min_priority: i64,
        worker: &str,
    ) -> Result<Option<ClaimedJob>, QueueError> {
        let claimer = Claimer { worker, stages, min_priority, offers: None, room: None };
        Ok(self.claim_for(&claimer).await?.map(|(job, _)| job))
    }

    /// The same of those that the claimer can take on, with what pays for it.
    pub(crate) async fn claim_for(&self, claimer: &Claimer<'_>) -> Result<Option<(ClaimedJob, Purse)>, QueueError> {
        check(claimer.stages)?;
        let now_ms = self.now_ms();
        for look in 1..=LOOKS {
            let lanes = self.lanes(claimer, now_ms).await?;
            let Some((first, of_first)) = lanes.first() else { return Ok(None) };
            for (lane, purse) in &lanes {
                if let Some(job) = self.take(lane, true, claimer.worker, now_ms).await? {
                    return Ok(Some((job, *purse)));
                }
            }
            if look == LOOKS {
                let job = self.take(first, false, claimer.worker, now_ms).await?;
                return Ok(job.map(|job| (job, *of_first)));
            }
        }
        Ok(None)
    }

    /// The lanes that are served now, the first one in front.
    async fn lanes(&self, claimer: &Claimer<'_>, now_ms: i64) -> Result<Vec<(Lane, Purse)>, QueueError> {
        let kinds: Vec<(String, i64, String, i64)> = self.database().all(sql::KINDS, args![claimer.worker]).await?;
        let kinds: Vec<Kind> = kinds
            .into_iter()
            .filter(|(stage, priority, needs, _)| claimer.serves((stage, *priority, needs)))
            .map(|(stage, priority, needs, oldest_ms)| Kind { stage, priority, needs, oldest_ms })
            .collect();
        let running = self.running_now(&kinds).await?;
        let mut common_open = true;
        for windows in policy::turns(&kinds, running, now_ms) {
            if !windows.iter().any(|window| claimer.pays(window, common_open).is_some()) {
                common_open = false;
                continue;
            }
            let mut lanes = Vec::new();
            for window in &windows {
                lanes.extend(self.lanes_of(window).await?);
            }
            policy::order(&mut lanes);
            let mut lanes = with_room(lanes, &mut common_open, |lane, open| claimer.pays(&lane.window, open));
            if !lanes.is_empty() {
                lanes.truncate(LANES_AT_ONCE);
                return Ok(lanes);
            }
        }
        Ok(Vec::new())
    }

    /// The lanes of a window: all of them, or of many those of the tenants that have had least.
    async fn lanes_of(&self, window: &Window) -> Result<Vec<Lane>, QueueError> {
        let Window { stage, priority, needs, .. } = window;
        // Tenants are looked at in the order of their turns until enough have such a job, which is soon when many have one.
        let few: Vec<(String, Option<i64>, i64, Option<i64>)> =
            self.database().all(sql::FEW_LANES, args![stage, *priority, FEW, needs]).await?;
        let rows: Vec<(String, Option<i64>, i64, Option<i64>)> = match few.len() < FEW as usize {
            true => few,
            false => {
                let at_once = LANES_AT_ONCE as i64;
                self.database().all(sql::LANES, args![stage, *priority, window.due_ms, at_once, needs]).await?
            }
        };
        let due = rows.into_iter().filter(|(_, _, oldest_ms, _)| *oldest_ms <= window.due_ms);
        due.filter_map(|(tenant, tag_ms, oldest_ms, virtual_ms)| Some((tenant, tag_ms?, oldest_ms, virtual_ms?)))
            .map(|(tenant, tag_ms, oldest_ms, virtual_ms)| {
                let (tenant_id, window) = (parse(&tenant, &tenant)?, window.clone());
                Ok(Lane { tenant_id, tag_ms, virtual_ms, window, oldest_ms })
            })
            .collect()
    }

    /// Only what viewers demand depends on what runs.
    async fn running_now(&self, kinds: &[Kind]) -> Result<Running, QueueError> {
        if !kinds.iter().any(|kind| policy::DEMANDED.contains(&kind.priority)) {
            return Ok(Running::default());
        }
        let args = args![policy::DEMANDED.start, policy::DEMANDED.end];
        let (all, demanded) = self.database().optional(sql::RUNNING_NOW, args).await?.unwrap_or_default();
        Ok(Running { all, demanded })
    }

    /// The lane's first job, if it can still be had. `at_once`: only if the tenant stands where it was seen to stand, and
    /// without waiting for others.
    async fn take(
        &self,
        lane: &Lane,
        at_once: bool,
        worker: &str,
        now_ms: i64,
    ) -> Result<Option<ClaimedJob>, QueueError> {
        let Lane { tenant_id, tag_ms, virtual_ms, window, .. } = lane;
        let mut tx = self.database().begin().await?;
        let share: Option<(i64,)> = match at_once {
            true => tx.optional(sql::TRY_SHARE, args![tenant_id, *tag_ms]).await?,
            false => tx.optional(sql::HOLD_SHARE, args![tenant_id]).await?,
        };
        let Some((tag_ms,)) = share else {
            tx.give_up().await?;
            return Ok(None);
        };
        let args = args![worker, now_ms, tenant_id, &window.stage, window.priority, window.due_ms, &window.needs];
        let claimed: Option<RawClaim> = tx.optional(sql::CLAIM, args).await?;
        let Some(claimed) = claimed else {
            // Others may be waiting for this tenant's share.
            tx.give_up().await?;
            return Ok(None);
        };
        let Share { tag_ms, start_ms } = policy::charge(*virtual_ms, tag_ms, claimed.weight);
        tx.execute(sql::CHARGE, args![tenant_id, tag_ms, start_ms]).await?;
        tx.commit().await?;
        ClaimedJob::at(now_ms, claimed).map(Some)
    }

    /// Fails with [`QueueError::LeaseLost`] unless `fence` still holds the job. Until `tx` ends nobody can take it over.
    pub async fn check(&self, tx: &mut Tx, fence: &Fence) -> Result<(), QueueError> {
        self.hold(tx, fence).await.map(drop)
    }

    /// Marks the job done with its result, makes ready what waited on it alone, and has its tenant charged instead of the
    /// estimate for the processor time that it used, or where that is not known for the time that it took.
    pub async fn finish(
        &self,
        tx: &mut Tx,
        fence: &Fence,
        now_ms: i64,
        outcome: impl Into<Outcome>,
    ) -> Result<(), QueueError> {
        let Outcome { result, key } = outcome.into();
        let result = Some(result).filter(|value| !value.is_null());
        let share = self.hold_share(tx, &fence.tenant_id).await?;
        let finished_in = telemetry::current_traceparent();
        let used = self.attempts().used(fence);
        let (cpu_ms, peak_bytes) = figures(used);
        let (tenant, job) = (&fence.tenant_id, &fence.job_id);
        let args = args![tenant, job, fence.attempt, result, now_ms, finished_in, cpu_ms, peak_bytes, key];
        let done: Option<(i64, Option<i64>)> = tx.optional(sql::FINISH, args).await?;
        let (weight, started_ms) = done.ok_or(QueueError::LeaseLost)?;
        share.end(tx, weight, charged_ms(used, started_ms, now_ms), now_ms).await?;
        self.attempts().finished(fence);
        let dependants: Vec<(String,)> = tx.all(sql::DEPENDANTS, args![&fence.tenant_id, &fence.job_id]).await?;
        for (job,) in dependants {
            tx.execute(sql::RELEASE, args![&fence.tenant_id, job, now_ms]).await?;
        }
        tx.wake();
        Ok(())
    }

    /// Records a failed attempt: tried again after 1 s, 2 s, 4 s, up to 60 s, or parked when `failure` says that it is
    /// no use or the attempts are used up. See [`Retry`] for those that do not count. What waits on a parked job goes on waiting.
    /// The attempt is charged as a finished one is.
    pub async fn fail(
        &self,
        tx: &mut Tx,
        fence: &Fence,
        now_ms: i64,
        failure: &Failure,
    ) -> Result<FailOutcome, QueueError> {
        let share = self.hold_share(tx, &fence.tenant_id).await?;
        let Held { tried, max_attempts, weight, started_ms } = self.hold(tx, fence).await?;
        let used = self.attempts().used(fence);
        let (cpu_ms, peak_bytes) = figures(used);
        share.end(tx, weight, charged_ms(used, started_ms, now_ms), now_ms).await?;
        let detail = truncate(&failure.detail, MAX_DETAIL_BYTES);
        let wait_ms = match failure.retry {
            Retry::Counted if tried < max_attempts => Some(back_off_ms(tried)),
            Retry::Uncounted => Some(UNCOUNTED_BACK_OFF_MS),
            Retry::Counted | Retry::No => None,
        };
        let time_ms = now_ms.saturating_add(wait_ms.unwrap_or(0));
        let mut args =
            args![&fence.tenant_id, &fence.job_id, fence.attempt, time_ms, &failure.code, detail, cpu_ms, peak_bytes];
        let outcome = if wait_ms.is_some() {
            args.push(i64::from(failure.retry == Retry::Uncounted).into());
            tx.execute(sql::RETRY, args).await?;
            FailOutcome::Retrying { run_at_ms: time_ms }
        } else {
            tx.execute(sql::PARK, args).await?;
            FailOutcome::Parked
        };
        tx.wake();
        Ok(outcome)
    }

    /// Shows that the worker lives and the work moves. `progress` is 0 to 1.
    pub async fn renew(&self, fence: &Fence, progress: f64) -> Result<Renewal, QueueError> {
        let progress = if progress.is_nan() { 0.0 } else { progress.clamp(0.0, 1.0) };
        let args = args![&fence.tenant_id, &fence.job_id, fence.attempt, progress];
        let mut tx = self.database().begin().await?;
        let rows = tx.execute(sql::RENEW, args).await?;
        tx.commit().await?;
        Ok(if rows == 0 { Renewal::Lost } else { Renewal::Kept })
    }

    /// Makes the job ready for another worker at once; the attempt does not count against its maximum, nor for its tenant.
    /// `false` when the lease was lost or the job has ended: then there is nothing to hand back.
    pub async fn hand_back(&self, fence: &Fence) -> Result<bool, QueueError> {
        let mut tx = self.database().begin().await?;
        let share = self.hold_share(&mut tx, &fence.tenant_id).await?;
        let args = args![&fence.tenant_id, &fence.job_id, fence.attempt];
        let back: Option<(i64,)> = tx.optional(sql::HAND_BACK, args).await?;
        let Some((weight,)) = back else { return Ok(false) };
        share.settle(&mut tx, weight, 0).await?;
        tx.wake();
        tx.commit().await?;
        Ok(true)
    }

    async fn hold(&self, tx: &mut Tx, fence: &Fence) -> Result<Held, QueueError> {
        let args = args![&fence.tenant_id, &fence.job_id, fence.attempt];
        let held: Option<(i64, i64, i64, Option<i64>)> = tx.optional(sql::CHECK, args).await?;
        let (tried, max_attempts, weight, started_ms) = held.ok_or(QueueError::LeaseLost)?;
        Ok(Held { tried, max_attempts, weight, started_ms })
    }
}

/// A job whose row is held.
struct Held {
    /// Attempts that count.
    tried: i64,
    max_attempts: i64,
    weight: i64,
    started_ms: Option<i64>,
}

/// What an attempt costs its tenant: its processor time, or else how long it has had its place. Both times are of the worker that
/// holds it.
fn charged_ms(used: Option<Used>, started_ms: Option<i64>, now_ms: i64) -> i64 {
    let took_ms = started_ms.map_or(0, |started_ms| now_ms.saturating_sub(started_ms));
    used.map_or(took_ms, |used| used.cpu_ms)
}

fn figures(used: Option<Used>) -> (Option<i64>, Option<i64>) {
    (used.map(|used| used.cpu_ms), used.and_then(|used| used.peak_bytes))
}

fn check(stages: &[&str]) -> Result<(), QueueError> {
    match stages.len() {
        0 => Err(QueueError::Invalid("a worker serves at least one stage")),
        1..=MAX_STAGES => Ok(()),
        _ => Err(QueueError::Invalid("a worker serves at most 16 stages")),
    }
}

/// How long to wait after the `tried`th attempt, counted from 1.
fn back_off_ms(tried: i64) -> i64 {
    let doublings = tried.saturating_sub(1).clamp(0, 16);
    (BACK_OFF_FIRST_MS << doublings).min(BACK_OFF_MAX_MS)
}

fn truncate(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_wait_doubles_from_one_second_to_a_minute() {
        let waits: Vec<i64> = (0..9).chain([i64::MAX]).map(back_off_ms).collect();
        assert_eq!(waits, [1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    }

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        assert_eq!(truncate("aü", 2), "a");
        assert_eq!(truncate("aü", 3), "aü");
    }

    #[test]
    fn no_stage_and_too_many_stages_are_refused() {
        assert!(check(&[]).is_err());
        assert!(check(&["s"; MAX_STAGES + 1]).is_err());
        assert!(check(&["s"; MAX_STAGES]).is_ok());
    }
}

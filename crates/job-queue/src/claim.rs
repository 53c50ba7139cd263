//! Holding a job: claim, renew, finish, fail, hand back.

use database::{Database, EngineKind, Tx, Val, args};
use serde_json::Value;

use crate::model::RawClaim;
use crate::queue::now_ms;
use crate::{ClaimedJob, FailOutcome, Failure, Fence, JobQueue, QueueError, Renewal, Retry, sql};

/// The most stages one worker serves.
pub const MAX_STAGES: usize = 16;

const BACK_OFF_FIRST_MS: i64 = 1_000;
const BACK_OFF_MAX_MS: i64 = 60_000;
const UNCOUNTED_BACK_OFF_MS: i64 = 30_000;
const MAX_DETAIL_BYTES: usize = 4_096;

impl JobQueue {
    /// Claims the next job of these stages whose priority is at least `min_priority`: highest priority, then earliest run
    /// time, then smallest id. `None` when nothing is due. At most [`MAX_STAGES`] stages.
    pub async fn claim(
        &self,
        stages: &[&str],
        min_priority: i64,
        worker: &str,
    ) -> Result<Option<ClaimedJob>, QueueError> {
        let now_ms = now_ms();
        let places = places(stages)?;
        if !may_have_work(self.database(), now_ms, min_priority, &places).await? {
            return Ok(None);
        }
        let mut args = args![worker, now_ms, min_priority];
        args.extend(places);
        let mut tx = self.database().begin().await?;
        let claimed: Option<RawClaim> = tx.optional(sql::CLAIM, args).await?;
        tx.commit().await?;
        claimed.map(ClaimedJob::try_from).transpose()
    }

    /// Fails with [`QueueError::LeaseLost`] unless `fence` still holds the job. Until `tx` ends nobody can take it over.
    pub async fn check(&self, tx: &mut Tx, fence: &Fence) -> Result<(), QueueError> {
        self.hold(tx, fence).await.map(drop)
    }

    /// Marks the job done with `result` (an object, an array or null) and makes ready what waited on it alone.
    pub async fn finish(&self, tx: &mut Tx, fence: &Fence, now_ms: i64, result: Value) -> Result<(), QueueError> {
        let result = Some(result).filter(|value| !value.is_null());
        let done =
            tx.execute(sql::FINISH, args![&fence.tenant_id, &fence.job_id, fence.attempt, result, now_ms]).await?;
        if done == 0 {
            return Err(QueueError::LeaseLost);
        }
        let dependants: Vec<(String,)> = tx.all(sql::DEPENDANTS, args![&fence.tenant_id, &fence.job_id]).await?;
        for (job,) in dependants {
            tx.execute(sql::RELEASE, args![&fence.tenant_id, job]).await?;
        }
        tx.wake();
        Ok(())
    }

    /// Records a failed attempt: tried again after 1 s, 2 s, 4 s, up to 60 s, or parked when `failure` says that it is
    /// no use or the attempts are used up. See [`Retry`] for those that do not count. What waits on a parked job goes on waiting.
    pub async fn fail(
        &self,
        tx: &mut Tx,
        fence: &Fence,
        now_ms: i64,
        failure: &Failure,
    ) -> Result<FailOutcome, QueueError> {
        let (tried, max_attempts) = self.hold(tx, fence).await?;
        let detail = truncate(&failure.detail, MAX_DETAIL_BYTES);
        let wait_ms = match failure.retry {
            Retry::Counted if tried < max_attempts => Some(back_off_ms(tried)),
            Retry::Uncounted => Some(UNCOUNTED_BACK_OFF_MS),
            Retry::Counted | Retry::No => None,
        };
        let time_ms = now_ms.saturating_add(wait_ms.unwrap_or(0));
        let mut args = args![&fence.tenant_id, &fence.job_id, fence.attempt, time_ms, &failure.code, detail];
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
        let rows = self.write(sql::RENEW, args, false).await?;
        Ok(if rows == 0 { Renewal::Lost } else { Renewal::Kept })
    }

    /// Makes the job ready for another worker at once; the attempt does not count against its maximum. `false` when the
    /// lease was lost or the job has ended: then there is nothing to hand back.
    pub async fn hand_back(&self, fence: &Fence) -> Result<bool, QueueError> {
        let args = args![&fence.tenant_id, &fence.job_id, fence.attempt];
        Ok(self.write(sql::HAND_BACK, args, true).await? > 0)
    }

    /// Attempts that count, and their maximum.
    async fn hold(&self, tx: &mut Tx, fence: &Fence) -> Result<(i64, i64), QueueError> {
        let args = args![&fence.tenant_id, &fence.job_id, fence.attempt];
        tx.optional(sql::CHECK, args).await?.ok_or(QueueError::LeaseLost)
    }

    async fn write(&self, sql: &'static str, args: Vec<Val>, wake: bool) -> Result<u64, QueueError> {
        let mut tx = self.database().begin().await?;
        let rows = tx.execute(sql, args).await?;
        if wake {
            tx.wake();
        }
        tx.commit().await?;
        Ok(rows)
    }
}

/// An idle poll must not take SQLite's only writer.
async fn may_have_work(db: &Database, now_ms: i64, min_priority: i64, places: &[Val]) -> Result<bool, QueueError> {
    if db.kind() == EngineKind::Postgres {
        return Ok(true);
    }
    let mut args = args![now_ms, min_priority];
    args.extend_from_slice(places);
    Ok(db.optional::<(String,)>(sql::PEEK, args).await?.is_some())
}

/// The statement has a fixed number of places; the last stage fills those that are left.
fn places(stages: &[&str]) -> Result<Vec<Val>, QueueError> {
    let last = stages.last().ok_or(QueueError::Invalid("a worker serves at least one stage"))?;
    if stages.len() > MAX_STAGES {
        return Err(QueueError::Invalid("a worker serves at most 16 stages"));
    }
    Ok((0..MAX_STAGES).map(|index| Val::from(*stages.get(index).unwrap_or(last))).collect())
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
        assert!(places(&[]).is_err());
        assert!(places(&["s"; MAX_STAGES + 1]).is_err());
        let filled = places(&["a", "b"]).unwrap();
        assert_eq!((filled.len(), &filled[15]), (MAX_STAGES, &Val::from("b")));
    }
}

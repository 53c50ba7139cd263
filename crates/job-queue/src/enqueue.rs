//! Putting jobs in, with what they wait on.

use std::collections::HashMap;

use database::{Tx, args};
use media_types::JobId;

use crate::model::parse;
use crate::{JobQueue, JobState, NewJob, QueueError, sql};

/// The most jobs one call takes.
pub const MAX_BATCH: usize = 5_000;

/// 30 days.
const MAX_DELAY_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

impl JobQueue {
    /// Enqueues jobs in the caller's transaction: they exist when it commits.
    ///
    /// A job is ready once everything in `waits_on` is done; what is done already does not count. An id that exists
    /// already, or a dedupe key that an unfinished job has, is skipped.
    pub async fn enqueue(&self, tx: &mut Tx, now_ms: i64, jobs: &[NewJob]) -> Result<(), QueueError> {
        check(jobs)?;
        self.add_shares(tx, jobs.iter().map(|job| &job.tenant_id)).await?;
        let sending = jobs.first().map(|job| telemetry::send_span(job.asset_id.as_str(), jobs.len()));
        let sent_in = sending.as_ref().and_then(telemetry::traceparent_of);
        let sent_in = sent_in.as_deref();
        // What an id of this batch stands for when its job was dropped in favour of a stored one.
        let mut stands_for: HashMap<&JobId, JobId> = HashMap::new();
        let mut fresh = Vec::new();
        for job in jobs {
            if insert(tx, now_ms, job, sent_in).await? {
                fresh.push(job);
            } else if let Some(other) = stored(tx, job).await? {
                stands_for.insert(&job.id, other);
            } else if insert(tx, now_ms, job, sent_in).await? {
                // What stood in the way of the first insert ended between it and the look.
                fresh.push(job);
            } else {
                // Another one took its place at once.
                return Err(QueueError::Duplicate);
            }
        }
        for job in fresh.into_iter().filter(|job| !job.waits_on.is_empty()) {
            let mut needs: Vec<&JobId> = job.waits_on.iter().map(|id| stands_for.get(id).unwrap_or(id)).collect();
            needs.sort_unstable();
            needs.dedup();
            if needs.contains(&&job.id) {
                return Err(QueueError::Invalid("a job cannot wait on one whose dedupe key it has"));
            }
            wait_on(tx, job, &needs).await?;
        }
        tx.wake();
        Ok(())
    }
}

fn check(jobs: &[NewJob]) -> Result<(), QueueError> {
    if jobs.len() > MAX_BATCH {
        return Err(QueueError::Invalid("a batch has at most 5000 jobs"));
    }
    for job in jobs {
        if !job.payload.is_object() {
            return Err(QueueError::Invalid("the payload of a job is an object"));
        }
        if job.max_attempts < 1 || job.weight < 0 {
            return Err(QueueError::Invalid("a job has at least one attempt and no negative weight"));
        }
        if !(0..=MAX_DELAY_MS).contains(&job.delay_ms) {
            return Err(QueueError::Invalid("a job is delayed by 0 to 30 days"));
        }
        if !job.needs.are_fit() {
            return Err(QueueError::Invalid("a job needs at most 16 words of lower-case letters and digits"));
        }
        if job.waits_on.contains(&job.id) {
            return Err(QueueError::Invalid("a job cannot wait on itself"));
        }
    }
    Ok(())
}

async fn insert(tx: &mut Tx, now_ms: i64, job: &NewJob, sent_in: Option<&str>) -> Result<bool, QueueError> {
    let state = if job.waits_on.is_empty() { JobState::Ready } else { JobState::Waiting };
    let args = args![
        &job.id,
        &job.tenant_id,
        &job.asset_id,
        &job.stage,
        job.payload.clone(),
        state.as_str(),
        job.priority,
        job.weight,
        now_ms.saturating_add(job.delay_ms),
        job.max_attempts,
        job.dedupe_key.clone(),
        now_ms,
        i64::from(job.making),
        sent_in,
        job.needs.to_string(),
    ];
    Ok(tx.execute(sql::INSERT, args).await? == 1)
}

/// The stored job that stands in the way of `job`: itself when the call is a replay, otherwise the one with its key.
async fn stored(tx: &mut Tx, job: &NewJob) -> Result<Option<JobId>, QueueError> {
    let mut found: Option<(String,)> = tx.optional(sql::BY_ID, args![&job.tenant_id, &job.id]).await?;
    if found.is_none() {
        found = tx.optional(sql::BY_DEDUPE_KEY, args![&job.tenant_id, job.dedupe_key.clone()]).await?;
    }
    found.map(|(id,)| parse(&id, &id)).transpose()
}

async fn wait_on(tx: &mut Tx, job: &NewJob, needs: &[&JobId]) -> Result<(), QueueError> {
    let mut open = 0;
    for &need in needs {
        let held: Option<(String,)> = tx.optional(sql::HOLD_NEED, args![&job.tenant_id, need]).await?;
        let (state,) = held.ok_or_else(|| QueueError::UnknownDependency(need.clone()))?;
        if state != JobState::Done.as_str() {
            tx.execute(sql::INSERT_NEED, args![&job.tenant_id, &job.id, need]).await?;
            open += 1;
        }
    }
    let state = if open == 0 { JobState::Ready } else { JobState::Waiting };
    tx.execute(sql::SET_WAITING, args![&job.tenant_id, &job.id, open, state.as_str()]).await?;
    Ok(())
}

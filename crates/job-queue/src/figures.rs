//! What waits in the queue, for those who watch it; and what a job has waited for.

use std::collections::BTreeMap;

use database::args;

use crate::model::parse;
use crate::{Fence, JobQueue, JobState, QueueError, policy, sql};

/// The most spans that one is linked to, as OpenTelemetry limits them.
const MAX_LINKS: i64 = 128;

/// Unfinished and parked jobs of one class and state, of all tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// A name of [`policy::class_name`].
    pub class: &'static str,
    /// Waiting, ready, running or parked.
    pub state: JobState,
    /// How many.
    pub count: i64,
    /// How long the one that has been ready for longest could have run already, in milliseconds; 0 where none is ready, or
    /// none is due yet.
    pub oldest_ms: i64,
}

impl JobQueue {
    /// How much there is of each class and state, and how long it has been ready. All combinations, also those without jobs.
    pub async fn backlog(&self) -> Result<Vec<Backlog>, QueueError> {
        let rows: Vec<(i64, String, i64, Option<i64>)> = self.database().all(sql::BACKLOG, args![]).await?;
        let states = [JobState::Waiting, JobState::Ready, JobState::Running, JobState::Parked];
        let mut backlog = BTreeMap::new();
        for class in policy::CLASS_NAMES {
            for state in states {
                backlog.insert((class, state.as_str()), Backlog { class, state, count: 0, oldest_ms: 0 });
            }
        }
        let now_ms = self.now_ms();
        for (priority, state, count, ready_ms) in rows {
            let state: JobState = parse("backlog", &state)?;
            let class = policy::class_name(priority);
            let Some(of_class) = backlog.get_mut(&(class, state.as_str())) else { continue };
            of_class.count += count;
            let age_ms = ready_ms.map_or(0, |ready_ms| now_ms.saturating_sub(ready_ms));
            of_class.oldest_ms = of_class.oldest_ms.max(age_ms);
        }
        Ok(backlog.into_values().collect())
    }

    /// The spans that finished the jobs which this one has waited for, at most 128, the last ones first: what a trace links it
    /// to. Empty where nobody traced them.
    pub async fn awaited(&self, fence: &Fence) -> Result<Vec<String>, QueueError> {
        let args = args![&fence.tenant_id, &fence.job_id, MAX_LINKS];
        let rows: Vec<(String,)> = self.database().all(sql::AWAITED, args).await?;
        Ok(rows.into_iter().map(|(span,)| span).collect())
    }
}

//! Clocks that were wrong.

use database::args;

use crate::claim::BACK_OFF_MAX_MS;
use crate::{JobQueue, QueueError, sql};

impl JobQueue {
    /// Makes due what a wrong clock alone has put off, and returns how many jobs: those whose time lies further ahead than
    /// any failed attempt waits, though they were enqueued without a delay. Now and then, by any worker: a clock that was
    /// stepped, of whichever machine, holds no job up for longer than that.
    pub async fn hasten(&self) -> Result<u64, QueueError> {
        let now_ms = self.now_ms();
        let mut tx = self.database().begin().await?;
        let due = tx.execute(sql::HASTEN, args![now_ms, now_ms.saturating_add(BACK_OFF_MAX_MS)]).await?;
        if due > 0 {
            tracing::warn!(jobs = due, "a clock is or was wrong: jobs of times to come are due now");
            tx.wake();
        }
        tx.commit().await?;
        Ok(due)
    }
}

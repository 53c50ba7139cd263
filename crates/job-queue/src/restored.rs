//! The queue in a database that was restored from a backup.

use database::{Tx, args};

use crate::{QueueError, sql};

/// Makes the jobs of a restored database fit to go on, and returns how many had been at work: those are ready again, which counts as
/// no attempt. Every later attempt of a job that is not done is numbered above `now_ms`, so that what a worker of the time behind
/// the backup still holds or has made is never taken for one of now. For the transaction that restores; one of two restorations
/// of a backup is later than the other.
pub async fn restored(tx: &mut Tx, now_ms: i64) -> Result<u64, QueueError> {
    let requeued = tx.execute(sql::REQUEUE_RUNNING, args![now_ms]).await?;
    tx.execute(sql::RAISE_ATTEMPTS, args![now_ms]).await?;
    tx.execute(sql::SIGN_OFF_ALL, args![]).await?;
    Ok(requeued)
}

//! Remove an asset: what is public first, so that nothing refers to what is gone.

use std::time::Duration;

use asset_store::AssetRow;
use job_queue::{ClaimedJob, JobState, Lease};
use media_types::{PlaybackId, publication};

use super::Workshop;
use crate::error::WorkError;
use crate::sealed::sealing_key;

/// By then a worker whose job was cancelled has stopped: it notices at its next heartbeat.
const CANCELLATION_NOTICED: Duration = Duration::from_secs(5);

impl Workshop {
    pub(super) async fn delete(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let AssetRow { playback_id: playback, flow, .. } = self.asset(job).await?;
        self.remove(job, &playback, lease).await?;
        if self.was_at_work(job, 0).await? || self.was_at_work(job, flow.last_making).await? {
            tokio::time::sleep(CANCELLATION_NOTICED).await;
            self.remove(job, &playback, lease).await?;
        }
        Ok(self.store.finish_deletion(&job.fence, &job.asset_id, self.store.now_ms()).await?)
    }

    /// Whether a worker may still be writing for a job of this making that was cancelled a moment ago.
    async fn was_at_work(&self, job: &ClaimedJob, making: u32) -> Result<bool, WorkError> {
        let since = self.store.now_ms() - CANCELLATION_NOTICED.as_millis() as i64;
        let jobs = self.store.queue().jobs_of(&job.tenant_id, &job.asset_id, making).await?;
        Ok(jobs.iter().any(|job| {
            job.state == JobState::Cancelled
                && job.started_ms.is_some()
                && job.finished_ms.is_some_and(|at| at >= since)
        }))
    }

    async fn remove(&self, job: &ClaimedJob, playback: &PlaybackId, lease: &Lease) -> Result<(), WorkError> {
        let asset = &job.asset_id;
        // Without its keys whatever is left of it, here or in a backup, is noise.
        key_vault::erase_keys(self.store.queue().database(), &job.tenant_id, asset, playback).await?;
        self.media.delete(&publication::pointer_key(playback)).await?;
        self.discard_upload(asset).await?;
        self.media.stage_discard(&sealing_key(asset)).await?;
        for prefix in
            [publication::published_prefix(playback), publication::work_prefix(asset), publication::source_key(asset)]
        {
            self.media.delete_prefix(&prefix).await?;
            lease.touch();
        }
        Ok(())
    }
}

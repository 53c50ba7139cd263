//! Remove an asset: what is public first, so that nothing refers to what is gone.

use asset_flow::FlowEvent;
use job_queue::{ClaimedJob, Lease};
use media_types::{AssetId, PlaybackId, publication};
use serde_json::json;

use super::Workshop;
use crate::error::WorkError;

impl Workshop {
    pub(super) async fn delete(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let playback = self.asset(job).await?.playback_id;
        self.media.delete(&publication::pointer_key(&playback)).await?;
        self.remove_objects(&job.asset_id, &playback, lease).await?;
        self.commit(job, json!({}), Some(&FlowEvent::Deleted)).await?;
        // A worker that had not yet noticed the end of its lease may have written something since.
        self.remove_objects(&job.asset_id, &playback, lease).await?;
        self.store.erase(&job.tenant_id, &job.asset_id).await?;
        Ok(())
    }

    async fn remove_objects(&self, asset: &AssetId, playback: &PlaybackId, lease: &Lease) -> Result<(), WorkError> {
        self.discard_upload(asset).await?;
        for prefix in
            [publication::published_prefix(playback), publication::work_prefix(asset), publication::source_key(asset)]
        {
            self.media.delete_prefix(&prefix).await?;
            lease.touch();
        }
        Ok(())
    }
}

//! Look at the source.

use asset_flow::FlowEvent;
use asset_store::AssetRow;
use job_queue::{ClaimedJob, Lease};
use media_types::ProbeReport;
use serde_json::json;

use super::{Workshop, objects};
use crate::error::WorkError;

impl Workshop {
    pub(super) async fn probe(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let asset = self.asset(job).await?;
        let probed = self.report(&asset, job, lease).await;
        if self.or_unfit(&asset, job, probed).await?.is_none() {
            return Ok(());
        }
        self.commit(job, json!({}), Some(FlowEvent::Probed)).await
    }

    async fn report(&self, asset: &AssetRow, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let key = objects::report_key(asset);
        if self.settled_json::<ProbeReport>(&key).await?.is_none() {
            let media = self.media_of(asset).await?;
            let mut session = self.session(job, &media, lease).await?;
            let report = session.probe().await?;
            session.close().await;
            self.settle_json(&key, report).await?;
        }
        Ok(())
    }

    /// What was learned of a source; `None` where it could not be learned of what had arrived, which then is committed as the
    /// job's result. While a source arrives nothing is held against it: all is looked at again when it is whole.
    pub(super) async fn or_unfit<T>(
        &self,
        asset: &AssetRow,
        job: &ClaimedJob,
        learned: Result<T, WorkError>,
    ) -> Result<Option<T>, WorkError> {
        match learned {
            Err(error) if asset.state.is_arriving() && !matches!(error, WorkError::LeaseLost) => {
                tracing::info!(asset_id = %job.asset_id, job_id = %job.fence.job_id, %error, "work begins when the source is whole");
                self.commit(job, json!({}), Some(FlowEvent::BeginningUnfit)).await?;
                Ok(None)
            }
            learned => learned.map(Some),
        }
    }
}

#[cfg(test)]
mod tests;

//! Look at the source.

use asset_flow::FlowEvent;
use job_queue::{ClaimedJob, Lease};
use media_types::ProbeReport;
use serde_json::json;

use super::{Workshop, objects};
use crate::error::WorkError;

impl Workshop {
    pub(super) async fn probe(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let key = objects::report_key(&job.asset_id);
        if self.settled_json::<ProbeReport>(&key).await?.is_none() {
            let media = self.media_of(&self.asset(job).await?).await?;
            let mut session = self.session(job, &media, lease).await?;
            let report = session.probe().await?;
            session.close().await;
            self.settle_json(&key, report).await?;
        }
        self.commit(job, json!({}), Some(&FlowEvent::Probed)).await
    }
}

#[cfg(test)]
mod tests;

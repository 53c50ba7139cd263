//! Decide the renditions of a recording by samples of its pictures.

use std::time::Instant;

use asset_flow::{FlowEvent, PlanSummary};
use asset_store::AssetRow;
use job_queue::{ClaimedJob, Lease};
use media_types::{EncodePlan, ProbeReport};
use serde_json::json;

use super::Workshop;
use super::objects::{decided_key, report_key, report_progress};
use crate::error::WorkError;
use crate::track;

/// Attempts that may fail before the recording gets its ladder's rungs as they are.
const TRIES: i64 = 2;

impl Workshop {
    pub(super) async fn analyse(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let asset = self.asset(job).await?;
        let key = decided_key(&asset);
        let plan = match self.settled_json::<EncodePlan>(&key).await? {
            Some(plan) => plan,
            None => self.settle_json(&key, self.decide(&asset, job, lease).await?).await?,
        };
        let event = FlowEvent::Analysed { summary: PlanSummary::from(&plan) };
        self.commit(job, json!({ "decision": plan.decision }), Some(event)).await
    }

    /// The plan with what was decided, or as it is.
    async fn decide(&self, asset: &AssetRow, job: &ClaimedJob, lease: &Lease) -> Result<EncodePlan, WorkError> {
        let (began, plan) = (Instant::now(), self.stored_plan(asset).await?);
        match self.decided(asset, &plan, job, lease).await {
            Ok(decided) => {
                let duration_ms = began.elapsed().as_millis() as u64;
                let chosen = decided.as_ref().and_then(|plan| plan.decision.as_ref()).map(|decision| &decision.chosen);
                tracing::info!(asset_id = %job.asset_id, duration_ms, ?chosen, "renditions decided");
                Ok(decided.unwrap_or_else(|| EncodePlan::clone(&plan)))
            }
            // Samples are a help: without them there are still the ladder's own rungs.
            Err(error @ (WorkError::Input { .. } | WorkError::Engine(_) | WorkError::Host(_)))
                if job.tried >= TRIES =>
            {
                tracing::warn!(asset_id = %job.asset_id, %error, "no renditions could be decided; the ladder's own are taken");
                Ok(EncodePlan::clone(&plan))
            }
            Err(error) => Err(error),
        }
    }

    /// What an engine decides; `None` when the plan is to stay as it is.
    async fn decided(
        &self,
        asset: &AssetRow,
        plan: &EncodePlan,
        job: &ClaimedJob,
        lease: &Lease,
    ) -> Result<Option<EncodePlan>, WorkError> {
        let report: ProbeReport = self.read_json(&report_key(asset)).await?;
        let media = self.media_of(asset).await?;
        let mut session = self.session(job, &media, lease).await?;
        let decided = track::decide(&mut session, (plan, &report), report_progress(lease)).await?;
        session.close().await;
        Ok(decided)
    }
}

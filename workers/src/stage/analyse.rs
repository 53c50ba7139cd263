//! Decide the renditions of a recording by samples of its pictures.

use std::time::Instant;

use asset_flow::{FlowEvent, PlanSummary};
use asset_store::AssetRow;
use job_queue::{ClaimedJob, Lease, Outcome};
use media_types::{EncodePlan, ProbeReport};
use serde_json::json;

use super::Workshop;
use super::objects::{decided_key, report_key, report_progress};
use crate::error::WorkError;
use crate::track;

/// Attempts that may fail before the recording gets its ladder's rungs as they are.
const TRIES: i64 = 2;

/// A plan, and what it follows from.
type Decided = (EncodePlan, Option<String>);

impl Workshop {
    pub(super) async fn analyse(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let asset = self.asset(job).await?;
        let key = decided_key(&asset);
        let (plan, follows_from) = match self.settled_json::<EncodePlan>(&key).await? {
            Some(plan) => (plan, None),
            None => {
                let (plan, follows_from) = self.decide(&asset, job, lease).await?;
                (self.settle_json(&key, plan).await?, follows_from)
            }
        };
        let event = FlowEvent::Analysed { summary: PlanSummary::from(&plan) };
        let result = json!({ "decision": plan.decision, "plan": key });
        self.commit(job, Outcome { result, key: follows_from }, Some(event)).await
    }

    /// The plan with what was decided, or as it is, and what it follows from.
    async fn decide(&self, asset: &AssetRow, job: &ClaimedJob, lease: &Lease) -> Result<Decided, WorkError> {
        let (began, plan) = (Instant::now(), self.stored_plan(asset).await?);
        match self.decided(asset, &plan, job, lease).await {
            Ok((decided, key)) => {
                let duration_ms = began.elapsed().as_millis() as u64;
                let chosen = decided.as_ref().and_then(|plan| plan.decision.as_ref()).map(|decision| &decision.chosen);
                tracing::info!(asset_id = %job.asset_id, duration_ms, ?chosen, "renditions decided");
                Ok((decided.unwrap_or_else(|| EncodePlan::clone(&plan)), key))
            }
            // Samples are a help: without them there are still the ladder's own rungs.
            Err(error @ (WorkError::Input { .. } | WorkError::Engine(_) | WorkError::Host(_)))
                if job.tried >= TRIES =>
            {
                tracing::warn!(asset_id = %job.asset_id, %error, "no renditions could be decided; the ladder's own are taken");
                Ok((EncodePlan::clone(&plan), None))
            }
            Err(error) => Err(error),
        }
    }

    /// What an engine decides, or has decided of the same; no plan when it is to stay as it is.
    async fn decided(
        &self,
        asset: &AssetRow,
        plan: &EncodePlan,
        job: &ClaimedJob,
        lease: &Lease,
    ) -> Result<(Option<EncodePlan>, Option<String>), WorkError> {
        let report: ProbeReport = self.read_json(&report_key(asset)).await?;
        let media = self.media_of(asset).await?;
        let mut session = self.session(job, &media, lease).await?;
        let key = media.work_key("decision", session.identity(), &EncodePlan { again: None, ..plan.clone() });
        let decided = match self.decided_before((job, lease), key.as_ref()).await? {
            Some(decided) => Some(EncodePlan { again: plan.again.clone(), ..decided }),
            None => track::decide(&mut session, (plan, &report), report_progress(lease)).await?,
        };
        session.close().await;
        Ok((decided, key))
    }
}

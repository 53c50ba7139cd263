//! Make the plan; the ladder is pinned with it.

use asset_flow::{FlowEvent, PlanSummary};
use asset_store::AssetRow;
use job_queue::ClaimedJob;
use media_types::{EncodePlan, ProbeReport};
use serde_json::json;

use super::{Workshop, objects};
use crate::error::WorkError;

impl Workshop {
    pub(super) async fn plan(&self, job: &ClaimedJob) -> Result<(), WorkError> {
        let asset = self.asset(job).await?;
        let planned = match job.making {
            0 => self.make_plan(&asset, None).await,
            _ => self.make_plan(&asset, self.served(job).await?.flow.renewal.and_then(|renewal| renewal.again)).await,
        };
        let Some(plan) = self.or_unfit(&asset, job, planned).await? else { return Ok(()) };
        let mut summary = PlanSummary::from(&plan);
        if job.making > 0 {
            return self.renew(job, &asset, &plan, summary).await;
        }
        if summary.is_planned_early() {
            summary.planned_generation =
                Some(self.store.allocate_generation(&job.fence, &job.asset_id, self.store.now_ms()).await?);
        }
        self.commit(job, json!({ "warnings": plan.warnings }), Some(FlowEvent::Planned { summary })).await
    }

    /// Goes on with a renewal, unless the plan asks for what is served already.
    async fn renew(
        &self,
        job: &ClaimedJob,
        seen: &AssetRow,
        plan: &EncodePlan,
        summary: PlanSummary,
    ) -> Result<(), WorkError> {
        let served = self.served(job).await?;
        // One that an older build has made, and this one cannot read, is not the same.
        let same =
            plan.again.is_none() && self.stored_plan(&served).await.is_ok_and(|served| served.makes_the_same(plan));
        tracing::info!(asset_id = %job.asset_id, making = job.making, same, "renewal planned");
        if same {
            self.media.delete(&objects::plan_key(seen)).await?;
        }
        let event = if same { FlowEvent::Repinned { summary } } else { FlowEvent::Planned { summary } };
        self.commit(job, json!({ "warnings": plan.warnings, "same": same }), Some(event)).await
    }

    /// The asset of a renewal's job as all others see it.
    async fn served(&self, job: &ClaimedJob) -> Result<AssetRow, WorkError> {
        self.store.asset(&job.tenant_id, &job.asset_id).await?.ok_or(WorkError::LeaseLost)
    }

    async fn make_plan(&self, asset: &AssetRow, again: Option<String>) -> Result<EncodePlan, WorkError> {
        let key = objects::plan_key(asset);
        if let Some(plan) = self.settled_json::<EncodePlan>(&key).await? {
            return Ok(plan);
        }
        let report: ProbeReport = self.read_json(&objects::report_key(asset)).await?;
        let name = &asset.ladder;
        let ladder = (self.ladders)(name.clone()).await?.ok_or_else(|| WorkError::Input {
            code: "ladder.unknown".to_owned(),
            detail: format!("there is no ladder named {name}"),
            hint: "choose one of the ladders that `lectern ladder check` lists".to_owned(),
        })?;
        let plan = EncodePlan { again, ..pipeline::plan(&report, &ladder)? };
        self.settle_json(&key, plan).await
    }
}

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
        let planned = self.make_plan(&asset).await;
        let Some(plan) = self.or_unfit(&asset, job, planned).await? else { return Ok(()) };
        let mut summary = PlanSummary::from(&plan);
        if summary.is_planned_early() {
            summary.planned_generation =
                Some(self.store.allocate_generation(&job.fence, &job.asset_id, super::now_ms()).await?);
        }
        self.commit(job, json!({ "warnings": plan.warnings }), Some(&FlowEvent::Planned { summary })).await
    }

    async fn make_plan(&self, asset: &AssetRow) -> Result<EncodePlan, WorkError> {
        let key = objects::plan_key(asset);
        if let Some(plan) = self.settled_json::<EncodePlan>(&key).await? {
            return Ok(plan);
        }
        let report: ProbeReport = self.read_json(&objects::report_key(asset)).await?;
        let name = &asset.ladder;
        let ladder = (self.ladders)(name).ok_or_else(|| WorkError::Input {
            code: "ladder.unknown".to_owned(),
            detail: format!("there is no ladder named {name}"),
            hint: "choose one of the ladders that `lectern ladder check` lists".to_owned(),
        })?;
        self.settle_json(&key, pipeline::plan(&report, &ladder)?).await
    }
}

//! What the engine found out about a recording: read from the results of the jobs that found it, stored nowhere else.

use asset_flow::Stage;
use media_types::{Completion, LadderDecision};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{AssetRow, AssetStore, StoreError};

/// The result of the job that decides.
#[derive(Deserialize)]
struct Analysed {
    decision: Option<LadderDecision>,
}

impl AssetStore {
    /// What publishing everything of the asset came to; `None` until that is done.
    pub async fn completion(&self, asset: &AssetRow) -> Result<Option<Completion>, StoreError> {
        match asset.flow.complete_generation {
            Some(_) => self.found(asset, &Stage::PublishComplete).await,
            None => Ok(None),
        }
    }

    /// Why the asset has the renditions that it has; `None` when those are its ladder's own, or not decided yet.
    pub async fn decision(&self, asset: &AssetRow) -> Result<Option<LadderDecision>, StoreError> {
        match &asset.flow.plan {
            Some(plan) if plan.per_title => {
                Ok(self.found::<Analysed>(asset, &Stage::Analyse).await?.and_then(|found| found.decision))
            }
            _ => Ok(None),
        }
    }

    /// The result of the stage in the making that is served. One that another build wrote, and this one cannot read, is none.
    async fn found<T: DeserializeOwned>(&self, asset: &AssetRow, stage: &Stage) -> Result<Option<T>, StoreError> {
        let job = self.queue.done_of(&asset.tenant_id, &asset.id, asset.flow.making, stage.name()).await?;
        Ok(job.and_then(|job| serde_json::from_value(job.result?).ok()))
    }
}

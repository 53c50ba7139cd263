//! Going on where a job gave up, and cancelling by a job.

use asset_flow::{CANCELLED, FlowEvent, Phase};
use database::Tx;
use job_queue::{JobRow, JobState};
use media_types::{AssetId, JobId, TenantId};

use crate::apply::lock;
use crate::{AssetRow, AssetStore, NoRetry, StoreError};

impl AssetStore {
    /// Has an asset that failed go on where a job gave up, with what is done: see [`FlowEvent::RetryRequested`]. One that is
    /// being processed is left alone.
    ///
    /// # Errors
    /// [`StoreError::NoRetry`] where there is nothing to go on with.
    pub async fn retry(&self, tenant: &TenantId, asset: &AssetId, now_ms: i64) -> Result<AssetRow, StoreError> {
        let mut tx = self.db().begin().await?;
        let asset = lock(&mut tx, tenant, asset).await?;
        let asset = self.go_on(&mut tx, asset, now_ms).await?;
        tx.commit().await?;
        Ok(asset)
    }

    /// Has a parked job go on, and with it its asset if that failed because of it.
    ///
    /// # Errors
    /// [`StoreError::NoRetry`] for a job that is not parked, and for one of a renewal that was given up: that one begins anew
    /// when it is asked for again.
    pub async fn retry_job(&self, tenant: &TenantId, job: &JobId, now_ms: i64) -> Result<JobRow, StoreError> {
        let found = self.queue.job(tenant, job).await?.ok_or(StoreError::NotFound("job"))?;
        let mut tx = self.db().begin().await?;
        let asset = lock(&mut tx, tenant, &found.asset_id).await?;
        // Once the asset is held, nobody else has its jobs go on.
        let found = self.queue.job(tenant, job).await?.filter(|job| job.state == JobState::Parked);
        let found = found.ok_or(StoreError::NoRetry(NoRetry::NotParked))?;
        if found.making != asset.flow.making {
            return Err(StoreError::NoRetry(NoRetry::OfRenewal));
        }
        match asset.state {
            Phase::Errored => drop(self.go_on(&mut tx, asset, now_ms).await?),
            Phase::Deleting => drop(self.step(&mut tx, asset, &FlowEvent::DeleteRequested, now_ms).await?),
            _ => drop(self.queue.revive(&mut tx, tenant, job, now_ms).await?),
        }
        tx.commit().await?;
        self.queue.job(tenant, job).await?.ok_or(StoreError::NotFound("job"))
    }

    /// Cancels the processing that a job belongs to: no job of an asset can be left out, so that it is that of all of them.
    ///
    /// # Errors
    /// [`StoreError::JobEnded`] for a job that has.
    pub async fn cancel_job(&self, tenant: &TenantId, job: &JobId, now_ms: i64) -> Result<JobRow, StoreError> {
        let found = self.queue.job(tenant, job).await?.ok_or(StoreError::NotFound("job"))?;
        if matches!(found.state, JobState::Done | JobState::Parked | JobState::Cancelled) {
            return Err(StoreError::JobEnded(found.state));
        }
        self.request(tenant, &found.asset_id, FlowEvent::Cancelled, now_ms).await?;
        self.queue.job(tenant, job).await?.ok_or(StoreError::NotFound("job"))
    }

    async fn go_on(&self, tx: &mut Tx, asset: AssetRow, now_ms: i64) -> Result<AssetRow, StoreError> {
        let cancelled = asset.flow.failure.as_ref().is_some_and(|failure| failure.code == CANCELLED);
        match asset.state {
            Phase::Errored if cancelled => return Err(StoreError::NoRetry(NoRetry::Cancelled)),
            Phase::Errored if asset.source_sha256.is_none() => return Err(StoreError::NoRetry(NoRetry::NoSource)),
            Phase::Errored | Phase::Processing => {}
            phase => return Err(StoreError::NoRetry(NoRetry::Phase(phase))),
        }
        self.step(tx, asset, &FlowEvent::RetryRequested, now_ms).await
    }
}

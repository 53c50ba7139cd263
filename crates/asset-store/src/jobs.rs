//! What jobs and people do to an asset.

use asset_flow::{FlowEvent, FlowFailure, Phase};
use database::args;
use job_queue::{ClaimedJob, FailOutcome, Failure, Fence, JobFilter, JobRow, JobState, Outcome, Retry};
use media_types::{AssetId, TenantId};
use serde_json::json;

use crate::apply::lock;
use crate::rows::RawAsset;
use crate::snapshot::{text_without_nul, without_nul};
use crate::{AssetRow, AssetStore, MAX_PAGE, StoreError, sql};

/// The most characters kept of a failure's texts.
const MAX_TEXT_CHARS: usize = 2_000;

impl AssetStore {
    /// Commits what a job came to, an object, and the event that comes with it ([`FlowEvent::of_making`] the job's): all or
    /// nothing, and only while the lease behind `fence` is held.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when it is not; then nothing was changed.
    pub async fn commit(
        &self,
        fence: &Fence,
        asset: &AssetId,
        outcome: impl Into<Outcome>,
        event: Option<&FlowEvent>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let outcome = outcome.into();
        let outcome = Outcome { result: without_nul(outcome.result), ..outcome };
        let mut tx = self.db().begin().await?;
        let asset = lock(&mut tx, &fence.tenant_id, asset).await?;
        // Finished before the event is taken in: an event that cancels jobs must not cancel the one that brings it.
        self.queue.finish(&mut tx, fence, now_ms, outcome).await?;
        if let Some(event) = event {
            self.step(&mut tx, asset, event, now_ms).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Records that a job failed. When it will not be tried again, the asset fails with it, or the renewal that it belongs to:
    /// what was published stays, everything outstanding is cancelled.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when the job is no longer the caller's; then nothing was changed.
    pub async fn fail(
        &self,
        job: &ClaimedJob,
        failure: &FlowFailure,
        retry: Retry,
        now_ms: i64,
    ) -> Result<FailOutcome, StoreError> {
        let failure = tidy(failure);
        let mut tx = self.db().begin().await?;
        let asset = lock(&mut tx, &job.tenant_id, &job.asset_id).await?;
        let of_job = Failure { code: failure.code.clone(), detail: failure.detail.clone(), retry };
        let outcome = self.queue.fail(&mut tx, &job.fence, now_ms, &of_job).await?;
        if matches!(outcome, FailOutcome::Parked) {
            let event = FlowEvent::Failed { failure }.of_making(job.making);
            self.step(&mut tx, asset, &event, now_ms).await?;
        }
        tx.commit().await?;
        Ok(outcome)
    }

    /// Fails the asset, or its renewal, of a job that the reaper parked because its workers died with it. Does nothing when the job is
    /// not parked (any more) or the asset has ended; may be repeated.
    pub async fn park_lost(&self, fence: &Fence, asset: &AssetId, now_ms: i64) -> Result<AssetRow, StoreError> {
        let tenant = &fence.tenant_id;
        let job = self.queue.job(tenant, &fence.job_id).await?;
        let mut tx = self.db().begin().await?;
        let asset = lock(&mut tx, tenant, asset).await?;
        let Some(job) = job.filter(|job| job.state == JobState::Parked && job.asset_id == asset.id) else {
            return Ok(asset);
        };
        let making = job.making;
        let failure = tidy(&FlowFailure {
            stage: job.stage,
            code: job.error_code.unwrap_or_else(|| "job.lost_workers".to_owned()),
            detail: job.error_detail.unwrap_or_else(|| "every worker that took the job died with it".to_owned()),
            hint: None,
        });
        let event = FlowEvent::Failed { failure }.of_making(making);
        let asset = self.step(&mut tx, asset, &event, now_ms).await?;
        tx.commit().await?;
        Ok(asset)
    }

    /// Fails the assets, of all tenants, whose job was parked by a process that was killed before it could tell them, and
    /// returns how many. For the start of a process and now and then: it looks at every asset that is being processed,
    /// renewed or deleted, a page at a time.
    pub async fn settle_parked(&self, now_ms: i64) -> Result<u64, StoreError> {
        let mut settled = self.settle_renewals(now_ms).await?;
        let mut after = (String::new(), String::new());
        loop {
            let args = args![&after.0, &after.1, MAX_PAGE];
            let page: Vec<RawAsset> = self.db().all(sql::ACTIVE_ASSETS, args).await?;
            let last_page = page.len() < MAX_PAGE as usize;
            for raw in page {
                let asset: AssetRow = raw.try_into()?;
                after = (asset.tenant_id.clone().into(), asset.id.clone().into());
                if let Some(job) = self.parked_job(&asset).await? {
                    let fence = Fence { tenant_id: asset.tenant_id.clone(), job_id: job.id, attempt: job.attempt };
                    let told = self.park_lost(&fence, &asset.id, now_ms).await?;
                    settled += u64::from(told.flow != asset.flow);
                }
            }
            if last_page {
                return Ok(settled);
            }
        }
    }

    async fn settle_renewals(&self, now_ms: i64) -> Result<u64, StoreError> {
        let mut settled = 0;
        for asset in self.renewing().await? {
            let Some(renewal) = &asset.flow.renewal else { continue };
            if let Some(job) = self.queue.parked_of(&asset.tenant_id, &asset.id, renewal.making).await? {
                let fence = Fence { tenant_id: asset.tenant_id.clone(), job_id: job.id, attempt: job.attempt };
                let told = self.park_lost(&fence, &asset.id, now_ms).await?;
                settled += u64::from(told.flow != asset.flow);
            }
        }
        Ok(settled)
    }

    /// The parked job that should have ended the asset.
    async fn parked_job(&self, asset: &AssetRow) -> Result<Option<JobRow>, StoreError> {
        // A deletion may be asked for again after it gave up: only its newest job speaks for it.
        let state = (asset.state != Phase::Deleting).then_some(JobState::Parked);
        let filter = JobFilter { state, asset_id: Some(asset.id.clone()), stage: None };
        let newest = self.queue.list(&asset.tenant_id, &filter, None, 1).await?.into_iter().next();
        Ok(newest.filter(|job| job.state == JobState::Parked))
    }

    /// The next generation number of the asset, for the job behind `fence`: strictly above every earlier one, whether or
    /// not those were published.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when the lease is lost; then no number was used up.
    pub async fn allocate_generation(&self, fence: &Fence, asset: &AssetId, now_ms: i64) -> Result<u64, StoreError> {
        let mut tx = self.db().begin().await?;
        let row: Option<(i64,)> = tx.optional(sql::NEXT_GENERATION, args![&fence.tenant_id, asset, now_ms]).await?;
        let (generation,) = row.ok_or(StoreError::NotFound("asset"))?;
        self.queue.check(&mut tx, fence).await?;
        tx.commit().await?;
        u64::try_from(generation).map_err(|_| StoreError::Corrupt("asset"))
    }

    /// Does what a person asked for: [`FlowEvent::Cancelled`] or [`FlowEvent::DeleteRequested`]. May be repeated.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for any other event.
    pub async fn request(
        &self,
        tenant: &TenantId,
        asset: &AssetId,
        event: FlowEvent,
        now_ms: i64,
    ) -> Result<AssetRow, StoreError> {
        if !matches!(event, FlowEvent::Cancelled | FlowEvent::DeleteRequested) {
            return Err(StoreError::Invalid { field: "event", reason: "is not one that a person may ask for" });
        }
        let mut tx = self.db().begin().await?;
        let asset = self.apply(&mut tx, tenant, asset, &event, now_ms).await?;
        tx.commit().await?;
        Ok(asset)
    }

    /// Ends a deletion, in one transaction: commits the job that removed every object, tells of it, and removes the rows
    /// of the asset, its uploads and its jobs, this one among them.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when the job is no longer the caller's; then nothing was changed.
    pub async fn finish_deletion(&self, fence: &Fence, asset: &AssetId, now_ms: i64) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let tenant = &fence.tenant_id;
        let row = lock(&mut tx, tenant, asset).await?;
        self.queue.finish(&mut tx, fence, now_ms, json!({})).await?;
        self.queue.delete_asset(&mut tx, tenant, asset).await?;
        tx.execute(sql::ERASE_UPLOADS, args![tenant, asset]).await?;
        // Late, since it holds the counter of events, which every other writer waits for.
        self.step(&mut tx, row, &FlowEvent::Deleted, now_ms).await?;
        tx.execute(sql::ERASE_ASSET, args![tenant, asset]).await?;
        Ok(tx.commit().await?)
    }

    /// Whether the attempt's result counts. Waits for a commit of it that is still under way.
    pub async fn counts(&self, job: &ClaimedJob) -> Result<bool, StoreError> {
        let mut tx = self.db().begin().await?;
        // A commit holds this lock from its beginning to its end.
        match lock(&mut tx, &job.tenant_id, &job.asset_id).await {
            Err(StoreError::NotFound(_)) => return Ok(false),
            locked => drop((locked?, tx)),
        }
        let row = self.queue.job(&job.tenant_id, &job.fence.job_id).await?;
        Ok(row.is_some_and(|row| row.state == JobState::Done && row.attempt == job.fence.attempt))
    }
}

/// A failure whose texts are of bounded length and can be stored.
fn tidy(failure: &FlowFailure) -> FlowFailure {
    let text = |text: &str| text_without_nul(text.chars().take(MAX_TEXT_CHARS).collect());
    FlowFailure {
        stage: text(&failure.stage),
        code: text(&failure.code),
        detail: text(&failure.detail),
        hint: failure.hint.as_deref().map(text),
    }
}

//! The queue as its callers see it: reading, cancelling, deleting.

use database::{Clock, Database, Tx, args};
use media_types::{AssetId, JobId, TenantId};

use crate::ledger::Attempts;
use crate::model::{RawJob, parse};
use crate::{Fence, JobFilter, JobRow, JobState, QueueError, Reason, sql};

/// The most jobs that [`JobQueue::jobs_of`] returns.
pub const MAX_JOBS_OF_ASSET: i64 = 5_000;
/// The most jobs that [`JobQueue::done_with`] returns.
pub const MAX_ALIKE: i64 = 4;
/// The most jobs that [`JobQueue::list`] returns at once.
pub const MAX_PAGE: i64 = 200;

/// The job table. Cheap to clone.
#[derive(Clone)]
pub struct JobQueue {
    db: Database,
    clock: Clock,
    attempts: Attempts,
}

impl JobQueue {
    /// The queue in a migrated database, whose time it goes by.
    pub fn new(db: Database) -> Self {
        let clock = db.clock();
        Self::on_clock(db, clock)
    }

    /// The same, with claims and ends of attempts at the time that `clock` shows.
    pub fn on_clock(db: Database, clock: Clock) -> Self {
        Self { db, clock, attempts: Attempts::default() }
    }

    /// What this process works on.
    pub(crate) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// What time it is, in milliseconds since 1970: what a caller hands in as `now_ms`.
    pub fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// The database the table lies in: transactions of it are what the calls here take.
    pub fn database(&self) -> &Database {
        &self.db
    }

    /// One job of the tenant.
    pub async fn job(&self, tenant: &TenantId, id: &JobId) -> Result<Option<JobRow>, QueueError> {
        let raw: Option<RawJob> = self.db.optional(sql::JOB, args![tenant, id]).await?;
        raw.map(JobRow::try_from).transpose()
    }

    /// Whether `fence` still holds its job: a look, cheaper than a renewal.
    pub(crate) async fn is_held(&self, fence: &Fence) -> Result<bool, QueueError> {
        let job = self.job(&fence.tenant_id, &fence.job_id).await?;
        Ok(job.is_some_and(|job| job.state == JobState::Running && job.attempt == fence.attempt))
    }

    /// All jobs of one making of an asset, oldest first, at most [`MAX_JOBS_OF_ASSET`]. What tidies or removes the asset
    /// belongs to the first.
    pub async fn jobs_of(&self, tenant: &TenantId, asset: &AssetId, making: u32) -> Result<Vec<JobRow>, QueueError> {
        let args = args![tenant, asset, i64::from(making), MAX_JOBS_OF_ASSET];
        let raw: Vec<RawJob> = self.db.all(sql::JOBS_OF, args).await?;
        raw.into_iter().map(JobRow::try_from).collect()
    }

    /// The first job of a making of an asset that was parked, if there is one.
    pub async fn parked_of(
        &self,
        tenant: &TenantId,
        asset: &AssetId,
        making: u32,
    ) -> Result<Option<JobRow>, QueueError> {
        let raw: Option<RawJob> = self.db.optional(sql::PARKED_OF, args![tenant, asset, i64::from(making)]).await?;
        raw.map(JobRow::try_from).transpose()
    }

    /// The newest finished job of a stage in a making of an asset, if there is one.
    pub async fn done_of(
        &self,
        tenant: &TenantId,
        asset: &AssetId,
        making: u32,
        stage: &str,
    ) -> Result<Option<JobRow>, QueueError> {
        let raw: Option<RawJob> =
            self.db.optional(sql::DONE_OF, args![tenant, asset, i64::from(making), stage]).await?;
        raw.map(JobRow::try_from).transpose()
    }

    /// The tenant's done jobs whose result follows from the same ([`Outcome::key`](crate::Outcome::key)), newest first, at most
    /// [`MAX_ALIKE`]. What their results speak of may be gone since.
    pub async fn done_with(&self, tenant: &TenantId, key: &str) -> Result<Vec<JobRow>, QueueError> {
        let raw: Vec<RawJob> = self.db.all(sql::DONE_WITH, args![tenant, key, MAX_ALIKE]).await?;
        raw.into_iter().map(JobRow::try_from).collect()
    }

    /// The asset's jobs of one stage that are not ended, as `tx` sees them, oldest first, at most
    /// [`MAX_JOBS_OF_ASSET`].
    pub async fn open_jobs(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        asset: &AssetId,
        stage: &str,
    ) -> Result<Vec<JobRow>, QueueError> {
        let raw: Vec<RawJob> = tx.all(sql::OPEN_JOBS, args![tenant, asset, stage, MAX_JOBS_OF_ASSET]).await?;
        raw.into_iter().map(JobRow::try_from).collect()
    }

    /// How many jobs of a stage and priority the tenant has that run or could run, as `tx` sees them.
    pub async fn count_at(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        stage: &str,
        priority: i64,
    ) -> Result<i64, QueueError> {
        let found: Option<(i64,)> = tx.optional(sql::COUNT_AT, args![tenant, stage, priority]).await?;
        Ok(found.map_or(0, |(count,)| count))
    }

    /// Jobs of the tenant, newest first, at most `limit` (capped at [`MAX_PAGE`]). `after` is `(created_ms, id)` of the
    /// last job of the page before.
    pub async fn list(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        after: Option<(i64, String)>,
        limit: i64,
    ) -> Result<Vec<JobRow>, QueueError> {
        let (created_ms, id) = after.unzip();
        let state = filter.state.map(JobState::as_str);
        let limit = limit.clamp(0, MAX_PAGE);
        let mut args = args![tenant, state, filter.stage.clone(), created_ms, id, limit];
        let statement = match &filter.asset_id {
            Some(asset) => {
                args.push(asset.into());
                sql::LIST_OF_ASSET
            }
            None => sql::LIST,
        };
        let raw: Vec<RawJob> = self.db.all(statement, args).await?;
        raw.into_iter().map(JobRow::try_from).collect()
    }

    /// How many unfinished and parked jobs there are over all tenants, by stage and state: for gauges.
    pub async fn depths(&self) -> Result<Vec<(String, JobState, i64)>, QueueError> {
        let rows: Vec<(String, String, i64)> = self.db.all(sql::DEPTHS, args![]).await?;
        rows.into_iter().map(|(stage, state, count)| Ok((stage, parse("depths", &state)?, count))).collect()
    }

    /// Cancels every unfinished job of the asset and returns how many. A running handler, of whichever process, learns of
    /// it within half a second where word of the commit reaches it ([`Database::changed`]), and at its next heartbeat
    /// otherwise; what it would commit is refused from now on.
    pub async fn cancel_asset(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        asset: &AssetId,
        why: Reason,
        now_ms: i64,
    ) -> Result<u64, QueueError> {
        tx.wake();
        let Reason { code, detail } = why;
        Ok(tx.execute(sql::CANCEL_ASSET, args![tenant, asset, now_ms, code, detail]).await?)
    }

    /// The same of one making's jobs alone.
    pub async fn cancel_making(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        asset: &AssetId,
        making: u32,
        why: Reason,
        now_ms: i64,
    ) -> Result<u64, QueueError> {
        tx.wake();
        let (making, Reason { code, detail }) = (i64::from(making), why);
        Ok(tx.execute(sql::CANCEL_MAKING, args![tenant, asset, making, now_ms, code, detail]).await?)
    }

    /// Has the parked jobs of an asset's making go on, with all their attempts, and those that were cancelled for this reason.
    /// Returns how many. What is done stays done, and an attempt that was lost stays lost.
    pub async fn revive_asset(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        asset: &AssetId,
        making: u32,
        cancelled_for: &str,
        now_ms: i64,
    ) -> Result<u64, QueueError> {
        self.add_shares(tx, std::iter::once(tenant)).await?;
        tx.wake();
        let args = args![tenant, asset, i64::from(making), now_ms, cancelled_for];
        Ok(tx.execute(sql::REVIVE_ASSET, args).await?)
    }

    /// Has one parked job go on, with all its attempts. `false` when it is not parked (any more).
    pub async fn revive(&self, tx: &mut Tx, tenant: &TenantId, id: &JobId, now_ms: i64) -> Result<bool, QueueError> {
        self.add_shares(tx, std::iter::once(tenant)).await?;
        tx.wake();
        Ok(tx.execute(sql::REVIVE, args![tenant, id, now_ms]).await? == 1)
    }

    /// Deletes the finished, parked and cancelled jobs of the asset and returns how many: when the asset is erased.
    pub async fn delete_asset(&self, tx: &mut Tx, tenant: &TenantId, asset: &AssetId) -> Result<u64, QueueError> {
        Ok(tx.execute(sql::DELETE_ASSET, args![tenant, asset]).await?)
    }
}

//! Encoding again what is ready, beside what is served: who asks for it, and how many are under way.

use asset_flow::{AssetState, FlowEvent, Phase, RenewalPhase};
use database::args;
use media_types::{AssetId, LadderPin, TenantId};

use crate::apply::lock;
use crate::rows::RawAsset;
use crate::{AssetRow, AssetStore, MAX_PAGE, Progress, StoreError, progress, sql};

/// Renewals that jobs work on at a time, over all tenants and processes. The others wait without a job, so that a library of any
/// size puts no more into the queue than the jobs of so many recordings.
pub const RENEWALS_AT_ONCE: u64 = 4;

impl AssetRow {
    /// The asset as the jobs of its renewal see it: in work, with the renewal's ladder and plan. `None` without a renewal.
    pub fn in_renewal(&self) -> Option<AssetRow> {
        let renewal = self.flow.renewal.as_deref()?;
        let flow = AssetState {
            phase: Phase::Processing,
            making: renewal.making,
            plan: renewal.plan.clone(),
            complete_generation: None,
            renewal: None,
            ..self.flow.clone()
        };
        Some(AssetRow {
            state: flow.phase,
            flow,
            ladder: renewal.ladder.name.clone(),
            ladder_sha256: Some(renewal.ladder.sha256.clone()),
            ..self.clone()
        })
    }

    fn is_waiting(&self) -> bool {
        self.flow.renewal.as_ref().is_some_and(|renewal| renewal.phase == RenewalPhase::Waiting)
    }

    /// Whether a renewal of all that `ladder` has changed for has something to ask of this one. One that was given up with the
    /// same ladder is tried `again` or left alone; one that goes to another ladder by name is somebody's wish for this asset.
    fn is_due(&self, ladder: &LadderPin, again: bool) -> bool {
        match self.flow.renewal.as_deref() {
            Some(open) if open.is_open() => open.ladder.name == ladder.name && open.ladder != *ladder,
            Some(given_up) if !again && given_up.ladder == *ladder => false,
            _ => self.ladder_sha256.as_ref() != Some(&ladder.sha256),
        }
    }
}

impl AssetStore {
    /// Asks for the asset's media to be made once more with `ladder`, while what it has is served. Nothing happens when it has
    /// that, or is getting it; one under way to another ladder stops. It begins when [`AssetStore::start_renewals`] gives it
    /// a place. The rendition of the name `again` is encoded again in any case, and what else is made as it was is copied.
    ///
    /// # Errors
    /// [`StoreError::NotReady`] when it is not ready, [`StoreError::NotFound`] when it has no such rendition.
    pub async fn renew(
        &self,
        tenant: &TenantId,
        asset: &AssetId,
        ladder: &LadderPin,
        again: Option<&str>,
        now_ms: i64,
    ) -> Result<AssetRow, StoreError> {
        let mut tx = self.db().begin().await?;
        let asset = lock(&mut tx, tenant, asset).await?;
        if asset.state != Phase::Ready {
            return Err(StoreError::NotReady(asset.state));
        }
        let mut renditions = asset.flow.plan.iter().flat_map(|plan| &plan.renditions);
        if again.is_some_and(|again| renditions.all(|rendition| rendition.name != again)) {
            return Err(StoreError::NotFound("rendition"));
        }
        let has_it = asset.ladder == ladder.name && asset.ladder_sha256.as_ref() == Some(&ladder.sha256);
        let event = match again {
            None if has_it => FlowEvent::Cancelled,
            again => FlowEvent::RenewRequested { ladder: ladder.clone(), again: again.map(str::to_owned) },
        };
        let asset = self.step(&mut tx, asset, &event, now_ms).await?;
        tx.commit().await?;
        Ok(asset)
    }

    /// The tenant's assets that are ready and were made with a ladder of this name and another hash, or are being renewed;
    /// newest first, at most `limit` (1 to [`MAX_PAGE`]). `after` is the `created_ms` and id of the last one seen.
    pub async fn outdated(
        &self,
        tenant: &TenantId,
        ladder: &LadderPin,
        after: Option<(i64, AssetId)>,
        limit: i64,
    ) -> Result<Vec<AssetRow>, StoreError> {
        let (created_ms, id) = after.map_or((i64::MAX, String::new()), |(created_ms, id)| (created_ms, id.into()));
        let args = args![tenant, &ladder.name, &ladder.sha256, created_ms, id, limit.clamp(1, MAX_PAGE)];
        let rows: Vec<RawAsset> = self.db().all(sql::OUTDATED, args).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Renews those of the assets that have not `ladder` as it is; answers all of them as they are then, but for those that are
    /// gone or not ready any more. What was given up with this very ladder is tried `again` only when told so.
    pub async fn renew_all(
        &self,
        assets: Vec<AssetRow>,
        ladder: &LadderPin,
        again: bool,
        now_ms: i64,
    ) -> Result<Vec<AssetRow>, StoreError> {
        let mut renewed = Vec::with_capacity(assets.len());
        for asset in assets {
            if !asset.is_due(ladder, again) {
                renewed.push(asset);
                continue;
            }
            match self.renew(&asset.tenant_id, &asset.id, ladder, None, now_ms).await {
                Ok(asset) => renewed.push(asset),
                Err(StoreError::NotFound(_) | StoreError::NotReady(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(renewed)
    }

    /// Renews all of the tenant's assets that have not `ladder` as it is, a page at a time; answers how many of them wait or are
    /// under way with it then.
    pub async fn renew_library(
        &self,
        tenant: &TenantId,
        ladder: &LadderPin,
        again: bool,
        now_ms: i64,
    ) -> Result<u64, StoreError> {
        let (mut renewing, mut after) = (0, None);
        loop {
            let page = self.outdated(tenant, ladder, after, MAX_PAGE).await?;
            let last_page = page.len() < MAX_PAGE as usize;
            after = page.last().map(|last| (last.created_ms, last.id.clone()));
            let page = self.renew_all(page, ladder, again, now_ms).await?;
            let open = |asset: &&AssetRow| {
                asset.flow.renewal.as_ref().is_some_and(|renewal| renewal.is_open() && renewal.ladder == *ladder)
            };
            renewing += page.iter().filter(open).count() as u64;
            if last_page {
                self.start_renewals(now_ms).await?;
                return Ok(renewing);
            }
        }
    }

    /// [`AssetStore::renew_library`] of each tenant; how many renewals are open.
    pub async fn renew_libraries(&self, ladder: &LadderPin, again: bool, now_ms: i64) -> Result<u64, StoreError> {
        let mut renewing = 0;
        for tenant in self.tenants().await? {
            renewing += self.renew_library(&tenant, ladder, again, now_ms).await?;
        }
        Ok(renewing)
    }

    /// The assets, of all tenants, whose renewal is under way.
    pub async fn renewing(&self) -> Result<Vec<AssetRow>, StoreError> {
        let rows: Vec<RawAsset> = self.db().all(sql::RENEWING_ASSETS, args![MAX_PAGE]).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Begins renewals that wait, of all tenants, the one that was asked for first before the others, as long as fewer than
    /// [`RENEWALS_AT_ONCE`] are under way; answers how many it began. For whenever one was asked for or has ended, and now and
    /// then.
    pub async fn start_renewals(&self, now_ms: i64) -> Result<u64, StoreError> {
        let mut begun = 0;
        // As many again for those that others were faster with.
        for _ in 0..2 * RENEWALS_AT_ONCE {
            let first: Option<RawAsset> = self.db().optional(sql::FIRST_WAITING, args![]).await?;
            let Some(first) = first else { break };
            let first: AssetRow = first.try_into()?;
            let mut tx = self.db().begin().await?;
            let asset = match lock(&mut tx, &first.tenant_id, &first.id).await {
                Err(StoreError::NotFound(_)) => continue,
                locked => locked?,
            };
            if !asset.is_waiting() {
                // Another process was first, or it was stopped.
                continue;
            }
            // Counted under the lock of the one that waits longest, which everybody goes for: nobody begins another meanwhile.
            let counts: Vec<(String, i64)> = tx.all(sql::COUNT_RENEWALS, args![]).await?;
            let processing = RenewalPhase::Processing.as_str();
            let under_way = counts.iter().find(|(state, _)| state == processing).map_or(0, |(_, count)| *count);
            if u64::try_from(under_way).is_ok_and(|count| count >= RENEWALS_AT_ONCE) {
                break;
            }
            self.step(&mut tx, asset, &FlowEvent::RenewalStarted, now_ms).await?;
            tx.commit().await?;
            begun += 1;
        }
        Ok(begun)
    }

    /// How many renewals of all tenants wait, are under way and were given up, by the name of that.
    pub async fn count_renewals(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows: Vec<(String, i64)> = self.db().all(sql::COUNT_RENEWALS, args![]).await?;
        let count = |(state, count)| Ok((state, u64::try_from(count).map_err(|_| StoreError::Corrupt("asset"))?));
        rows.into_iter().map(count).collect()
    }

    /// How far the asset's renewal is; `None` while none is under way.
    pub async fn renewal_progress_at(&self, asset: &AssetRow, now_ms: i64) -> Result<Option<Progress>, StoreError> {
        let under_way = asset.flow.renewal.as_ref().filter(|renewal| renewal.phase == RenewalPhase::Processing);
        let Some((renewal, seen)) = under_way.zip(asset.in_renewal()) else { return Ok(None) };
        let jobs = self.queue.jobs_of(&asset.tenant_id, &asset.id, renewal.making).await?;
        let mut progress = progress::compute(&seen, None, &jobs, now_ms);
        progress.percent = self.high_water.raise(&seen, progress.percent);
        Ok(Some(progress))
    }
}

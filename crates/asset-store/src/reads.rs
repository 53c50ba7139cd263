//! Reading assets. A deleted asset is gone for every reader.

use asset_flow::Phase;
use database::args;
use media_types::{AssetId, PlaybackId, TenantId};

use crate::rows::RawAsset;
use crate::{AssetRow, AssetStore, MAX_PAGE, StoreError, sql};

impl AssetStore {
    /// The tenant's asset of this id.
    pub async fn asset(&self, tenant: &TenantId, asset: &AssetId) -> Result<Option<AssetRow>, StoreError> {
        let row: Option<RawAsset> = self.db().optional(sql::GET_ASSET, args![tenant, asset]).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The asset that is played under this id, of whichever tenant.
    pub async fn by_playback_id(&self, playback: &PlaybackId) -> Result<Option<AssetRow>, StoreError> {
        let row: Option<RawAsset> = self.db().optional(sql::GET_BY_PLAYBACK, args![playback]).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The tenant's assets, newest first, those in `state` alone when given, at most `limit` (1 to [`MAX_PAGE`]).
    /// `after` is the `created_ms` and id of the last one seen.
    pub async fn assets(
        &self,
        tenant: &TenantId,
        state: Option<Phase>,
        after: Option<(i64, AssetId)>,
        limit: i64,
    ) -> Result<Vec<AssetRow>, StoreError> {
        let (created_ms, id) = after.map_or((i64::MAX, String::new()), |(created_ms, id)| (created_ms, id.into()));
        let limit = limit.clamp(1, MAX_PAGE);
        let rows: Vec<RawAsset> = match state {
            Some(Phase::Deleted) => Vec::new(),
            Some(state) => {
                let args = args![tenant, state.as_str(), created_ms, id, limit];
                self.db().all(sql::LIST_ASSETS_IN_STATE, args).await?
            }
            None => self.db().all(sql::LIST_ASSETS, args![tenant, created_ms, id, limit]).await?,
        };
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// All tenants that have assets, by their ids.
    pub async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let mut tenants: Vec<TenantId> = Vec::new();
        loop {
            let after = tenants.last().map_or("", TenantId::as_str);
            let rows: Vec<(String,)> = self.db().all(sql::TENANTS, args![after, MAX_PAGE]).await?;
            let is_last = i64::try_from(rows.len()).is_ok_and(|count| count < MAX_PAGE);
            for (tenant,) in rows {
                tenants.push(tenant.parse().map_err(|_| StoreError::Corrupt("asset"))?);
            }
            if is_last {
                return Ok(tenants);
            }
        }
    }

    /// How many assets of all tenants are in each state that has any.
    pub async fn count_by_state(&self) -> Result<Vec<(Phase, u64)>, StoreError> {
        let rows: Vec<(String, i64)> = self.db().all(sql::COUNT_BY_STATE, args![]).await?;
        let count = |(state, count): (String, i64)| {
            let corrupt = StoreError::Corrupt("asset");
            state.parse().ok().zip(u64::try_from(count).ok()).ok_or(corrupt)
        };
        rows.into_iter().map(count).collect()
    }
}

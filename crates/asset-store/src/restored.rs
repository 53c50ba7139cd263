//! All assets and open uploads, within a transaction of the caller's: for a backup, and for a database that was restored from
//! one and has to agree with a store that went on.

use asset_flow::{FlowEvent, FlowFailure};
use database::{Tx, args};

use crate::rows::{RawAsset, RawUpload};
use crate::{AssetRow, AssetStore, MAX_PAGE, StoreError, UploadRow, UploadState, sql};

/// [`FlowFailure::code`] of an asset whose upload had not ended when the backup was made, and whose bytes are gone.
pub const UPLOAD_LOST: &str = "upload.lost";

/// The assets of all tenants behind `after`, at most [`MAX_PAGE`]; none behind the last one.
pub async fn assets_after(tx: &mut Tx, after: Option<&AssetRow>) -> Result<Vec<AssetRow>, StoreError> {
    let (tenant, id) = after.map_or(("", ""), |last| (last.tenant_id.as_str(), last.id.as_str()));
    let rows: Vec<RawAsset> = tx.all(sql::ALL_ASSETS, args![tenant, id, MAX_PAGE]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The uploads of all tenants behind `after` that still take bytes, at most [`MAX_PAGE`]; none behind the last one.
pub async fn open_uploads_after(tx: &mut Tx, after: Option<&UploadRow>) -> Result<Vec<UploadRow>, StoreError> {
    let (tenant, id) = after.map_or(("", ""), |last| (last.tenant_id.as_str(), last.id.as_str()));
    let rows: Vec<RawUpload> = tx.all(sql::OPEN_UPLOADS, args![tenant, id, MAX_PAGE]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Has the asset's generations go on above `known`, so that no number is given to other content than it had.
pub async fn raise_generation(tx: &mut Tx, asset: &AssetRow, known: u64) -> Result<(), StoreError> {
    let known = i64::try_from(known).map_err(|_| StoreError::Corrupt("generation"))?;
    tx.execute(sql::RAISE_GENERATION, args![&asset.tenant_id, &asset.id, known]).await?;
    Ok(())
}

impl AssetStore {
    /// Ends an open upload, and its asset with it, whose bytes are not in the store that the database was restored to.
    pub async fn lose_upload(&self, tx: &mut Tx, upload: &UploadRow, now_ms: i64) -> Result<(), StoreError> {
        let failure = FlowFailure {
            stage: "upload".to_owned(),
            code: UPLOAD_LOST.to_owned(),
            detail: "the database was restored from a backup of a time when the upload was under way, and its bytes are gone"
                .to_owned(),
            hint: Some("upload the file again".to_owned()),
        };
        let (tenant, asset, event) = (&upload.tenant_id, &upload.asset_id, FlowEvent::Failed { failure });
        self.apply(tx, tenant, asset, &event, now_ms).await?;
        tx.execute(sql::CLOSE_UPLOADS, args![tenant, asset, UploadState::Errored.as_str(), now_ms]).await?;
        Ok(())
    }
}

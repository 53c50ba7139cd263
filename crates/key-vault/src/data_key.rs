//! What the source and the fragments of a protected recording are sealed under.

use std::io;

use database::{Tx, args};
use drm::{DataKey, WrappedKey};
use media_types::{AssetId, TenantId};

use crate::draw::draw_data_key;
use crate::rows::KeyName;
use crate::{KekId, KeyVault, Secret, VaultError, sql};

impl KeyVault {
    /// The data key of an asset, opened; the first time it is drawn, from `random`, which fills a slice with bytes of the
    /// operating system's secure randomness. Whoever asks at the same time ends with the same key.
    ///
    /// # Errors
    /// It does not open or cannot be wrapped, randomness fails or is evidently none, or the database refuses.
    pub async fn data_key_or_new(
        &self,
        tenant: &TenantId,
        asset: &AssetId,
        random: &mut (dyn FnMut(&mut [u8]) -> io::Result<()> + Send),
        now_ms: i64,
    ) -> Result<DataKey, VaultError> {
        if let Some(key) = self.data_key(tenant, asset).await? {
            return Ok(key);
        }
        let drawn = draw_data_key(random)?;
        let failed = |source| VaultError::Key { name: KeyName::Data(asset.clone()), source };
        let sealed = self.keks.wrap(&Secret::from(&drawn)).await.map_err(failed)?;
        let mut tx = self.db.begin().await?;
        let args = args![tenant, asset, sealed.wrapped.as_bytes(), sealed.kek_id.as_str(), now_ms];
        tx.execute(sql::INSERT_DATA_KEY, args).await?;
        tx.commit().await?;
        // Nobody's, when the recording was erased a moment ago: then this one seals nothing that lasts.
        Ok(self.data_key(tenant, asset).await?.unwrap_or(drawn))
    }

    async fn data_key(&self, tenant: &TenantId, asset: &AssetId) -> Result<Option<DataKey>, VaultError> {
        let found: Option<(Vec<u8>, String)> = self.db.optional(sql::DATA_KEY, args![tenant, asset]).await?;
        let Some((wrapped, kek_id)) = found else { return Ok(None) };
        let kek_id = KekId::new(kek_id).ok_or(VaultError::Corrupt)?;
        let opened = self.keks.unwrap(&kek_id, &WrappedKey::from_bytes(wrapped)).await;
        let opened = opened.and_then(|secret| secret.data_key());
        opened.map(Some).map_err(|source| VaultError::Key { name: KeyName::Data(asset.clone()), source })
    }
}

/// How many there were.
pub(crate) async fn erase_data_key(tx: &mut Tx, tenant: &TenantId, asset: &AssetId) -> Result<u64, VaultError> {
    Ok(tx.execute(sql::ERASE_DATA_KEY, args![tenant, asset]).await?)
}

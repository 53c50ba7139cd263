//! Storing keys and opening them.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use database::{Database, Tx, Val, args};
use drm::{KeyEntry, KeyId, ProtectionScheme, TrackClass};
use futures::stream::{self, StreamExt, TryStreamExt};
use media_types::{AssetId, PlaybackId, TenantId};

use crate::data_key::erase_data_key;
use crate::rows::{KeyName, RawKey, SealedKey, SealedKeys, class_text};
use crate::{Kms, Secret, VaultError, draw_keys, sql};

/// The most keys of one licence.
pub const MAX_LICENCE_KEYS: usize = 128;
/// The most keys of one recording, scheme and period.
const MAX_SET: usize = TrackClass::ALL.len() + 1;
/// Keys that one statement asks for by name.
const NAMES_AT_ONCE: usize = 8;
/// Calls to whoever holds the key-encryption keys, at one time.
const CALLS_AT_ONCE: usize = 8;

/// What a set of keys belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyOwner {
    /// Whose they are.
    pub tenant: TenantId,
    /// The recording that they protect.
    pub playback: PlaybackId,
    /// The scheme that they are used with. Two schemes never share a key.
    pub scheme: ProtectionScheme,
    /// The crypto period; 0 where keys do not change over time.
    pub period: u32,
}

/// Content keys at rest. Cheap to clone.
#[derive(Clone)]
pub struct KeyVault {
    pub(crate) db: Database,
    pub(crate) keks: Arc<dyn Kms>,
}

impl KeyVault {
    /// A vault in this database, under these key-encryption keys.
    pub fn new(db: Database, keks: Arc<dyn Kms>) -> Self {
        Self { db, keks }
    }

    /// Wraps keys, drawn by [`draw_keys`](crate::draw_keys) or come from elsewhere, for [`create_keys`](Self::create_keys).
    /// Apart from it because a service that holds key-encryption keys must not be waited for inside a transaction.
    ///
    /// # Errors
    /// No key, more than one for a class, or they cannot be wrapped.
    pub async fn seal(&self, owner: KeyOwner, entries: &[KeyEntry]) -> Result<SealedKeys, VaultError> {
        if entries.is_empty() {
            return Err(VaultError::Invalid("are for no tracks at all"));
        }
        let repeats = |at: usize| entries[..at].iter().any(|e| e.class == entries[at].class || e.id == entries[at].id);
        if entries.len() > MAX_SET || (1..entries.len()).any(repeats) {
            return Err(VaultError::Invalid("have one id or one class of tracks twice"));
        }
        let mut keys = Vec::with_capacity(entries.len());
        for entry in entries {
            let sealed = self.keks.wrap(&Secret::from(&entry.key)).await;
            let sealed = sealed.map_err(|source| VaultError::Key { name: KeyName::Content(entry.id), source })?;
            keys.push(SealedKey { key_id: entry.id, class: entry.class, sealed });
        }
        Ok(SealedKeys { owner, keys })
    }

    /// Stores wrapped keys. Where the owner has a key for a class already, that one stays, so that a stage which is
    /// repeated, or two at the same time, end with one set: read it with [`keys_for`](Self::keys_for) after the commit.
    /// Returns how many were new.
    ///
    /// # Errors
    /// [`VaultError::KeyIdTaken`] when the tenant uses one of the ids for something else.
    pub async fn create_keys(&self, tx: &mut Tx, sealed: &SealedKeys, now_ms: i64) -> Result<u64, VaultError> {
        let SealedKeys { owner, keys } = sealed;
        let mut new = 0;
        for key in keys {
            let args = args![
                &owner.tenant,
                key.key_id.to_string(),
                &owner.playback,
                owner.scheme.as_str(),
                class_text(key.class),
                i64::from(owner.period),
                key.sealed.wrapped.as_bytes(),
                key.sealed.kek_id.as_str(),
                now_ms,
            ];
            new += tx.execute(sql::INSERT_KEY, args).await.map_err(|error| match error.is_unique_violation() {
                true => VaultError::KeyIdTaken(key.key_id),
                false => error.into(),
            })?;
        }
        Ok(new)
    }

    /// The keys of an owner, opened, once each of `classes` has one: those that are missing are drawn with `random`, as
    /// [`draw_keys`](crate::draw_keys) does. Whoever does so at the same time ends with the same set.
    ///
    /// # Errors
    /// As of [`keys_for`](Self::keys_for) and [`seal`](Self::seal).
    pub async fn keys_or_new(
        &self,
        owner: &KeyOwner,
        classes: &[TrackClass],
        random: &mut (dyn FnMut(&mut [u8]) -> io::Result<()> + Send),
        now_ms: i64,
    ) -> Result<Vec<KeyEntry>, VaultError> {
        let known = self.keys_for(owner).await?;
        let has = |class: TrackClass| known.iter().any(|entry| entry.class == Some(class));
        let missing: Vec<_> = classes.iter().filter(|&&class| !has(class)).copied().map(Some).collect();
        if missing.is_empty() {
            return Ok(known);
        }
        let sealed = self.seal(owner.clone(), &draw_keys(&missing, random)?).await?;
        let mut tx = self.db.begin().await?;
        self.create_keys(&mut tx, &sealed, now_ms).await?;
        tx.commit().await?;
        self.keys_for(owner).await
    }

    /// The keys of an owner, opened; empty when there are none.
    ///
    /// # Errors
    /// One of them does not open, or the database refuses.
    pub async fn keys_for(&self, owner: &KeyOwner) -> Result<Vec<KeyEntry>, VaultError> {
        let args = args![
            &owner.tenant,
            &owner.playback,
            owner.scheme.as_str(),
            i64::from(owner.period),
            i64::try_from(MAX_SET).unwrap_or(i64::MAX),
        ];
        self.open(self.db.all(sql::KEYS_FOR, args).await?).await
    }

    /// Those of the named keys that belong to this recording, opened, ascending by id. A name that belongs to another
    /// recording and one that is unknown are passed over alike.
    ///
    /// # Errors
    /// More than [`MAX_LICENCE_KEYS`] names, a key that does not open, or the database refuses.
    pub async fn licence_keys(
        &self,
        tenant: &TenantId,
        key_ids: &[KeyId],
        playback: &PlaybackId,
    ) -> Result<Vec<KeyEntry>, VaultError> {
        if key_ids.len() > MAX_LICENCE_KEYS {
            return Err(VaultError::Invalid("of one licence are at most 128"));
        }
        let names: Vec<KeyId> = BTreeSet::from_iter(key_ids.iter().copied()).into_iter().collect();
        let mut rows = Vec::with_capacity(names.len());
        for names in names.chunks(NAMES_AT_ONCE) {
            let mut args = args![tenant, playback];
            // A statement has a fixed number of places: the last name stands in those that are left.
            let last = names.last().copied().into_iter().cycle();
            args.extend(names.iter().copied().chain(last).take(NAMES_AT_ONCE).map(|id| Val::from(id.to_string())));
            rows.extend(self.db.all::<RawKey>(sql::LICENCE_KEYS, args).await?);
        }
        self.open(rows).await
    }

    /// All keys of a recording, opened, ascending by id.
    ///
    /// # Errors
    /// It has more than [`MAX_LICENCE_KEYS`], one that does not open, or the database refuses.
    pub async fn all_keys(&self, tenant: &TenantId, playback: &PlaybackId) -> Result<Vec<KeyEntry>, VaultError> {
        let most = i64::try_from(MAX_LICENCE_KEYS + 1).unwrap_or(i64::MAX);
        let rows: Vec<RawKey> = self.db.all(sql::KEYS_OF, args![tenant, playback, most]).await?;
        if rows.len() > MAX_LICENCE_KEYS {
            return Err(VaultError::Invalid("of one licence are at most 128"));
        }
        self.open(rows).await
    }

    /// Whether a recording has any key.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn has_keys(&self, tenant: &TenantId, playback: &PlaybackId) -> Result<bool, VaultError> {
        let found: Option<(String,)> = self.db.optional(sql::ANY_KEY, args![tenant, playback]).await?;
        Ok(found.is_some())
    }

    /// Whose recording this is, if it has any key.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn tenant_of(&self, playback: &PlaybackId) -> Result<Option<TenantId>, VaultError> {
        let found: Option<(String,)> = self.db.optional(sql::TENANT, args![playback]).await?;
        found.map(|(tenant,)| tenant.parse().map_err(|_| VaultError::Corrupt)).transpose()
    }

    async fn open(&self, rows: Vec<RawKey>) -> Result<Vec<KeyEntry>, VaultError> {
        let sealed = rows.into_iter().map(SealedKey::try_from).collect::<Result<Vec<_>, _>>()?;
        let opened = sealed.into_iter().map(|row| async move {
            let opened = self.keks.unwrap(&row.sealed.kek_id, &row.sealed.wrapped).await;
            let key = opened.and_then(|secret| secret.content_key());
            let key = key.map_err(|source| VaultError::Key { name: KeyName::Content(row.key_id), source })?;
            Ok(KeyEntry { id: row.key_id, key, class: row.class })
        });
        stream::iter(opened).buffered(CALLS_AT_ONCE).try_collect().await
    }
}

/// Removes all keys of a recording, for which no key-encryption key is needed: whatever copies of its media exist, they can
/// never be decrypted again, nor its source. Returns how many there were.
///
/// # Errors
/// The database refuses.
pub async fn erase_keys(
    db: &Database,
    tenant: &TenantId,
    asset: &AssetId,
    playback: &PlaybackId,
) -> Result<u64, VaultError> {
    let mut tx = db.begin().await?;
    let mut erased = tx.execute(sql::ERASE_KEYS, args![tenant, playback]).await?;
    erased += erase_data_key(&mut tx, tenant, asset).await?;
    tx.commit().await?;
    Ok(erased)
}

//! A vault, and keys by number.

use std::sync::Arc;

use database::{Database, Val};
use drm::{ContentKey, KeyEntry, KeyId, ProtectionScheme, TrackClass};
use key_vault::{KeyOwner, KeyVault, LocalKeks, VaultError};
use media_types::{AssetId, PlaybackId, TenantId};

/// A list of key-encryption keys of one repeated byte each, the first of which wraps.
pub(crate) fn keks(bytes: &[u8]) -> LocalKeks {
    let text: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}").repeat(32)).collect();
    LocalKeks::parse(&text.join(",")).ok().unwrap()
}

pub(crate) fn vault(db: &Database, keks: LocalKeks) -> KeyVault {
    KeyVault::new(db.clone(), Arc::new(keks))
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::from_unique(name)
}

pub(crate) fn asset(name: &str) -> AssetId {
    AssetId::from_unique(name)
}

pub(crate) fn playback(name: &str) -> PlaybackId {
    PlaybackId::from_unique(name)
}

pub(crate) fn owner(playback_id: &str) -> KeyOwner {
    KeyOwner { tenant: tenant("a"), playback: playback(playback_id), scheme: ProtectionScheme::Cbcs, period: 0 }
}

/// The key of this number: its id repeats the number, its bytes are the number after a fixed beginning.
pub(crate) fn entry(number: u32, class: Option<TrackClass>) -> KeyEntry {
    let mut key = *b"secret......0000";
    key[12..].copy_from_slice(&number.to_be_bytes());
    KeyEntry { id: key_id(number), key: ContentKey::new(key), class }
}

pub(crate) fn key_id(number: u32) -> KeyId {
    KeyId(u128::from(number).to_be_bytes())
}

/// Seals and stores in a transaction of its own; how many were new.
pub(crate) async fn store(
    vault: &KeyVault,
    db: &Database,
    owner: KeyOwner,
    entries: &[KeyEntry],
) -> Result<u64, VaultError> {
    let sealed = vault.seal(owner, entries).await?;
    let mut tx = db.begin().await?;
    let new = vault.create_keys(&mut tx, &sealed, 7).await?;
    tx.commit().await?;
    Ok(new)
}

/// Ids, classes and keys, for comparison.
pub(crate) fn plain(entries: &[KeyEntry]) -> Vec<(KeyId, Option<TrackClass>, [u8; 16])> {
    entries.iter().map(|entry| (entry.id, entry.class, *entry.key.expose())).collect()
}

pub(crate) async fn change(db: &Database, sql: &'static str, args: Vec<Val>) {
    let mut tx = db.begin().await.unwrap();
    assert_eq!(tx.execute(sql, args).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

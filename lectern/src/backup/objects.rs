//! Which objects the rows of an asset refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use asset_flow::{Phase, RenewalPhase};
use asset_store::AssetRow;
use backup_format::StoredObject;
use media_store::{MAX_LISTED_KEYS, MediaStore, StoreError};
use media_types::{GenerationIndex, publication};

type Found = BTreeMap<String, StoredObject>;

/// What one asset needs of the store, as far as it can be known now: its source, report and plan, the generations that are
/// served, and everything else while jobs are at work on it. What ought to be there and is not has no size.
pub(super) async fn of_asset(media: Arc<dyn MediaStore>, asset: AssetRow) -> Result<Vec<StoredObject>, StoreError> {
    if matches!(asset.state, Phase::Deleting | Phase::Deleted) {
        return Ok(Vec::new());
    }
    let media = media.as_ref();
    let mut found = Found::new();
    if asset.source_sha256.is_some() {
        let (clear, sealed) = source_keys(&asset);
        // Of a protected recording the clear one goes when it is sealed.
        if !(see(media, &asset, &sealed, &mut found).await? | see(media, &asset, &clear, &mut found).await?) {
            enter(&asset, clear, None, None, &mut found);
        }
    }
    for key in learned(&asset) {
        see(media, &asset, &key, &mut found).await?;
    }
    let generations = [asset.flow.playable_generation, asset.flow.complete_generation];
    for generation in generations.into_iter().flatten().collect::<BTreeSet<_>>() {
        of_generation(media, &asset, generation, &mut found).await?;
    }
    if is_under_way(&asset) {
        let pointer = publication::pointer_key(&asset.playback_id);
        for prefix in [publication::work_prefix(&asset.id), publication::published_prefix(&asset.playback_id)] {
            let mut after: Option<String> = None;
            loop {
                let keys = media.list(&prefix, after.as_deref(), MAX_LISTED_KEYS).await?;
                for key in keys.iter().filter(|key| **key != pointer) {
                    if !found.contains_key(key) {
                        see(media, &asset, key, &mut found).await?;
                    }
                }
                match keys.last() {
                    Some(last) if keys.len() == MAX_LISTED_KEYS => after = Some(last.clone()),
                    _ => break,
                }
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The source in clear, and sealed.
pub(super) fn source_keys(asset: &AssetRow) -> (String, String) {
    let clear = publication::source_key(&asset.id);
    let sealed = format!("{clear}.sealed");
    (clear, sealed)
}

fn is_under_way(asset: &AssetRow) -> bool {
    let renewing = asset.flow.renewal.as_ref().is_some_and(|renewal| renewal.phase == RenewalPhase::Processing);
    matches!(asset.state, Phase::Ingesting | Phase::Processing | Phase::Errored) || renewing
}

/// What is known of the source and decided for the making that is served.
fn learned(asset: &AssetRow) -> [String; 3] {
    let take = publication::take_prefix(&asset.id, asset.flow.take);
    let planned = match asset.flow.making {
        0 => take.clone(),
        making => publication::making_prefix(&asset.id, making),
    };
    [format!("{take}probe.json"), format!("{planned}plan.json"), format!("{planned}decided.json")]
}

async fn of_generation(
    media: &dyn MediaStore,
    asset: &AssetRow,
    generation: u64,
    found: &mut Found,
) -> Result<(), StoreError> {
    let key = publication::index_key(&asset.playback_id, generation);
    let bytes = match media.get(&key).await {
        Err(StoreError::NotFound { .. }) => {
            enter(asset, key, None, None, found);
            return Ok(());
        }
        read => read?,
    };
    let index: GenerationIndex =
        serde_json::from_slice(&bytes).map_err(|_| StoreError::Damaged { key: key.clone() })?;
    let blake3 = blake3::hash(&bytes).to_hex().to_string();
    enter(asset, key, Some(bytes.len() as u64), Some(blake3), found);
    for file in index.files.into_values() {
        enter(asset, file.key, Some(file.size_bytes), Some(file.blake3), found);
    }
    Ok(())
}

/// Enters an object if it is there.
async fn see(media: &dyn MediaStore, asset: &AssetRow, key: &str, found: &mut Found) -> Result<bool, StoreError> {
    let meta = media.head(key).await?;
    if let Some(meta) = meta {
        enter(asset, key.to_owned(), Some(meta.size_bytes), None, found);
    }
    Ok(meta.is_some())
}

fn enter(asset: &AssetRow, key: String, size_bytes: Option<u64>, blake3: Option<String>, found: &mut Found) {
    found.insert(key.clone(), StoredObject { key, asset: asset.id.to_string(), size_bytes, blake3 });
}

//! A restored database and its store, which knows more, or less: it went on when the backup was made, or it is another one.

use std::sync::Arc;

use asset_flow::Phase;
use asset_store::restored::{assets_after, open_uploads_after, raise_generation};
use asset_store::{AssetRow, AssetStore, UploadRow};
use database::Tx;
use media_store::{MediaStore, StoreError, pointer};
use media_types::publication;
use tokio::task::JoinSet;

use super::Named;
use crate::exit::Failure;

/// Numbers that are left out above the highest that the store shows: for what late processes of the time before still write.
const GENERATIONS_LEFT_OUT: u64 = 16;
/// Assets that are looked at at once.
const ASSETS_AT_ONCE: usize = 16;

/// What the database and the store did not agree about.
#[derive(Default)]
pub(crate) struct Agreed {
    /// Assets of which the store serves a later generation than the backup knows.
    pub(crate) published_later: Named,
    /// Assets that were played when the backup was made, and of which the store serves nothing.
    pub(crate) media_missing: Named,
    /// Uploads whose bytes are gone: they have failed.
    pub(crate) uploads_lost: Named,
    /// Uploads that are whole in the store, though not in the database.
    pub(crate) whole: Vec<UploadRow>,
    /// Uploads whose staged bytes are of no use any more.
    pub(crate) spoilt: Vec<UploadRow>,
}

/// What the store holds of a publication.
struct Published {
    pointer: Option<u64>,
    /// The highest generation of which anything is there.
    highest: u64,
    /// Whether the generation that the database knows is there.
    is_known: bool,
}

/// Has the rows in `tx` agree with the store: generations go on above all that it shows, and pointers that it lacks are set.
/// No pointer is ever moved back.
pub(super) async fn assets(tx: &mut Tx, media: &Arc<dyn MediaStore>, agreed: &mut Agreed) -> Result<(), Failure> {
    let mut page = assets_after(tx, None).await.map_err(failed)?;
    while !page.is_empty() {
        for assets in page.chunks(ASSETS_AT_ONCE) {
            let mut looks = JoinSet::new();
            for asset in assets.iter().filter(|asset| asset.state != Phase::Deleted).cloned() {
                let media = Arc::clone(media);
                looks.spawn(async move {
                    let published = look(media.as_ref(), &asset).await;
                    (asset, published)
                });
            }
            for (asset, published) in looks.join_all().await {
                agree(tx, media.as_ref(), &asset, &published?, agreed).await?;
            }
        }
        page = assets_after(tx, page.last()).await.map_err(failed)?;
    }
    Ok(())
}

async fn look(media: &dyn MediaStore, asset: &AssetRow) -> Result<Published, StoreError> {
    let pointer = pointer::current(media, &asset.playback_id).await?.map(|pointer| pointer.generation);
    let prefix = publication::published_prefix(&asset.playback_id);
    let (mut highest, mut after) = (pointer.unwrap_or(0), None::<String>);
    // One look for each folder: what comes behind `~` of a folder is the next one.
    while let Some(key) = media.list(&prefix, after.as_deref(), 1).await?.pop() {
        let first = key[prefix.len()..].split('/').next().unwrap_or_default();
        let number = first.strip_prefix('g').and_then(|number| number.parse().ok());
        highest = highest.max(number.unwrap_or(0));
        after = Some(if key.len() == prefix.len() + first.len() { key } else { format!("{prefix}{first}/~") });
    }
    let is_known = match asset.flow.playable_generation {
        Some(known) => media.head(&publication::index_key(&asset.playback_id, known)).await?.is_some(),
        None => false,
    };
    Ok(Published { pointer, highest, is_known })
}

async fn agree(
    tx: &mut Tx,
    media: &dyn MediaStore,
    asset: &AssetRow,
    published: &Published,
    agreed: &mut Agreed,
) -> Result<(), Failure> {
    let highest = published.highest.max(asset.generation);
    if highest > 0 {
        let known = highest.saturating_add(GENERATIONS_LEFT_OUT);
        raise_generation(tx, asset, known).await.map_err(failed)?;
    }
    let playable = asset.flow.playable_generation;
    if let Some(playable) = playable.filter(|_| published.is_known) {
        pointer::advance(media, &asset.playback_id, playable).await?;
    }
    match (published.pointer, playable) {
        (Some(stands), playable) if stands > playable.unwrap_or(0) => {
            agreed.published_later.add(|| asset.id.to_string())
        }
        (_, Some(_)) if !published.is_known => agreed.media_missing.add(|| asset.id.to_string()),
        _ => {}
    }
    Ok(())
}

/// Fails the uploads under way whose bytes are gone, and says which ones are whole.
pub(super) async fn uploads(
    tx: &mut Tx,
    store: &AssetStore,
    media: &dyn MediaStore,
    now_ms: i64,
    agreed: &mut Agreed,
) -> Result<(), Failure> {
    let mut page = open_uploads_after(tx, None).await.map_err(failed)?;
    while let Some(last) = page.last().cloned() {
        for upload in page {
            let staged = media.stage_offset(&publication::staging_key(&upload.asset_id)).await?;
            let source = media.head(&publication::source_key(&upload.asset_id)).await?;
            if staged.is_none() && source.is_some_and(|source| source.size_bytes == upload.size_bytes) {
                agreed.whole.push(upload);
            } else if staged.unwrap_or(0) < upload.received_bytes {
                store.lose_upload(tx, &upload, now_ms).await.map_err(failed)?;
                agreed.uploads_lost.add(|| upload.id.to_string());
                agreed.spoilt.push(upload);
            }
        }
        page = open_uploads_after(tx, Some(&last)).await.map_err(failed)?;
    }
    Ok(())
}

pub(super) fn failed(error: asset_store::StoreError) -> Failure {
    Failure::failed("backup.failed", kernel::problem::chain(&error), "try again; the database is as it was")
}

//! What becomes of an upload's bytes: where they stand, how they are added, and how the last one makes a source.

use std::future::Future;

use axum::body::Body;
use axum::http::StatusCode;
use futures::future::BoxFuture;
use kernel::Problem;
use media_store::StoreError;
use media_types::UploadId;
use media_types::publication::source_key;
use tracing::Instrument;

use crate::head_start::Arriving;
use crate::state::Api;
use crate::transfer::{Landing, Runway, Transfer};
use crate::views::Upload;
use crate::{codes, error, parts};

pub(crate) async fn give_up(api: Api, upload: Upload, _transfer: Transfer) -> Result<(), Problem> {
    let upload = find(&api, upload.id.as_str()).await?;
    if upload.is_attached() {
        return Err(error::already_received());
    }
    api.store.cancel_upload(&api.tenant, &upload.id, api.now_ms()).await.map_err(error::store)?;
    discard(&api, &upload.staging_key()).await
}

/// Drops the bytes of an upload that was closed just now. Who is writing to it, in another process, finds it closed and drops them
/// himself.
pub(crate) async fn discard(api: &Api, staging_key: &str) -> Result<(), Problem> {
    match api.media.stage_discard(staging_key).await {
        Ok(()) | Err(StoreError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error::media(error)),
    }
}

pub(crate) async fn replace(api: Api, upload: Upload, transfer: Transfer, body: Body) -> Result<(), Problem> {
    let upload = find(&api, upload.id.as_str()).await?;
    upload.open()?;
    let key = upload.staging_key();
    begin_anew(&api, &upload).await?;
    api.media.stage_discard(&key).await.map_err(error::media)?;
    let landing = land(&api, &upload, 0, body, &transfer).await?;
    if let Landing::Excess(_) = landing {
        api.media.stage_discard(&key).await.map_err(error::media)?;
        return Err(too_large(upload.size_bytes));
    }
    let offset = landing.offset();
    match landing {
        Landing::Stopped(_) => Err(error::upload_closed("canceled")),
        _ if offset < upload.size_bytes => Err(incomplete(&upload, offset)),
        _ => complete(api, upload, transfer).await,
    }
}

/// Adds a body at `claimed`, and hands the source to its asset when it is whole. Returns where the upload stands.
pub(crate) async fn fill(api: &Api, upload: &Upload, claimed: u64, body: Body) -> Result<u64, Problem> {
    let transfer = api.transfers.begin(&upload.asset_id)?;
    in_own_task(append(api.clone(), upload.id.clone(), transfer, claimed, body)).await
}

async fn append(api: Api, id: UploadId, transfer: Transfer, claimed: u64, body: Body) -> Result<u64, Problem> {
    let upload = find(&api, id.as_str()).await?;
    upload.open_or_attached()?;
    let stands = offset_of(&api, &upload).await?;
    if stands != claimed {
        return Err(error::offset_mismatch(stands));
    }
    if upload.is_attached() {
        return Ok(stands);
    }
    if stands == 0 {
        // There may have been bytes before, which were too many.
        begin_anew(&api, &upload).await?;
    }
    let landing = match stands < upload.size_bytes {
        true => land(&api, &upload, stands, body, &transfer).await?,
        false => Landing::Whole(stands),
    };
    let offset = landing.offset();
    match landing {
        Landing::Excess(_) => return Err(too_large(upload.size_bytes)),
        Landing::Stopped(_) => return Err(error::upload_closed("canceled")),
        Landing::Whole(_) | Landing::Cut(_) => {}
    }
    if offset == upload.size_bytes {
        complete(api, upload, transfer).await?;
    }
    Ok(offset)
}

/// Nothing that was made of earlier bytes of the upload will count.
pub(crate) async fn begin_anew(api: &Api, upload: &Upload) -> Result<(), Problem> {
    let restarted = api.store.restart_upload(&api.tenant, &upload.id, api.now_ms()).await;
    restarted.map(drop).map_err(error::store)
}

/// Makes the staged bytes the asset's source. Safe to repeat after a kill at any point.
pub(crate) async fn complete(api: Api, upload: Upload, _transfer: Transfer) -> Result<(), Problem> {
    let key = source_key(&upload.asset_id);
    let staged = api.media.stage_finish(&upload.staging_key(), &key).await.map_err(error::media)?;
    let attached =
        api.store.attach_source(&api.tenant, &upload.id, staged.size_bytes, &staged.sha256, api.now_ms()).await;
    let attached = attached.map(drop).map_err(error::store);
    if attached.as_ref().is_err_and(is_gone) {
        // Canceled or erased while the bytes were being hashed: nobody else knows of this object.
        api.media.delete(&key).await.map_err(error::media)?;
    }
    attached
}

/// Whether an upload takes no more bytes, or is not there any more.
fn is_gone(refused: &Problem) -> bool {
    matches!(refused.status(), StatusCode::GONE | StatusCode::NOT_FOUND)
}

/// Stores a body, keeps the database informed, and has work begin as soon as it can. When the upload was canceled meanwhile, its bytes go.
async fn land(api: &Api, upload: &Upload, offset: u64, body: Body, transfer: &Transfer) -> Result<Landing, Problem> {
    let arriving = &Arriving::new(api, upload).await?;
    let note = |stored: u64| -> BoxFuture<'_, Result<(), Problem>> {
        Box::pin(async move {
            let noted = api.store.record_received(&api.tenant, &upload.id, stored, api.now_ms()).await;
            noted.map(drop).map_err(error::store)?;
            arriving.look(stored).await;
            Ok(())
        })
    };
    let key = upload.staging_key();
    let runway = Runway { media: api.media.as_ref(), key: &key, offset, size_bytes: upload.size_bytes, note: &note };
    let landed = async {
        let landing = runway.land(body, transfer).await?;
        if !matches!(landing, Landing::Excess(_)) {
            note(landing.offset()).await?;
        }
        Ok(landing)
    };
    let landed: Result<Landing, Problem> = landed.await;
    if landed.as_ref().is_err_and(is_gone) {
        api.media.stage_discard(&key).await.map_err(error::media)?;
    }
    landed
}

pub(crate) async fn find(api: &Api, id: &str) -> Result<Upload, Problem> {
    let missing = || Problem::not_found(codes::UPLOAD_NOT_FOUND, "there is no such upload");
    let id: UploadId = id.parse().map_err(|_| missing())?;
    let row = api.store.upload(&api.tenant, &id).await.map_err(error::store)?;
    let upload: Upload = row.ok_or_else(missing)?.into();
    telemetry::about_asset(upload.asset_id.as_str());
    Ok(upload)
}

/// Where the upload stands: the store knows, the database only remembers.
pub(crate) async fn offset_of(api: &Api, upload: &Upload) -> Result<u64, Problem> {
    if upload.is_attached() {
        return Ok(upload.size_bytes);
    }
    if let Some(offset) = api.media.stage_offset(&upload.staging_key()).await.map_err(error::media)? {
        return Ok(offset);
    }
    let finished = api.media.head(&source_key(&upload.asset_id)).await.map_err(error::media)?;
    Ok(if finished.is_some() { upload.size_bytes } else { 0 })
}

/// Runs to the end even when the client leaves: a cut connection must not lose the tail that has arrived.
pub(crate) async fn in_own_task<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work.in_current_span()).await.map_err(|error| Problem::internal(&error))?
}

pub(crate) fn too_large(size_bytes: u64) -> Problem {
    let detail = format!("the body goes beyond the {size_bytes} bytes that were announced");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, codes::UPLOAD_TOO_LARGE, detail)
        .hint("announce a new upload with the size of the file")
}

pub(crate) fn incomplete(upload: &Upload, received: u64) -> Problem {
    let mut detail = format!("{received} of the {} announced bytes came", upload.size_bytes);
    if let Some(missing) = parts::missing(&upload.parts, received) {
        detail = format!("{detail}: {missing}");
    }
    Problem::bad_request(codes::UPLOAD_INCOMPLETE, detail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::state::{announced, erase, for_tests};
    use bytes::Bytes;

    #[tokio::test]
    async fn an_upload_whose_asset_is_erased_meanwhile_leaves_no_bytes() {
        let (api, scratch) = for_tests().await;
        for whole in [true, false] {
            let (row, asset) = announced(&api, 3).await;
            let (key, upload) = (source_key(&asset.id), Upload::from(row));
            let transfer = api.transfers.begin(&asset.id).unwrap();
            erase(&scratch, &asset.id).await;
            let ended = if whole {
                api.media.stage_append(&upload.staging_key(), 0, Bytes::from_static(b"abc")).await.unwrap();
                complete(api.clone(), upload.clone(), transfer).await
            } else {
                land(&api, &upload, 0, Body::from("ab"), &transfer).await.map(drop)
            };
            assert_eq!(ended.unwrap_err().status(), StatusCode::NOT_FOUND);
            assert_eq!(api.media.head(&key).await.unwrap(), None);
            assert_eq!(api.media.stage_offset(&upload.staging_key()).await.unwrap(), None);
        }
    }
}

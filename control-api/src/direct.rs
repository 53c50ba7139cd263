//! Uploads whose bytes go straight to the store: blocks that clients send to addresses signed for them.

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Problem, codes as common, rfc3339};
use media_store::{BLOCK_BYTES, Block, DirectAccess, SignedRequest, StoreError};
use media_types::UploadId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::head_start::Arriving;
use crate::receive::{begin_anew, complete, find, in_own_task, offset_of};
use crate::state::Api;
use crate::transfer::Transfer;
use crate::views::{Upload, UploadView};
use crate::{codes, error};

/// For how long a block may be begun to be sent.
const VALID: Duration = Duration::from_secs(15 * 60);
/// Blocks that are signed at once.
const MOST_SIGNED: usize = 100;

/// Blocks that are to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedBlocks {
    /// 1 to 100 of them, in any order.
    #[schema(min_items = 1, max_items = 100)]
    blocks: Vec<WantedBlock>,
}

/// One block that is to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedBlock {
    /// Its place, counted from 0: it begins at this times 8 MiB.
    index: u64,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    #[schema(min_length = 64, max_length = 64)]
    sha256: String,
}

/// Where blocks go. Each address is a secret: whoever knows it may send the block.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedBlocks {
    /// In the order in which they were asked for.
    blocks: Vec<SignedBlock>,
}

/// Where a block goes.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedBlock {
    /// As it was asked for.
    index: u64,
    /// How many bytes it has: 8 MiB, the last one what is left.
    size_bytes: u64,
    /// `PUT`.
    method: &'static str,
    /// The address, of another server than this one. Send no `Authorization` there.
    url: String,
    /// What has to be sent with it.
    headers: Vec<HeaderView>,
    /// RFC 3339. Sending may end later; ask for another address when it is refused with 403.
    expires_at: String,
}

/// A header.
#[derive(Serialize, ToSchema)]
pub(crate) struct HeaderView {
    name: String,
    value: String,
}

/// Blocks that were sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SentBlocks {
    /// SHA-256 of each, from the first block of the upload on: all of them, or those that have been sent so far.
    #[schema(min_items = 1)]
    blocks: Vec<String>,
}

/// How an upload's blocks are sent straight to the store.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DirectView {
    /// Signs addresses for blocks; with `/received` behind it, takes what was sent.
    blocks_url: String,
    /// Bytes of every block but the last.
    block_bytes: u64,
}

impl DirectView {
    /// `own` is the address of the upload; `None` where the store takes nothing from clients.
    pub(crate) fn new(api: &Api, own: &str) -> Option<Self> {
        let blocks_url = api.url(&format!("{own}/blocks"));
        api.media.direct().map(|_| Self { blocks_url, block_bytes: BLOCK_BYTES })
    }
}

/// The store's own way, or why there is none.
pub(crate) fn access(api: &Api) -> Result<&dyn DirectAccess, Problem> {
    api.media
        .direct()
        .ok_or_else(|| not_direct("the media of this server lie in a folder, which takes nothing from clients"))
}

fn not_direct(detail: impl Into<String>) -> Problem {
    Problem::conflict(codes::UPLOAD_NOT_DIRECT, detail)
}

fn refused(error: StoreError) -> Problem {
    match error {
        StoreError::UnsupportedLocation { .. } => not_direct(error.to_string()),
        other => error::media(other),
    }
}

/// The address and the headers of a signed request, for a client.
pub(crate) fn headers(request: &SignedRequest) -> Vec<HeaderView> {
    let view = |(name, value): &(String, String)| HeaderView { name: name.clone(), value: value.clone() };
    request.headers().iter().map(view).collect()
}

/// A block of an upload of so many bytes; `at` is its place in the request.
fn block(size_bytes: u64, index: u64, sha256: &str, at: &str) -> Result<Block, Problem> {
    let length = index.checked_mul(BLOCK_BYTES).and_then(|start| size_bytes.checked_sub(start)).unwrap_or(0);
    if length == 0 {
        let detail = format!("the upload has {} blocks of 8 MiB", size_bytes.div_ceil(BLOCK_BYTES));
        return Err(Problem::invalid(format!("{at}/index"), common::FIELD_INVALID, detail));
    }
    let mut hash = [0; 32];
    hex::decode_to_slice(sha256, &mut hash).map_err(|_| {
        Problem::invalid(format!("{at}/sha256"), common::FIELD_INVALID, "a SHA-256 is 64 hexadecimal digits")
    })?;
    Ok(Block { index, length: length.min(BLOCK_BYTES), sha256: hash })
}

/// Signs addresses to which blocks of the upload are sent, straight into the store. Only where the upload has `direct`.
#[utoipa::path(
    post, path = "/api/v1/uploads/{id}/blocks", operation_id = "sign_upload_blocks", tag = "uploads",
    params(("id" = String, Path, description = "the upload")),
    request_body = WantedBlocks,
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "an address for each, which is a secret", body = SignedBlocks),
        (status = 409, description = "the store takes nothing from clients", body = ProblemBody),
        (status = 422, description = "not blocks of this upload", body = ProblemBody),
    )
)]
pub(crate) async fn sign(
    api: Api,
    ApiPath(id): ApiPath<String>,
    ApiJson(wanted): ApiJson<WantedBlocks>,
) -> Result<Response, Problem> {
    let upload = find(&api, &id).await?;
    upload.open()?;
    let direct = access(&api)?;
    if !(1..=MOST_SIGNED).contains(&wanted.blocks.len()) {
        let detail = format!("1 to {MOST_SIGNED} blocks are signed at once");
        return Err(Problem::invalid("/blocks", common::FIELD_INVALID, detail));
    }
    let named = wanted.blocks.iter().enumerate();
    let blocks =
        named.map(|(at, named)| block(upload.size_bytes, named.index, &named.sha256, &format!("/blocks/{at}")));
    let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
    let valid_ms = i64::try_from(VALID.as_millis()).unwrap_or(i64::MAX);
    let expires_at = rfc3339(api.now_ms().saturating_add(valid_ms));
    let signed = direct.sign_blocks(&upload.staging_key(), &blocks, VALID).await.map_err(refused)?;
    let view = |(block, request): (&Block, SignedRequest)| SignedBlock {
        index: block.index,
        size_bytes: block.length,
        method: "PUT",
        url: request.url().to_owned(),
        headers: headers(&request),
        expires_at: expires_at.clone(),
    };
    let answer = SignedBlocks { blocks: blocks.iter().zip(signed).map(view).collect() };
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(answer)).into_response())
}

/// Takes blocks that were sent: looks for each in the store, where its length and hash were compared. With the last one the
/// upload is whole and its processing begins.
#[utoipa::path(
    post, path = "/api/v1/uploads/{id}/blocks/received", operation_id = "take_upload_blocks", tag = "uploads",
    params(("id" = String, Path, description = "the upload")),
    request_body = SentBlocks,
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "they count; `attached` when all are there", body = UploadView),
        (status = 409, description = "one of them is not in the store; those before it count", body = ProblemBody),
        (status = 422, description = "not blocks of this upload", body = ProblemBody),
        (status = 423, description = "another request is writing", body = ProblemBody),
    )
)]
pub(crate) async fn take(
    api: Api,
    ApiPath(id): ApiPath<String>,
    ApiJson(sent): ApiJson<SentBlocks>,
) -> Result<Response, Problem> {
    let upload = find(&api, &id).await?;
    access(&api)?;
    let named = sent.blocks.iter().zip(0..);
    let blocks = named.map(|(sha256, index)| block(upload.size_bytes, index, sha256, &format!("/blocks/{index}")));
    let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
    let transfer = api.transfers.begin(&upload.asset_id)?;
    in_own_task(receive(api.clone(), upload.id.clone(), transfer, blocks)).await?;
    let mut upload = find(&api, &id).await?;
    upload.received_bytes = offset_of(&api, &upload).await?;
    Ok((StatusCode::OK, axum::Json(UploadView::new(&api, &upload))).into_response())
}

async fn receive(api: Api, id: UploadId, transfer: Transfer, blocks: Vec<Block>) -> Result<(), Problem> {
    let upload = find(&api, id.as_str()).await?;
    upload.open_or_attached()?;
    let mut stands = offset_of(&api, &upload).await?;
    if upload.is_attached() {
        return Ok(());
    }
    if stands == 0 {
        begin_anew(&api, &upload).await?;
    }
    if stands < upload.size_bytes {
        let taken = access(&api)?.take_blocks(&upload.staging_key(), &blocks).await.map_err(refused)?;
        stands = taken.length;
        note(&api, &upload, stands).await?;
        if let Some(index) = taken.missing {
            let detail = format!("block {index} is not in the store, or is not as it was said to be");
            return Err(Problem::conflict(codes::UPLOAD_BLOCK_MISSING, detail));
        }
    }
    if stands == upload.size_bytes { complete(api, upload, transfer).await } else { Ok(()) }
}

async fn note(api: &Api, upload: &Upload, stands: u64) -> Result<(), Problem> {
    let arriving = Arriving::new(api, upload).await?;
    api.store.record_received(&api.tenant, &upload.id, stands, api.now_ms()).await.map_err(error::store)?;
    arriving.look(stands).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_block_has_its_place_and_what_is_left_for_the_last_one() {
        let hash = "ab".repeat(32);
        let length = |size, index| block(size, index, &hash, "/blocks/0").map(|block| block.length);
        let mib = 1 << 20;
        for (size, index, expected) in
            [(1, 0, 1), (8 * mib, 0, 8 * mib), (9 * mib, 0, 8 * mib), (9 * mib, 1, mib), (16 * mib, 1, 8 * mib)]
        {
            assert_eq!(length(size, index).unwrap(), expected, "{index} of {size}");
        }
        for (size, index) in [(1, 1), (8 * mib, 1), (16 * mib, 2), (16 * mib, u64::MAX)] {
            assert_eq!(
                length(size, index).unwrap_err().status(),
                StatusCode::UNPROCESSABLE_ENTITY,
                "{index} of {size}"
            );
        }
        for bad in ["", "ab", &hash[1..], &format!("{}zz", &hash[2..])] {
            assert!(block(1, 0, bad, "/blocks/0").is_err(), "{bad}");
        }
    }
}

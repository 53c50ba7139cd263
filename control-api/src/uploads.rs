//! Uploads: announced by one POST, filled by one PUT or by tus 1.0.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use database::Tx;
use drm::ProtectionScheme;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Idempotency, Outcome, Problem, Stored};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::parts::NewPart;
use crate::receive::{find, give_up, in_own_task, incomplete, offset_of, replace, too_large};
use crate::state::Api;
use crate::views::{AssetView, Upload, UploadView};
use crate::{codes, direct, error, parts, resumable, tus};

const ADDRESS: &str = "/api/v1/uploads";
const MAX_FILENAME_CHARS: usize = 255;

/// What a client announces.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpload {
    /// A name to show, 1 to 255 characters. Never used as a path.
    #[schema(example = "lecture 1.mp4", min_length = 1, max_length = 255)]
    pub(crate) filename: String,
    /// Size in bytes; with parts, of all together.
    #[schema(example = 1_048_576, minimum = 1)]
    pub(crate) size: u64,
    /// The files that a camera cut the recording into, 2 to 32, from the first to the last. Their bytes are sent one behind the
    /// other, as those of one file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 2, max_items = 32)]
    pub(crate) parts: Option<Vec<NewPart>>,
    /// Name of a ladder; `lecture` when absent.
    #[schema(example = "lecture")]
    pub(crate) ladder: Option<String>,
    /// `cbcs`, which all players decrypt, or `cenc`, which all but Apple's do: encrypted before it is published, with licences
    /// for holders of a playback token. Clear when absent.
    #[schema(example = "cbcs")]
    pub(crate) protection: Option<String>,
    /// `true`: it is only announced if its bytes can be sent straight to the store.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) direct: bool,
}

/// Announces an upload.
///
/// With the header `Tus-Resumable` this is tus 1.0 creation: `Upload-Length` and `Upload-Metadata` (filename, ladder,
/// protection)
/// take the place of the JSON body, and a body of `application/offset+octet-stream` is its first part, which may bring an
/// `Upload-Checksum`.
#[utoipa::path(
    post, path = "/api/v1/uploads", operation_id = "create_upload", tag = "uploads", request_body = NewUpload,
    params(("Idempotency-Key" = Option<String>, Header, description = "one upload per key, for 24 hours")),
    responses(
        (status = 201, description = "announced; Location is the upload", body = UploadView),
        (status = 413, description = "larger than this server takes", body = ProblemBody),
        (status = 422, description = "not a valid announcement", body = ProblemBody),
    )
)]
pub(crate) async fn create(api: Api, request: Request) -> Result<Response, Problem> {
    let key = Idempotency::key(request.headers())?;
    if tus::spoken(request.headers()) {
        return resumable::create(&api, key, request).await.map_err(resumable::versioned);
    }
    let ApiJson(new) = ApiJson::<NewUpload>::from_request(request, &()).await?;
    check(&api, &new)?;
    let outcome = announce(&api, key, new).await?;
    let location = location(&outcome.stored);
    let mut response = outcome.into_response();
    response.headers_mut().extend(location);
    Ok(response)
}

/// Announces an upload, once per key.
pub(crate) async fn announce(api: &Api, key: Option<String>, new: NewUpload) -> Result<Outcome, Problem> {
    let (effect_api, effect_new) = (api.clone(), new.clone());
    api.idempotency.once_within(&api.tenant, key, ADDRESS, &new, |tx| Box::pin(store(tx, effect_api, effect_new))).await
}

/// Where an announced upload is.
pub(crate) fn location(announced: &Stored) -> Option<(HeaderName, HeaderValue)> {
    let value = HeaderValue::from_str(announced.body["tus_url"].as_str()?).ok()?;
    Some((header::LOCATION, value))
}

/// Refuses what cannot be taken, before anything of it is kept.
pub(crate) fn check(api: &Api, new: &NewUpload) -> Result<(), Problem> {
    check_filename(&new.filename, "/filename")?;
    if new.size == 0 {
        return Err(Problem::invalid("/size", codes::UPLOAD_EMPTY, "a source has at least one byte"));
    }
    if new.size > api.max_upload_bytes {
        let detail = format!("a source has at most {} bytes here", api.max_upload_bytes);
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, codes::UPLOAD_TOO_LARGE, detail)
            .hint("upload a smaller file, such as a part of the recording"));
    }
    new.parts.as_ref().map_or(Ok(()), |parts| parts::check(parts, new.size))?;
    if new.direct {
        direct::access(api)?;
    }
    match &new.ladder {
        Some(ladder) if api.ladders.ladder(ladder).is_none() => {
            let detail = format!("there is no such ladder; there are {}", api.ladders.names().join(", "));
            Err(Problem::invalid("/ladder", codes::LADDER_UNKNOWN, detail))
        }
        _ => protection(api, new).map(drop),
    }
}

/// Refuses a name that cannot be kept, which stands at `pointer`.
pub(crate) fn check_filename(filename: &str, pointer: &str) -> Result<(), Problem> {
    let invalid = |detail| Problem::invalid(pointer, codes::UPLOAD_INVALID_FILENAME, detail);
    kernel::text::check(filename, 1..=MAX_FILENAME_CHARS).map_err(invalid)
}

/// The scheme that was asked for, when this server can make and license it.
fn protection(api: &Api, new: &NewUpload) -> Result<Option<ProtectionScheme>, Problem> {
    let Some(name) = &new.protection else { return Ok(None) };
    let offered = [ProtectionScheme::Cbcs, ProtectionScheme::Cenc];
    let Some(scheme) = offered.into_iter().find(|scheme| scheme.as_str() == name) else {
        let detail = "protection is cbcs or cenc, or left out";
        return Err(Problem::invalid("/protection", kernel::codes::FIELD_INVALID, detail));
    };
    if api.licences.vault.is_none() {
        let detail = "this server keeps no content keys, so that it cannot protect a recording";
        return Err(Problem::invalid("/protection", codes::LICENCE_NOT_CONFIGURED, detail));
    }
    Ok(Some(scheme))
}

async fn store(tx: &mut Tx, api: Api, new: NewUpload) -> Result<Stored, Problem> {
    let new = asset_store::NewUpload {
        protection: protection(&api, &new)?,
        tenant_id: api.tenant.clone(),
        filename: new.filename,
        size_bytes: Some(new.size),
        parts: parts::stored(new.parts.unwrap_or_default()),
        ladder: new.ladder.unwrap_or_else(|| ladders::DEFAULT_LADDER.to_owned()),
    };
    let (upload, asset) = api.store.create_upload(tx, &new, api.now_ms()).await.map_err(error::store)?;
    telemetry::about_asset(asset.id.as_str());
    let view = UploadView::new(&api, &Upload::from(upload));
    let body = serde_json::to_value(view).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

/// One upload.
#[utoipa::path(
    get, path = "/api/v1/uploads/{id}", operation_id = "get_upload", tag = "uploads",
    params(("id" = String, Path, description = "the upload")),
    responses(
        (status = 200, description = "where it stands", body = UploadView),
        (status = 404, description = "no such upload", body = ProblemBody),
    )
)]
pub(crate) async fn show(api: Api, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let mut upload = find(&api, &id).await?;
    upload.received_bytes = offset_of(&api, &upload).await?;
    Ok(kernel::conditional::respond_json(&headers, &UploadView::new(&api, &upload)))
}

/// Gives an unfinished upload up, with all of its bytes (also tus 1.0 termination). Its asset ends as errored.
#[utoipa::path(
    delete, path = "/api/v1/uploads/{id}", operation_id = "delete_upload", tag = "uploads",
    params(("id" = String, Path, description = "the upload")),
    responses(
        (status = 204, description = "given up"),
        (status = 409, description = "already attached to its asset: delete that", body = ProblemBody),
    )
)]
pub(crate) async fn delete(api: Api, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let work = async {
        if tus::spoken(&headers) {
            tus::check_version(&headers)?;
        }
        let upload = find(&api, &id).await?;
        let transfer = api.transfers.seize(&upload.asset_id).await?;
        in_own_task(give_up(api.clone(), upload, transfer)).await
    };
    work.await.map_err(resumable::versioned)?;
    Ok((StatusCode::NO_CONTENT, [(tus::RESUMABLE, tus::VERSION)]).into_response())
}

/// The whole source in one request, from its first byte; what an earlier request left is replaced.
#[utoipa::path(
    put, path = "/api/v1/uploads/{id}/content", operation_id = "put_upload_content", tag = "uploads",
    params(("id" = String, Path, description = "the upload")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "received whole; processing begins", body = AssetView),
        (status = 400, description = "shorter than announced; what arrived can be resumed by tus", body = ProblemBody),
        (status = 413, description = "longer than announced; nothing is kept", body = ProblemBody),
        (status = 507, description = "the disk is full", body = ProblemBody),
    )
)]
pub(crate) async fn put(
    api: Api,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let upload = find(&api, &id).await?;
    match tus::number(&headers, &header::CONTENT_LENGTH)? {
        Some(length) if length > upload.size_bytes => return Err(too_large(upload.size_bytes)),
        Some(length) if length < upload.size_bytes => return Err(incomplete(&upload, length)),
        _ => {}
    }
    let transfer = api.transfers.begin(&upload.asset_id)?;
    in_own_task(replace(api.clone(), upload.clone(), transfer, body)).await?;
    let view = crate::assets::view(&api, &upload.asset_id).await?;
    Ok(axum::Json(view).into_response())
}

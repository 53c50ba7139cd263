//! Uploads: announced by one POST, filled by one PUT or by tus 1.0.

use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::idempotency::Stored;
use kernel::{ApiJson, ApiPath, Idempotency, Problem, problem::ProblemBody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::receive::{complete, fill, find, give_up, in_own_task, incomplete, offset_of, replace, too_large};
use crate::state::Api;
use crate::tus;
use crate::views::{AssetView, Upload, UploadView};
use crate::{codes, error};

const ADDRESS: &str = "/api/v1/uploads";
const MAX_FILENAME_CHARS: usize = 255;

/// What a client announces.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpload {
    /// A name to show, 1 to 255 characters. Never used as a path.
    #[schema(example = "lecture 1.mp4", min_length = 1, max_length = 255)]
    filename: String,
    /// Size in bytes.
    #[schema(example = 1_048_576, minimum = 1)]
    size: u64,
    /// Name of a ladder; `lecture` when absent.
    #[schema(example = "lecture")]
    ladder: Option<String>,
}

/// Announces an upload.
///
/// With the header `Tus-Resumable` this is tus 1.0 creation: `Upload-Length` and `Upload-Metadata` (filename, ladder)
/// take the place of the JSON body, and a body of `application/offset+octet-stream` is its first part.
#[utoipa::path(
    post, path = "/api/v1/uploads", operation_id = "create_upload", tag = "uploads", request_body = NewUpload,
    params(("Idempotency-Key" = Option<String>, Header, description = "one upload per key, for 24 hours")),
    responses(
        (status = 201, description = "announced; Location is the upload", body = UploadView),
        (status = 413, description = "larger than this server takes", body = ProblemBody),
        (status = 422, description = "not a valid announcement", body = ProblemBody),
    )
)]
pub(crate) async fn create(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let key = Idempotency::key(request.headers())?;
    let tus = tus::spoken(request.headers());
    let (new, body) = if tus {
        let (parts, body) = request.into_parts();
        let creation = tus::creation(&parts.headers)?;
        let new = NewUpload {
            filename: creation.filename.filter(|name| !name.is_empty()).unwrap_or_else(|| "untitled".to_owned()),
            size: creation.size_bytes,
            ladder: creation.ladder,
        };
        (new, is_offset_stream(&parts.headers).then_some(body))
    } else {
        let ApiJson(new) = ApiJson::<NewUpload>::from_request(request, &()).await?;
        (new, None)
    };
    check(&api, &new)?;
    let (effect_api, effect_new) = (api.clone(), new.clone());
    let effect = async move { announce(&effect_api, effect_new).await };
    let outcome = api.idempotency.once(&api.tenant, key, ADDRESS, &new, effect).await?;
    let location = outcome.stored.body["tus_url"].as_str().unwrap_or(ADDRESS).to_owned();
    let id = outcome.stored.body["id"].as_str().unwrap_or_default().to_owned();
    let mut response = if tus {
        StatusCode::CREATED.into_response()
    } else {
        (outcome.stored.status, axum::Json(outcome.stored.body)).into_response()
    };
    if let Some(body) = body {
        let upload = find(&api, &id).await?;
        let offset = fill(&api, &upload, 0, body).await.map_err(resumable)?;
        response.headers_mut().insert(tus::UPLOAD_OFFSET, HeaderValue::from(offset));
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&location) {
        headers.insert(header::LOCATION, value);
    }
    if tus {
        headers.insert(tus::RESUMABLE, tus::VERSION);
    }
    if outcome.replayed {
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn check(api: &Api, new: &NewUpload) -> Result<(), Problem> {
    let chars = new.filename.chars().count();
    if !(1..=MAX_FILENAME_CHARS).contains(&chars) || new.filename.contains('\0') {
        let detail = "a filename has 1 to 255 characters, none of them NUL";
        return Err(Problem::invalid("/filename", codes::UPLOAD_INVALID_FILENAME, detail));
    }
    if new.size == 0 {
        return Err(Problem::invalid("/size", codes::UPLOAD_EMPTY, "a source has at least one byte"));
    }
    if new.size > api.max_upload_bytes {
        let detail = format!("a source has at most {} bytes here", api.max_upload_bytes);
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, codes::UPLOAD_TOO_LARGE, detail)
            .hint("upload a smaller file, such as a part of the recording"));
    }
    match &new.ladder {
        Some(ladder) if api.ladders.ladder(ladder).is_none() => {
            let detail = format!("there is no such ladder; there are {}", api.ladders.names().join(", "));
            Err(Problem::invalid("/ladder", codes::LADDER_UNKNOWN, detail))
        }
        _ => Ok(()),
    }
}

async fn announce(api: &Api, new: NewUpload) -> Result<Stored, Problem> {
    let new = asset_store::NewUpload {
        tenant_id: api.tenant.clone(),
        filename: new.filename,
        size_bytes: Some(new.size),
        ladder: new.ladder.unwrap_or_else(|| ladders::DEFAULT_LADDER.to_owned()),
    };
    let (upload, _asset) = api.store.create_upload(&new, api.now_ms()).await.map_err(error::store)?;
    let view = UploadView::new(api, &Upload::from(upload));
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
pub(crate) async fn show(
    State(api): State<Api>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut upload = find(&api, &id).await?;
    upload.received_bytes = offset_of(&api, &upload).await?;
    Ok(kernel::conditional::respond_json(&headers, &UploadView::new(&api, &upload)))
}

/// Where the upload stands, by tus 1.0.
#[utoipa::path(
    head, path = "/api/v1/uploads/{id}", operation_id = "head_upload", tag = "uploads",
    params(("id" = String, Path, description = "the upload")),
    responses(
        (status = 200, description = "Upload-Offset and Upload-Length say where it stands"),
        (status = 404, description = "no such upload"), (status = 410, description = "canceled"),
    )
)]
pub(crate) async fn head(
    State(api): State<Api>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    tus_request(&headers)?;
    let upload = find(&api, &id).await.map_err(resumable)?;
    upload.open_or_attached().map_err(resumable)?;
    let offset = offset_of(&api, &upload).await.map_err(resumable)?;
    if offset == upload.size_bytes
        && !upload.is_attached()
        && let Ok(transfer) = api.transfers.begin(&upload.asset_id)
    {
        // The last byte arrived, yet the process died before the asset had it.
        in_own_task(complete(api.clone(), upload.clone(), transfer)).await.map_err(resumable)?;
    }
    let list = [
        (tus::RESUMABLE, tus::VERSION),
        (tus::UPLOAD_OFFSET, HeaderValue::from(offset)),
        (tus::UPLOAD_LENGTH, HeaderValue::from(upload.size_bytes)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::OK, HeaderMap::from_iter(list)).into_response())
}

/// Adds bytes by tus 1.0.
#[utoipa::path(
    patch, path = "/api/v1/uploads/{id}", operation_id = "patch_upload", tag = "uploads",
    params(
        ("id" = String, Path, description = "the upload"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "where these bytes begin"),
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses(
        (status = 204, description = "stored; Upload-Offset says where the upload stands"),
        (status = 409, description = "the upload stands elsewhere", body = ProblemBody),
        (status = 423, description = "another request is writing", body = ProblemBody),
        (status = 507, description = "the disk is full", body = ProblemBody),
    )
)]
pub(crate) async fn patch(
    State(api): State<Api>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    tus_request(&headers)?;
    let work = async {
        tus::check_extensions(&headers)?;
        if !is_offset_stream(&headers) {
            let detail = format!("the Content-Type of a PATCH is {}", tus::OFFSET_OCTET_STREAM);
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, codes::TUS_MEDIA_TYPE, detail));
        }
        let claimed = tus::number(&headers, &tus::UPLOAD_OFFSET)?
            .ok_or_else(|| Problem::bad_request(codes::TUS_MISSING_OFFSET, "the header Upload-Offset is missing"))?;
        let upload = find(&api, &id).await?;
        let length = tus::number(&headers, &header::CONTENT_LENGTH)?.unwrap_or(0);
        if claimed.checked_add(length).is_none_or(|end| end > upload.size_bytes) {
            return Err(too_large(upload.size_bytes));
        }
        fill(&api, &upload, claimed, body).await
    };
    let offset = work.await.map_err(resumable)?;
    let list = [(tus::RESUMABLE, tus::VERSION), (tus::UPLOAD_OFFSET, HeaderValue::from(offset))];
    Ok((StatusCode::NO_CONTENT, HeaderMap::from_iter(list)).into_response())
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
pub(crate) async fn delete(
    State(api): State<Api>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if tus::spoken(&headers) {
        tus::check_version(&headers)?;
    }
    let upload = find(&api, &id).await.map_err(resumable)?;
    let transfer = api.transfers.seize(&upload.asset_id).await.map_err(resumable)?;
    in_own_task(give_up(api.clone(), upload, transfer)).await.map_err(resumable)?;
    Ok((StatusCode::NO_CONTENT, [(tus::RESUMABLE, tus::VERSION)]).into_response())
}

/// What this server can do, by tus 1.0.
#[utoipa::path(
    options, path = "/api/v1/uploads", operation_id = "upload_capabilities", tag = "uploads",
    responses((status = 204, description = "Tus-Version, Tus-Extension and Tus-Max-Size"))
)]
pub(crate) async fn capabilities(State(api): State<Api>) -> Response {
    (StatusCode::NO_CONTENT, tus::capabilities(api.max_upload_bytes)).into_response()
}

/// What this server can do, by tus 1.0.
#[utoipa::path(
    options, path = "/api/v1/uploads/{id}", operation_id = "upload_capabilities_of_one", tag = "uploads",
    params(("id" = String, Path, description = "the upload")),
    responses((status = 204, description = "Tus-Version, Tus-Extension and Tus-Max-Size"))
)]
pub(crate) async fn capabilities_of_one(State(api): State<Api>) -> Response {
    (StatusCode::NO_CONTENT, tus::capabilities(api.max_upload_bytes)).into_response()
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
    State(api): State<Api>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let upload = find(&api, &id).await?;
    match tus::number(&headers, &header::CONTENT_LENGTH)? {
        Some(length) if length > upload.size_bytes => return Err(too_large(upload.size_bytes)),
        Some(length) if length < upload.size_bytes => return Err(incomplete(length, upload.size_bytes)),
        _ => {}
    }
    let transfer = api.transfers.begin(&upload.asset_id)?;
    in_own_task(replace(api.clone(), upload.clone(), transfer, body)).await?;
    let view = crate::assets::view(&api, &upload.asset_id).await?;
    Ok(axum::Json(view).into_response())
}

fn tus_request(headers: &HeaderMap) -> Result<(), Problem> {
    tus::check_version(headers).map_err(resumable)
}

/// Every answer of the protocol carries its version.
fn resumable(problem: Problem) -> Problem {
    problem.header(tus::RESUMABLE, tus::VERSION)
}

fn is_offset_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(tus::OFFSET_OCTET_STREAM)
}

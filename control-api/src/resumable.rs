//! Uploads by tus 1.0: creation, creation-with-upload, checksum, expiration. Termination is [`crate::uploads::delete`].

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::problem::ProblemBody;
use kernel::{ApiPath, Problem, idempotency};

use crate::checksum::Checked;
use crate::receive::{complete, fill, find, in_own_task, offset_of, too_large};
use crate::state::Api;
use crate::uploads::{self, NewUpload};
use crate::views::Upload;
use crate::{codes, tus};

/// Announces an upload by headers; a body is its first chunk.
pub(crate) async fn create(api: &Api, key: Option<String>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let creation = tus::creation(&parts.headers)?;
    let new = NewUpload {
        filename: creation.filename.filter(|name| !name.is_empty()).unwrap_or_else(|| "untitled".to_owned()),
        size: creation.size_bytes,
        parts: None,
        ladder: creation.ladder,
        protection: creation.protection,
        direct: false,
    };
    uploads::check(api, &new)?;
    // Before the announcement: a chunk that is refused must not leave an upload that its client never heard of.
    let first = match is_offset_stream(&parts.headers) {
        true => Some(chunk(api, &parts.headers, 0, new.size, body).await?),
        false => None,
    };
    let outcome = uploads::announce(api, key, new).await?;
    let mut upload = find(api, outcome.stored.body["id"].as_str().unwrap_or_default()).await?;
    let mut headers = HeaderMap::from_iter(uploads::location(&outcome.stored));
    if let Some(first) = first {
        let offset = match fill(api, &upload, 0, first.body).await {
            // It is announced, whatever becomes of its first bytes: its client goes on from where they ended.
            Err(refused) if refused.status().is_client_error() => offset_of(api, &upload).await?,
            filled => filled?,
        };
        headers.insert(tus::UPLOAD_OFFSET, HeaderValue::from(offset));
        upload = find(api, upload.id.as_str()).await?;
    }
    if outcome.replayed {
        headers.insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
    }
    headers.extend(lifetime(&upload));
    Ok((StatusCode::CREATED, headers).into_response())
}

/// The bytes that a request brings for `offset` and on, which may be stored as far as its headers tell.
async fn chunk(api: &Api, headers: &HeaderMap, offset: u64, size_bytes: u64, body: Body) -> Result<Checked, Problem> {
    let length = tus::number(headers, &header::CONTENT_LENGTH)?.unwrap_or(0);
    if offset.checked_add(length).is_none_or(|end| end > size_bytes) {
        return Err(too_large(size_bytes));
    }
    api.checks.pass(tus::checksum(headers)?, body).await
}

/// The version of the protocol, and how long an unfinished upload is kept.
fn lifetime(upload: &Upload) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(tus::RESUMABLE, tus::VERSION)]);
    headers.extend(upload.expires_ms().map(|at| (tus::UPLOAD_EXPIRES, tus::expires(at))));
    headers
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
pub(crate) async fn head(api: Api, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let (upload, offset) = where_it_stands(&api, &id, &headers).await.map_err(versioned)?;
    let list = [
        (tus::UPLOAD_OFFSET, HeaderValue::from(offset)),
        (tus::UPLOAD_LENGTH, HeaderValue::from(upload.size_bytes)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::OK, lifetime(&upload), HeaderMap::from_iter(list)).into_response())
}

async fn where_it_stands(api: &Api, id: &str, headers: &HeaderMap) -> Result<(Upload, u64), Problem> {
    tus::check_version(headers)?;
    let upload = find(api, id).await?;
    upload.open_or_attached()?;
    let offset = offset_of(api, &upload).await?;
    if offset == upload.size_bytes
        && !upload.is_attached()
        && let Ok(transfer) = api.transfers.begin(&upload.asset_id)
    {
        // The last byte arrived, yet the process died before the asset had it.
        in_own_task(complete(api.clone(), upload.clone(), transfer)).await?;
        return Ok((find(api, id).await?, offset));
    }
    Ok((upload, offset))
}

/// Adds bytes by tus 1.0.
#[utoipa::path(
    patch, path = "/api/v1/uploads/{id}", operation_id = "patch_upload", tag = "uploads",
    params(
        ("id" = String, Path, description = "the upload"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "where these bytes begin"),
        ("Upload-Checksum" = Option<String>, Header, description = "sha1 or sha256 and the Base64 of the body's hash"),
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 204, description = "stored; Upload-Offset says where the upload stands, Upload-Expires how long it is \
            kept unfinished"),
        (status = 409, description = "the upload stands elsewhere", body = ProblemBody),
        (status = 413, description = "beyond the announced size, or too long for a checksum", body = ProblemBody),
        (status = 423, description = "another request is writing", body = ProblemBody),
        (status = 460, description = "not the bytes of Upload-Checksum; none is kept", body = ProblemBody),
        (status = 507, description = "the disk is full", body = ProblemBody),
    )
)]
pub(crate) async fn patch(
    api: Api,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let work = async {
        tus::check_version(&headers)?;
        tus::check_extensions(&headers)?;
        if !is_offset_stream(&headers) {
            let detail = format!("the Content-Type of a PATCH is {}", tus::OFFSET_OCTET_STREAM);
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, codes::TUS_MEDIA_TYPE, detail));
        }
        let claimed = tus::number(&headers, &tus::UPLOAD_OFFSET)?
            .ok_or_else(|| Problem::bad_request(codes::TUS_MISSING_OFFSET, "the header Upload-Offset is missing"))?;
        let upload = find(&api, &id).await?;
        let chunk = chunk(&api, &headers, claimed, upload.size_bytes, body).await?;
        let offset = fill(&api, &upload, claimed, chunk.body).await?;
        Ok((find(&api, &id).await?, offset))
    };
    let (upload, offset) = work.await.map_err(versioned)?;
    let list = [(tus::UPLOAD_OFFSET, HeaderValue::from(offset))];
    Ok((StatusCode::NO_CONTENT, lifetime(&upload), HeaderMap::from_iter(list)).into_response())
}

/// What this server can do, by tus 1.0.
#[utoipa::path(
    options, path = "/api/v1/uploads", operation_id = "upload_capabilities", tag = "uploads",
    responses((status = 204, description = "Tus-Version, Tus-Extension, Tus-Checksum-Algorithm and Tus-Max-Size"))
)]
pub(crate) async fn capabilities(api: Api) -> Response {
    (StatusCode::NO_CONTENT, tus::capabilities(api.max_upload_bytes)).into_response()
}

/// What this server can do, by tus 1.0.
#[utoipa::path(
    options, path = "/api/v1/uploads/{id}", operation_id = "upload_capabilities_of_one", tag = "uploads",
    params(("id" = String, Path, description = "the upload")),
    responses((status = 204, description = "Tus-Version, Tus-Extension, Tus-Checksum-Algorithm and Tus-Max-Size"))
)]
pub(crate) async fn capabilities_of_one(api: Api) -> Response {
    (StatusCode::NO_CONTENT, tus::capabilities(api.max_upload_bytes)).into_response()
}

/// Every answer of the protocol carries its version.
pub(crate) fn versioned(problem: Problem) -> Problem {
    problem.header(tus::RESUMABLE, tus::VERSION)
}

fn is_offset_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(tus::OFFSET_OCTET_STREAM)
}

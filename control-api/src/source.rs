//! The source of an asset, for whoever wants it back.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use kernel::problem::ProblemBody;
use kernel::uri::escaped;
use kernel::{ApiPath, ApiQuery, Problem, rfc3339};
use media_types::publication::source_key;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::{IntoParams, ToSchema};

use crate::state::Api;
use crate::{assets, codes, error};

/// For how long a download may be begun at a signed address.
const VALID: Duration = Duration::from_secs(5 * 60);
/// Bytes that a download has in memory.
const PIECE_BYTES: u64 = 1 << 20;
/// Downloads at once that go through this process.
const MAX_DOWNLOADS: usize = 64;

/// The room for downloads.
#[derive(Clone)]
pub(crate) struct Downloads(Arc<Semaphore>);

impl Default for Downloads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_DOWNLOADS)))
    }
}

/// The query of a download.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SourceQuery {
    /// `true`: the address as JSON in place of a redirection, for pages.
    link: Option<bool>,
}

/// Where a source is fetched. The address is a secret: whoever knows it may fetch the source.
#[derive(Serialize, ToSchema)]
pub(crate) struct SourceLink {
    /// The address, of another server than this one. Send no `Authorization` there.
    url: String,
    /// RFC 3339. A download that has begun goes on.
    expires_at: String,
}

/// The file that was uploaded, as it was. Answers with a redirection to a signed address of the store, which takes ranges, or with
/// the file itself (or a range of it) where the store is a folder. Not that of a protected recording.
#[utoipa::path(
    get, path = "/api/v1/assets/{id}/source", operation_id = "download_source", tag = "assets",
    params(("id" = String, Path, description = "the asset"), SourceQuery),
    responses(
        (
            status = 200, description = "the file; with `link`, where it is",
            content((SourceLink = "application/json"), (Vec<u8> = "application/octet-stream"))
        ),
        (status = 206, description = "a range of the file", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 307, description = "where it is fetched, for five minutes"),
        (status = 403, description = "the recording is protected", body = ProblemBody),
        (status = 404, description = "no such asset, or its source is not there", body = ProblemBody),
        (status = 416, description = "behind the end of the file", body = ProblemBody),
    )
)]
pub(crate) async fn download(
    api: Api,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<SourceQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = assets::find(&api, &assets::parse(&id)?).await?;
    if asset.protection.is_some() {
        let detail = "the recording is protected, so that its source is kept sealed";
        return Err(Problem::new(StatusCode::FORBIDDEN, codes::SOURCE_SEALED, detail));
    }
    let missing = || Problem::not_found(codes::SOURCE_NOT_FOUND, "the asset has no source that is whole");
    let hash = asset.source_sha256.ok_or_else(missing)?;
    let key = source_key(&asset.id);
    let there = api.media.head(&key).await.map_err(error::media)?.ok_or_else(missing)?;
    let disposition = disposition(&asset.filename);
    let link = query.link.unwrap_or(false);
    let Some(direct) = api.media.direct() else {
        if link {
            let detail = "the media of this server lie in a folder, which has no addresses of its own";
            return Err(Problem::conflict(codes::SOURCE_NO_LINK, detail));
        }
        return serve(&api, key, there.size_bytes, &format!("\"{hash}\""), &disposition, &headers);
    };
    let signed = direct.sign_get(&key, &disposition, VALID).await.map_err(error::media)?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    if link {
        let valid_ms = i64::try_from(VALID.as_millis()).unwrap_or(i64::MAX);
        let expires_at = rfc3339(api.now_ms().saturating_add(valid_ms));
        return Ok((no_store, axum::Json(SourceLink { url: signed.url().to_owned(), expires_at })).into_response());
    }
    let mut location = HeaderValue::from_str(signed.url()).map_err(|error| Problem::internal(&error))?;
    location.set_sensitive(true);
    Ok((StatusCode::TEMPORARY_REDIRECT, no_store, [(header::LOCATION, location)]).into_response())
}

/// `Content-Disposition` of a file that is kept under this name (RFC 6266, RFC 8187).
fn disposition(filename: &str) -> String {
    let plain = |char: char| if char.is_ascii_graphic() && !"\"\\%".contains(char) || char == ' ' { char } else { '_' };
    let ascii: String = filename.chars().map(plain).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", escaped(filename))
}

/// What is asked for of a file.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    Nothing,
}

/// The range that a header asks for (RFC 9110 §14.2); several, or what is none, are answered with everything.
fn wanted(range: Option<&str>, size: u64) -> Wanted {
    let Some((first, last)) = range.and_then(|range| range.strip_prefix("bytes=")?.trim().split_once('-')) else {
        return Wanted::Whole;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let part = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(last)) if first.is_empty() => size.saturating_sub(last)..size,
        _ => return Wanted::Whole,
    };
    if part.start < part.end { Wanted::Part(part) } else { Wanted::Nothing }
}

/// The file, or a range of it, through this process.
fn serve(
    api: &Api,
    key: String,
    size: u64,
    etag: &str,
    disposition: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let room = Arc::clone(&api.downloads.0)
        .try_acquire_owned()
        .map_err(|_full| Problem::unavailable(codes::SOURCE_TOO_MANY, "too many sources are being downloaded", 5))?;
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let same = text(header::IF_RANGE).is_none_or(|known| known == etag);
    let range = if same { wanted(text(header::RANGE), size) } else { Wanted::Whole };
    let (status, part) = match range {
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Wanted::Nothing => {
            let detail = format!("the source has {size} bytes");
            let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, codes::SOURCE_RANGE, detail);
            return Err(match HeaderValue::from_str(&format!("bytes */{size}")) {
                Ok(value) => problem.header(header::CONTENT_RANGE, value),
                Err(_) => problem,
            });
        }
    };
    let mut list = vec![
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, (part.end - part.start).to_string()),
        (header::CONTENT_DISPOSITION, disposition.to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, etag.to_owned()),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    if status == StatusCode::PARTIAL_CONTENT {
        list.push((header::CONTENT_RANGE, format!("bytes {}-{}/{size}", part.start, part.end - 1)));
    }
    let mut response = (status, body(api.clone(), key, part, room)).into_response();
    for (name, value) in list {
        response.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(|error| Problem::internal(&error))?);
    }
    Ok(response)
}

fn body(api: Api, key: String, part: Range<u64>, room: OwnedSemaphorePermit) -> Body {
    Body::from_stream(stream::try_unfold((api, key, part, room), |(api, key, part, room)| async move {
        if part.is_empty() {
            return Ok::<_, io::Error>(None);
        }
        let length = PIECE_BYTES.min(part.end - part.start);
        let piece: Bytes = api.media.get_range(&key, part.start, length).await.map_err(io::Error::other)?;
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let rest = part.start + piece.len() as u64..part.end;
        Ok(Some((piece, (api, key, rest, room))))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_at_the_end_and_what_is_none_is_everything() {
        for (range, expected) in [
            (None, Wanted::Whole),
            (Some("bytes=0-3"), Wanted::Part(0..4)),
            (Some("bytes=2-99"), Wanted::Part(2..10)),
            (Some("bytes=9-"), Wanted::Part(9..10)),
            (Some("bytes=-3"), Wanted::Part(7..10)),
            (Some("bytes=-99"), Wanted::Part(0..10)),
            (Some("bytes=10-"), Wanted::Nothing),
            (Some("bytes=-0"), Wanted::Nothing),
            (Some("bytes=99999999999999999999-"), Wanted::Nothing),
            (Some("bytes=3-2"), Wanted::Whole),
            (Some("bytes=0-1,4-5"), Wanted::Whole),
            (Some("bytes=-"), Wanted::Whole),
            (Some("bytes=+1-2"), Wanted::Whole),
            (Some("items=0-1"), Wanted::Whole),
        ] {
            assert_eq!(wanted(range, 10), expected, "{range:?}");
        }
    }

    #[test]
    fn a_name_goes_into_a_header_whatever_it_is() {
        assert_eq!(disposition("talk 1.mp4"), "attachment; filename=\"talk 1.mp4\"; filename*=UTF-8''talk%201.mp4");
        let odd = disposition("\"ä\r\n\\%.mp4");
        assert_eq!(odd, "attachment; filename=\"______.mp4\"; filename*=UTF-8''%22%C3%A4%0D%0A%5C%25.mp4");
        assert!(HeaderValue::from_str(&odd).is_ok());
    }
}

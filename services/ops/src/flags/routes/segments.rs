//! Segments: constraints that flags share.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, ApiQuery, Page, Problem};

use super::{check, check_segment, history, problem};
use crate::flags::local::Asked;
use crate::flags::model::{FlagSegment, SegmentRow};
use crate::flags::rules;
use crate::flags::store::{FlagError, Kind};
use crate::flags::views::{ChangeView, HistoryQuery, Listed, SegmentView};

/// All segments, in the order of their names.
#[utoipa::path(
    get, path = "/api/v1/flag-segments", operation_id = "list_flag_segments", tag = "flags",
    responses((status = 200, description = "all of them, at most 100", body = Listed<SegmentView>))
)]
pub(crate) async fn list(flags: Asked) -> Result<axum::Json<Listed<SegmentView>>, Problem> {
    let segments = flags.store.segments(&flags.tenant).await?;
    Ok(axum::Json(Listed { items: segments.into_iter().map(SegmentView::from).collect() }))
}

/// One segment.
#[utoipa::path(
    get, path = "/api/v1/flag-segments/{name}", operation_id = "get_flag_segment", tag = "flags",
    params(("name" = String, Path, description = "the segment")),
    responses(
        (status = 200, description = "the segment, with a strong ETag", body = SegmentView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such segment", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    flags: Asked,
    ApiPath(name): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &SegmentView::from(stored(&flags, &name).await?)))
}

/// Makes or replaces a segment. Flags that refer to it follow at once.
#[utoipa::path(
    put, path = "/api/v1/flag-segments/{name}", operation_id = "put_flag_segment", tag = "flags",
    request_body = FlagSegment,
    params(
        ("name" = String, Path, description = "the segment"),
        ("If-Match" = Option<String>, Header, description = "change only this state of it; needed where there is one already"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = SegmentView),
        (status = 400, description = "not a name", body = ProblemBody),
        (status = 404, description = "no such segment, of which If-Match could name a state", body = ProblemBody),
        (status = 409, description = "somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "constraints that cannot be, or too many segments", body = ProblemBody),
        (status = 428, description = "there is one already, and no If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn put(
    flags: Asked,
    ApiPath(name): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(segment): ApiJson<FlagSegment>,
) -> Result<Response, Problem> {
    check_segment(&name, &segment)?;
    let of = flags.store.segment(&flags.tenant, &name).await?;
    match &of {
        Some(row) => check(&headers, &SegmentView::from(row.clone()))?,
        // No tag is that of nothing.
        None if headers.contains_key(header::IF_MATCH) => return Err(problem(FlagError::NoSegment)),
        None => {}
    }
    let row = flags.store.put_segment(flags.by(), &name, of.as_ref(), &segment).await.map_err(problem)?;
    flags.tell().await;
    Ok(respond_json(&HeaderMap::new(), &SegmentView::from(row)))
}

/// Removes a segment that no flag refers to, archived ones included.
#[utoipa::path(
    delete, path = "/api/v1/flag-segments/{name}", operation_id = "delete_flag_segment", tag = "flags",
    params(
        ("name" = String, Path, description = "the segment"),
        ("If-Match" = String, Header, description = "remove only this state of it"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such segment", body = ProblemBody),
        (status = 409, description = "a flag refers to it, or somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 428, description = "no If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn delete(
    flags: Asked,
    ApiPath(name): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = stored(&flags, &name).await?;
    check(&headers, &SegmentView::from(row.clone()))?;
    flags.store.delete_segment(flags.by(), &row).await.map_err(problem)?;
    flags.tell().await;
    Ok(StatusCode::NO_CONTENT)
}

/// Every change of a segment, newest first, as that of a flag.
#[utoipa::path(
    get, path = "/api/v1/flag-segments/{name}/history", operation_id = "flag_segment_history", tag = "flags",
    params(("name" = String, Path, description = "the segment"), HistoryQuery),
    responses(
        (status = 200, description = "a page", body = Page<ChangeView>),
        (status = 404, description = "there never was such a segment", body = ProblemBody),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn history(
    flags: Asked,
    ApiPath(name): ApiPath<String>,
    ApiQuery(query): ApiQuery<HistoryQuery>,
) -> Result<Response, Problem> {
    history::page(&flags, (Kind::Segment, &name), query, &format!("/api/v1/flag-segments/{name}/history?")).await
}

async fn stored(flags: &Asked, name: &str) -> Result<SegmentRow, Problem> {
    let found = if rules::is_key(name) { flags.store.segment(&flags.tenant, name).await? } else { None };
    found.ok_or_else(|| problem(FlagError::NoSegment))
}

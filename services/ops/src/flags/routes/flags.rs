//! Flags themselves.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, ApiQuery, Cursor, Idempotency, Page, Problem, Stored, audit};
use serde::Serialize;

use super::problem;
use crate::flags::codes;
use crate::flags::local::Asked;
use crate::flags::model::{Content, FlagRow};
use crate::flags::views::{FlagChange, FlagRequest, FlagView, FlagsQuery};

/// Makes a flag. In environments that it has no settings for it is off.
#[utoipa::path(
    post, path = "/api/v1/flags", operation_id = "create_flag", tag = "flags", request_body = FlagRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key, the same answer")),
    responses(
        (status = 201, description = "the flag", body = FlagView),
        (status = 409, description = "there is one with this key, or it may not be made", body = ProblemBody),
        (status = 422, description = "this cannot be a flag, or there are too many", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    flags: Asked,
    headers: HeaderMap,
    ApiJson(request): ApiJson<FlagRequest>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    let (this, asked) = (flags.clone(), request.clone());
    let effect = async move {
        let FlagRequest { key, description, purpose, value_type, public, environments } = asked;
        let content = Content { description, purpose, value_type, archived: false, public, environments };
        this.check_content(&key, &content).await?;
        let row = this.store.create(this.by(), &key, &content).await.map_err(problem)?;
        this.tell().await;
        stored(StatusCode::CREATED, &FlagView::from(row))
    };
    let outcome = flags.idempotency.once(&flags.tenant, key, "POST /api/v1/flags", &request, effect).await?;
    audit::after(&outcome.stored.body);
    Ok(outcome.into_response())
}

pub(super) fn stored(status: StatusCode, view: &impl Serialize) -> Result<Stored, Problem> {
    let body = serde_json::to_value(view).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status, body })
}

/// Flags, newest first.
#[utoipa::path(
    get, path = "/api/v1/flags", operation_id = "list_flags", tag = "flags", params(FlagsQuery),
    responses(
        (status = 200, description = "a page", body = Page<FlagView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(flags: Asked, ApiQuery(query): ApiQuery<FlagsQuery>) -> Result<Response, Problem> {
    let cursor = |row: &FlagRow| Cursor { time_ms: row.created_ms, id: row.key.clone() };
    let (flags, archived) = (&flags, query.archived);
    let read =
        |after, limit| async move { flags.store.flags(&flags.tenant, archived, after, limit).await.map_err(problem) };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(FlagView::from).respond(&format!("/api/v1/flags?archived={archived}&")))
}

/// One flag.
#[utoipa::path(
    get, path = "/api/v1/flags/{key}", operation_id = "get_flag", tag = "flags",
    params(("key" = String, Path, description = "the flag")),
    responses(
        (status = 200, description = "the flag, with a strong ETag", body = FlagView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such flag", body = ProblemBody),
    )
)]
pub(crate) async fn show(flags: Asked, ApiPath(key): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let row = flags.stored(&key).await?;
    Ok(respond_json(&headers, &FlagView::from(row)))
}

/// Changes what is the same in all environments. An archived flag is evaluated as one that is not there.
#[utoipa::path(
    patch, path = "/api/v1/flags/{key}", operation_id = "update_flag", tag = "flags", request_body = FlagChange,
    params(
        ("key" = String, Path, description = "the flag"),
        ("If-Match" = String, Header, description = "change only this state of it"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = FlagView),
        (status = 404, description = "no such flag", body = ProblemBody),
        (status = 409, description = "somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "too long a description", body = ProblemBody),
        (status = 428, description = "no If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    flags: Asked,
    ApiPath(key): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<FlagChange>,
) -> Result<Response, Problem> {
    let row = flags.to_change(&key, &headers).await?;
    let mut content = row.content.0.clone();
    let action = match change.archived {
        Some(true) if !content.archived => "archived",
        Some(false) if content.archived => "restored",
        _ => "changed",
    };
    content.archived = change.archived.unwrap_or(content.archived);
    content.public = change.public.unwrap_or(content.public);
    content.purpose = change.purpose.unwrap_or(content.purpose);
    content.description = change.description.unwrap_or(content.description);
    Ok(respond_json(&HeaderMap::new(), &flags.make(&row, action, &content).await?))
}

/// Removes an archived flag for good; its history stays.
#[utoipa::path(
    delete, path = "/api/v1/flags/{key}", operation_id = "delete_flag", tag = "flags",
    params(
        ("key" = String, Path, description = "the flag"),
        ("If-Match" = String, Header, description = "remove only this state of it"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such flag", body = ProblemBody),
        (status = 409, description = "it is not archived, or somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 428, description = "no If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn delete(
    flags: Asked,
    ApiPath(key): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = flags.to_change(&key, &headers).await?;
    if !row.content.0.archived {
        return Err(Problem::conflict(codes::FLAG_NOT_ARCHIVED, "the flag is not archived"));
    }
    flags.store.delete(flags.by(), &row).await.map_err(problem)?;
    flags.tell().await;
    Ok(StatusCode::NO_CONTENT)
}

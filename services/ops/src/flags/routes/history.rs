//! What flags were, and how often they were asked for.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, ApiQuery, Cursor, Etag, Idempotency, Page, Problem, check_if_match, rfc3339};

use super::flags::stored;
use super::problem;
use crate::flags::local::Asked;
use crate::flags::model::{ChangeRow, FlagRow};
use crate::flags::stale::{self, Stale};
use crate::flags::store::{FlagError, Kind};
use crate::flags::views::{
    ChangeView, FlagView, HistoryQuery, Listed, RollbackRequest, StaleQuery, StaleView, UsageView,
};
use crate::flags::{codes, rules};

/// Every change of a flag, newest first, also of one that was deleted: who made it, when, and what it was before and after.
#[utoipa::path(
    get, path = "/api/v1/flags/{key}/history", operation_id = "flag_history", tag = "flags",
    params(("key" = String, Path, description = "the flag"), HistoryQuery),
    responses(
        (status = 200, description = "a page", body = Page<ChangeView>),
        (status = 404, description = "there never was such a flag", body = ProblemBody),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    flags: Asked,
    ApiPath(key): ApiPath<String>,
    ApiQuery(query): ApiQuery<HistoryQuery>,
) -> Result<Response, Problem> {
    page(&flags, (Kind::Flag, &key), query, &format!("/api/v1/flags/{key}/history?")).await
}

/// A page of the changes of a flag or a segment.
pub(super) async fn page(
    flags: &Asked,
    (kind, name): (Kind, &str),
    query: HistoryQuery,
    address: &str,
) -> Result<Response, Problem> {
    let never = || problem(if kind == Kind::Flag { FlagError::NotFound } else { FlagError::NoSegment });
    if !rules::is_key(name) {
        return Err(never());
    }
    let is_first = query.after.is_none();
    let cursor = |row: &ChangeRow| Cursor { time_ms: row.version, id: String::new() };
    let read = |after, limit| async move {
        flags.store.changes(&flags.tenant, (kind, name), after, limit).await.map_err(problem)
    };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    if is_first && page.items.is_empty() {
        return Err(never());
    }
    Ok(page.map(ChangeView::from).respond(address))
}

/// Makes a new version of a flag that is as a former one was.
#[utoipa::path(
    post, path = "/api/v1/flags/{key}/rollback", operation_id = "rollback_flag", tag = "flags",
    request_body = RollbackRequest,
    params(
        ("key" = String, Path, description = "the flag"),
        ("If-Match" = Option<String>, Header, description = "change only this state of it"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key, the same answer"),
    ),
    responses(
        (status = 200, description = "the flag as it is now", body = FlagView),
        (status = 404, description = "no such flag or version", body = ProblemBody),
        (status = 409, description = "somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "it refers to what is no longer there", body = ProblemBody),
    )
)]
pub(crate) async fn rollback(
    flags: Asked,
    ApiPath(key): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<RollbackRequest>,
) -> Result<Response, Problem> {
    let once = Idempotency::key(&headers)?;
    let address = format!("POST /api/v1/flags/{key}/rollback");
    let (this, version) = (flags.clone(), request.version);
    let effect = async move {
        let row = this.stored(&key).await?;
        check_if_match(&headers, &Etag::of_json(&FlagView::from(row.clone()))?)?;
        let content = this.store.content_of(&this.tenant, &key, version).await.map_err(problem)?;
        if content.value_type != row.content.0.value_type {
            // Of a flag that had this key before.
            return Err(problem(FlagError::NoVersion));
        }
        stored(StatusCode::OK, &this.make(&row, "rolled_back", &content).await?)
    };
    let outcome = flags.idempotency.once(&flags.tenant, once, &address, &request, effect).await?;
    Ok(outcome.into_response())
}

/// How often a flag was found on and off, by environment: as clients of Unleash count themselves, and as it was asked for here, by the
/// minute.
#[utoipa::path(
    get, path = "/api/v1/flags/{key}/usage", operation_id = "flag_usage", tag = "flags",
    params(("key" = String, Path, description = "the flag")),
    responses(
        (status = 200, description = "figures of each environment", body = Listed<UsageView>),
        (status = 404, description = "no such flag", body = ProblemBody),
    )
)]
pub(crate) async fn usage(
    flags: Asked,
    ApiPath(key): ApiPath<String>,
) -> Result<axum::Json<Listed<UsageView>>, Problem> {
    let row = flags.stored(&key).await?;
    let usage = flags.store.usage(&flags.tenant, &row.key).await.map_err(problem)?;
    Ok(axum::Json(Listed { items: usage.into_iter().map(UsageView::from).collect() }))
}

/// Flags that may not be needed any more: which nobody has asked for, or which are the same for everybody and were not changed, for so
/// many days. Whoever fetches all flags at once asks for none of them.
#[utoipa::path(
    get, path = "/api/v1/flag-reports/stale", operation_id = "stale_flags", tag = "flags", params(StaleQuery),
    responses(
        (status = 200, description = "all of them, in the order of their keys", body = Listed<StaleView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn stale(
    flags: Asked,
    ApiQuery(query): ApiQuery<StaleQuery>,
) -> Result<axum::Json<Listed<StaleView>>, Problem> {
    let days = query.days.unwrap_or(30);
    if !(1..=365).contains(&days) {
        return Err(Problem::invalid("?days", codes::FLAG_INVALID_REQUEST, "days are 1 to 365"));
    }
    let since_ms = flags.store.now_ms() - days * 24 * 3600 * 1000;
    let rows = flags.store.last_uses(&flags.tenant).await?;
    let view = |(row, used_ms): (FlagRow, Option<i64>)| {
        let Stale { is_unused, is_settled } = stale::judge(&row, used_ms, since_ms)?;
        let word = |state: Option<bool>| state.map_or("depends", |is_on| if is_on { "on" } else { "off" });
        Some(StaleView {
            unused: is_unused,
            settled: is_settled,
            environments: stale::states(&row).into_iter().map(|(name, state)| (name, word(state).to_owned())).collect(),
            last_used_at: used_ms.map(rfc3339),
            updated_at: rfc3339(row.updated_ms),
            key: row.key,
            purpose: row.content.0.purpose,
            description: row.content.0.description,
        })
    };
    Ok(axum::Json(Listed { items: rows.into_iter().filter_map(view).collect() }))
}

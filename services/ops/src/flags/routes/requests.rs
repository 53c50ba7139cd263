//! Changes that are asked for: scheduled ones, and those that somebody else has to approve.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, ApiQuery, Cursor, Idempotency, Page, Principal, Problem, text};

use super::flags::stored;
use super::{invalid, problem};
use crate::flags::codes;
use crate::flags::local::Asked;
use crate::flags::requests::{RequestRow, STATES, Wish};
use crate::flags::rules::{self, Fault};
use crate::flags::views::requests::{ChangeRequest, ChangeRequestView, ChangeRequestsQuery};

/// How far ahead a change may be scheduled.
const MAX_AHEAD_MS: i64 = 366 * 24 * 3600 * 1000;

/// Asks for a change of a flag in one environment: at a certain time, or once somebody else has approved it, or both. Where
/// changes need no approval one with a time is approved from the start. It goes stale when the flag's settings there change before.
#[utoipa::path(
    post, path = "/api/v1/flag-requests", operation_id = "request_flag_change", tag = "flags", request_body = ChangeRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key, the same answer")),
    responses(
        (status = 201, description = "the request", body = ChangeRequestView),
        (status = 404, description = "no such flag, or it has no settings there that could be removed", body = ProblemBody),
        (status = 422, description = "values or rules that cannot be, a time that cannot be, or too many requests", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    flags: Asked,
    headers: HeaderMap,
    ApiJson(request): ApiJson<ChangeRequest>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    let (this, asked) = (flags.clone(), request.clone());
    let effect = async move {
        let wish = wish(&this, asked).await?;
        let row = this.store.ask(this.by(), &wish).await.map_err(problem)?;
        stored(StatusCode::CREATED, &ChangeRequestView::from(row))
    };
    let outcome = flags.idempotency.once(&flags.tenant, key, "POST /api/v1/flag-requests", &request, effect).await?;
    Ok(outcome.created("/api/v1/flag-requests"))
}

/// What is asked for, after checking it.
async fn wish(flags: &Asked, request: ChangeRequest) -> Result<Wish, Problem> {
    let ChangeRequest { flag_key, environment, settings: wanted, reason, due_at } = request;
    let refuse = |pointer: &str, detail: String| Problem::invalid(pointer, codes::FLAG_INVALID_REQUEST, detail);
    text::check(&reason, 0..=500).map_err(|detail| refuse("/reason", detail))?;
    let due_ms = due_at.map(|at| due(&at, flags.store.now_ms()));
    let due_ms = due_ms.transpose().map_err(|detail| refuse("/due_at", detail))?;
    if !rules::is_environment(&environment) {
        let detail = "this is no name of an environment";
        return Err(Problem::invalid("/environment", codes::FLAG_INVALID_ENVIRONMENT, detail));
    }
    let mut content = flags.stored(&flag_key).await?.content.0;
    match &wanted {
        Some(settings) => drop(content.environments.insert(environment.clone(), settings.clone())),
        None => drop(content.environments.remove(&environment).ok_or_else(super::environments::unset)?),
    }
    let segments = flags.store.segments(&flags.tenant).await?;
    let segments = segments.into_iter().map(|row| (row.name, row.content.0)).collect();
    let here = |fault: Fault| {
        let below = fault.pointer.strip_prefix(&format!("/environments/{environment}")).map(str::to_owned);
        let pointer = below.map_or_else(|| fault.pointer.clone(), |below| format!("/settings{below}"));
        invalid(Fault { pointer, ..fault })
    };
    rules::check(&flag_key, &content, &segments).map_err(here)?;
    Ok(Wish { flag_key, environment, wanted, reason, due_ms })
}

fn due(at: &str, now_ms: i64) -> Result<i64, String> {
    let at = at.parse::<DateTime<Utc>>().map_err(|_| "this is no time as RFC 3339 has it".to_owned())?;
    let due_ms = at.timestamp_millis();
    if (now_ms..=now_ms + MAX_AHEAD_MS).contains(&due_ms) {
        return Ok(due_ms);
    }
    Err("a change takes effect within the next 366 days".to_owned())
}

/// Requests, newest first.
#[utoipa::path(
    get, path = "/api/v1/flag-requests", operation_id = "list_flag_requests", tag = "flags", params(ChangeRequestsQuery),
    responses(
        (status = 200, description = "a page", body = Page<ChangeRequestView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(flags: Asked, ApiQuery(query): ApiQuery<ChangeRequestsQuery>) -> Result<Response, Problem> {
    let is_state = |state: &String| STATES.contains(&state.as_str());
    if query.state.as_ref().is_some_and(|state| !is_state(state)) {
        let detail = format!("a state is one of {}", STATES.join(", "));
        return Err(Problem::invalid("?state", codes::FLAG_INVALID_REQUEST, detail));
    }
    if query.flag_key.as_ref().is_some_and(|key| !rules::is_key(key)) {
        return Err(Problem::invalid("?flag_key", codes::FLAG_INVALID_KEY, "this is no key of a flag"));
    }
    let cursor = |row: &RequestRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (flags, of) = (&flags, (query.state.as_deref(), query.flag_key.as_deref()));
    let read = |after, limit| async move { flags.store.requests(&flags.tenant, of, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    let filters = [("state", of.0), ("flag_key", of.1)];
    let filters: String =
        filters.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}&"))).collect();
    Ok(page.map(ChangeRequestView::from).respond(&format!("/api/v1/flag-requests?{filters}")))
}

/// One request.
#[utoipa::path(
    get, path = "/api/v1/flag-requests/{id}", operation_id = "get_flag_request", tag = "flags",
    params(("id" = String, Path, description = "the request")),
    responses(
        (status = 200, description = "the request, with a strong ETag", body = ChangeRequestView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such request", body = ProblemBody),
    )
)]
pub(crate) async fn show(flags: Asked, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let row = flags.store.request(&flags.tenant, &id).await.map_err(problem)?;
    Ok(respond_json(&headers, &ChangeRequestView::from(row)))
}

/// Approves what somebody else has asked for. It takes effect at once, or when its time has come; where the flag's settings have
/// changed since, the answer is a request that has gone stale.
#[utoipa::path(
    post, path = "/api/v1/flag-requests/{id}/approve", operation_id = "approve_flag_request", tag = "flags",
    params(("id" = String, Path, description = "the request")),
    responses(
        (status = 200, description = "the request as it is now", body = ChangeRequestView),
        (status = 403, description = "a key asks, somebody who acts as another person, or whoever has asked for the change", body = ProblemBody),
        (status = 404, description = "no such request", body = ProblemBody),
        (status = 409, description = "it waits for nobody's approval any more, or flags may not change", body = ProblemBody),
    )
)]
pub(crate) async fn approve(
    flags: Asked,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, Problem> {
    let row = flags.store.request(&flags.tenant, &id).await.map_err(problem)?;
    if matches!(principal, Principal::Key(_)) || principal.acted_by().is_some() {
        let detail = "a key approves nothing, nor does whoever acts as another person: it is nobody in person";
        return Err(Problem::new(StatusCode::FORBIDDEN, codes::FLAG_NOT_APPROVER, detail));
    }
    let row = flags.store.approve(flags.by(), &row.id).await.map_err(problem)?;
    flags.tell().await;
    Ok(respond_json(&HeaderMap::new(), &ChangeRequestView::from(row)))
}

/// Declines what somebody has asked for.
#[utoipa::path(
    post, path = "/api/v1/flag-requests/{id}/decline", operation_id = "decline_flag_request", tag = "flags",
    params(("id" = String, Path, description = "the request")),
    responses(
        (status = 200, description = "the request as it is now", body = ChangeRequestView),
        (status = 404, description = "no such request", body = ProblemBody),
        (status = 409, description = "it waits for nobody's approval any more", body = ProblemBody),
    )
)]
pub(crate) async fn decline(flags: Asked, ApiPath(id): ApiPath<String>) -> Result<Response, Problem> {
    let row = flags.store.decline(flags.by(), &id).await.map_err(problem)?;
    Ok(respond_json(&HeaderMap::new(), &ChangeRequestView::from(row)))
}

/// Takes back a request that has not taken effect, also one that only waits for its time.
#[utoipa::path(
    post, path = "/api/v1/flag-requests/{id}/withdraw", operation_id = "withdraw_flag_request", tag = "flags",
    params(("id" = String, Path, description = "the request")),
    responses(
        (status = 200, description = "the request as it is now", body = ChangeRequestView),
        (status = 404, description = "no such request", body = ProblemBody),
        (status = 409, description = "it has taken effect, or was given up", body = ProblemBody),
    )
)]
pub(crate) async fn withdraw(flags: Asked, ApiPath(id): ApiPath<String>) -> Result<Response, Problem> {
    let row = flags.store.withdraw(flags.by(), &id).await.map_err(problem)?;
    Ok(respond_json(&HeaderMap::new(), &ChangeRequestView::from(row)))
}

//! `/api/v1/users/{id}/erasure` and `/api/v1/users/me/erasure`: that somebody is to be erased, after a while in which that can be taken back.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Myself, Principal, Problem, Tenant, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ErasureRow;
use crate::auth::factors::check_recent;
use crate::user::codes;
use crate::user::routes::{check_in_person, to_change};
use crate::user::store::Users;

const DAY_MS: i64 = 24 * 3_600_000;
/// When a request names none.
const USUAL_DAYS: i64 = 30;
const MAX_DAYS: i64 = 365;
/// Whoever has taken somebody's session over, and wants him gone, has to wait so long at least.
const MIN_OWN_DAYS: i64 = 7;

/// After how long somebody is erased.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureRequest {
    /// Days in which it can be taken back: 1 to 365, of oneself 7 at least; 30 when absent.
    #[schema(minimum = 1, maximum = 365)]
    grace_days: Option<i64>,
}

impl ErasureRequest {
    fn grace_ms(&self, least: i64) -> Result<i64, Problem> {
        let days = self.grace_days.unwrap_or(USUAL_DAYS);
        if (least..=MAX_DAYS).contains(&days) {
            return Ok(days * DAY_MS);
        }
        let detail = format!("grace_days is {least} to {MAX_DAYS}");
        Err(Problem::invalid("/grace_days", codes::USER_INVALID_GRACE, detail))
    }
}

/// That somebody is to be erased.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureView {
    /// Who has asked for it: `admin`, or the id of a key or a person.
    asked_by: String,
    /// RFC 3339.
    asked_at: String,
    /// When it is done, RFC 3339. Until then it can be taken back.
    due_at: String,
}

fn answer(row: ErasureRow) -> Response {
    let ErasureRow { asked_by, asked_ms, due_ms } = row;
    let view = ErasureView { asked_by, asked_at: rfc3339(asked_ms), due_at: rfc3339(due_ms) };
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(view)).into_response()
}

/// Has a person erased after a while, in the place of what was asked of him before. Until then nothing changes for him.
#[utoipa::path(
    put, path = "/api/v1/users/{id}/erasure", operation_id = "ask_erasure", tag = "users", request_body = ErasureRequest,
    params(("id" = String, Path, description = "the person")),
    responses(
        (status = 200, description = "when it is done", body = ErasureView),
        (status = 403, description = "the caller lacks what the person has", body = ProblemBody),
        (status = 404, description = "no such person", body = ProblemBody),
        (status = 409, description = "he is just being erased", body = ProblemBody),
        (status = 422, description = "not such a while", body = ProblemBody),
    )
)]
pub(crate) async fn ask(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    ApiJson(request): ApiJson<ErasureRequest>,
) -> Result<Response, Problem> {
    let row = to_change(&users, &tenant, &principal, &id).await?;
    let after_ms = request.grace_ms(1)?;
    Ok(answer(users.ask_erasure(&tenant, &row, (principal.actor(), after_ms)).await?))
}

/// Whether a person is to be erased, and when.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/erasure", operation_id = "get_erasure", tag = "users",
    params(("id" = String, Path, description = "the person")),
    responses(
        (status = 200, description = "when it is done", body = ErasureView),
        (status = 404, description = "no such person, or he stays", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, Problem> {
    let row = users.one(&tenant, &id).await?;
    Ok(answer(users.erasure(&tenant, &row.id).await?))
}

/// Takes back that a person is to be erased.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/erasure", operation_id = "cancel_erasure", tag = "users",
    params(("id" = String, Path, description = "the person")),
    responses(
        (status = 204, description = "he stays"),
        (status = 403, description = "the caller lacks what the person has", body = ProblemBody),
        (status = 404, description = "no such person, or nobody has asked that he be erased", body = ProblemBody),
    )
)]
pub(crate) async fn cancel(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, Problem> {
    let row = to_change(&users, &tenant, &principal, &id).await?;
    users.cancel_erasure(&tenant, &row, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has the person who asks erased after a while, if he has proved of late, and himself, who he is. Until then he may go on signing in, and
/// take it back.
#[utoipa::path(
    put, path = "/api/v1/users/me/erasure", operation_id = "ask_own_erasure", tag = "users", request_body = ErasureRequest,
    responses(
        (status = 200, description = "when it is done", body = ErasureView),
        (status = 403, description = "somebody else has asked for it, or he has to prove anew who he is", body = ProblemBody),
        (status = 409, description = "he is just being erased", body = ProblemBody),
        (status = 422, description = "not such a while", body = ProblemBody),
    )
)]
pub(crate) async fn ask_own(
    State(users): State<Users>,
    Myself(me): Myself,
    ApiJson(request): ApiJson<ErasureRequest>,
) -> Result<Response, Problem> {
    check_recent(&me, users.now_ms())?;
    let after_ms = request.grace_ms(MIN_OWN_DAYS)?;
    users.check_own(&me.tenant, &me.id).await?;
    let row = users.one(&me.tenant, &me.id).await?;
    Ok(answer(users.ask_erasure(&me.tenant, &row, (me.id.as_str(), after_ms)).await?))
}

/// Whether the person who asks is to be erased, and when.
#[utoipa::path(
    get, path = "/api/v1/users/me/erasure", operation_id = "get_own_erasure", tag = "users",
    responses(
        (status = 200, description = "when it is done", body = ErasureView),
        (status = 404, description = "he stays", body = ProblemBody),
    )
)]
pub(crate) async fn show_own(State(users): State<Users>, Myself(me): Myself) -> Result<Response, Problem> {
    Ok(answer(users.erasure(&me.tenant, &me.id).await?))
}

/// Takes back that the person who asks is to be erased, if it was he who has asked for it.
#[utoipa::path(
    delete, path = "/api/v1/users/me/erasure", operation_id = "cancel_own_erasure", tag = "users",
    responses(
        (status = 204, description = "he stays"),
        (status = 403, description = "somebody else has asked for it, or acts as him", body = ProblemBody),
        (status = 404, description = "nobody has asked that he be erased", body = ProblemBody),
    )
)]
pub(crate) async fn cancel_own(State(users): State<Users>, Myself(me): Myself) -> Result<StatusCode, Problem> {
    check_in_person(&me)?;
    users.check_own(&me.tenant, &me.id).await?;
    let row = users.one(&me.tenant, &me.id).await?;
    users.cancel_erasure(&me.tenant, &row, &me.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

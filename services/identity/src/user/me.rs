//! `/api/v1/users/me`: the person who asks.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, Myself, Problem};

use super::routes::{changed, check_seen};
use super::store::Users;
use super::views::{OwnChange, UserView};

/// The person who asks.
#[utoipa::path(
    get, path = "/api/v1/users/me", operation_id = "get_me", tag = "users",
    responses(
        (status = 200, description = "the person, with a strong ETag", body = UserView),
        (status = 304, description = "unchanged"),
    )
)]
pub(crate) async fn show(
    State(users): State<Users>,
    Myself(me): Myself,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &UserView::from(users.one(&me.tenant, &me.id).await?)))
}

/// Changes what is the business of the person himself.
#[utoipa::path(
    patch, path = "/api/v1/users/me", operation_id = "update_me", tag = "users", request_body = OwnChange,
    params(("If-Match" = String, Header, description = "the state that is changed")),
    responses(
        (status = 200, description = "as he is now, with a strong ETag", body = UserView),
        (status = 412, description = "he has changed since he was read", body = ProblemBody),
        (status = 422, description = "not a valid change", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(users): State<Users>,
    Myself(me): Myself,
    headers: HeaderMap,
    ApiJson(change): ApiJson<OwnChange>,
) -> Result<Response, Problem> {
    let row = users.one(&me.tenant, &me.id).await?;
    check_seen(&headers, &row)?;
    let profile = changed(&users, &row, change.into())?;
    let row = users.change(&me.tenant, &row, profile, &me.id).await?;
    Ok(respond_json(&HeaderMap::new(), &UserView::from(row)))
}

//! Where changes need approval, and the operator's switch that refuses all of them.

use axum::http::StatusCode;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Problem, text};

use super::problem;
use crate::flags::local::Asked;
use crate::flags::views::Listed;
use crate::flags::views::requests::{ApprovalRequest, ApprovalView, FreezeRequest, FreezeView};
use crate::flags::{codes, rules};

/// Environments in which a change takes effect only when somebody else has approved it.
#[utoipa::path(
    get, path = "/api/v1/flag-approvals", operation_id = "list_flag_approvals", tag = "flags",
    responses((status = 200, description = "all of them, at most 64", body = Listed<ApprovalView>))
)]
pub(crate) async fn list(flags: Asked) -> Result<axum::Json<Listed<ApprovalView>>, Problem> {
    let guards = flags.store.guards(&flags.tenant).await?;
    Ok(axum::Json(Listed { items: guards.into_iter().map(ApprovalView::from).collect() }))
}

/// Says whether a change in an environment takes effect only when somebody else has approved it. Where it does, a flag is turned off
/// without, and is otherwise changed by a request alone. Requests that wait for approval do so whatever is said later.
#[utoipa::path(
    put, path = "/api/v1/flag-approvals/{environment}", operation_id = "put_flag_approval", tag = "flags",
    request_body = ApprovalRequest,
    params(("environment" = String, Path, description = "the environment")),
    responses(
        (status = 204, description = "it is so"),
        (status = 422, description = "not an environment, or too many of them", body = ProblemBody),
    )
)]
pub(crate) async fn put(
    flags: Asked,
    ApiPath(environment): ApiPath<String>,
    ApiJson(request): ApiJson<ApprovalRequest>,
) -> Result<StatusCode, Problem> {
    if !rules::is_environment(&environment) {
        let (status, detail) = (StatusCode::UNPROCESSABLE_ENTITY, "this is no name of an environment");
        return Err(Problem::new(status, codes::FLAG_INVALID_ENVIRONMENT, detail));
    }
    flags.store.guard(&flags.tenant, &environment, request.needed).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether flags may be changed at the moment.
#[utoipa::path(
    get, path = "/api/v1/flag-freeze", operation_id = "get_flag_freeze", tag = "flags",
    responses((status = 200, description = "whether, and why not", body = FreezeView))
)]
pub(crate) async fn frozen(flags: Asked) -> Result<axum::Json<FreezeView>, Problem> {
    Ok(axum::Json(flags.store.freeze().await?.into()))
}

/// Has every change of flags and segments of all tenants refused, but for turning flags off; or lets them change again, whereupon
/// scheduled changes whose time has come meanwhile take effect.
#[utoipa::path(
    put, path = "/api/v1/flag-freeze", operation_id = "put_flag_freeze", tag = "flags", request_body = FreezeRequest,
    responses(
        (status = 200, description = "as it is now", body = FreezeView),
        (status = 422, description = "too long a reason", body = ProblemBody),
    )
)]
pub(crate) async fn freeze(
    flags: Asked,
    ApiJson(request): ApiJson<FreezeRequest>,
) -> Result<axum::Json<FreezeView>, Problem> {
    let unfit = |detail: String| Problem::invalid("/reason", codes::FLAG_INVALID_REQUEST, detail);
    text::check(&request.reason, 0..=500).map_err(unfit)?;
    if request.frozen {
        flags.store.begin_freeze(&request.reason, flags.by().actor).await?;
    } else {
        flags.store.end_freeze().await?;
    }
    frozen(flags).await
}

//! Keys that stand in pages and apps.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Idempotency, Problem, text};

use super::flags::stored;
use super::problem;
use crate::flags::local::Asked;
use crate::flags::views::{FlagKeyRequest, FlagKeyView, Listed};
use crate::flags::{codes, rules};

const ADDRESS: &str = "/api/v1/flag-keys";

/// Makes a key that pages and apps may have. It is no secret, and tells what public flags come to in its environment, and nothing else.
#[utoipa::path(
    post, path = "/api/v1/flag-keys", operation_id = "create_flag_key", tag = "flags", request_body = FlagKeyRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key, the same answer")),
    extensions(("x-audit" = json!("effect"))),
    responses(
        (status = 201, description = "the key, which is its id", body = FlagKeyView),
        (status = 422, description = "not a name or an environment, or too many keys", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    flags: Asked,
    headers: HeaderMap,
    ApiJson(request): ApiJson<FlagKeyRequest>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    let refuse = |detail: String| Problem::invalid("/name", codes::FLAG_INVALID_REQUEST, detail);
    text::check(&request.name, 0..=500).map_err(refuse)?;
    if !rules::is_environment(&request.environment) {
        let detail = "this is no name of an environment";
        return Err(Problem::invalid("/environment", codes::FLAG_INVALID_ENVIRONMENT, detail));
    }
    let (this, asked) = (flags.clone(), request.clone());
    let made = flags.idempotency.once_within(&flags.tenant, key, ADDRESS, &request, |tx| {
        Box::pin(async move {
            let made = this.store.make_key(tx, &this.tenant, (&asked.name, &asked.environment)).await;
            stored(StatusCode::CREATED, &FlagKeyView::from(made.map_err(problem)?))
        })
    });
    Ok(made.await?.created(ADDRESS))
}

/// All keys of pages and apps, newest first.
#[utoipa::path(
    get, path = "/api/v1/flag-keys", operation_id = "list_flag_keys", tag = "flags",
    responses((status = 200, description = "all of them, at most 100", body = Listed<FlagKeyView>))
)]
pub(crate) async fn list(flags: Asked) -> Result<axum::Json<Listed<FlagKeyView>>, Problem> {
    let keys = flags.store.keys(&flags.tenant).await?;
    Ok(axum::Json(Listed { items: keys.into_iter().map(FlagKeyView::from).collect() }))
}

/// Removes such a key for good. Within five seconds no process answers it any more.
#[utoipa::path(
    delete, path = "/api/v1/flag-keys/{id}", operation_id = "delete_flag_key", tag = "flags",
    params(("id" = String, Path, description = "the key")),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such key", body = ProblemBody),
    )
)]
pub(crate) async fn delete(flags: Asked, ApiPath(id): ApiPath<String>) -> Result<StatusCode, Problem> {
    flags.store.delete_key(&flags.tenant, &id).await.map_err(problem)?;
    flags.forget_key(&id);
    Ok(StatusCode::NO_CONTENT)
}

//! What a request has done, once for each key, and what it is told of it.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kernel::{Idempotency, Problem, Stored};
use serde::Serialize;

use crate::state::Api;

/// Does something once for each idempotency key of a request to `address`.
pub(crate) async fn once(
    api: &Api,
    headers: &HeaderMap,
    address: &str,
    request: &(impl Serialize + Sync),
    effect: impl Future<Output = Result<Stored, Problem>> + Send + 'static,
) -> Result<Response, Problem> {
    let key = Idempotency::key(headers)?;
    Ok(api.idempotency.once(&api.tenant, key, address, request, effect).await?.into_response())
}

/// 202: it is seen to.
pub(crate) fn accepted(answer: &impl Serialize) -> Result<Stored, Problem> {
    let body = serde_json::to_value(answer).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::ACCEPTED, body })
}

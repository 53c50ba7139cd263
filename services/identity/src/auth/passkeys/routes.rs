//! `/api/v1/auth/passkeys`, of the person who asks, and signing in by one.

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Myself, Policy, Problem, Routes};
use utoipa_axum::routes;

use super::views::{
    NewPasskeyView, PasskeyChallengeView, PasskeyChange, PasskeyRequest, PasskeySignInRequest, PasskeyView,
    PasskeysView,
};
use crate::auth::sessions::Sessions;
use crate::auth::sessions::routes::{agent, begun, fresh};
use crate::auth::sessions::views::TokensView;

const ADDRESS: &str = "/api/v1/auth/passkeys";

/// Mounts every route.
pub(in crate::auth) fn mount<S>(routes: Routes<S>) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Sessions: FromRef<S>,
{
    use Policy::{Person, Public};
    routes
        .mount(Person, routes!(add, list))
        .mount(Person, routes!(begin))
        .mount(Person, routes!(rename, remove))
        .mount(Public, routes!(challenge))
        .mount(Public, routes!(sign_in))
}

/// What a browser makes a passkey of the person who asks by, for five minutes.
#[utoipa::path(
    post, path = "/api/v1/auth/passkeys/challenge", operation_id = "begin_passkey_registration", tag = "passkeys",
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "what to ask the browser for", body = NewPasskeyView),
        (status = 403, description = "who asks has not proved within ten minutes who that is", body = ProblemBody),
    )
)]
pub(crate) async fn begin(State(sessions): State<Sessions>, Myself(me): Myself) -> Result<Response, Problem> {
    Ok(fresh(NewPasskeyView { public_key: sessions.begin_passkey(&me).await? }))
}

/// Keeps a passkey that a browser has made: one that its person was verified for, of ES256, EdDSA or RS256. Who has made the authenticator
/// is not asked.
#[utoipa::path(
    post, path = "/api/v1/auth/passkeys", operation_id = "create_passkey", tag = "passkeys", request_body = PasskeyRequest,
    responses(
        (status = 201, description = "the passkey", body = PasskeyView),
        (status = 403, description = "who asks has not proved within ten minutes who that is", body = ProblemBody),
        (status = 409, description = "it is known already", body = ProblemBody),
        (status = 422, description = "it is no answer to a challenge that there is, or there are too many", body = ProblemBody),
    )
)]
pub(crate) async fn add(
    State(sessions): State<Sessions>,
    Myself(me): Myself,
    ApiJson(request): ApiJson<PasskeyRequest>,
) -> Result<Response, Problem> {
    let view = PasskeyView::from(sessions.add_passkey(&me, request).await?);
    let headers =
        [(header::LOCATION, format!("{ADDRESS}/{}", view.id)), (header::CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::CREATED, headers, axum::Json(view)).into_response())
}

/// The passkeys of the person who asks.
#[utoipa::path(
    get, path = "/api/v1/auth/passkeys", operation_id = "list_passkeys", tag = "passkeys",
    responses((status = 200, description = "all of them", body = PasskeysView))
)]
pub(crate) async fn list(State(sessions): State<Sessions>, Myself(me): Myself) -> Result<Response, Problem> {
    let items = sessions.passkeys(&me).await?.into_iter().map(PasskeyView::from).collect();
    Ok(fresh(PasskeysView { items }))
}

/// Renames a passkey.
#[utoipa::path(
    patch, path = "/api/v1/auth/passkeys/{id}", operation_id = "update_passkey", tag = "passkeys",
    request_body = PasskeyChange, params(("id" = String, Path, description = "a passkey of the person")),
    responses(
        (status = 200, description = "as it is now", body = PasskeyView),
        (status = 404, description = "no such passkey of this person", body = ProblemBody),
        (status = 422, description = "not a name", body = ProblemBody),
    )
)]
pub(crate) async fn rename(
    State(sessions): State<Sessions>,
    Myself(me): Myself,
    ApiPath(id): ApiPath<String>,
    ApiJson(change): ApiJson<PasskeyChange>,
) -> Result<Response, Problem> {
    Ok(fresh(PasskeyView::from(sessions.rename_passkey(&me, &id, change.name).await?)))
}

/// Removes a passkey: nobody signs in by it any more. Sessions that it has begun go on.
#[utoipa::path(
    delete, path = "/api/v1/auth/passkeys/{id}", operation_id = "delete_passkey", tag = "passkeys",
    params(("id" = String, Path, description = "a passkey of the person")),
    responses(
        (status = 204, description = "removed"),
        (status = 403, description = "who asks has not proved within ten minutes who that is", body = ProblemBody),
        (status = 404, description = "no such passkey of this person", body = ProblemBody),
    )
)]
pub(crate) async fn remove(
    State(sessions): State<Sessions>,
    Myself(me): Myself,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, Problem> {
    sessions.delete_passkey(&me, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a browser asks for a passkey by, to sign in or to step up, for five minutes.
#[utoipa::path(
    post, path = "/api/v1/auth/sessions/passkey-challenge", operation_id = "begin_passkey_sign_in", tag = "passkeys",
    extensions(("x-audit" = json!("none"))),
    responses((status = 200, description = "what to ask the browser for", body = PasskeyChallengeView))
)]
pub(crate) async fn challenge(State(sessions): State<Sessions>) -> Result<Response, Problem> {
    Ok(fresh(PasskeyChallengeView { public_key: sessions.challenge().await? }))
}

/// Begins the session of the person whose passkey that is. It is two factors: no code is asked for.
#[utoipa::path(
    post, path = "/api/v1/auth/sessions/passkey", operation_id = "sign_in_by_passkey", tag = "passkeys",
    request_body = PasskeySignInRequest, extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 201, description = "the session with its tokens", body = TokensView),
        (status = 401, description = "it is no passkey of anybody here, or has not signed what it had to", body = ProblemBody),
        (status = 403, description = "the tenant is suspended", body = ProblemBody),
    )
)]
pub(crate) async fn sign_in(
    State(sessions): State<Sessions>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<PasskeySignInRequest>,
) -> Result<Response, Problem> {
    Ok(begun(sessions.sign_in_by(&request.credential, agent(&headers)).await?))
}

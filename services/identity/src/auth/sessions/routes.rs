//! `/api/v1/auth`: signing in and out, passwords, and the keys that verify access tokens.

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::audit::By;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Myself, Policy, Problem, Routes, respond_cached};
use serde::Serialize;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::views::{
    HalfWayView, JwkView, JwksView, PasswordRequest, RefreshRequest, RotateKeysRequest, SessionView, SessionsView,
    SignInRequest, SigningKeyView, SigningKeysView, TokensView,
};
use super::{Account, Sessions, SignedIn, Tokens};

/// Characters of a device's name that are kept.
const MAX_USER_AGENT: usize = 200;
/// What stands for the session of the request itself.
const CURRENT: &str = "current";

/// Mounts every route.
pub(in crate::auth) fn mount<S>(routes: Routes<S>) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Sessions: FromRef<S>,
{
    use Policy::{Operator, Person, Public};
    routes
        .mount([(Method::POST, Public), (Method::GET, Person)], routes!(sign_in, list))
        .mount(Public, routes!(refresh))
        .mount(Person, routes!(end))
        .mount(Public, routes!(set_password))
        .mount(Public, routes!(jwks))
        .mount(Operator, routes!(rotate))
}

/// Begins a session. A name that nobody has is refused as a wrong password is. Whoever has a second factor is asked for a code first:
/// `POST /api/v1/auth/sessions/code`.
#[utoipa::path(
    post, path = "/api/v1/auth/sessions", operation_id = "sign_in", tag = "sessions", request_body = SignInRequest,
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "it is the password, and a code is needed besides", body = HalfWayView),
        (status = 201, description = "the session with its tokens", body = TokensView),
        (status = 401, description = "not a person's address and password", body = ProblemBody),
        (status = 403, description = "the tenant is suspended", body = ProblemBody),
        (status = 429, description = "too many tries at this address", body = ProblemBody),
        (status = 503, description = "too many people sign in at the moment", body = ProblemBody),
    )
)]
pub(crate) async fn sign_in(
    State(sessions): State<Sessions>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<SignInRequest>,
) -> Result<Response, Problem> {
    let SignInRequest { tenant, email, password } = request;
    match sessions.sign_in((&tenant, &email), Zeroizing::new(password), agent(&headers)).await? {
        SignedIn::Whole(tokens) => Ok(begun(tokens)),
        SignedIn::HalfWay(half) => {
            let by = by(&half.account);
            let mut response = fresh(HalfWayView::from(half));
            response.extensions_mut().insert(by);
            Ok(response)
        }
    }
}

/// An answer that nobody keeps.
pub(in crate::auth) fn fresh(view: impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(view)).into_response()
}

/// What a request was sent with, as that calls itself.
pub(in crate::auth) fn agent(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect())
}

/// The answer to whoever has signed in, which says for the log who that is.
pub(in crate::auth) fn begun(tokens: Tokens) -> Response {
    let by = by(&tokens.account);
    let mut response = answer(StatusCode::CREATED, tokens);
    response.extensions_mut().insert(by);
    response
}

/// Whom the log names who has shown who he is.
pub(in crate::auth) fn by(account: &Account) -> By {
    By { tenant: account.tenant.clone(), actor: account.user.clone() }
}

fn answer(status: StatusCode, tokens: Tokens) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], axum::Json(TokensView::from(tokens))).into_response()
}

/// Goes on with a session: answers with both tokens anew. The one that was shown has done its work: whoever shows it again ends the
/// session, so a client asks once at a time.
#[utoipa::path(
    post, path = "/api/v1/auth/sessions/refresh", operation_id = "refresh_session", tag = "sessions",
    request_body = RefreshRequest, extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "the session with its tokens", body = TokensView),
        (status = 401, description = "a token that holds no more", body = ProblemBody),
        (status = 403, description = "the tenant is suspended", body = ProblemBody),
    )
)]
pub(crate) async fn refresh(
    State(sessions): State<Sessions>,
    ApiJson(request): ApiJson<RefreshRequest>,
) -> Result<Response, Problem> {
    let token = Zeroizing::new(request.refresh_token);
    Ok(answer(StatusCode::OK, sessions.refresh(&token, None).await?))
}

/// Where the person who asks is signed in.
#[utoipa::path(
    get, path = "/api/v1/auth/sessions", operation_id = "list_sessions", tag = "sessions",
    responses((status = 200, description = "all of them", body = SessionsView))
)]
pub(crate) async fn list(State(sessions): State<Sessions>, Myself(me): Myself) -> Result<Response, Problem> {
    let rows = sessions.list(&me.tenant, &me.id).await?;
    let items = rows.into_iter().map(|row| SessionView::of(row, &me.session)).collect();
    Ok(fresh(SessionsView { items }))
}

/// Signs the person who asks out somewhere, within five seconds in every process.
#[utoipa::path(
    delete, path = "/api/v1/auth/sessions/{id}", operation_id = "end_session", tag = "sessions",
    params(("id" = String, Path, description = "a session of the person, or `current`")),
    responses(
        (status = 204, description = "it has ended"),
        (status = 404, description = "no such session of this person", body = ProblemBody),
    )
)]
pub(crate) async fn end(
    State(sessions): State<Sessions>,
    Myself(me): Myself,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, Problem> {
    let id = if id == CURRENT { &me.session } else { &id };
    sessions.end(&me.tenant, &me.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the password of the person who was given the link, and signs him out everywhere. The link has done its work then.
#[utoipa::path(
    post, path = "/api/v1/auth/password", operation_id = "set_password", tag = "sessions", request_body = PasswordRequest,
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 204, description = "it is set"),
        (status = 422, description = "a link that holds no more, or a password that cannot be", body = ProblemBody),
        (status = 503, description = "too many people sign in at the moment", body = ProblemBody),
    )
)]
pub(crate) async fn set_password(
    State(sessions): State<Sessions>,
    ApiJson(request): ApiJson<PasswordRequest>,
) -> Result<Response, Problem> {
    let PasswordRequest { token, password } = request;
    let (tenant, actor) = sessions.set_password(&Zeroizing::new(token), Zeroizing::new(password)).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.extensions_mut().insert(By { tenant, actor });
    Ok(response)
}

/// The keys that access tokens are verified by (RFC 7517). The next one is among them before it signs.
#[utoipa::path(
    get, path = "/api/v1/auth/jwks.json", operation_id = "get_jwks", tag = "sessions",
    responses((status = 200, description = "the keys", body = JwksView, content_type = "application/jwk-set+json"))
)]
pub(crate) async fn jwks(State(sessions): State<Sessions>, headers: HeaderMap) -> Result<Response, Problem> {
    let keys = sessions.signing.published().await?.into_iter().map(JwkView::from).collect();
    let body = serde_json::to_vec(&JwksView { keys }).map_err(|error| Problem::internal(&error))?;
    Ok(respond_cached(&headers, "application/jwk-set+json", "public, max-age=300", body.into()))
}

/// Lets the next key sign access tokens, and makes another next one.
#[utoipa::path(
    post, path = "/api/v1/auth/signing-keys/rotate", operation_id = "rotate_signing_keys", tag = "sessions",
    request_body = RotateKeysRequest,
    responses(
        (status = 200, description = "the keys that there are now", body = SigningKeysView),
        (status = 409, description = "somebody else rotates them", body = ProblemBody),
    )
)]
pub(crate) async fn rotate(
    State(sessions): State<Sessions>,
    ApiJson(request): ApiJson<RotateKeysRequest>,
) -> Result<axum::Json<SigningKeysView>, Problem> {
    sessions.signing.rotate(request.has_leaked).await?;
    let items = sessions.signing.published().await?.into_iter().map(SigningKeyView::from).collect();
    Ok(axum::Json(SigningKeysView { items }))
}

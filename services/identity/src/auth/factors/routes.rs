//! `/api/v1/auth/factors`, `/api/v1/auth/totp` and `/api/v1/auth/recovery-codes`, of the person who asks; the second half of a sign-in, and
//! stepping up.

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, Myself, Policy, Problem, Routes, codes as common};
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::step_up::Shown;
use super::views::{
    CodeRequest, ConfirmTotpRequest, FactorsView, NewTotpView, RecoveryCodesView, StepUpRequest, StepUpView,
};
use crate::auth::sessions::Sessions;
use crate::auth::sessions::routes::{agent, begun, fresh};
use crate::auth::sessions::views::TokensView;

/// Mounts every route.
pub(in crate::auth) fn mount<S>(routes: Routes<S>) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Sessions: FromRef<S>,
{
    use Policy::{Person, Public};
    routes
        .mount(Person, routes!(show))
        .mount(Person, routes!(begin_totp, remove_totp))
        .mount(Person, routes!(confirm_totp))
        .mount(Person, routes!(replace_codes))
        .mount(Public, routes!(finish))
        .mount(Person, routes!(step_up))
}

/// What the person who asks proves who he is by.
#[utoipa::path(
    get, path = "/api/v1/auth/factors", operation_id = "get_factors", tag = "factors",
    responses((status = 200, description = "all of it", body = FactorsView))
)]
pub(crate) async fn show(State(sessions): State<Sessions>, Myself(me): Myself) -> Result<Response, Problem> {
    Ok(fresh(FactorsView::from(sessions.owned(&me).await?)))
}

/// Makes a secret for an authenticator. Nothing is asked for by it until a first code has confirmed it, within ten minutes.
#[utoipa::path(
    post, path = "/api/v1/auth/totp", operation_id = "begin_totp", tag = "factors",
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "the secret", body = NewTotpView),
        (status = 403, description = "who asks has not proved within ten minutes who that is", body = ProblemBody),
        (status = 409, description = "codes are asked for already", body = ProblemBody),
    )
)]
pub(crate) async fn begin_totp(State(sessions): State<Sessions>, Myself(me): Myself) -> Result<Response, Problem> {
    Ok(fresh(NewTotpView::from(sessions.begin_totp(&me).await?)))
}

/// Has codes asked for from now on when the person signs in by his password, and signs him out everywhere else.
#[utoipa::path(
    post, path = "/api/v1/auth/totp/confirm", operation_id = "confirm_totp", tag = "factors",
    request_body = ConfirmTotpRequest,
    responses(
        (status = 200, description = "recovery codes", body = RecoveryCodesView),
        (status = 403, description = "who asks has not proved within ten minutes who that is", body = ProblemBody),
        (status = 409, description = "no secret waits for a code", body = ProblemBody),
        (status = 422, description = "it is not its code", body = ProblemBody),
        (status = 429, description = "too many tries", body = ProblemBody),
    )
)]
pub(crate) async fn confirm_totp(
    State(sessions): State<Sessions>,
    Myself(me): Myself,
    ApiJson(request): ApiJson<ConfirmTotpRequest>,
) -> Result<Response, Problem> {
    let recovery_codes = sessions.confirm_totp(&me, &request.code).await?;
    Ok(fresh(RecoveryCodesView { recovery_codes }))
}

/// Has no codes asked for any more. Recovery codes go with them.
#[utoipa::path(
    delete, path = "/api/v1/auth/totp", operation_id = "remove_totp", tag = "factors",
    responses(
        (status = 204, description = "removed"),
        (status = 403, description = "who asks has not proved within ten minutes who that is", body = ProblemBody),
        (status = 404, description = "none are asked for", body = ProblemBody),
    )
)]
pub(crate) async fn remove_totp(State(sessions): State<Sessions>, Myself(me): Myself) -> Result<StatusCode, Problem> {
    sessions.remove_totp(&me).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes ten recovery codes, in the place of those that are left.
#[utoipa::path(
    post, path = "/api/v1/auth/recovery-codes", operation_id = "replace_recovery_codes", tag = "factors",
    responses(
        (status = 200, description = "the codes", body = RecoveryCodesView),
        (status = 403, description = "who asks has not proved within ten minutes who that is", body = ProblemBody),
        (status = 404, description = "no codes are asked for that they could stand in for", body = ProblemBody),
    )
)]
pub(crate) async fn replace_codes(State(sessions): State<Sessions>, Myself(me): Myself) -> Result<Response, Problem> {
    let recovery_codes = sessions.replace_codes(&me).await?;
    Ok(fresh(RecoveryCodesView { recovery_codes }))
}

/// Begins the session of a person whose password was right, with a code of his authenticator or a recovery code.
#[utoipa::path(
    post, path = "/api/v1/auth/sessions/code", operation_id = "finish_sign_in", tag = "sessions",
    request_body = CodeRequest, extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 201, description = "the session with its tokens", body = TokensView),
        (status = 401, description = "no sign-in waits with this token, or it is not a code", body = ProblemBody),
        (status = 403, description = "the tenant is suspended", body = ProblemBody),
        (status = 429, description = "too many tries of this person's codes", body = ProblemBody),
    )
)]
pub(crate) async fn finish(
    State(sessions): State<Sessions>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<CodeRequest>,
) -> Result<Response, Problem> {
    let CodeRequest { code_token, code } = request;
    Ok(begun(sessions.finish(&code_token, &code, agent(&headers)).await?))
}

/// Proves once more who asks, by the password, a code or a passkey, and answers an access token that says so. Whoever is asked for codes
/// shows one, or a passkey.
#[utoipa::path(
    post, path = "/api/v1/auth/sessions/current/step-up", operation_id = "step_up", tag = "sessions",
    request_body = StepUpRequest,
    responses(
        (status = 200, description = "the token", body = StepUpView),
        (status = 403, description = "it is not the person himself who asks", body = ProblemBody),
        (status = 404, description = "the session has ended", body = ProblemBody),
        (status = 422, description = "it proves nothing", body = ProblemBody),
        (status = 429, description = "too many tries", body = ProblemBody),
        (status = 503, description = "too many people sign in at the moment", body = ProblemBody),
    )
)]
pub(crate) async fn step_up(
    State(sessions): State<Sessions>,
    Myself(me): Myself,
    ApiJson(request): ApiJson<StepUpRequest>,
) -> Result<Response, Problem> {
    let shown = match (request.password, request.code, request.passkey) {
        (Some(password), None, None) => Shown::Password(Zeroizing::new(password)),
        (None, Some(code), None) => Shown::Code(code),
        (None, None, Some(passkey)) => Shown::Passkey(passkey),
        _ => {
            let detail = "exactly one of password, code and passkey is needed";
            return Err(Problem::invalid("", common::BODY_INVALID, detail));
        }
    };
    Ok(fresh(StepUpView::of(sessions.step_up(&me, shown).await?)))
}

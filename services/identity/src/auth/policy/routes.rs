//! `/api/v1/auth/policy`.

use std::collections::BTreeSet;

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use database::{Json, args};
use kernel::conditional::{respond_json, stale};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, Etag, Permission, Policy, Principal, Problem, Routes, Tenant, require_if_match};
use serde_json::json;
use utoipa_axum::routes;

use super::views::{SignInPolicyRequest, SignInPolicyView};
use super::{MIN_PASSWORD, PUT, Rules};
use crate::auth::codes;
use crate::auth::sessions::{SESSION_MS, Sessions, tell};
use crate::user::model::normal_email;

const MAX_DOMAINS: usize = 50;
const PASSWORDS: std::ops::RangeInclusive<i64> = MIN_PASSWORD..=64;
const SESSIONS: std::ops::RangeInclusive<i64> = 300..=SESSION_MS / 1000;

pub(in crate::auth) const READ: Permission = Permission::new("auth_policy", "read");
pub(in crate::auth) const UPDATE: Permission = Permission::new("auth_policy", "update");

/// Mounts every route.
pub(in crate::auth) fn mount<S>(routes: Routes<S>) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Sessions: FromRef<S>,
{
    use Policy::May;
    routes.mount([(Method::GET, May(READ)), (Method::PUT, May(UPDATE))], routes!(show, put))
}

/// What the caller's tenant asks of its people when they sign in.
#[utoipa::path(
    get, path = "/api/v1/auth/policy", operation_id = "get_sign_in_policy", tag = "sessions",
    responses(
        (status = 200, description = "all of it, with a strong ETag", body = SignInPolicyView),
        (status = 304, description = "unchanged"),
    )
)]
pub(crate) async fn show(
    State(sessions): State<Sessions>,
    Tenant(tenant): Tenant,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &SignInPolicyView::from(Rules::of(&sessions.db, &tenant).await?)))
}

/// Says what the caller's tenant asks for. That a second factor is needed holds at once for all who are in; the rest for whoever signs in, or
/// chooses a password, from now on.
#[utoipa::path(
    put, path = "/api/v1/auth/policy", operation_id = "put_sign_in_policy", tag = "sessions",
    request_body = SignInPolicyRequest,
    params(("If-Match" = String, Header, description = "the state of it that is changed")),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = SignInPolicyView),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "not what could be asked for", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn put(
    State(sessions): State<Sessions>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<SignInPolicyRequest>,
) -> Result<Response, Problem> {
    let was = Rules::of(&sessions.db, &tenant).await?;
    require_if_match(&headers, &Etag::of_json(&SignInPolicyView::from(was.clone()))?)?;
    let now_ms = (sessions.clock)();
    let Rules { needs_second_factor, domains, min_password, session_s, allows_impersonation, .. } = checked(request)?;
    let mut tx = sessions.db.begin().await?;
    let args = args![
        &tenant,
        needs_second_factor,
        json!(domains.0),
        min_password,
        session_s,
        allows_impersonation,
        was.version,
        now_ms
    ];
    let rules: Rules = tx.optional(PUT, args).await?.ok_or_else(stale)?;
    let data = json!({
        "needs_second_factor": needs_second_factor, "email_domains": domains.0, "min_password_length": min_password,
        "session_s": session_s, "allows_impersonation": allows_impersonation, "actor": principal.actor(),
    });
    tell(&mut tx, &tenant, ("auth_policy.updated", tenant.as_str()), data, now_ms).await?;
    tx.commit().await?;
    Ok(respond_json(&HeaderMap::new(), &SignInPolicyView::from(rules)))
}

/// What can be asked for.
fn checked(request: SignInPolicyRequest) -> Result<Rules, Problem> {
    let usual = Rules::default();
    let given = request.email_domains.unwrap_or_default();
    let domains: BTreeSet<String> = given.iter().map(|domain| domain.to_ascii_lowercase()).collect();
    // What can stand behind an @ of an address.
    let is_domain =
        |domain: &String| normal_email(&format!("a@{domain}")).is_some_and(|email| email.len() == domain.len() + 2);
    if domains.len() > MAX_DOMAINS || !domains.iter().all(is_domain) {
        let detail = "there are at most 50 domains, such as school.example";
        return Err(Problem::invalid("/email_domains", codes::AUTH_POLICY_INVALID_DOMAINS, detail));
    }
    let min_password = request.min_password_length.unwrap_or(usual.min_password);
    if !PASSWORDS.contains(&min_password) {
        let detail = "a password has at least 8 to 64 characters";
        return Err(Problem::invalid("/min_password_length", codes::AUTH_POLICY_INVALID_PASSWORD_LENGTH, detail));
    }
    let session_s = request.session_s.unwrap_or(usual.session_s);
    if !SESSIONS.contains(&session_s) {
        let detail = "a session lasts 300 to 2592000 seconds";
        return Err(Problem::invalid("/session_s", codes::AUTH_POLICY_INVALID_SESSION, detail));
    }
    Ok(Rules {
        needs_second_factor: request.needs_second_factor.unwrap_or(usual.needs_second_factor),
        domains: Json(domains.into_iter().collect()),
        min_password,
        session_s,
        allows_impersonation: request.allows_impersonation.unwrap_or(usual.allows_impersonation),
        ..usual
    })
}

//! What clients read to find everything else: OpenID Connect Discovery §3, and the same by RFC 8414.

use axum::http::HeaderMap;
use axum::response::Response;
use kernel::problem::ProblemBody;
use kernel::{Problem, respond_cached};
use serde::Serialize;
use utoipa::ToSchema;

use super::Provider;
use super::scope::{self, Scope};
use crate::auth::jwt::ALGORITHM;
use crate::auth::proof;

/// Where everything is, and what of it is spoken.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderView {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    end_session_endpoint: String,
    /// Clients are told where they have said so (OpenID Connect Back-Channel Logout §2.1).
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    device_authorization_endpoint: String,
    scopes_supported: Vec<Scope>,
    response_types_supported: Vec<&'static str>,
    response_modes_supported: Vec<&'static str>,
    grant_types_supported: Vec<&'static str>,
    subject_types_supported: Vec<&'static str>,
    /// Ed25519 alone.
    id_token_signing_alg_values_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    code_challenge_methods_supported: Vec<&'static str>,
    prompt_values_supported: Vec<&'static str>,
    /// Of the ID token, by what was shown; no wish for one asks for more.
    acr_values_supported: Vec<&'static str>,
    claims_supported: Vec<&'static str>,
    /// RFC 9207.
    authorization_response_iss_parameter_supported: bool,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
}

fn view(provider: &Provider) -> ProviderView {
    let at = |path: &str| provider.issuer.at(path);
    let by_secret_or_none = vec!["client_secret_basic", "client_secret_post", "none"];
    ProviderView {
        issuer: provider.issuer.as_str().to_owned(),
        authorization_endpoint: at("/oauth2/authorize"),
        token_endpoint: at("/oauth2/token"),
        userinfo_endpoint: at("/oauth2/userinfo"),
        jwks_uri: at("/api/v1/auth/jwks.json"),
        revocation_endpoint: at("/oauth2/revoke"),
        introspection_endpoint: at("/oauth2/introspect"),
        end_session_endpoint: at("/oauth2/logout"),
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        device_authorization_endpoint: at("/oauth2/device"),
        scopes_supported: scope::ALL.to_vec(),
        response_types_supported: vec!["code"],
        response_modes_supported: vec!["query"],
        grant_types_supported: vec![
            "authorization_code",
            "client_credentials",
            "refresh_token",
            super::token::DEVICE_CODE,
        ],
        subject_types_supported: vec!["public"],
        id_token_signing_alg_values_supported: vec![ALGORITHM],
        token_endpoint_auth_methods_supported: by_secret_or_none.clone(),
        revocation_endpoint_auth_methods_supported: by_secret_or_none,
        introspection_endpoint_auth_methods_supported: vec!["client_secret_basic", "client_secret_post"],
        code_challenge_methods_supported: vec!["S256"],
        prompt_values_supported: vec!["none", "login", "consent", "select_account"],
        acr_values_supported: proof::LEVELS.to_vec(),
        claims_supported: vec![
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "amr",
            "nonce",
            "sid",
            "tenant",
            "name",
            "locale",
            "zoneinfo",
            "updated_at",
            "email",
            "email_verified",
        ],
        authorization_response_iss_parameter_supported: true,
        claims_parameter_supported: false,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
    }
}

/// Where everything is that OpenID Connect knows.
#[utoipa::path(
    get, path = "/.well-known/openid-configuration", operation_id = "get_openid_configuration", tag = "sign-in",
    responses(
        (status = 200, description = "by OpenID Connect Discovery", body = ProviderView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "the installation has no address that it is known by", body = ProblemBody),
    )
)]
pub(crate) async fn openid(provider: Provider, headers: HeaderMap) -> Result<Response, Problem> {
    let body = serde_json::to_vec(&view(&provider)).map_err(|error| Problem::internal(&error))?;
    Ok(respond_cached(&headers, "application/json", "public, max-age=300", body.into()))
}

/// The same where OAuth looks for it (RFC 8414).
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", operation_id = "get_oauth_metadata", tag = "sign-in",
    responses(
        (status = 200, description = "by RFC 8414", body = ProviderView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "the installation has no address that it is known by", body = ProblemBody),
    )
)]
pub(crate) async fn oauth(provider: Provider, headers: HeaderMap) -> Result<Response, Problem> {
    openid(provider, headers).await
}

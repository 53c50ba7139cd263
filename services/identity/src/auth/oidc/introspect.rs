//! `/oauth2/introspect`: what another service of the tenant asks about a token that somebody has brought it (RFC 7662).

use axum::http::HeaderMap;
use axum::response::Response;
use kernel::Problem;
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::Provider;
use super::clients::Known;
use super::params::OfForm;
use super::refusal::{OAuthErrorView, error, invalid_request};
use super::revoke::OAuthTokenForm;
use super::scope::Scope;
use crate::auth::codes;
use crate::auth::jwt::{Act, Claims, ISSUER, Unverified};
use crate::auth::secret::Refresh;
use crate::auth::sessions::SessionRow;
use crate::auth::sessions::routes::fresh;

/// What is known of a token (RFC 7662 §2.2): of one that does not hold, nothing.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct IntrospectionView {
    /// Whether it holds.
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// `Bearer` of an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// The id of the person, or of a client that acts in its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// Who acts as the person, if it is not himself.
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'static str>,
    /// The id of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
}

impl IntrospectionView {
    /// Of a client that acts in its own name.
    fn of_client(claims: Claims) -> Self {
        Self {
            active: true,
            scope: Some(Scope::Api.as_str().to_owned()),
            client_id: Some(claims.sub.clone()),
            token_type: Some("Bearer"),
            sub: Some(claims.sub),
            aud: Some(claims.aud),
            iss: Some(ISSUER),
            exp: Some(claims.exp),
            iat: Some(claims.iat),
            ..Self::default()
        }
    }
}

impl Provider {
    /// What a token says that holds, of a client that acts in its own name.
    async fn of_client(&self, token: &str) -> Result<Option<Claims>, Problem> {
        let Some(unverified) = Unverified::read(token) else { return Ok(None) };
        let Some(public_key) = self.public_key(&unverified.kid).await? else { return Ok(None) };
        let claims = unverified.verify(&public_key, self.now_ms().div_euclid(1000));
        Ok(claims.filter(Claims::is_of_client))
    }

    async fn known(&self, client: &Known, token: &str) -> Result<IntrospectionView, Problem> {
        if let Some(refresh) = Refresh::read(token) {
            let row = self.sessions.session(&refresh.session, &refresh.family_sha256()).await?;
            let holds = |row: &SessionRow| bool::from(row.token_sha256.as_slice().ct_eq(&refresh.sha256()));
            let row = row.filter(|row| row.client_id.as_ref() == Some(&client.id) && holds(row));
            return Ok(row.map_or_else(IntrospectionView::default, |row| IntrospectionView {
                active: true,
                scope: row.scope,
                client_id: row.client_id,
                sub: Some(row.user_id),
                sid: Some(row.id),
                exp: Some(row.expires_ms.div_euclid(1000)),
                iat: Some(row.last_used_ms.div_euclid(1000)),
                ..IntrospectionView::default()
            }));
        }
        if let Some(claims) = self.of_client(token).await? {
            let is_of_tenant = claims.tenant == client.tenant_id && self.clients.known(&claims.sub).await?.is_some();
            return Ok(if is_of_tenant { IntrospectionView::of_client(claims) } else { IntrospectionView::default() });
        }
        let found = self.access_token(token).await?.filter(|(claims, _)| claims.tenant == client.tenant_id);
        Ok(found.map_or_else(IntrospectionView::default, |(claims, row)| IntrospectionView {
            active: true,
            scope: row.scope,
            client_id: row.client_id,
            token_type: Some("Bearer"),
            sub: Some(claims.sub),
            act: claims.act,
            aud: Some(claims.aud),
            iss: Some(ISSUER),
            sid: Some(claims.sid),
            exp: Some(claims.exp),
            iat: Some(claims.iat),
        }))
    }
}

/// What is known of a token: of the access token of any session of the tenant, and of the client's own refresh tokens. For clients that
/// have a secret.
#[utoipa::path(
    post, path = "/oauth2/introspect", operation_id = "oauth_introspect", tag = "sign-in",
    request_body(content = OAuthTokenForm, content_type = "application/x-www-form-urlencoded"),
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "whether it holds, and whose it is then", body = IntrospectionView),
        (status = 400, description = "by RFC 6749", body = OAuthErrorView),
        (status = 401, description = "not a client with a secret", body = OAuthErrorView),
        (status = 403, description = "the tenant is suspended", body = OAuthErrorView),
        (status = 404, description = "the installation has no address that it is known by", body = OAuthErrorView),
        (status = 415, description = "no form", body = OAuthErrorView),
    )
)]
pub(crate) async fn introspect(
    provider: Provider,
    headers: HeaderMap,
    OfForm(params): OfForm,
) -> Result<Response, Problem> {
    let client = provider.client(&headers, &params).await?;
    if client.secret_sha256.is_none() {
        return Err(error(codes::OAUTH_INVALID_CLIENT, "this is for clients that have a secret").into());
    }
    let token = params.get("token").ok_or(invalid_request("the request has no token"))?;
    Ok(fresh(provider.known(&client, token).await?))
}

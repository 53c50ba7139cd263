//! `/oauth2/userinfo`: what a client may know of who has signed in (OpenID Connect Core §5.3).

use axum::http::{HeaderMap, header};
use axum::response::Response;
use database::args;
use kernel::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::Provider;
use super::refusal::{Error, OAuthErrorView, error};
use super::scope::Scope;
use crate::auth::codes;
use crate::auth::jwt::{Claims, Unverified};
use crate::auth::sessions::routes::fresh;
use crate::auth::sessions::{SessionRow, check_tenant};

const PERSON: &str =
    "SELECT name, email, locale, time_zone, updated_ms FROM user_account WHERE tenant_id = $1 AND id = $2";

/// Every statement of user info, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[PERSON];

const NO_TOKEN: Error = error(codes::OAUTH_INVALID_TOKEN, "the access token is of no session that goes on");

database::row! {
    struct PersonRow {
        name: String,
        email: String,
        locale: String,
        time_zone: String,
        updated_ms: i64,
    }
}

/// Who has signed in, as far as the client may know (OpenID Connect Core §5.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct UserInfoView {
    /// The id of the person.
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// BCP 47.
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    /// A name of the IANA database.
    #[serde(skip_serializing_if = "Option::is_none")]
    zoneinfo: Option<String>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// False: nobody has asked there.
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

impl Provider {
    /// What an access token says that holds, and its session, which goes on; of whatever audience.
    pub(super) async fn access_token(&self, token: &str) -> Result<Option<(Claims, SessionRow)>, Problem> {
        let Some(unverified) = Unverified::read(token) else { return Ok(None) };
        let Some(public_key) = self.public_key(&unverified.kid).await? else { return Ok(None) };
        let Some(claims) = unverified.access(&public_key, self.now_ms().div_euclid(1000)) else { return Ok(None) };
        let row = self.sessions.going_on(&claims.sid).await?;
        let is_its = |row: &SessionRow| row.tenant_id == claims.tenant && row.user_id == claims.sub;
        let Some(row) = row.filter(is_its) else { return Ok(None) };
        Ok(self.sessions.is_enough(&row).await?.then_some((claims, row)))
    }
}

/// Who has signed in: his id, and what else the scopes of the client's session say. The access token is any that the client was given
/// with the scope `openid`.
#[utoipa::path(
    get, path = "/oauth2/userinfo", operation_id = "get_userinfo", tag = "sign-in",
    params(("Authorization" = Option<String>, Header, description = "Bearer, and an access token that a client was given")),
    responses(
        (status = 200, description = "the person", body = UserInfoView),
        (status = 401, description = "by RFC 6750: no access token that holds", body = OAuthErrorView),
        (status = 403, description = "by RFC 6750: one without the scope openid", body = OAuthErrorView),
        (status = 404, description = "the installation has no address that it is known by", body = OAuthErrorView),
    )
)]
pub(crate) async fn show(provider: Provider, headers: HeaderMap) -> Result<Response, Problem> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        value.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = token.ok_or(NO_TOKEN)?;
    let (claims, row) = provider.access_token(token.trim()).await?.ok_or(NO_TOKEN)?;
    check_tenant(&row.tenant_state).map_err(|_suspended| NO_TOKEN)?;
    let scope = row.scope.unwrap_or_default();
    if !Scope::Openid.is_in(&scope) {
        return Err(error(codes::OAUTH_INSUFFICIENT_SCOPE, "the access token is for something else").into());
    }
    let args = args![&row.tenant_id, &row.user_id];
    let person: Option<PersonRow> = provider.sessions.db.optional(PERSON, args).await?;
    let PersonRow { name, email, locale, time_zone, updated_ms } = person.ok_or(NO_TOKEN)?;
    let (profile, address) = (Scope::Profile.is_in(&scope), Scope::Email.is_in(&scope));
    Ok(fresh(UserInfoView {
        sub: claims.sub,
        name: profile.then_some(name),
        locale: profile.then_some(locale),
        zoneinfo: profile.then_some(time_zone),
        updated_at: profile.then_some(updated_ms.div_euclid(1000)),
        email: address.then_some(email),
        email_verified: address.then_some(false),
    }))
}

/// The same by POST.
#[utoipa::path(
    post, path = "/oauth2/userinfo", operation_id = "get_userinfo_by_post", tag = "sign-in",
    params(("Authorization" = Option<String>, Header, description = "Bearer, and an access token that a client was given")),
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "the person", body = UserInfoView),
        (status = 401, description = "by RFC 6750: no access token that holds", body = OAuthErrorView),
        (status = 403, description = "by RFC 6750: one without the scope openid", body = OAuthErrorView),
        (status = 404, description = "the installation has no address that it is known by", body = OAuthErrorView),
    )
)]
pub(crate) async fn show_by_post(provider: Provider, headers: HeaderMap) -> Result<Response, Problem> {
    show(provider, headers).await
}

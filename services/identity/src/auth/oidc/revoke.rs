//! `/oauth2/revoke`: a client gives back what it has (RFC 7009).

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kernel::Problem;
use kernel::audit::Unrecorded;
use utoipa::ToSchema;

use super::Provider;
use super::params::OfForm;
use super::refusal::{OAuthErrorView, invalid_request};
use crate::auth::secret::Refresh;
use crate::auth::sessions::routes::by;
use crate::auth::sessions::{SessionRow, end_one};

/// What a client gives back, or asks about.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is what the document says of the form")]
pub(crate) struct OAuthTokenForm {
    /// An access token or a refresh token.
    token: String,
    /// Not needed: tokens say which they are.
    token_type_hint: Option<String>,
    /// Unless the header `Authorization` says so.
    client_id: Option<String>,
    /// Of a client that has one, unless the header `Authorization` says it.
    #[schema(format = "password")]
    client_secret: Option<String>,
}

impl Provider {
    /// The session that a token is of, whichever it is.
    async fn session_of(&self, token: &str) -> Result<Option<SessionRow>, Problem> {
        if let Some(refresh) = Refresh::read(token) {
            return Ok(self.sessions.session(&refresh.session, &refresh.family_sha256()).await?);
        }
        Ok(self.access_token(token).await?.map(|(_, row)| row))
    }
}

/// Ends the session of the client that a token is of, whichever of its tokens that is. What is no token of the client's is none
/// already.
#[utoipa::path(
    post, path = "/oauth2/revoke", operation_id = "oauth_revoke", tag = "sign-in",
    request_body(content = OAuthTokenForm, content_type = "application/x-www-form-urlencoded"),
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "it holds no more"),
        (status = 400, description = "by RFC 6749", body = OAuthErrorView),
        (status = 401, description = "not a client, or not its secret", body = OAuthErrorView),
        (status = 403, description = "the tenant is suspended", body = OAuthErrorView),
        (status = 404, description = "the installation has no address that it is known by", body = OAuthErrorView),
        (status = 415, description = "no form", body = OAuthErrorView),
    )
)]
pub(crate) async fn revoke(
    provider: Provider,
    headers: HeaderMap,
    OfForm(params): OfForm,
) -> Result<Response, Problem> {
    let client = provider.client(&headers, &params).await?;
    let token = params.get("token").ok_or(invalid_request("the request has no token"))?;
    let row = provider.session_of(token).await?.filter(|row| row.client_id.as_ref() == Some(&client.id));
    let mut response = StatusCode::OK.into_response();
    let Some(row) = row else {
        response.extensions_mut().insert(Unrecorded);
        return Ok(response);
    };
    let account = row.account()?;
    let mut tx = provider.sessions.db.begin().await?;
    end_one(&mut tx, &account, &row.id).await?;
    tx.commit().await?;
    response.extensions_mut().insert(by(&account));
    Ok(response)
}

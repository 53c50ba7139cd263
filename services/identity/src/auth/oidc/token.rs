//! `/oauth2/token`: a client comes for tokens (RFC 6749 §3.2), by a code, by what a device has, or by a refresh token.
//!
//! Whatever it comes with first begins a session, as signing in anywhere does; refresh tokens are those of sessions.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use database::Tx;
use kernel::Problem;
use kernel::audit::{By, Unrecorded};
use serde::Serialize;
use utoipa::ToSchema;

use super::clients::views::Grant;
use super::clients::{self, Known};
use super::code::{CodeRow, NO_CODE, Shown};
use super::id_token::Told;
use super::params::{OfForm, Params};
use super::refusal::{Error, OAuthErrorView, error, invalid_grant, invalid_request};
use super::scope::Scope;
use super::{Provider, device};
use crate::auth::backchannel;
use crate::auth::codes;
use crate::auth::jwt::{AUDIENCE, Claims, ISSUER};
use crate::auth::proof::{LEVELS, Proof};
use crate::auth::secret::Refresh;
use crate::auth::sessions::routes::{agent, by, fresh};
use crate::auth::sessions::{ACCESS_S, Account, OfClient, SESSION_MS, admit, tenant_id};

/// The grant of devices (RFC 8628 §3.4).
pub(super) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const NO_REFRESH: Error = invalid_grant("the refresh token is none of this client's that holds");

/// What a client gets (RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct GrantedView {
    /// What opens the user info, and with the scope `api` the API, as `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds for which the access token holds.
    expires_in: i64,
    /// What to come with next time, once; of clients that may.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Who has signed in; with the scope `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    /// What was given of what was asked for.
    scope: String,
}

/// What a client comes with.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is what the document says of the form")]
pub(crate) struct TokenForm {
    /// `authorization_code`, `client_credentials`, `refresh_token` or `urn:ietf:params:oauth:grant-type:device_code`.
    grant_type: String,
    /// Unless the header `Authorization` says so.
    client_id: Option<String>,
    /// Of a client that has one, unless the header `Authorization` says it.
    #[schema(format = "password")]
    client_secret: Option<String>,
    code: Option<String>,
    code_verifier: Option<String>,
    redirect_uri: Option<String>,
    refresh_token: Option<String>,
    device_code: Option<String>,
    scope: Option<String>,
}

/// What somebody has granted a client, in a browser where he has signed in.
pub(super) struct Granted<'a> {
    pub(super) client: &'a Known,
    pub(super) account: Account,
    /// What he had shown there, which the client's session takes over.
    pub(super) proof: Proof,
    pub(super) scope: &'a str,
    pub(super) nonce: Option<String>,
    pub(super) user_agent: Option<String>,
}

/// What holds once, and is used in the transaction that begins the session.
pub(super) enum Used<'a> {
    Code(&'a CodeRow),
    Device(&'a device::DeviceRow),
}

/// Gives a client tokens. A code that is shown again ends the session that has come of it, and so does a refresh token.
#[utoipa::path(
    post, path = "/oauth2/token", operation_id = "oauth_token", tag = "sign-in",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "the tokens", body = GrantedView),
        (status = 400, description = "by RFC 6749 and RFC 8628", body = OAuthErrorView),
        (status = 401, description = "not a client, or not its secret", body = OAuthErrorView),
        (status = 403, description = "the tenant is suspended", body = OAuthErrorView),
        (status = 404, description = "the installation has no address that it is known by", body = OAuthErrorView),
        (status = 415, description = "no form", body = OAuthErrorView),
    )
)]
pub(crate) async fn token(provider: Provider, headers: HeaderMap, OfForm(params): OfForm) -> Result<Response, Problem> {
    let kind = params.get("grant_type").ok_or(invalid_request("the request has no grant_type"))?;
    let grant = match kind {
        "authorization_code" => Grant::AuthorizationCode,
        "client_credentials" => Grant::ClientCredentials,
        "refresh_token" => Grant::RefreshToken,
        DEVICE_CODE => Grant::DeviceCode,
        _ => return Err(error(codes::OAUTH_UNSUPPORTED_GRANT_TYPE, "there is no such grant_type").into()),
    };
    let client = provider.client(&headers, &params).await?;
    if !client.may(grant) {
        return Err(error(codes::OAUTH_UNAUTHORIZED_CLIENT, "this client comes to tokens in another way").into());
    }
    match grant {
        Grant::AuthorizationCode => provider.by_code(&client, &params, &headers).await,
        Grant::ClientCredentials => provider.in_own_name(&client, &params).await,
        Grant::RefreshToken => provider.by_refresh_token(&client, &params).await,
        Grant::DeviceCode => provider.by_device(&client, &params, &headers).await,
    }
}

impl Claims {
    /// Those of a client in its own name: it is nobody's session, and nothing else has proved who it is but its secret.
    fn of_client(client: &Known, now_s: i64) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            sub: client.id.clone(),
            aud: AUDIENCE.to_owned(),
            exp: now_s + ACCESS_S,
            iat: now_s,
            sid: client.id.clone(),
            tenant: client.tenant_id.clone(),
            acr: LEVELS[0].to_owned(),
            amr: Vec::new(),
            auth_time: now_s,
            act: None,
        }
    }
}

impl Provider {
    async fn by_code(&self, client: &Known, params: &Params, headers: &HeaderMap) -> Result<Response, Problem> {
        let shown = Shown {
            code: params.get("code").ok_or(invalid_request("the request has no code"))?,
            client: &client.id,
            redirect_uri: params.get("redirect_uri"),
            verifier: params.get("code_verifier").ok_or(invalid_request("the request has no code_verifier"))?,
        };
        let row = self.find(&shown).await?;
        let granted = Granted {
            client,
            account: row.account()?,
            proof: row.proof(),
            scope: &row.scope,
            nonce: row.nonce.clone(),
            user_agent: agent(headers),
        };
        self.begin(granted, Used::Code(&row)).await
    }

    /// A client acts in its own name, by permissions of its own (RFC 6749 §4.4): what these are is looked at whenever it does.
    async fn in_own_name(&self, client: &Known, params: &Params) -> Result<Response, Problem> {
        let scope = Scope::Api.as_str();
        if client.secret_sha256.is_none() {
            return Err(error(codes::OAUTH_UNAUTHORIZED_CLIENT, "this is for clients that have a secret").into());
        }
        if params.get("scope").is_some_and(|asked| asked != scope) {
            let detail = "a client that acts in its own name has the scope api, and its permissions";
            return Err(error(codes::OAUTH_INVALID_SCOPE, detail).into());
        }
        let now_s = self.now_ms().div_euclid(1000);
        let access_token = self.sessions.signing.signer().await?.sign(&Claims::of_client(client, now_s));
        let view = GrantedView {
            access_token,
            token_type: "Bearer",
            expires_in: ACCESS_S,
            refresh_token: None,
            id_token: None,
            scope: scope.to_owned(),
        };
        let mut response = fresh(view);
        response.extensions_mut().insert(By { tenant: tenant_id(&client.tenant_id)?, actor: client.id.clone() });
        Ok(response)
    }

    async fn by_refresh_token(&self, client: &Known, params: &Params) -> Result<Response, Problem> {
        let shown = params.get("refresh_token").ok_or(invalid_request("the request has no refresh_token"))?;
        self.check_scope(shown, params.get("scope")).await?;
        let refreshed = self.sessions.refresh(shown, Some(&client.id)).await;
        let tokens = refreshed.map_err(|problem| match problem.status() {
            StatusCode::UNAUTHORIZED => Problem::from(NO_REFRESH),
            _ => problem,
        })?;
        let scope = tokens.scope.unwrap_or_default();
        let told = Told {
            account: &tokens.account,
            proof: &tokens.proof,
            client: &client.id,
            session: &tokens.session,
            nonce: None,
        };
        let id_token = self.id_token_if(&scope, told).await?;
        let view = GrantedView {
            access_token: tokens.access,
            token_type: "Bearer",
            expires_in: ACCESS_S.min((tokens.session_expires_ms - self.now_ms()) / 1000),
            refresh_token: Some(tokens.refresh),
            id_token,
            scope,
        };
        let mut response = fresh(view);
        response.extensions_mut().insert(Unrecorded);
        Ok(response)
    }

    /// That no more is asked for than a session has (RFC 6749 §6); what it has is what it goes on with.
    async fn check_scope(&self, refresh_token: &str, asked: Option<&str>) -> Result<(), Problem> {
        let (Some(asked), Some(shown)) = (asked, Refresh::read(refresh_token)) else { return Ok(()) };
        let row = self.sessions.session(&shown.session, &shown.family_sha256()).await?;
        let had = row.and_then(|row| row.scope).unwrap_or_default();
        if asked.split(' ').all(|word| had.split(' ').any(|known| known == word)) {
            return Ok(());
        }
        Err(error(codes::OAUTH_INVALID_SCOPE, "the session has fewer scopes than it is asked for").into())
    }

    /// Begins a session of a client by what it has shown, which has done its work then.
    pub(super) async fn begin(&self, granted: Granted<'_>, used: Used<'_>) -> Result<Response, Problem> {
        let Granted { client, account, proof, scope, nonce, user_agent } = granted;
        let refreshes = client.may(Grant::RefreshToken);
        let lasts_ms = if refreshes { SESSION_MS } else { ACCESS_S * 1000 };
        // First what may fail without a trace.
        let of = OfClient { id: &client.id, scope, lasts_ms };
        let begun = self.sessions.prepare(&account, &proof, Some(of)).await?;
        let told = Told { account: &account, proof: &proof, client: &client.id, session: &begun.session, nonce };
        let id_token = self.id_token_if(scope, told).await?;
        let mut tx = self.sessions.db.begin().await?;
        let admitted = admit(&mut tx, &account, &proof).await?.ok_or(NO_CODE)?;
        if !admitted.is_enough() {
            return Err(invalid_grant("the tenant asks for a second factor, and this person has shown none").into());
        }
        if !clients::stays(&mut tx, &account.tenant, &client.id).await? {
            return Err(NO_CODE.into());
        }
        if !self.use_up(&mut tx, &used, &begun.session).await? {
            tx.commit().await?;
            return Err(NO_CODE.into());
        }
        let tokens = self.sessions.begin(&mut tx, &admitted, begun, user_agent).await?;
        backchannel::watch(&mut tx, &account, (&client.id, &tokens.session), tokens.session_expires_ms).await?;
        tx.commit().await?;
        let view = GrantedView {
            access_token: tokens.access,
            token_type: "Bearer",
            expires_in: ACCESS_S,
            refresh_token: refreshes.then_some(tokens.refresh),
            id_token,
            scope: scope.to_owned(),
        };
        let mut response = fresh(view);
        response.extensions_mut().insert(by(&account));
        Ok(response)
    }

    async fn use_up(&self, tx: &mut Tx, used: &Used<'_>, session: &str) -> Result<bool, Problem> {
        match used {
            Used::Code(row) => self.take(tx, row, session).await,
            Used::Device(row) => Ok(device::take(tx, row).await?),
        }
    }

    async fn id_token_if(&self, scope: &str, told: Told<'_>) -> Result<Option<String>, Problem> {
        Ok(if Scope::Openid.is_in(scope) { Some(self.id_token(told).await?) } else { None })
    }
}

//! `/oauth2/logout`: a client sends somebody who signs out (OpenID Connect RP-Initiated Logout 1.0).

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use kernel::Problem;
use kernel::audit::Unrecorded;
use kernel::problem::ProblemBody;
use utoipa::ToSchema;

use super::authorize::see;
use super::browser::Browser;
use super::id_token::IdClaims;
use super::page::{Form as HtmlForm, Page};
use super::params::{OfAddress, OfForm, Params};
use super::refusal::invalid_request;
use super::{Provider, redirect};
use crate::auth::codes;
use crate::auth::sessions::routes::by;
use crate::auth::sessions::{Account, end_one};

/// What a client sends somebody with, and what he confirms.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is what the document says of the form")]
pub(crate) struct LogoutForm {
    /// An ID token of whoever signs out: then he need not confirm it.
    id_token_hint: Option<String>,
    client_id: Option<String>,
    /// Where the browser is sent then: one that the client has registered.
    post_logout_redirect_uri: Option<String>,
    /// Comes along as it is.
    state: Option<String>,
    /// What the page has put into it.
    csrf: Option<String>,
}

impl Provider {
    /// Where somebody is sent when he has signed out; nobody is sent to where a client has not registered.
    async fn whither(&self, params: &Params, hint: Option<&IdClaims>) -> Result<Option<String>, Problem> {
        let named = params.get("client_id");
        if let (Some(named), Some(hint)) = (named, hint)
            && named != hint.aud
        {
            return Err(invalid_request("the id_token_hint is for another client").into());
        }
        let Some(asked) = params.get("post_logout_redirect_uri") else { return Ok(None) };
        let client = match named.or(hint.map(|hint| hint.aud.as_str())) {
            Some(id) => self.clients.known(id).await?,
            None => None,
        };
        let is_meant = |registered: &String| redirect::is_meant(asked, registered);
        if !client.is_some_and(|client| client.logout_uris.0.iter().any(is_meant)) {
            let detail = "the post_logout_redirect_uri is none that this client has registered";
            return Err(Problem::bad_request(codes::OAUTH_INVALID_REDIRECT, detail));
        }
        let state = params.get("state").map(|state| ("state", state));
        Ok(Some(redirect::with(asked, state.as_slice())))
    }

    /// Signs somebody out in this browser, and where the ID token is of, or asks him whether he wants to.
    async fn log_out(&self, params: &Params, headers: &HeaderMap) -> Result<Response, Problem> {
        let hint = match params.get("id_token_hint") {
            Some(token) => self.hint(token).await?,
            None => None,
        };
        let whither = self.whither(params, hint.as_ref()).await?;
        let (secret, cookie) = self.form_secret(headers)?;
        if hint.is_none() && !secret.is_of(params.get("csrf")) {
            let kept = ["client_id", "post_logout_redirect_uri", "state"].into_iter();
            let kept = kept.filter_map(|name| Some((name, params.get(name)?)));
            let form = HtmlForm::to("/oauth2/logout", &secret.token());
            let form = kept.fold(form, |form, (name, value)| form.hidden(name, value)).button("Sign out").finish();
            let page = Page::new("Sign out").sentence("Do you want to sign out in this browser?", "").html(&form);
            let page = page.leading_to(whither.as_deref().map(redirect::source).unwrap_or_default());
            let mut response = page.respond(StatusCode::OK);
            if let Some(cookie) = cookie {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response.extensions_mut().insert(Unrecorded);
            return Ok(response);
        }
        // Of somebody else in this browser nothing is known by the token, and his session goes on.
        let browser = self.browser(headers).await?;
        let is_anothers = |browser: &Browser| hint.as_ref().is_some_and(|hint| hint.sub != browser.account.user);
        let (others, own) = if browser.as_ref().is_some_and(is_anothers) { (browser, None) } else { (None, browser) };
        let ended = self.end(hint.as_ref(), own).await?;
        let mut response = match &whither {
            Some(address) => see(address),
            None => Page::new("Signed out").sentence("You can close this page.", "").respond(StatusCode::OK),
        };
        if others.is_none() {
            self.forget(&mut response);
        }
        if let Some(account) = ended {
            response.extensions_mut().insert(by(&account));
        } else {
            response.extensions_mut().insert(Unrecorded);
        }
        Ok(response)
    }

    /// Ends the session that an ID token is of, and that of the browser; whose one of them was.
    async fn end(&self, hint: Option<&IdClaims>, browser: Option<Browser>) -> Result<Option<Account>, Problem> {
        let mut tx = self.sessions.db.begin().await?;
        let mut ended = None;
        if let Some(hint) = hint {
            let account = Account::stored(&hint.tenant, &hint.sub)?;
            ended = end_one(&mut tx, &account, &hint.sid).await?.then_some(account);
        }
        if let Some(browser) = browser {
            end_one(&mut tx, &browser.account, &browser.session).await?;
            ended = Some(browser.account);
        }
        tx.commit().await?;
        Ok(ended)
    }
}

/// A client sends somebody who signs out. With an ID token of his, whose key is still published, he need not confirm it.
#[utoipa::path(
    get, path = "/oauth2/logout", operation_id = "oauth_logout", tag = "sign-in",
    params(
        ("id_token_hint" = Option<String>, Query, description = "an ID token of whoever signs out"),
        ("client_id" = Option<String>, Query, description = "the client"),
        ("post_logout_redirect_uri" = Option<String>, Query, description = "where the browser is sent then"),
        ("state" = Option<String>, Query, description = "comes along as it is"),
    ),
    responses(
        (status = 200, description = "a page that asks, or says that it is done", body = String, content_type = "text/html"),
        (status = 303, description = "to the client"),
        (status = 400, description = "not a request that this can be", body = ProblemBody),
        (status = 404, description = "the installation has no address that it is known by", body = ProblemBody),
    )
)]
pub(crate) async fn ask(
    provider: Provider,
    OfAddress(params): OfAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    provider.log_out(&params, &headers).await
}

/// The same by a form, and what somebody says to the page that asks.
#[utoipa::path(
    post, path = "/oauth2/logout", operation_id = "oauth_logout_by_form", tag = "sign-in",
    request_body(content = LogoutForm, content_type = "application/x-www-form-urlencoded"),
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "a page that asks, or says that it is done", body = String, content_type = "text/html"),
        (status = 303, description = "to the client"),
        (status = 400, description = "not a request that this can be", body = ProblemBody),
        (status = 404, description = "the installation has no address that it is known by", body = ProblemBody),
        (status = 415, description = "no form", body = ProblemBody),
    )
)]
pub(crate) async fn confirm(
    provider: Provider,
    headers: HeaderMap,
    OfForm(params): OfForm,
) -> Result<Response, Problem> {
    provider.log_out(&params, &headers).await
}

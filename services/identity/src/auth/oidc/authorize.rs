//! `/oauth2/authorize`: a browser comes from a client and goes back to it with a code (OpenID Connect Core §3.1.2, RFC 9700 §2.1).
//!
//! - `wish`: what the client asks for. `sign_in`: the page, where nobody has signed in who would do. `elsewhere`: by providers of others.

pub(super) mod elsewhere;
pub(super) mod sign_in;
mod wish;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::Problem;
use kernel::problem::ProblemBody;
use utoipa::ToSchema;

use self::wish::Wish;
use super::browser::Browser;
use super::clients::Known;
use super::code::NewCode;
use super::page::Ask;
use super::params::{OfAddress, OfForm, Params};
use super::refusal::{Error, error};
use super::{Provider, redirect};
use crate::auth::address::PublicAddress;
use crate::auth::codes;
use crate::auth::sessions::{check_tenant, tenant_id};

/// What is said of somebody who has to have a second factor.
pub(super) const LACKING: &str =
    "the tenant asks for a second factor, which is to be added at the installation itself first";

/// Where a browser has come from, and goes back to.
struct Whence {
    client: Known,
    redirect_uri: String,
    state: Option<String>,
}

impl Whence {
    /// Back to the client, who is told this and by whom (RFC 9207).
    fn back(&self, issuer: &PublicAddress, told: &[(&str, &str)]) -> Response {
        let state = self.state.as_deref().map(|state| ("state", state));
        let told: Vec<_> = told.iter().copied().chain(state).chain([("iss", issuer.as_str())]).collect();
        see(&redirect::with(&self.redirect_uri, &told))
    }

    fn refused(&self, issuer: &PublicAddress, refusal: Error) -> Response {
        self.back(issuer, &[("error", refusal.word()), ("error_description", refusal.description)])
    }
}

/// Sends a browser there, which asks for it by GET.
pub(super) fn see(address: &str) -> Response {
    let Ok(address) = HeaderValue::from_str(address) else {
        return Problem::internal(&std::io::Error::other("an address has what no header takes")).into_response();
    };
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, address), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
    )
        .into_response()
}

impl Provider {
    /// Where a browser has come from. What is wrong with that it is told itself: nobody is sent to where a client has not registered.
    async fn whence(&self, params: &Params) -> Result<Whence, Problem> {
        let unknown = || Problem::bad_request(codes::OAUTH_UNKNOWN_CLIENT, "there is no client of this client_id");
        let id = params.get("client_id").ok_or_else(unknown)?;
        let client = self.clients.known(id).await?.ok_or_else(unknown)?;
        let asked = params.get("redirect_uri").unwrap_or_default();
        if !client.redirect_uris.0.iter().any(|registered| redirect::is_meant(asked, registered)) {
            let detail = "the redirect_uri is none that this client has registered";
            return Err(Problem::bad_request(codes::OAUTH_INVALID_REDIRECT, detail));
        }
        check_tenant(&client.tenant_state)?;
        let state = params.get("state").map(str::to_owned);
        Ok(Whence { redirect_uri: asked.to_owned(), client, state })
    }

    /// A browser with what it has come for; without a wish, back to the client with why.
    async fn authorize(&self, params: &Params, headers: &HeaderMap) -> Result<Response, Problem> {
        let whence = self.whence(params).await?;
        let wish = match Wish::read(&whence.client, params) {
            Ok(wish) => wish,
            Err(refusal) => return Ok(whence.refused(&self.issuer, refusal)),
        };
        let browser = self.browser_of(headers, &tenant_id(&whence.client.tenant_id)?).await?;
        if let Some(browser) = browser
            && self.suits(&browser, &wish).await?
        {
            return self.grant(&whence, &wish, &browser).await;
        }
        if wish.is_silent {
            return Ok(
                whence.refused(&self.issuer, error(codes::OAUTH_LOGIN_REQUIRED, "nobody has signed in who would do"))
            );
        }
        let ask = Ask::Password { email: params.get("login_hint").unwrap_or_default() };
        self.page(&whence, params, headers, (ask, None)).await.map(|page| page.respond(StatusCode::OK))
    }

    /// Whether somebody who has signed in in the browser need not do so again.
    async fn suits(&self, browser: &Browser, wish: &Wish) -> Result<bool, Problem> {
        let age_ms = self.now_ms() - browser.proof.at_ms;
        let is_old = wish.max_age_s.is_some_and(|most| most == 0 || age_ms > most.saturating_mul(1000));
        if is_old || wish.asks_again || !self.is_enough(browser).await? {
            return Ok(false);
        }
        Ok(self.is_meant(browser, wish).await? == Some(true))
    }

    /// Whether it is whom the client means; `None` where it says that by nothing that can be read.
    async fn is_meant(&self, browser: &Browser, wish: &Wish) -> Result<Option<bool>, Problem> {
        let Some(hint) = &wish.id_token_hint else { return Ok(Some(true)) };
        Ok(self.hint(hint).await?.map(|claims| claims.sub == browser.account.user))
    }

    /// Sends the browser back with a code, unless somebody else has signed in than was meant (OpenID Connect Core §3.1.2.2).
    async fn grant(&self, whence: &Whence, wish: &Wish, browser: &Browser) -> Result<Response, Problem> {
        if self.is_meant(browser, wish).await? == Some(false) {
            let refusal = error(codes::OAUTH_LOGIN_REQUIRED, "somebody else has signed in than was meant");
            return Ok(whence.refused(&self.issuer, refusal));
        }
        if !self.is_enough(browser).await? {
            let refusal = error(codes::OAUTH_ACCESS_DENIED, LACKING);
            return Ok(whence.refused(&self.issuer, refusal));
        }
        let new = NewCode {
            client: &whence.client.id,
            redirect_uri: &whence.redirect_uri,
            scope: &wish.scope,
            nonce: wish.nonce.as_deref(),
            challenge: &wish.challenge,
        };
        Ok(match self.issue(new, browser).await? {
            Some(code) => whence.back(&self.issuer, &[("code", &code)]),
            None => whence
                .refused(&self.issuer, error(codes::OAUTH_ACCESS_DENIED, "the session of the browser has just ended")),
        })
    }
}

/// What a client sends a browser with, by POST.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is what the document says of the form")]
pub(crate) struct AuthorizeForm {
    client_id: String,
    redirect_uri: String,
    /// `code`.
    response_type: String,
    /// Several with spaces between them.
    scope: String,
    code_challenge: String,
    /// `S256`.
    code_challenge_method: String,
    state: Option<String>,
    nonce: Option<String>,
    prompt: Option<String>,
    max_age: Option<String>,
    login_hint: Option<String>,
    id_token_hint: Option<String>,
}

/// A browser comes from a client. Answers with the page where people sign in, or sends it back with a code if somebody has; clients are
/// the tenant's own, so he is not asked whether he trusts them. Proof Key for Code Exchange (S256) is always needed.
#[utoipa::path(
    get, path = "/oauth2/authorize", operation_id = "oauth_authorize", tag = "sign-in",
    params(
        ("client_id" = Option<String>, Query, description = "the client"),
        ("redirect_uri" = Option<String>, Query, description = "where the browser is sent back to: one that is registered"),
        ("response_type" = Option<String>, Query, description = "code"),
        ("scope" = Option<String>, Query, description = "several with spaces between them; those count that the client may have"),
        ("code_challenge" = Option<String>, Query, description = "of the verifier that the client shows with the code"),
        ("code_challenge_method" = Option<String>, Query, description = "S256"),
        ("state" = Option<String>, Query, description = "comes back as it is"),
        ("nonce" = Option<String>, Query, description = "stands in the ID token, at most 255 characters"),
        ("prompt" = Option<String>, Query, description = "none, login, consent or select_account"),
        ("max_age" = Option<String>, Query, description = "seconds since somebody has signed in, at most"),
        ("login_hint" = Option<String>, Query, description = "an e-mail address"),
        ("id_token_hint" = Option<String>, Query, description = "an ID token of whom it has to be"),
    ),
    responses(
        (status = 200, description = "the page where somebody signs in", body = String, content_type = "text/html"),
        (status = 303, description = "back to the client, with code or error"),
        (status = 400, description = "no client to go back to", body = ProblemBody),
        (status = 403, description = "the tenant is suspended", body = ProblemBody),
        (status = 404, description = "the installation has no address that it is known by", body = ProblemBody),
    )
)]
pub(crate) async fn ask(
    provider: Provider,
    OfAddress(params): OfAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    provider.authorize(&params, &headers).await
}

/// The same by a form.
#[utoipa::path(
    post, path = "/oauth2/authorize", operation_id = "oauth_authorize_by_form", tag = "sign-in",
    request_body(content = AuthorizeForm, content_type = "application/x-www-form-urlencoded"),
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "the page where somebody signs in", body = String, content_type = "text/html"),
        (status = 303, description = "back to the client, with code or error"),
        (status = 400, description = "no client to go back to", body = ProblemBody),
        (status = 403, description = "the tenant is suspended", body = ProblemBody),
        (status = 404, description = "the installation has no address that it is known by", body = ProblemBody),
        (status = 415, description = "no form", body = ProblemBody),
    )
)]
pub(crate) async fn ask_by_form(
    provider: Provider,
    headers: HeaderMap,
    OfForm(params): OfForm,
) -> Result<Response, Problem> {
    provider.authorize(&params, &headers).await
}

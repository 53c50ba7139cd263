//! The page where people sign in, and what becomes of it.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use kernel::Problem;
use kernel::problem::ProblemBody;
use utoipa::ToSchema;

use super::Whence;
use super::elsewhere::buttons;
use super::wish::Wish;
use crate::auth::oidc::browser::Came;
use crate::auth::oidc::page::{Ask, Form as HtmlForm, Page, in_place_of, is_for_people};
use crate::auth::oidc::params::{OfAddress, OfForm, Params};
use crate::auth::oidc::{Provider, redirect};
use crate::auth::sessions::routes::by;
use crate::auth::sessions::tenant_id;

impl Provider {
    /// The page where somebody signs in: what he is asked for there, and what went wrong, if he has tried.
    pub(super) async fn page(
        &self,
        whence: &Whence,
        params: &Params,
        headers: &HeaderMap,
        (ask, fault): (Ask<'_>, Option<&str>),
    ) -> Result<SignInPage, Problem> {
        let (secret, cookie) = self.form_secret(headers)?;
        let form = HtmlForm::to(&format!("/oauth2/sign-in?{}", params.without(&[])), &secret.token());
        let form = form.asks(ask).button("Sign in").finish();
        let page = Page::new("Sign in").sentence("to go on to {}.", &whence.client.name);
        let others = match ask {
            Ask::Password { .. } => {
                let offered = self.federation.offered(&tenant_id(&whence.client.tenant_id)?).await?;
                buttons(&offered, params)
            }
            Ask::Code { .. } => String::new(),
        };
        let page = page.fault(fault).html(&form).html(&others);
        Ok(SignInPage { page: page.leading_to(redirect::source(&whence.redirect_uri)), cookie })
    }
}

/// The page with what the browser is to keep of it.
pub(super) struct SignInPage {
    page: Page,
    cookie: Option<HeaderValue>,
}

impl SignInPage {
    pub(super) fn respond(self, status: StatusCode) -> Response {
        let mut response = self.page.respond(status);
        if let Some(cookie) = self.cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// Somebody who signs in at the page.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is what the document says of the form")]
pub(crate) struct SignInForm {
    /// What the page has put into it.
    csrf: String,
    /// Of whoever begins.
    email: Option<String>,
    #[schema(format = "password")]
    password: Option<String>,
    /// What the page has put into it that asks for a code.
    code_token: Option<String>,
    /// What the authenticator shows, or a recovery code.
    code: Option<String>,
}

/// Somebody signs in at the page. Whoever has a second factor is asked for a code then, at the same page. The browser keeps that he has
/// signed in for twelve hours, or until it is closed.
#[utoipa::path(
    post, path = "/oauth2/sign-in", operation_id = "sign_in_in_browser", tag = "sign-in",
    request_body(content = SignInForm, content_type = "application/x-www-form-urlencoded"),
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "it is the password: a page that asks for a code", body = String, content_type = "text/html"),
        (status = 303, description = "back to the client, with code or error"),
        (status = 400, description = "no client to go back to", body = ProblemBody),
        (status = 401, description = "not a person's address and password, or no code of his", body = String, content_type = "text/html"),
        (
            status = 403, description = "not a form of this browser's, or the tenant is suspended",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))
        ),
        (status = 404, description = "the installation has no address that it is known by", body = ProblemBody),
        (status = 415, description = "no form", body = ProblemBody),
        (
            status = 429, description = "too many tries at this address, or of this person's codes",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))
        ),
        (
            status = 503, description = "too many people sign in at the moment",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))
        ),
    )
)]
pub(crate) async fn sign_in(
    provider: Provider,
    OfAddress(params): OfAddress,
    headers: HeaderMap,
    OfForm(filled): OfForm,
) -> Result<Response, Problem> {
    let whence = provider.whence(&params).await?;
    let wish = match Wish::read(&whence.client, &params) {
        Ok(wish) => wish,
        Err(refusal) => return Ok(whence.refused(&provider.issuer, refusal)),
    };
    let (secret, _) = provider.form_secret(&headers)?;
    if !secret.is_of(filled.get("csrf")) {
        let ask = Ask::Password { email: filled.get("email").unwrap_or_default() };
        let tried = (ask, Some("This page was not shown in this browser, or too long ago. Sign in again."));
        let page = provider.page(&whence, &params, &headers, tried).await?;
        return Ok(page.respond(StatusCode::FORBIDDEN));
    }
    match provider.come_in(&whence.client, &filled, &secret, &headers).await {
        Ok(Came::In(browser, cookie)) => {
            let mut response = provider.grant(&whence, &wish, &browser).await?;
            response.headers_mut().append(header::SET_COOKIE, cookie);
            response.extensions_mut().insert(by(&browser.account));
            Ok(response)
        }
        Ok(Came::HalfWay(half)) => {
            let page = provider.page(&whence, &params, &headers, (Ask::Code { token: &half.token }, None)).await?;
            let mut response = page.respond(StatusCode::OK);
            response.extensions_mut().insert(by(&half.account));
            Ok(response)
        }
        Err(problem) if is_for_people(&problem) => {
            let tried = (Ask::again(&filled, &problem), Some(problem.detail()));
            let page = provider.page(&whence, &params, &headers, tried).await?;
            Ok(in_place_of(problem, |status| page.respond(status)))
        }
        Err(problem) => Err(problem),
    }
}

//! Signing in at the page by a provider of others: there, and back.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use kernel::Problem;
use kernel::audit::Unrecorded;
use kernel::problem::ProblemBody;
use kernel::uri::escaped;

use super::wish::Wish;
use super::{Whence, see};
use crate::auth::codes;
use crate::auth::federation::{ProviderRow, Purpose, Returned, Waiting, nobody};
use crate::auth::oidc::Provider;
use crate::auth::oidc::browser::{Came, FormSecret};
use crate::auth::oidc::page::{Ask, in_place_of, is_for_people, text};
use crate::auth::oidc::params::{OfAddress, Params};
use crate::auth::proof::FEDERATED;
use crate::auth::sessions::routes::by;
use crate::auth::sessions::{Passed, tenant_id};

/// What names the provider in the address of a button.
const PROVIDER: &str = "provider_id";

/// The buttons of providers at the page where somebody signs in for what `params` ask for.
pub(super) fn buttons(providers: &[ProviderRow], params: &Params) -> String {
    let kept = params.without(&[PROVIDER]);
    let button = |row: &ProviderRow| {
        let address = format!("/oauth2/provider?{kept}&{PROVIDER}={}", escaped(&row.id));
        format!("<a class=\"button\" href=\"{}\">Sign in by {}</a>", text(&address), text(&row.name))
    };
    let all: String = providers.iter().map(button).collect();
    if all.is_empty() { all } else { format!("<nav class=\"providers\">{all}</nav>") }
}

impl Provider {
    /// Whom the provider says that somebody is who has come back to this browser.
    async fn returned(
        &self,
        waiting: &Waiting,
        params: &Params,
        form: &FormSecret,
        headers: &HeaderMap,
    ) -> Result<Came, Problem> {
        let state = params.get("state").unwrap_or_default();
        let returned = Returned { state, code: params.get("code"), iss: params.get("iss") };
        let account = self.federation.come_back(waiting, returned, &form.token()).await?;
        match self.sessions.passed(account, FEDERATED, &form.token()).await?.ok_or_else(nobody)? {
            Passed::Whole(account, proof) => {
                let entered = self.enter(account, proof, None, headers).await;
                entered.map_err(|problem| if problem.status() == StatusCode::UNAUTHORIZED { nobody() } else { problem })
            }
            Passed::HalfWay(half) => Ok(Came::HalfWay(half)),
        }
    }

    /// The page once more, with what went wrong.
    async fn once_more(
        &self,
        whence: &Whence,
        params: &Params,
        headers: &HeaderMap,
        problem: Problem,
    ) -> Result<Response, Problem> {
        if !is_for_people(&problem) {
            return Err(problem);
        }
        let ask = Ask::Password { email: params.get("login_hint").unwrap_or_default() };
        let page = self.page(whence, params, headers, (ask, Some(problem.detail()))).await?;
        Ok(in_place_of(problem, |status| page.respond(status)))
    }
}

/// A browser goes to a provider of others, by whom somebody signs in for the client that has sent it.
#[utoipa::path(
    get, path = "/oauth2/provider", operation_id = "leave_for_provider", tag = "sign-in",
    params(
        ("provider_id" = Option<String>, Query, description = "the provider"),
        ("client_id" = Option<String>, Query, description = "the client, and all else that it has sent the browser with"),
        ("redirect_uri" = Option<String>, Query, description = "as the client has sent it"),
    ),
    responses(
        (status = 303, description = "to the provider, or back to the client with error"),
        (status = 400, description = "no client to go back to", body = ProblemBody),
        (status = 403, description = "the tenant is suspended", body = ProblemBody),
        (
            status = 404, description = "no such provider, or the installation has no address that it is known by",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))
        ),
        (
            status = 503, description = "the provider does not answer",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))
        ),
    )
)]
pub(crate) async fn leave(
    provider: Provider,
    OfAddress(params): OfAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let whence = provider.whence(&params).await?;
    if let Err(refusal) = Wish::read(&whence.client, &params) {
        return Ok(whence.refused(&provider.issuer, refusal));
    }
    let (secret, cookie) = provider.form_secret(&headers)?;
    let asked = params.without(&[PROVIDER]);
    let tenant = tenant_id(&whence.client.tenant_id)?;
    let gone = async {
        let of = provider.federation.open(&tenant, params.get(PROVIDER).unwrap_or_default()).await?;
        let hint = params.get("login_hint");
        provider.federation.leave((&tenant, &of), Purpose::Page(&asked), &secret.token(), hint).await
    };
    match gone.await {
        Ok(address) => {
            let mut response = see(&address);
            if let Some(cookie) = cookie {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(problem) => provider.once_more(&whence, &params, &headers, problem).await,
    }
}

/// A browser comes back from a provider of others: whoever has signed in there is in here, and goes on to the client. One that a page has
/// sent comes back to that, with what the provider has said behind `/#sign-in?`.
#[utoipa::path(
    get, path = "/oauth2/provider/callback", operation_id = "come_back_from_provider", tag = "sign-in",
    params(
        ("state" = Option<String>, Query, description = "as the provider was sent it"),
        ("code" = Option<String>, Query, description = "what the provider gives an ID token for"),
        ("iss" = Option<String>, Query, description = "the provider"),
        ("error" = Option<String>, Query, description = "why the provider has let nobody in"),
    ),
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "it is he: a page that asks for a code", body = String, content_type = "text/html"),
        (status = 303, description = "back to the client, with code or error, or to the page"),
        (status = 400, description = "nobody is to come back with this", content((String = "text/html"), (ProblemBody = "application/problem+json"))),
        (
            status = 403, description = "the provider has let nobody in, or nobody who has an account; or the tenant is suspended",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))
        ),
        (
            status = 404, description = "the provider is none any more, or the installation has no address that it is known by",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))
        ),
        (status = 409, description = "he has just been let in elsewhere", body = String, content_type = "text/html"),
        (status = 503, description = "the provider does not answer", body = String, content_type = "text/html"),
    )
)]
pub(crate) async fn come_back(
    provider: Provider,
    OfAddress(params): OfAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let none = || Problem::bad_request(codes::PROVIDER_SIGN_IN_INVALID, "the request has no state");
    let waiting = provider.federation.waiting(params.get("state").ok_or_else(none)?).await?;
    let Purpose::Page(asked) = waiting.purpose() else {
        return Ok(unrecorded(see(&provider.issuer.at(&format!("/#sign-in?{}", params.without(&[]))))));
    };
    let asked = Params::parse(asked.as_bytes())?;
    let whence = provider.whence(&asked).await?;
    let wish = match Wish::read(&whence.client, &asked) {
        Ok(wish) => wish,
        Err(refusal) => return Ok(unrecorded(whence.refused(&provider.issuer, refusal))),
    };
    let (secret, _) = provider.form_secret(&headers)?;
    match provider.returned(&waiting, &params, &secret, &headers).await {
        Ok(Came::In(browser, cookie)) => {
            let mut response = provider.grant(&whence, &wish, &browser).await?;
            response.headers_mut().append(header::SET_COOKIE, cookie);
            response.extensions_mut().insert(by(&browser.account));
            Ok(response)
        }
        Ok(Came::HalfWay(half)) => {
            let ask = (Ask::Code { token: &half.token }, None);
            let page = provider.page(&whence, &asked, &headers, ask).await?;
            let mut response = page.respond(StatusCode::OK);
            response.extensions_mut().insert(by(&half.account));
            Ok(response)
        }
        Err(problem) => provider.once_more(&whence, &asked, &headers, problem).await,
    }
}

fn unrecorded(mut response: Response) -> Response {
    response.extensions_mut().insert(Unrecorded);
    response
}

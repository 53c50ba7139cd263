//! `/device`: where somebody enters the code that a device shows, and lets it in or sends it away.

use axum::Extension;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use database::args;
use kernel::audit::Unrecorded;
use kernel::problem::ProblemBody;
use kernel::{Client, Problem};
use utoipa::ToSchema;

use super::{ALLOW, BY_USER_CODE, DENY, DeviceRow, entered, shown};
use crate::auth::codes;
use crate::auth::oidc::Provider;
use crate::auth::oidc::authorize::LACKING;
use crate::auth::oidc::browser::{Browser, Came, FormSecret, touch};
use crate::auth::oidc::clients::Known;
use crate::auth::oidc::page::{Ask, Form as HtmlForm, Page, in_place_of, is_for_people};
use crate::auth::oidc::params::{OfAddress, OfForm, Params};
use crate::auth::secret;
use crate::auth::sessions::routes::by;
use crate::auth::sessions::tenant_id;

const TITLE: &str = "Connect a device";
/// What is asked for of whoever it may be.
const UNKNOWN: Ask<'static> = Ask::Password { email: "" };

/// What somebody decides at the page.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is what the document says of the form")]
pub(crate) struct DevicePageForm {
    /// What the page has put into it.
    csrf: String,
    user_code: String,
    /// `deny` to send the device away.
    decision: Option<String>,
    /// Of whoever has not signed in in this browser yet.
    email: Option<String>,
    #[schema(format = "password")]
    password: Option<String>,
    /// What the page has put into it that asks for a code.
    code_token: Option<String>,
    /// What his authenticator shows, or a recovery code.
    code: Option<String>,
}

/// A device that waits, and its client.
struct Waiting {
    row: DeviceRow,
    client: Known,
}

impl Provider {
    /// What waits with this code. Who guesses is stopped: he has ten tries in 15 minutes, from wherever he asks.
    async fn waiting(&self, code: &str, from: Option<Client>) -> Result<Option<Waiting>, Problem> {
        let name = secret::sha256(&format!("device\0{:?}", from.map(|client| client.0)));
        let now_ms = self.now_ms();
        self.sessions.throttle.enter(name, now_ms).map_err(|seconds| {
            let detail = "too many codes were tried";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, codes::OAUTH_TOO_MANY_DEVICES, detail).retry_after(seconds)
        })?;
        let Some(code) = entered(code) else { return Ok(None) };
        let found: Vec<DeviceRow> = self.sessions.db.all(BY_USER_CODE, args![code, now_ms]).await?;
        let Ok([row]) = <[DeviceRow; 1]>::try_from(found) else { return Ok(None) };
        let Some(client) = self.clients.known(&row.client_id).await? else { return Ok(None) };
        // Not all of them: who has a code of his own could guess on for ever.
        self.sessions.throttle.give_back(&name);
        Ok(Some(Waiting { row, client }))
    }

    /// The same, or the page that says why not.
    async fn found(&self, code: &str, from: Option<Extension<Client>>) -> Result<Result<Waiting, Response>, Problem> {
        match self.waiting(code, from.map(|Extension(client)| client)).await {
            Ok(Some(waiting)) => Ok(Ok(waiting)),
            Ok(None) => Ok(Err(unknown())),
            Err(problem) if is_for_people(&problem) => {
                let page = ask_for_code(Some(problem.detail()));
                Ok(Err(in_place_of(problem, |status| page.respond(status))))
            }
            Err(problem) => Err(problem),
        }
    }

    /// Where somebody decides about a device: what he is asked for if he has not signed in, and what went wrong, if he has tried.
    async fn ask_for_decision(
        &self,
        waiting: &Waiting,
        headers: &HeaderMap,
        (ask, fault): (Ask<'_>, Option<&str>),
        status: StatusCode,
    ) -> Result<Response, Problem> {
        let (secret, cookie) = self.form_secret(headers)?;
        let browser = self.browser_of(headers, &tenant_id(&waiting.client.tenant_id)?).await?;
        let code = shown(&waiting.row.user_code);
        let form = HtmlForm::to("/device", &secret.token()).hidden("user_code", &code);
        let form = if browser.is_some() { form } else { form.asks(ask) };
        let form = form.button("Let it in").other_button(("decision", "deny"), "Send it away").finish();
        let page = Page::new(TITLE).sentence("{} asks to be let in in your name.", &waiting.client.name);
        let page = page.html(&format!("<p>It has to show this code: <span class=\"code\">{code}</span></p>"));
        let mut response = page.fault(fault).html(&form).respond(status);
        if let Some(cookie) = cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// Who decides: whoever has signed in in this browser, or does so now. Otherwise the page once more.
    async fn decider(
        &self,
        waiting: &Waiting,
        headers: &HeaderMap,
        filled: &Params,
        secret: &FormSecret,
    ) -> Result<Result<(Browser, Option<HeaderValue>), Response>, Problem> {
        if let Some(browser) = self.browser_of(headers, &tenant_id(&waiting.client.tenant_id)?).await? {
            return Ok(Ok((browser, None)));
        }
        match self.come_in(&waiting.client, filled, secret, headers).await {
            Ok(Came::In(browser, cookie)) => Ok(Ok((browser, Some(cookie)))),
            Ok(Came::HalfWay(half)) => {
                let ask = (Ask::Code { token: &half.token }, None);
                let mut page = self.ask_for_decision(waiting, headers, ask, StatusCode::OK).await?;
                page.extensions_mut().insert(by(&half.account));
                Ok(Err(page))
            }
            Err(problem) if is_for_people(&problem) => {
                let tried = (Ask::again(filled, &problem), Some(problem.detail()));
                let page = self.ask_for_decision(waiting, headers, tried, problem.status()).await?;
                Ok(Err(in_place_of(problem, |_| page)))
            }
            Err(problem) => Err(problem),
        }
    }

    /// Lets a device in; whether it has still waited.
    async fn allow(&self, row: &DeviceRow, browser: &Browser) -> Result<bool, Problem> {
        let mut tx = self.sessions.db.begin().await?;
        if !touch(&mut tx, browser, self.now_ms()).await? {
            return Ok(false);
        }
        let Browser { account, session, proof } = browser;
        let args = args![&row.tenant_id, &row.id, &account.user, session, proof.text(), proof.at_ms];
        let changed = tx.execute(ALLOW, args).await?;
        tx.commit().await?;
        Ok(changed == 1)
    }

    async fn deny(&self, row: &DeviceRow) -> Result<(), Problem> {
        let mut tx = self.sessions.db.begin().await?;
        tx.execute(DENY, args![&row.tenant_id, &row.id]).await?;
        Ok(tx.commit().await?)
    }
}

/// Where a code is entered; with what was wrong with another one.
fn ask_for_code(fault: Option<&str>) -> Page {
    let form = HtmlForm::asking("/device").line("user_code", "Code that the device shows").button("Go on").finish();
    Page::new(TITLE).fault(fault).html(&form)
}

fn unknown() -> Response {
    let fault = "No device waits with this code. It may have waited too long: have it show another one.";
    ask_for_code(Some(fault)).respond(StatusCode::NOT_FOUND)
}

fn done(sentence: &str) -> Response {
    Page::new(TITLE).sentence(sentence, "").respond(StatusCode::OK)
}

/// The page where somebody enters the code of a device, and decides about it.
#[utoipa::path(
    get, path = "/device", operation_id = "show_device_page", tag = "sign-in",
    params(("user_code" = Option<String>, Query, description = "the code that the device shows")),
    responses(
        (status = 200, description = "the page", body = String, content_type = "text/html"),
        (status = 400, description = "not an address that this can be", body = ProblemBody),
        (status = 404, description = "no such code", content((String = "text/html"), (ProblemBody = "application/problem+json"))),
        (
            status = 429, description = "too many codes were tried",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))
        ),
    )
)]
pub(crate) async fn show(
    provider: Provider,
    OfAddress(params): OfAddress,
    from: Option<Extension<Client>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(code) = params.get("user_code") else { return Ok(ask_for_code(None).respond(StatusCode::OK)) };
    match provider.found(code, from).await? {
        Ok(waiting) => provider.ask_for_decision(&waiting, &headers, (UNKNOWN, None), StatusCode::OK).await,
        Err(page) => Ok(page),
    }
}

/// Somebody lets a device in, or sends it away. Whoever has a second factor and has not signed in in this browser yet is asked for a code
/// then, at the same page.
#[utoipa::path(
    post, path = "/device", operation_id = "decide_about_device", tag = "sign-in",
    request_body(content = DevicePageForm, content_type = "application/x-www-form-urlencoded"),
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "a page that says so, or asks for a code", body = String, content_type = "text/html"),
        (status = 400, description = "not a form that this can be", body = ProblemBody),
        (status = 401, description = "not a person's address and password, or no code of his", body = String, content_type = "text/html"),
        (
            status = 403, description = "not a form of this browser's, or the tenant is suspended",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))
        ),
        (status = 404, description = "no such code", content((String = "text/html"), (ProblemBody = "application/problem+json"))),
        (status = 415, description = "no form", body = ProblemBody),
        (
            status = 429, description = "too many tries",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))
        ),
        (
            status = 503, description = "too many people sign in at the moment",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))
        ),
    )
)]
pub(crate) async fn decide(
    provider: Provider,
    from: Option<Extension<Client>>,
    headers: HeaderMap,
    OfForm(filled): OfForm,
) -> Result<Response, Problem> {
    let waiting = match provider.found(filled.get("user_code").unwrap_or_default(), from).await? {
        Ok(waiting) => waiting,
        Err(page) => return Ok(page),
    };
    let (secret, _) = provider.form_secret(&headers)?;
    if !secret.is_of(filled.get("csrf")) {
        let fault = "This page was not shown in this browser, or too long ago. Decide again.";
        return provider.ask_for_decision(&waiting, &headers, (UNKNOWN, Some(fault)), StatusCode::FORBIDDEN).await;
    }
    if filled.get("decision") == Some("deny") {
        provider.deny(&waiting.row).await?;
        let mut response = done("The device was sent away.");
        response.extensions_mut().insert(Unrecorded);
        return Ok(response);
    }
    let (browser, cookie) = match provider.decider(&waiting, &headers, &filled, &secret).await? {
        Ok(decider) => decider,
        Err(page) => return Ok(page),
    };
    if !provider.is_enough(&browser).await? {
        let mut page = Page::new(TITLE).fault(Some(LACKING)).respond(StatusCode::FORBIDDEN);
        page.extensions_mut().insert(Unrecorded);
        return Ok(page);
    }
    if !provider.allow(&waiting.row, &browser).await? {
        return Ok(unknown());
    }
    let mut response = done("The device is let in. You can close this page.");
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response.extensions_mut().insert(by(&browser.account));
    Ok(response)
}

//! `/api/v1/auth/sign-in-links` and `/api/v1/auth/password-links`, signing in by a link, and letters that did not go.

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiQuery, Cursor, Page, Policy, Problem, Routes, rfc3339};
use postbox::Letter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::{HOLDS_MS, Wish, page};
use crate::auth::sessions::routes::{agent, begun, by, fresh};
use crate::auth::sessions::views::{HalfWayView, TokensView};
use crate::auth::sessions::{Sessions, SignedIn};
use crate::auth::{link, secret};

const LETTERS: &str = "/api/v1/auth/letters";
/// What a browser keeps that has asked for a link, behind a prefix that says what it has to hold that to.
const COOKIE: &str = "lectern-link";

/// Mounts every route.
pub(in crate::auth) fn mount<S>(routes: Routes<S>) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Sessions: FromRef<S>,
{
    use Policy::{Operator, Public};
    routes
        .mount(Public, routes!(ask_sign_in_link))
        .mount(Public, routes!(ask_password_link))
        .mount(Public, routes!(sign_in_by_link))
        .mount(Operator, routes!(letters))
        .mount_hidden(Public, page::PATH, get(page::show))
}

/// Whose link is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkRequest {
    /// The slug of the tenant.
    #[schema(example = "default")]
    tenant: String,
    /// The person's e-mail address.
    #[schema(example = "anna@example.com")]
    email: String,
}

/// That a letter comes, if there is somebody to get one.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkAskedView {
    /// Seconds for which the link in it holds.
    expires_in: i64,
}

/// What a letter's link holds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkSignInRequest {
    /// What stands behind `#` in it.
    token: String,
}

/// Sends a link that signs in, to an address that somebody of the tenant has; whether anybody has it is not told. It is good in the browser
/// that asks, which keeps a cookie for that, and in no other one.
#[utoipa::path(
    post, path = "/api/v1/auth/sign-in-links", operation_id = "ask_sign_in_link", tag = "sessions",
    request_body = LinkRequest, extensions(("x-audit" = json!("none"))),
    responses(
        (status = 202, description = "a letter comes, if there is somebody to get one", body = LinkAskedView),
        (status = 404, description = "no letters are sent here", body = ProblemBody),
        (status = 429, description = "too many letters to this address", body = ProblemBody),
        (status = 503, description = "too many people ask for letters at the moment", body = ProblemBody),
    )
)]
pub(crate) async fn ask_sign_in_link(
    State(sessions): State<Sessions>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<LinkRequest>,
) -> Result<Response, Problem> {
    let is_secure = sessions.mail()?.address.is_secure();
    let known = cookie(&headers, is_secure).filter(|value| secret::is_random(value)).map(str::to_owned);
    let browser = match known {
        Some(known) => known,
        None => secret::random().map_err(|error| Problem::internal(&error))?,
    };
    sessions.ask(Wish::SignIn, (&request.tenant, &request.email), &browser).await?;
    let mut response = asked(HOLDS_MS);
    response.headers_mut().append(header::SET_COOKIE, kept(&browser, is_secure));
    Ok(response)
}

/// Sends a link by which somebody sets a new password, in the place of one that he has; whether anybody has the address is not told.
#[utoipa::path(
    post, path = "/api/v1/auth/password-links", operation_id = "ask_password_link", tag = "sessions",
    request_body = LinkRequest, extensions(("x-audit" = json!("none"))),
    responses(
        (status = 202, description = "a letter comes, if there is somebody to get one", body = LinkAskedView),
        (status = 404, description = "no letters are sent here", body = ProblemBody),
        (status = 429, description = "too many letters to this address", body = ProblemBody),
        (status = 503, description = "too many people ask for letters at the moment", body = ProblemBody),
    )
)]
pub(crate) async fn ask_password_link(
    State(sessions): State<Sessions>,
    ApiJson(request): ApiJson<LinkRequest>,
) -> Result<Response, Problem> {
    sessions.ask(Wish::Password, (&request.tenant, &request.email), "").await?;
    Ok(asked(link::HOLDS_MS))
}

fn asked(holds_ms: i64) -> Response {
    let mut response = fresh(LinkAskedView { expires_in: holds_ms / 1000 });
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// Begins the session of the person whom a link was sent to, in the browser that has asked for it. The link has done its work then. Whoever
/// has codes is asked for one first: `POST /api/v1/auth/sessions/code`.
#[utoipa::path(
    post, path = "/api/v1/auth/sessions/link", operation_id = "sign_in_by_link", tag = "sessions",
    request_body = LinkSignInRequest, extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "it is the link, and a code is needed besides", body = HalfWayView),
        (status = 201, description = "the session with its tokens", body = TokensView),
        (status = 401, description = "a link that holds no more, or not in this browser", body = ProblemBody),
        (status = 403, description = "the tenant is suspended", body = ProblemBody),
        (status = 404, description = "no letters are sent here", body = ProblemBody),
    )
)]
pub(crate) async fn sign_in_by_link(
    State(sessions): State<Sessions>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<LinkSignInRequest>,
) -> Result<Response, Problem> {
    let is_secure = sessions.mail()?.address.is_secure();
    let token = Zeroizing::new(request.token);
    match sessions.sign_in_by_link(&token, cookie(&headers, is_secure), agent(&headers)).await? {
        SignedIn::Whole(tokens) => Ok(begun(tokens)),
        SignedIn::HalfWay(half) => {
            let by = by(&half.account);
            let mut response = fresh(HalfWayView::from(half));
            response.extensions_mut().insert(by);
            Ok(response)
        }
    }
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LettersQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// A letter that was given up, without what it said.
#[derive(Serialize, ToSchema)]
pub(crate) struct LetterView {
    /// What its `Message-ID` begins with.
    id: String,
    /// The tenant of whoever was to get it.
    tenant_id: String,
    /// What it was about.
    #[schema(example = "sign_in")]
    template: String,
    /// Where it was to go.
    recipient: String,
    /// How often that was tried.
    tries: i64,
    /// Why it did not.
    error: Option<String>,
    /// When it was written, RFC 3339.
    created_at: String,
    /// When it was given up, RFC 3339.
    given_up_at: String,
}

impl From<Letter> for LetterView {
    fn from(letter: Letter) -> Self {
        let Letter { tenant_id, id, template, recipient, tries, error, created_ms, updated_ms } = letter;
        let (created_at, given_up_at) = (rfc3339(created_ms), rfc3339(updated_ms));
        Self { id, tenant_id, template, recipient, tries, error, created_at, given_up_at }
    }
}

/// Letters that were given up within the last week, of all tenants, the last one first. What they said is gone.
#[utoipa::path(
    get, path = "/api/v1/auth/letters", operation_id = "list_letters", tag = "sessions", params(LettersQuery),
    responses(
        (status = 200, description = "a page", body = Page<LetterView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn letters(
    State(sessions): State<Sessions>,
    ApiQuery(query): ApiQuery<LettersQuery>,
) -> Result<Response, Problem> {
    let cursor = |letter: &Letter| Cursor { time_ms: letter.updated_ms, id: letter.id.clone() };
    let db = &sessions.db;
    let read = |after, limit| async move { postbox::given_up(db, Cursor::below(after), limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(LetterView::from).respond(&format!("{LETTERS}?")))
}

/// Where nobody in between reads along, the browser takes and sends the cookie to nobody but this very host.
fn name(is_secure: bool) -> String {
    format!("{}{COOKIE}", if is_secure { "__Host-" } else { "" })
}

fn cookie(headers: &HeaderMap, is_secure: bool) -> Option<&str> {
    let name = name(is_secure);
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(known, value)| (known == name).then_some(value))
}

fn kept(value: &str, is_secure: bool) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    let max_age_s = HOLDS_MS / 1000;
    // Strict: the page that the link opens asks from here itself.
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_s}{secure}", name(is_secure));
    HeaderValue::from_str(&text).expect("a cookie of ours is plain ASCII")
}

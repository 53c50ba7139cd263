//! An OpenID Connect provider: people of a tenant sign in to its programs, each in a browser, at one page.
//!
//! - [`Provider`]: what everything goes through.
//! - `clients`: the programs. `credentials`: how they show which they are. `scope`, `redirect`: what they may have, and where browsers
//!   are sent back to.
//! - `authorize`: a browser asks for a code. `browser`: who has signed in there. `page`: what people see. `code`: what a client gets.
//! - `token`: the client comes for tokens, by a code, a refresh token or what a `device` has. `id_token`: what these say of a person.
//! - `userinfo`, `introspect`, `revoke`, `logout`: what is done with them. `discovery`: where all of that is.
//! - `params`, `refusal`: how OAuth says things.

mod authorize;
mod browser;
mod clients;
mod code;
mod credentials;
mod device;
mod discovery;
mod id_token;
mod introspect;
mod logout;
mod page;
mod params;
mod redirect;
mod refusal;
mod revoke;
pub(super) mod scope;
mod token;
mod userinfo;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kernel::{Policy, Problem, Routes};
use utoipa_axum::routes;

use super::address::PublicAddress;
use super::codes;
use super::federation::Federation;
use super::sessions::Sessions;

pub(super) use clients::Clients;
pub(super) use clients::routes::{CREATE, DELETE, READ, UPDATE};

/// Every statement of the provider, for the test that prepares each on both engines.
pub(super) const STATEMENTS: [&[&str]; 5] =
    [browser::STATEMENTS, clients::STATEMENTS, code::STATEMENTS, device::STATEMENTS, userinfo::STATEMENTS];

/// What the provider is made of. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Provider {
    issuer: PublicAddress,
    sessions: Sessions,
    clients: Clients,
    federation: Federation,
}

impl Provider {
    fn now_ms(&self) -> i64 {
        (self.sessions.clock)()
    }
}

/// A provider, where the installation has an address that it is known by.
#[derive(Clone)]
pub(crate) struct Configured(Option<Provider>);

impl Configured {
    pub(super) fn new(
        issuer: Option<PublicAddress>,
        sessions: &Sessions,
        clients: &Clients,
        federation: &Federation,
    ) -> Self {
        let (sessions, clients, federation) = (sessions.clone(), clients.clone(), federation.clone());
        Self(issuer.map(|issuer| Provider { issuer, sessions, clients, federation }))
    }
}

impl<S> FromRequestParts<S> for Provider
where
    S: Send + Sync,
    Configured: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(_parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let detail = "nobody has said at which address this installation is reached";
        Configured::from_ref(state).0.ok_or_else(|| Problem::not_found(codes::OIDC_NOT_CONFIGURED, detail))
    }
}

/// Mounts every route.
pub(super) fn mount<S>(routes: Routes<S>) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Clients: FromRef<S>,
    Configured: FromRef<S>,
{
    use Policy::Public;
    clients::routes::mount(routes)
        .mount(Public, routes!(discovery::openid))
        .mount(Public, routes!(discovery::oauth))
        .mount(Public, routes!(authorize::ask, authorize::ask_by_form))
        .mount(Public, routes!(authorize::sign_in::sign_in))
        .mount(Public, routes!(authorize::elsewhere::leave))
        .mount(Public, routes!(authorize::elsewhere::come_back))
        .mount(Public, routes!(logout::ask, logout::confirm))
        .mount(Public, routes!(device::page::show, device::page::decide))
        .mount_hidden(Public, page::STYLE_PATH, get(style))
        // What clients alone call is refused as they expect it.
        .speaking(&refusal::DIALECT)
        .mount(Public, routes!(token::token))
        .mount(Public, routes!(userinfo::show, userinfo::show_by_post))
        .mount(Public, routes!(revoke::revoke))
        .mount(Public, routes!(introspect::introspect))
        .mount(Public, routes!(device::ask))
}

async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (StatusCode::OK, headers, page::STYLE).into_response()
}

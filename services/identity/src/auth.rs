//! Keys, which programs of a tenant show, and sessions of the people who have signed in: whom a bearer token is from.
//!
//! - [`UNIT`], [`serve`]: the unit. `codes`: what it refuses. `secret`: how a secret is made and known again.
//! - [`Keys`]: what everything about keys goes through. `routes`: `/api/v1/api-keys` and `/api/v1/permissions`. `views`: their JSON.
//!   `store`: their table.
//! - [`Sessions`]: the same of people. `password`, `link`: how they prove who they are; `factors`, `totp`, `recovery`: by codes besides;
//!   `passkeys`: by those alone. `policy`: what a tenant asks for. `proof`: what tokens say of that. `challenge`: what waits for an answer. `throttle`: how often they may
//!   try. `jwt`: access tokens. `signing`: the keys that sign those.
//! - [`Mail`]: letters to people, and what they ask for by those. `page`, in it: what a link of a letter opens.
//! - `oidc`: people sign in to other programs of their tenant. `federation`: and here by providers of others.
//! - `backchannel`: clients are told that somebody has signed out. `impersonation`: somebody acts as another person.
//! - `rights`: what becomes of all of it with the person.
//! - [`PublicAddress`]: where all of that is, as everybody outside sees it.

mod address;
pub(crate) mod backchannel;
mod challenge;
mod codes;
pub(crate) mod factors;
mod federation;
mod impersonation;
pub(crate) mod jwt;
pub(crate) mod link;
pub(crate) mod mail;
mod oidc;
mod passkeys;
mod password;
mod policy;
mod proof;
mod recovery;
mod rights;
mod routes;
pub(crate) mod secret;
pub(crate) mod sessions;
pub(crate) mod signing;
mod store;
mod throttle;
mod totp;
mod views;

use std::sync::Arc;

use axum::extract::FromRef;
use kernel::{Rights, Served, Unit};

use self::federation::Federation;
use self::oidc::{Clients, Configured};

pub use address::{InvalidAddress, PublicAddress};
pub use mail::Mail;
pub use sessions::Sessions;
pub use signing::SigningKeyError;
pub use store::Keys;

/// Every statement of the unit, for the test that prepares each on both engines.
pub const STATEMENTS: &[&[&str]] = &[
    backchannel::STATEMENTS,
    challenge::STATEMENTS,
    factors::STATEMENTS,
    federation::STATEMENTS,
    impersonation::STATEMENTS,
    link::STATEMENTS,
    mail::STATEMENTS,
    oidc::STATEMENTS[0],
    oidc::STATEMENTS[1],
    oidc::STATEMENTS[2],
    oidc::STATEMENTS[3],
    oidc::STATEMENTS[4],
    passkeys::STATEMENTS,
    policy::STATEMENTS,
    rights::ERASING,
    rights::STATEMENTS,
    sessions::STATEMENTS,
    signing::STATEMENTS,
    store::STATEMENTS,
];

/// Keys, sessions and the provider, as a unit.
pub static UNIT: Unit = Unit {
    slug: "auth",
    parts: &[],
    addresses: &[
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/api/v1/api-keys",
        "/api/v1/auth",
        "/api/v1/oauth-clients",
        "/api/v1/permissions",
        "/device",
        "/oauth2",
    ],
    tables: &["core", "identity"],
    permissions: &[
        routes::CREATE,
        routes::DELETE,
        routes::READ,
        federation::CREATE,
        federation::DELETE,
        federation::READ,
        federation::UPDATE,
        impersonation::CREATE,
        oidc::CREATE,
        oidc::DELETE,
        oidc::READ,
        oidc::UPDATE,
        policy::routes::READ,
        policy::routes::UPDATE,
    ],
    codes: codes::ALL,
    rights: Rights::of(&rights::HOOKS).removing(rights::RETENTION),
};

/// What its routes share.
#[derive(Clone)]
struct Auth {
    keys: Keys,
    sessions: Sessions,
    clients: Clients,
    federation: Federation,
    provider: Configured,
}

impl FromRef<Auth> for Keys {
    fn from_ref(auth: &Auth) -> Self {
        auth.keys.clone()
    }
}

impl FromRef<Auth> for Sessions {
    fn from_ref(auth: &Auth) -> Self {
        auth.sessions.clone()
    }
}

impl FromRef<Auth> for Clients {
    fn from_ref(auth: &Auth) -> Self {
        auth.clients.clone()
    }
}

impl FromRef<Auth> for Federation {
    fn from_ref(auth: &Auth) -> Self {
        auth.federation.clone()
    }
}

impl FromRef<Auth> for Configured {
    fn from_ref(auth: &Auth) -> Self {
        auth.provider.clone()
    }
}

/// What a process serves of them: the routes, and letters where they go out. People sign in to other programs where there is an address
/// that these know.
pub fn serve(keys: Keys, sessions: Sessions, address: Option<PublicAddress>) -> Served {
    let clients = Clients::new(sessions.db.clone(), Arc::clone(&sessions.clock), Arc::clone(&keys.catalogue));
    let (told_by, issuer) = (sessions.clone(), address.clone());
    let federation = Federation::new(&sessions, address.clone());
    let provider = Configured::new(address, &sessions, &clients, &federation);
    let (postbox, asked) = (sessions.postbox(), sessions.clone());
    let auth = Auth { keys, sessions, clients, federation, provider };
    let served = Served::new(&UNIT, auth, |routes| {
        let routes = policy::routes::mount(sessions::routes::mount(routes::mount(routes)));
        let routes = mail::routes::mount(impersonation::mount(routes));
        let routes = federation::programs::mount(federation::routes::mount(routes));
        oidc::mount(passkeys::routes::mount(factors::routes::mount(routes)))
    })
    .with_task(|stopped| backchannel::run(told_by, issuer, stopped));
    match postbox {
        Some(postbox) => {
            served.with_task(|stopped| mail::answer_until(asked, stopped)).with_task(|stopped| postbox.run(stopped))
        }
        None => served,
    }
}

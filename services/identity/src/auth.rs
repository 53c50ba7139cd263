//! Keys, which programs of a tenant show, and sessions of the people who have signed in: whom a bearer token is from.
//!
//! - [`UNIT`], [`serve`]: the unit. `codes`: what it refuses. `secret`: how a secret is made and known again.
//! - [`Keys`]: what everything about keys goes through. `routes`: `/api/v1/api-keys` and `/api/v1/permissions`. `views`: their JSON.
//!   `store`: their table.
//! - [`Sessions`]: the same of people. `password`, `link`: how they prove who they are; `factors`, `totp`, `recovery`: by codes besides;
//!   `passkeys`: by those alone. `proof`: what tokens say of that. `challenge`: what waits for an answer. `throttle`: how often they may
//!   try. `jwt`: access tokens. `signing`: the keys that sign those.

mod challenge;
mod codes;
pub(crate) mod factors;
pub(crate) mod jwt;
pub(crate) mod link;
mod passkeys;
mod password;
mod proof;
mod recovery;
mod routes;
pub(crate) mod secret;
pub(crate) mod sessions;
pub(crate) mod signing;
mod store;
mod throttle;
mod totp;
mod views;

use axum::extract::FromRef;
use kernel::{Served, Unit};

pub use sessions::Sessions;
pub use signing::SigningKeyError;
pub use store::Keys;
pub use webauthn::Party;

/// Every statement of the unit, for the test that prepares each on both engines.
pub const STATEMENTS: &[&[&str]] = &[
    challenge::STATEMENTS,
    factors::STATEMENTS,
    link::STATEMENTS,
    passkeys::STATEMENTS,
    sessions::STATEMENTS,
    signing::STATEMENTS,
    store::STATEMENTS,
];

/// Keys and sessions, as a unit.
pub static UNIT: Unit = Unit {
    slug: "auth",
    parts: &[],
    addresses: &["/api/v1/api-keys", "/api/v1/auth", "/api/v1/permissions"],
    tables: &["core", "identity"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
};

/// What its routes share.
#[derive(Clone)]
struct Auth {
    keys: Keys,
    sessions: Sessions,
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

/// What a process serves of them: the routes.
pub fn serve(keys: Keys, sessions: Sessions) -> Served {
    Served::new(&UNIT, Auth { keys, sessions }, |routes| {
        let routes = sessions::routes::mount(routes::mount(routes));
        passkeys::routes::mount(factors::routes::mount(routes))
    })
}

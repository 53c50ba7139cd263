//! The address that this installation is known by.

use identity::auth::Issuer;
use tokio::net::TcpListener;

use crate::exit::Failure;

/// As it is said; that of this machine where nobody else is served, and otherwise none.
pub(super) fn configured(said: Option<&str>, listener: &TcpListener) -> Result<Option<Issuer>, Failure> {
    let Some(text) = said else { return Ok(listener.local_addr().ok().and_then(Issuer::of_own_machine)) };
    let invalid = |error: identity::auth::InvalidIssuer| {
        let hint = "say --public-url https://HOST, as browsers have it, or leave it out";
        Failure::config("public_url.invalid", error.to_string(), hint)
    };
    Issuer::new(text).map(Some).map_err(invalid)
}

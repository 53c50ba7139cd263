//! The address that people and their programs reach this installation at.

use std::net::SocketAddr;

use identity::auth::{InvalidAddress, PublicAddress};

use crate::exit::Failure;

/// As it is said; that of this machine where nobody else is served, and otherwise none. A certificate is for some name, which only who
/// has it knows.
pub(super) fn configured(
    said: Option<&str>,
    listening: SocketAddr,
    is_tls: bool,
) -> Result<Option<PublicAddress>, Failure> {
    let Some(text) = said.filter(|text| !text.is_empty()) else {
        return Ok(PublicAddress::of_own_machine(listening).filter(|_| !is_tls));
    };
    let invalid = |error: InvalidAddress| {
        let hint = "say --public-url https://HOST, as browsers have it, or leave it out";
        Failure::config("public_url.invalid", error.to_string(), hint)
    };
    PublicAddress::new(text).map(Some).map_err(invalid)
}

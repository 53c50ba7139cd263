//! Sessions of people, as the environment configures them.

use std::net::SocketAddr;

use axum::http::Uri;
use database::Database;
use identity::auth::{Party, Sessions};

use crate::cli::Data;
use crate::exit::Failure;
use crate::settings;

/// What the keys that signing keys, and what codes are made from, are wrapped under are derived for.
const PURPOSE: &str = "signing keys of access tokens";
/// Says where people reach this server.
const PUBLIC_VARIABLE: &str = settings::PUBLIC_URL.name;

/// The sessions of a database; the keys that sign their tokens are wrapped where a key-encryption key is configured.
pub(crate) fn configured(database: &Database, places: &Data) -> Result<Sessions, Failure> {
    let keyring = crate::data::keyring(places, PURPOSE)?;
    Ok(Sessions::new(database.clone(), database.clock(), keyring))
}

/// Whom passkeys are for, of a server that listens there.
pub(super) fn party(listening: SocketAddr) -> Result<Party, Failure> {
    let said = std::env::var(PUBLIC_VARIABLE).ok().filter(|text| !text.is_empty());
    party_of(said.as_deref(), listening.port()).ok_or_else(|| {
        let detail = format!("{PUBLIC_VARIABLE} is no address of a server");
        Failure::config("public_url.invalid", detail, "write one such as https://video.example.com, without a path")
    })
}

/// Of the address that people reach it at; browsers on this machine where none is said. `None` of what is no such address.
fn party_of(said: Option<&str>, port: u16) -> Option<Party> {
    let Some(text) = said else {
        return Some(Party { id: "localhost".to_owned(), origins: vec![format!("http://localhost:{port}")] });
    };
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let host = authority.host().to_ascii_lowercase();
    let usual = if scheme == "https" { 443 } else { 80 };
    // As browsers write an origin (RFC 6454 §6.2).
    let port = authority.port_u16().filter(|port| *port != usual).map(|port| format!(":{port}")).unwrap_or_default();
    let origins = vec![format!("{scheme}://{host}{port}")];
    (uri.path() == "/" && uri.query().is_none()).then_some(Party { id: host, origins })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_for_the_host_that_people_reach_and_for_pages_of_that_origin_alone() {
        let of = |said: Option<&str>| {
            let Party { id, origins } = party_of(said, 3000)?;
            Some(format!("{id} {}", origins.join(" ")))
        };
        for (said, expected) in [
            (None, Some("localhost http://localhost:3000")),
            (Some("https://video.example.com"), Some("video.example.com https://video.example.com")),
            (Some("https://Video.Example.com:443/"), Some("video.example.com https://video.example.com")),
            (Some("https://video.example.com:8443"), Some("video.example.com https://video.example.com:8443")),
            (Some("http://localhost:80"), Some("localhost http://localhost")),
            (Some("video.example.com"), None),
            (Some("ftp://video.example.com"), None),
            (Some("https://video.example.com/lectern"), None),
            (Some("https://video.example.com?a"), None),
            (Some("https://a:b@video.example.com"), None),
            (Some("https://"), None),
            (Some("https://video example.com"), None),
        ] {
            assert_eq!(of(said).as_deref(), expected, "{said:?}");
        }
    }
}

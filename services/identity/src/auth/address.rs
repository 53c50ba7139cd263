//! Where this installation is, as everybody outside sees it. Pure.

use std::net::SocketAddr;
use std::sync::Arc;

use url::{Host, Url};
use webauthn::Party;

/// The address that people and their programs reach this installation at: the issuer of what it says of people (OpenID Connect Discovery
/// §3), and the host and the one origin that their passkeys are for. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicAddress {
    origin: Arc<str>,
    is_secure: bool,
    party: Arc<Party>,
}

/// What cannot be the address of an installation.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} is no address of an installation: that is https://HOST, perhaps with a port, or http://127.0.0.1:PORT, and has no path"
)]
pub struct InvalidAddress(String);

impl PublicAddress {
    /// From what an operator has written.
    ///
    /// # Errors
    /// It is neither https nor on this machine, or has a path or anything else behind its port.
    pub fn new(text: &str) -> Result<Self, InvalidAddress> {
        let unfit = || InvalidAddress(text.to_owned());
        let url = Url::parse(text).map_err(|_| unfit())?;
        let (is_own, is_number) = match url.host().ok_or_else(unfit)? {
            Host::Ipv4(address) => (address.is_loopback(), true),
            Host::Ipv6(address) => (address.is_loopback(), true),
            Host::Domain(name) => (name == "localhost", false),
        };
        let is_secure = url.scheme() == "https";
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_nobodys = url.username().is_empty() && url.password().is_none();
        if !(is_bare && is_nobodys && (is_secure || (url.scheme() == "http" && is_own))) {
            return Err(unfit());
        }
        let origin = url.origin().ascii_serialization().into();
        let mut page = url;
        // Passkeys are made for no number (Web Authentication §5.1.3), but for this machine by its name.
        if is_own && is_number {
            page.set_host(Some("localhost")).map_err(|_| unfit())?;
        }
        let id = page.host_str().unwrap_or_default().to_owned();
        let party = Party { id, origins: vec![page.origin().ascii_serialization()] };
        Ok(Self { origin, is_secure, party: Arc::new(party) })
    }

    /// That of a process that only its own machine reaches, while nobody has said another one; `None` of any other process.
    pub fn of_own_machine(listening: SocketAddr) -> Option<Self> {
        Self::new(&format!("http://{listening}")).ok()
    }

    /// That of whatever listens at this port, as a browser on the same machine has it: to try out what is for people from elsewhere.
    pub fn on_this_machine(port: u16) -> Self {
        Self::new(&format!("http://localhost:{port}")).expect("every port is one of this machine")
    }

    /// Without a slash at the end.
    pub(super) fn as_str(&self) -> &str {
        &self.origin
    }

    /// An address of it.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Whether nobody in between reads along.
    pub(super) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Whom passkeys are for that are made there.
    pub(super) fn party(&self) -> Arc<Party> {
        Arc::clone(&self.party)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_address_is_https_without_a_path_or_this_machine_and_passkeys_are_for_its_host_and_its_pages_alone() {
        let of = |text: &str| {
            let PublicAddress { origin, party, .. } = PublicAddress::new(text).ok()?;
            Some((origin.to_string(), format!("{} {}", party.id, party.origins.join(" "))))
        };
        for (text, origin, party) in [
            ("https://lectern.example", "https://lectern.example", "lectern.example https://lectern.example"),
            ("https://Lectern.example:443/", "https://lectern.example", "lectern.example https://lectern.example"),
            ("https://a.example:8443", "https://a.example:8443", "a.example https://a.example:8443"),
            ("http://localhost:3000", "http://localhost:3000", "localhost http://localhost:3000"),
            ("http://localhost:80", "http://localhost", "localhost http://localhost"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000", "localhost http://localhost:3000"),
            ("http://[::1]:3000/", "http://[::1]:3000", "localhost http://localhost:3000"),
        ] {
            assert_eq!(of(text), Some((origin.to_owned(), party.to_owned())), "{text}");
        }
        for text in [
            "http://lectern.example",
            "http://10.0.0.1:3000",
            "https://lectern.example/here",
            "https://lectern.example?x",
            "https://lectern.example/#x",
            "https://anna@lectern.example",
            "https://a:b@lectern.example",
            "https://lectern example",
            "https://",
            "ftp://lectern.example",
            "lectern.example",
            "",
        ] {
            assert_eq!(PublicAddress::new(text), Err(InvalidAddress(text.to_owned())));
        }
    }

    #[test]
    fn a_process_that_others_reach_has_no_address_until_somebody_says_one() {
        let of = |address: &str| PublicAddress::of_own_machine(address.parse().unwrap());
        assert_eq!(of("127.0.0.1:3000"), Some(PublicAddress::new("http://127.0.0.1:3000").unwrap()));
        assert_eq!(of("[::1]:3000"), Some(PublicAddress::new("http://[::1]:3000").unwrap()));
        assert_eq!(of("0.0.0.0:3000"), None);
        assert_eq!(of("10.0.0.1:3000"), None);
        assert_eq!(PublicAddress::on_this_machine(0).party.id, "localhost");
    }
}

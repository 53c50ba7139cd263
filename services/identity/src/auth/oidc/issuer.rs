//! Where the provider is, as everybody outside sees it.

use std::net::SocketAddr;
use std::sync::Arc;

use url::{Host, Url};

/// The address that this installation is reached at, which is the issuer of what it says of people (OpenID Connect Discovery §3).
/// Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    origin: Arc<str>,
    is_secure: bool,
}

/// An address that cannot be an issuer's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} is no address of an installation: that is https://HOST, perhaps with a port, or http://127.0.0.1:PORT, and has no path"
)]
pub struct InvalidIssuer(String);

impl Issuer {
    /// From what an operator has written.
    ///
    /// # Errors
    /// It is neither https nor on this machine, or has a path or anything else behind its port.
    pub fn new(text: &str) -> Result<Self, InvalidIssuer> {
        let unfit = || InvalidIssuer(text.to_owned());
        let url = Url::parse(text).map_err(|_| unfit())?;
        let is_own = match url.host().ok_or_else(unfit)? {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(name) => name == "localhost",
        };
        let is_secure = url.scheme() == "https";
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_nobodys = url.username().is_empty() && url.password().is_none();
        if !(is_bare && is_nobodys && (is_secure || (url.scheme() == "http" && is_own))) {
            return Err(unfit());
        }
        Ok(Self { origin: url.origin().ascii_serialization().into(), is_secure })
    }

    /// That of a process that only its own machine reaches, while nobody has said another one; `None` of any other process.
    pub fn of_own_machine(listening: SocketAddr) -> Option<Self> {
        Self::new(&format!("http://{listening}")).ok()
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
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_issuer_is_an_https_address_without_a_path_or_this_machine() {
        for (text, origin) in [
            ("https://lectern.example", Some("https://lectern.example")),
            ("https://Lectern.example:443/", Some("https://lectern.example")),
            ("https://lectern.example:8443", Some("https://lectern.example:8443")),
            ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000")),
            ("http://[::1]:3000/", Some("http://[::1]:3000")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("http://lectern.example", None),
            ("http://10.0.0.1:3000", None),
            ("https://lectern.example/here", None),
            ("https://lectern.example?x", None),
            ("https://lectern.example/#x", None),
            ("https://anna@lectern.example", None),
            ("ftp://lectern.example", None),
            ("lectern.example", None),
            ("", None),
        ] {
            assert_eq!(Issuer::new(text).ok().map(|issuer| issuer.as_str().to_owned()).as_deref(), origin, "{text}");
        }
    }

    #[test]
    fn a_process_that_others_reach_has_no_address_until_somebody_says_one() {
        let of = |address: &str| Issuer::of_own_machine(address.parse().unwrap());
        assert_eq!(of("127.0.0.1:3000"), Some(Issuer::new("http://127.0.0.1:3000").unwrap()));
        assert_eq!(of("[::1]:3000"), Some(Issuer::new("http://[::1]:3000").unwrap()));
        assert_eq!(of("0.0.0.0:3000"), None);
        assert_eq!(of("10.0.0.1:3000"), None);
    }
}

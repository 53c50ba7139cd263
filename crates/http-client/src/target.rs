//! Which addresses are asked.

use std::net::IpAddr;

use hyper::Uri;
use url::{Host, Url};

use crate::HttpError;

/// Where plain HTTP may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlainHttp {
    /// To this machine alone.
    #[default]
    Loopback,
    /// Anywhere: nothing secret is sent and nothing that comes back is trusted, or whoever named the address knows what lies between.
    Anywhere,
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlProblem {
    /// Relative, or malformed.
    #[error("no absolute URL")]
    Malformed,
    /// Another scheme.
    #[error("neither https nor http")]
    Scheme,
    /// It holds a user's name or a password.
    #[error("credentials do not belong into an address")]
    Credentials,
    /// Plain text to another machine.
    #[error("plain http is for this machine alone, write https")]
    Plain,
    /// A path or a query where neither belongs.
    #[error("nothing belongs behind host and port")]
    Path,
}

/// An address that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target(Url);

impl Target {
    /// Checks an address; its fragment is dropped.
    pub(crate) fn new(text: &str, plain: PlainHttp) -> Result<Self, HttpError> {
        let fault = |url: String, problem| HttpError::Url { url, problem };
        let url = Url::parse(text).map_err(|_| fault("the address".to_owned(), UrlProblem::Malformed))?;
        Self::check(url, plain).map_err(|(url, problem)| fault(url, problem))
    }

    /// Where `location` leads from here.
    pub(crate) fn join(&self, location: &str, plain: PlainHttp) -> Result<Self, HttpError> {
        let fault = |url: String, problem| HttpError::Url { url, problem };
        let url = self.0.join(location).map_err(|_| fault("a redirect".to_owned(), UrlProblem::Malformed))?;
        Self::check(url, plain).map_err(|(url, problem)| fault(url, problem))
    }

    fn check(mut url: Url, plain: PlainHttp) -> Result<Self, (String, UrlProblem)> {
        let problem = match url.scheme() {
            _ if !url.username().is_empty() || url.password().is_some() => Some(UrlProblem::Credentials),
            "https" => None,
            "http" if plain == PlainHttp::Anywhere || is_loopback(&url) => None,
            "http" => Some(UrlProblem::Plain),
            _ => Some(UrlProblem::Scheme),
        };
        if let Some(problem) = problem {
            return Err((url.host_str().map_or_else(|| "the address".to_owned(), str::to_owned), problem));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// Whether it is scheme, host and port alone.
    pub(crate) fn is_base(&self) -> bool {
        self.0.path() == "/" && self.0.query().is_none()
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// For a request; `None` when it is too long for one.
    pub(crate) fn uri(&self) -> Option<Uri> {
        self.0.as_str().parse().ok()
    }

    /// Host and port, for people.
    pub(crate) fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether both have scheme, host and port in common (RFC 6454 §4).
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn problem(text: &str, plain: PlainHttp) -> Option<UrlProblem> {
        match Target::new(text, plain) {
            Ok(_) => None,
            Err(HttpError::Url { problem, url }) => {
                assert!(!url.contains("secret"), "{url}");
                Some(problem)
            }
            Err(other) => unreachable!("{other}"),
        }
    }

    #[test]
    fn plain_text_stays_on_this_machine_unless_it_is_allowed_out() {
        for text in ["https://a.example/x", "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/?a=1#b"] {
            assert_eq!(problem(text, PlainHttp::Loopback), None, "{text}");
        }
        for text in
            ["http://a.example/?key=secret", "http://10.0.0.1/", "http://localhost.example/", "http://[fe80::1]/"]
        {
            assert_eq!(problem(text, PlainHttp::Loopback), Some(UrlProblem::Plain), "{text}");
            assert_eq!(problem(text, PlainHttp::Anywhere), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_or_holds_credentials_is_refused() {
        for (text, expected) in [
            ("", UrlProblem::Malformed),
            ("/secret", UrlProblem::Malformed),
            ("a.example/secret", UrlProblem::Malformed),
            ("https://", UrlProblem::Malformed),
            ("ftp://a.example/secret", UrlProblem::Scheme),
            ("file:///secret", UrlProblem::Scheme),
            ("https://user:secret@a.example/", UrlProblem::Credentials),
            ("https://secret@a.example/", UrlProblem::Credentials),
        ] {
            assert_eq!(problem(text, PlainHttp::Anywhere), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_redirect_is_read_against_where_it_came_from() {
        let from = Target::new("https://a.example/one/two?x=1", PlainHttp::Loopback).unwrap();
        let to = |location| from.join(location, PlainHttp::Loopback);
        assert_eq!(to("three").unwrap().as_str(), "https://a.example/one/three");
        assert_eq!(to("//b.example/#f").unwrap().as_str(), "https://b.example/");
        assert!(from.same_origin(&to("/").unwrap()) && !from.same_origin(&to("https://a.example:444/").unwrap()));
        assert!(matches!(to("http://a.example/"), Err(HttpError::Url { problem: UrlProblem::Plain, .. })));
        assert_eq!(from.host(), "a.example:443");
    }
}

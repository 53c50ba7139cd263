//! Requests that are handed on to a server, and its answers, with bodies that pass as they come.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use hyper::Uri;
use hyper::body::{Body, Incoming};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper_util::client::legacy::Client;

use crate::connect::{Connector, RootsError, roots};
use crate::error::HttpError;
use crate::target::{PlainHttp, Target, UrlProblem};

/// Where requests are handed on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    scheme: Scheme,
    authority: Authority,
}

impl Base {
    /// `https://HOST`, `http://HOST:PORT`: in plain text to other machines too, as who names one knows what lies between.
    ///
    /// # Errors
    /// [`HttpError::Url`].
    pub fn new(text: &str) -> Result<Self, HttpError> {
        let target = Target::new(text, PlainHttp::Anywhere)?;
        let fault = |problem| HttpError::Url { url: target.host(), problem };
        if !target.is_base() {
            return Err(fault(UrlProblem::Path));
        }
        let parts = target.uri().map(Uri::into_parts).ok_or_else(|| fault(UrlProblem::Malformed))?;
        let (scheme, authority) = parts.scheme.zip(parts.authority).ok_or_else(|| fault(UrlProblem::Malformed))?;
        Ok(Self { scheme, authority })
    }

    /// The same path and query there.
    pub fn at(&self, path: PathAndQuery) -> Uri {
        let mut parts = hyper::http::uri::Parts::default();
        (parts.scheme, parts.authority) = (Some(self.scheme.clone()), Some(self.authority.clone()));
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).expect("an address has a scheme, an authority and a path")
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// Hands requests with bodies of one type on. It needs a tokio runtime with I/O and time.
///
/// How long all of it may take, and how much at once, is for the caller to bound: whoever drops the future or the answer's body ends
/// the exchange, and its connection with it.
pub struct Passage<B>(Client<Connector, B>);

impl<B> Passage<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Connections stand within `connect`, TLS included, and at most `idle` of each server wait for what comes next. Beside the public
    /// certificate authorities those of `pem` are trusted.
    ///
    /// # Errors
    /// Those authorities are none, or malformed.
    pub fn new(connect: Duration, idle: usize, pem: Option<&[u8]>) -> Result<Self, RootsError> {
        Ok(Self(Connector::new(roots(pem)?, None, connect).pooled(idle)))
    }

    /// Sends a request to the absolute address that it has, and waits for the head of the answer, of any status. `Host` is added
    /// where it is missing. It is sent once more only where a kept connection turned out to be closed before any of it was written.
    /// An answer 101 has an [`OnUpgrade`](crate::OnUpgrade) among its extensions.
    ///
    /// # Errors
    /// [`HttpError::Connect`] and [`HttpError::Exchange`].
    pub async fn send(&self, request: hyper::Request<B>) -> Result<hyper::Response<Incoming>, HttpError> {
        let authority = request.uri().authority().cloned();
        self.0.request(request).await.map_err(|error| {
            HttpError::unanswered(authority.map_or_else(String::new, |authority| authority.to_string()), error)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use http_body_util::{BodyExt, Empty};

    use super::*;
    use crate::testing::{full, serve};

    #[test]
    fn a_base_is_scheme_host_and_port_and_keeps_what_is_asked_for_as_it_is() {
        for (text, shown) in [
            ("http://127.0.0.1:3006", "http://127.0.0.1:3006"),
            ("http://media.internal:3006/", "http://media.internal:3006"),
            ("https://[::1]:3006", "https://[::1]:3006"),
        ] {
            let base = Base::new(text).unwrap();
            assert_eq!(base.to_string(), shown);
            let there = base.at(PathAndQuery::from_static("/a%2Fb/../c?d=%20&e"));
            assert_eq!(there, format!("{shown}/a%2Fb/../c?d=%20&e").parse::<Uri>().unwrap());
        }
        for (text, expected) in [
            ("media:3006", UrlProblem::Scheme),
            ("127.0.0.1:3006", UrlProblem::Malformed),
            ("ftp://media", UrlProblem::Scheme),
            ("http://user:word@media", UrlProblem::Credentials),
            ("http://media/api", UrlProblem::Path),
            ("http://media/?x", UrlProblem::Path),
        ] {
            match Base::new(text) {
                Err(HttpError::Url { problem, .. }) => assert_eq!(problem, expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn an_answer_of_any_status_comes_as_it_is_and_nobody_at_the_address_is_told_apart() {
        let at = serve(|request| async move {
            assert_eq!(request.headers()["host"], request.headers()["x-expected"]);
            hyper::Response::builder().status(418).body(full(request.uri().to_string())).unwrap()
        })
        .await;
        let passage = Passage::<Empty<Bytes>>::new(Duration::from_secs(5), 4, None).unwrap();
        let request = |at: std::net::SocketAddr| {
            let there = Base::new(&format!("http://{at}")).unwrap().at(PathAndQuery::from_static("/a?b"));
            hyper::Request::get(there).header("x-expected", at.to_string()).body(Empty::new()).unwrap()
        };
        let answer = passage.send(request(at)).await.unwrap();
        assert_eq!(answer.status(), 418);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "/a?b");

        let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = nobody.local_addr().unwrap();
        drop(nobody);
        assert!(matches!(passage.send(request(at)).await, Err(HttpError::Connect { .. })));
    }
}

//! Sending a request and reading its answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use hyper_util::client::legacy::Client;
use tokio::sync::Semaphore;

use crate::Egress;
use crate::connect::{Connector, RootsError, roots};
use crate::error::{Cause, HttpError};
use crate::target::{PlainHttp, Target};

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("lectern/", env!("CARGO_PKG_VERSION")));
/// How long a body is waited for of which whatever has come is enough.
const GLANCE: Duration = Duration::from_secs(1);

/// What every request of a client is held to.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// From waiting for its turn to the last byte of the answer, redirects included.
    pub whole: Duration,
    /// The most bytes of an answer's body.
    pub body_bytes: usize,
    /// Requests at once; more wait for their turn.
    pub at_once: usize,
    /// How many redirects in a row are followed, of GET and HEAD alone. With none a redirect is an answer like any other.
    pub redirects: u8,
    /// Where plain HTTP may go.
    pub plain_http: PlainHttp,
}

impl Default for Limits {
    /// 10 s, 30 s, 1 MiB, 16 at once, no redirects, plain HTTP to this machine alone.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            whole: Duration::from_secs(30),
            body_bytes: 1 << 20,
            at_once: 16,
            redirects: 0,
            plain_http: PlainHttp::Loopback,
        }
    }
}

/// A request with its whole body.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// An absolute `https` or `http` address.
    pub url: String,
    /// Headers. `Host` and `Content-Length` are added, and `User-Agent` where it is missing.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

impl Request {
    /// GET, without headers of its own.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: Method::GET, url: url.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }
}

/// An answer, of any status, with its whole body. It may hold keys, so it cannot be printed.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The body, without transfer encoding; a content encoding is left as it is.
    pub body: Vec<u8>,
    /// The address that gave it, behind all redirects.
    pub url: String,
}

/// Sends requests. Cheap to clone; clones share connections and limits. It needs a tokio runtime with I/O and time.
#[derive(Clone)]
pub struct HttpClient(Arc<Inner>);

struct Inner {
    limits: Limits,
    client: Client<Connector, Full<Bytes>>,
    turns: Semaphore,
}

impl HttpClient {
    /// A client that trusts the public certificate authorities.
    pub fn new(limits: Limits) -> Self {
        Self::with(limits, None, None).expect("the public authorities are not read from anywhere")
    }

    /// A client that also trusts the certificate authorities of `pem`.
    ///
    /// # Errors
    /// It holds none, or one that is malformed.
    pub fn trusting(limits: Limits, pem: &[u8]) -> Result<Self, RootsError> {
        Self::with(limits, Some(pem), None)
    }

    /// A client for addresses that somebody else chose: it connects to no other machine than `egress` permits, whatever a
    /// name resolves to. It also trusts the certificate authorities of `pem`.
    ///
    /// # Errors
    /// Those of [`HttpClient::trusting`].
    pub fn guarded(limits: Limits, egress: Egress, pem: Option<&[u8]>) -> Result<Self, RootsError> {
        Self::with(limits, pem, Some(egress))
    }

    fn with(limits: Limits, pem: Option<&[u8]>, egress: Option<Egress>) -> Result<Self, RootsError> {
        let client = Connector::new(roots(pem)?, egress, limits.connect).pooled(limits.at_once);
        let turns = Semaphore::new(limits.at_once.max(1));
        Ok(Self(Arc::new(Inner { limits, client, turns })))
    }

    /// Whether an address would be asked at all, for configurations to be checked early.
    ///
    /// # Errors
    /// [`HttpError::Url`].
    pub fn check_url(&self, url: &str) -> Result<(), HttpError> {
        Target::new(url, self.0.limits.plain_http).map(drop)
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// See [`HttpError`]; a status that tells of an error is an answer.
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.within(async {
            let (response, target) = self.0.follow(request).await?;
            self.0.whole(response, target).await
        })
        .await
    }

    /// Sends a request and waits for the status of its answer. Of the body only the beginning is taken: what comes within a
    /// second, and no more than the limit; how it goes on is no concern.
    ///
    /// # Errors
    /// Those of [`HttpClient::send`] but [`HttpError::TooLarge`].
    pub async fn send_for_status(&self, request: Request) -> Result<Response, HttpError> {
        self.within(async {
            let (response, target) = self.0.follow(request).await?;
            Ok(self.0.beginning(response, &target).await)
        })
        .await
    }

    async fn within(&self, exchange: impl Future<Output = Result<Response, HttpError>>) -> Result<Response, HttpError> {
        let whole = self.0.limits.whole;
        let exchange = async {
            let _turn = self.0.turns.acquire().await.expect("turns are never closed");
            exchange.await
        };
        tokio::time::timeout(whole, exchange).await.map_err(|_elapsed| HttpError::Deadline(whole))?
    }
}

impl Inner {
    async fn follow(&self, mut request: Request) -> Result<(hyper::Response<Incoming>, Target), HttpError> {
        let Limits { redirects, plain_http, .. } = self.limits;
        let mut target = Target::new(&request.url, plain_http)?;
        request.headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        for _ in 0..=redirects {
            let response = self.exchange(&request, &target).await?;
            let follows = redirects > 0 && matches!(request.method, Method::GET | Method::HEAD);
            let Some(location) = location(&response).filter(|_| follows) else {
                return Ok((response, target));
            };
            let next = target.join(location, plain_http)?;
            if !next.same_origin(&target) {
                request.headers.remove(header::AUTHORIZATION);
            }
            target = next;
        }
        Err(HttpError::Redirects(redirects))
    }

    async fn exchange(&self, request: &Request, target: &Target) -> Result<hyper::Response<Incoming>, HttpError> {
        let too_long = || HttpError::Url { url: target.host(), problem: crate::UrlProblem::Malformed };
        let mut sent = hyper::Request::new(Full::new(request.body.clone()));
        *sent.method_mut() = request.method.clone();
        *sent.uri_mut() = target.uri().ok_or_else(too_long)?;
        *sent.headers_mut() = request.headers.clone();
        self.client.request(sent).await.map_err(|error| HttpError::unanswered(target.host(), error))
    }

    async fn whole(&self, response: hyper::Response<Incoming>, target: Target) -> Result<Response, HttpError> {
        let limit = self.limits.body_bytes;
        let (parts, mut body) = response.into_parts();
        if body.size_hint().lower() > limit as u64 {
            return Err(HttpError::TooLarge(limit));
        }
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|error| HttpError::Exchange { host: target.host(), cause: Cause(error.into()) })?;
            let Some(data) = frame.data_ref() else { continue };
            if data.len() > limit - bytes.len() {
                return Err(HttpError::TooLarge(limit));
            }
            bytes.extend_from_slice(data);
        }
        Ok(Response { status: parts.status, headers: parts.headers, body: bytes, url: target.as_str().to_owned() })
    }

    async fn beginning(&self, response: hyper::Response<Incoming>, target: &Target) -> Response {
        let limit = self.limits.body_bytes;
        let (parts, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        let until = tokio::time::Instant::now() + GLANCE;
        while let Ok(Some(Ok(frame))) = tokio::time::timeout_at(until, body.frame()).await {
            let Some(data) = frame.data_ref() else { continue };
            bytes.extend_from_slice(&data[..data.len().min(limit - bytes.len())]);
            if bytes.len() == limit {
                break;
            }
        }
        Response { status: parts.status, headers: parts.headers, body: bytes, url: target.as_str().to_owned() }
    }
}

#[cfg(test)]
mod tests;

/// Where a redirect leads (RFC 9110 §15.4); `None` for everything else.
fn location(response: &hyper::Response<Incoming>) -> Option<&str> {
    matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
        .then(|| response.headers().get(header::LOCATION)?.to_str().ok())
        .flatten()
}

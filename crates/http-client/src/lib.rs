//! Requests to other machines: the one outbound HTTP client of the workspace, bounded in every direction.
//!
//! - [`HttpClient`], [`Limits`]: sends requests, each within a time, a size and a number of others at once.
//! - [`Request`], [`Response`]: whole in memory.
//! - [`Credential`]: a secret that goes into a header and is shown nowhere.
//! - [`Egress`]: a guard for addresses that somebody else chose; [`HttpClient::guarded`] asks no others than it permits.
//! - [`Networks`]: addresses, as operators list them.
//! - [`Passage`], [`Base`]: hands requests on, with bodies that pass as they come, for who stands between a client and a server.
//! - [`tunnel`]: joins what has left HTTP on both sides of a [`Passage`], such as a WebSocket.
//! - [`HttpError`]: why there is no answer. Any status is an answer.
//! - `testing` (a cargo feature): a server on loopback.
//!
//! HTTP/1.1 over TLS (rustls with ring; the public certificate authorities and the caller's own), or in plain text where
//! [`PlainHttp`] allows it. There are no cookies and no proxies, and nothing is sent twice that may have been heard.
//!
//! Layer 3: the wall around `hyper-rustls`.

mod client;
mod connect;
mod credential;
mod egress;
mod error;
mod networks;
mod passage;
mod target;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tunnel;

pub use client::{HttpClient, Limits, Request, Response};
pub use connect::RootsError;
pub use credential::{Credential, CredentialError};
pub use egress::{Egress, NotPublic};
pub use error::{Cause, HttpError};
pub use hyper::body::Incoming;
pub use hyper::upgrade::OnUpgrade;
pub use hyper::{HeaderMap, Method, StatusCode, header};
pub use networks::{Networks, NetworksTextError};
pub use passage::{Base, Passage};
pub use target::{PlainHttp, UrlProblem};
pub use tunnel::{TunnelEnd, tunnel};

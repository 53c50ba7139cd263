//! Connections, within a time.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tower::Service;

use crate::Egress;
use crate::egress::GuardedResolver;

type BoxError = Box<dyn Error + Send + Sync>;
type Tcp = HttpConnector<GuardedResolver>;
type Stream = <HttpsConnector<Tcp> as Service<Uri>>::Response;

/// The most bytes of a status line with its headers.
const MAX_HEAD: usize = 64 << 10;
/// Idle connections are closed after this, which is before the servers of this workspace close them.
const IDLE: Duration = Duration::from_secs(30);

/// What is no list of certificate authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    /// No certificate at all.
    #[error("it holds no certificate in PEM")]
    Empty,
    /// A block that is no certificate.
    #[error("certificate {0} is malformed")]
    Malformed(usize),
}

/// The public certificate authorities, and those of `pem`.
pub(crate) fn roots(pem: Option<&[u8]>) -> Result<RootCertStore, RootsError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let Some(pem) = pem else { return Ok(roots) };
    let public = roots.len();
    for (number, certificate) in (1..).zip(CertificateDer::pem_slice_iter(pem)) {
        let malformed = RootsError::Malformed(number);
        roots.add(certificate.map_err(|_| malformed)?).map_err(|_| malformed)?;
    }
    if roots.len() == public { Err(RootsError::Empty) } else { Ok(roots) }
}

/// Connects, TLS included, or gives up in time.
#[derive(Clone)]
pub(crate) struct Connector {
    inner: HttpsConnector<Tcp>,
    egress: Option<Egress>,
    patience: Duration,
}

impl Connector {
    pub(crate) fn new(roots: RootCertStore, egress: Option<Egress>, patience: Duration) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has cipher suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new_with_resolver(GuardedResolver::new(egress.clone()));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // It is divided among the addresses of a name, so that a dead one leaves time for the next.
        tcp.set_connect_timeout(Some(patience));
        let inner =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        Self { inner, egress, patience }
    }

    /// Sends requests over connections that are kept, at most `idle` of each server while nothing is asked.
    pub(crate) fn pooled<B: Body + Send>(self, idle: usize) -> Client<Self, B>
    where
        B::Data: Send,
    {
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(idle)
            .http1_max_buf_size(MAX_HEAD)
            .build(self)
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // The resolver is not asked about an address.
        if let Some(Err(refused)) = self.egress.as_ref().map(|egress| egress.check_uri(&uri)) {
            return Box::pin(std::future::ready(Err(refused.into())));
        }
        let (connecting, patience) = (self.inner.call(uri), self.patience);
        Box::pin(async move {
            let late = || {
                let detail = format!("there was no connection within {} ms", patience.as_millis());
                BoxError::from(io::Error::new(io::ErrorKind::TimedOut, detail))
            };
            tokio::time::timeout(patience, connecting).await.map_err(|_elapsed| late())?
        })
    }
}

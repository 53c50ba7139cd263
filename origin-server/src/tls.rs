//! TLS towards clients, by a certificate and a key in two files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error as RustlsError, ServerConfig};

/// Why there is no TLS.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {cause}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file holds no certificate, or one that is none.
    #[error("{} is no certificate, with those that vouch for it behind it, in PEM", .0.display())]
    Certificate(PathBuf),
    /// A file holds no key.
    #[error("{} is no private key in PEM", .0.display())]
    Key(PathBuf),
    /// They are no pair, or of a kind that nobody speaks.
    #[error("certificate and key do not belong together: {0}")]
    Pair(RustlsError),
}

/// Speaks TLS 1.2 and 1.3 by what lies in two files, and offers HTTP/2 and HTTP/1.1. Cloning it is cheap.
#[derive(Clone)]
pub struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    files: Arc<Files>,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// BLAKE3 of what was read last.
    read: Mutex<blake3::Hash>,
    shown: Arc<Shown>,
}

/// What clients are shown.
struct Shown(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown))
    }
}

impl Tls {
    /// By a certificate, with those that vouch for it behind it, and its key, both in PEM.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let provider = ring::default_provider();
        let (pair, read) = pair(certificate, key, &provider)?;
        let shown = Arc::new(Shown(RwLock::new(Arc::new(pair))));
        let config = ServerConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
        let config = config.expect("ring has cipher suites of TLS 1.2 and 1.3").with_no_client_auth();
        let mut config = config.with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let files = Files { certificate, key, read: Mutex::new(read), shown };
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), files: Arc::new(files) })
    }

    /// Reads the files again; whether clients that come from now on are shown something new. It reads without waiting for anybody: call
    /// it where that may take a moment.
    ///
    /// # Errors
    /// [`TlsError`], such as between the writing of one file and the other. What was shown before goes on to be.
    pub fn renew(&self) -> Result<bool, TlsError> {
        let Files { certificate, key, read, shown } = &*self.files;
        let (pair, now) = pair(certificate, key, &ring::default_provider())?;
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        if *read == now {
            return Ok(false);
        }
        *shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
        *read = now;
        Ok(true)
    }
}

fn pair(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<(CertifiedKey, blake3::Hash), TlsError> {
    let read = |path: &Path| std::fs::read(path).map_err(|cause| TlsError::Unreadable { path: path.to_owned(), cause });
    let (chain, secret) = (read(certificate)?, read(key)?);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(chain.len() as u64).to_le_bytes()).update(&chain).update(&secret);
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    let certificates = certificates.ok_or_else(|| TlsError::Certificate(certificate.to_owned()))?;
    let secret = PrivateKeyDer::from_pem_slice(&secret).map_err(|_| TlsError::Key(key.to_owned()))?;
    let pair = CertifiedKey::from_der(certificates, secret, provider).map_err(TlsError::Pair)?;
    Ok((pair, hasher.finalize()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
    }

    #[test]
    fn what_is_no_pair_is_refused_and_changes_nothing_that_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("cert"), folder.path().join("key"));
        let put = |name: &str, path: &Path| {
            std::fs::copy(data(name), path).unwrap();
        };
        assert!(matches!(Tls::open(&certificate, &key), Err(TlsError::Unreadable { .. })));
        put("one.cert.pem", &certificate);
        put("one.key.pem", &key);
        let tls = Tls::open(&certificate, &key).unwrap();
        assert!(!tls.renew().unwrap(), "it is the same");
        put("two.cert.pem", &certificate);
        assert!(matches!(tls.renew(), Err(TlsError::Pair(_))), "the key comes in a moment");
        put("two.key.pem", &key);
        assert!(tls.renew().unwrap() && !tls.renew().unwrap());
        put("one.cert.pem", &key);
        assert!(matches!(tls.renew(), Err(TlsError::Key(_))));
        put("two.key.pem", &certificate);
        assert!(matches!(tls.renew(), Err(TlsError::Certificate(_))));
        std::fs::remove_file(&certificate).unwrap();
        let gone = tls.renew().unwrap_err().to_string();
        assert!(gone.starts_with(&certificate.display().to_string()), "{gone}");
    }
}

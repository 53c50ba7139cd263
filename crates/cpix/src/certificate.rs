//! Who keys are encrypted for, and who signs.

use std::convert::Infallible;

use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, RsaPublicKey};
use x509_cert::der::Decode;
use x509_cert::der::referenced::OwnedToRef;

use crate::text;

/// Fills a buffer with random bytes fit for keys.
pub type Random<'a> = dyn FnMut(&mut [u8]) + 'a;

/// The smallest modulus that is accepted, in bytes.
const MIN_MODULUS: usize = 256;

/// Not a certificate that can be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// No PEM of a certificate.
    #[error("the text holds no certificate in PEM")]
    Pem,
    /// No X.509.
    #[error("the certificate is not X.509 in DER")]
    Der,
    /// Another kind of key.
    #[error("the certificate has no RSA key")]
    NotRsa,
    /// A key that is too short to be safe.
    #[error("the RSA key of the certificate has {0} bits, fewer than 2048")]
    Short(usize),
}

/// An X.509 certificate with an RSA key. Neither its dates nor who issued it are looked at: that it is the right one
/// is for the caller to know.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    pub(crate) key: RsaPublicKey,
}

impl Certificate {
    /// From its DER.
    ///
    /// # Errors
    /// It is malformed, or its key cannot be used.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let parsed = x509_cert::Certificate::from_der(der).map_err(|_| CertificateError::Der)?;
        let key = parsed.tbs_certificate().subject_public_key_info().owned_to_ref();
        let key = RsaPublicKey::try_from(key).map_err(|_| CertificateError::NotRsa)?;
        if key.size() < MIN_MODULUS {
            return Err(CertificateError::Short(key.size() * 8));
        }
        Ok(Self { der: der.to_vec(), key })
    }

    /// From the first certificate of a PEM text.
    ///
    /// # Errors
    /// There is none, it is malformed, or its key cannot be used.
    pub fn from_pem(pem: &str) -> Result<Self, CertificateError> {
        let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----").ok_or(CertificateError::Pem)?;
        let (body, _) = rest.split_once("-----END CERTIFICATE-----").ok_or(CertificateError::Pem)?;
        let der = text::from_base64(body).ok_or(CertificateError::Pem)?;
        Self::from_der(&der)
    }

    /// Its DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({} bytes, RSA {})", self.der.len(), self.key.size() * 8)
    }
}

/// Not a private key that can be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    /// Neither PKCS#8 nor PKCS#1.
    #[error("the text holds no RSA private key in PEM, of PKCS#8 or PKCS#1 and not under a password")]
    Pem,
    /// A key that is too short to be safe.
    #[error("the RSA key has {0} bits, fewer than 2048")]
    Short(usize),
}

/// An RSA private key. Wiped when dropped; it cannot be printed.
pub struct PrivateKey(pub(crate) RsaPrivateKey);

impl PrivateKey {
    /// From PEM: PKCS#8 (`PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE KEY`).
    ///
    /// # Errors
    /// It is no such key, or too short.
    pub fn from_pem(pem: &str) -> Result<Self, PrivateKeyError> {
        let key = RsaPrivateKey::from_pkcs8_pem(pem)
            .or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem))
            .map_err(|_| PrivateKeyError::Pem)?;
        match key.size() {
            size if size < MIN_MODULUS => Err(PrivateKeyError::Short(size * 8)),
            _ => Ok(Self(key)),
        }
    }

    /// Whether it is the key of that certificate.
    pub fn belongs_to(&self, certificate: &Certificate) -> bool {
        self.0.as_public_key() == &certificate.key
    }
}

/// [`Random`] as the RSA code wants it.
pub(crate) struct Source<'a, 'b>(pub(crate) &'a mut Random<'b>);

impl TryRng for Source<'_, '_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        (self.0)(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        (self.0)(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        (self.0)(out);
        Ok(())
    }
}

impl TryCryptoRng for Source<'_, '_> {}

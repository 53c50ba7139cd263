//! Content keys from a key service, asked with SPEKE v2 over HTTP.
//!
//! - [`SpekeWish`]: which keys, for what.
//! - [`SpekeClient`]: asks for them; [`SpekeKeys`]: what came, checked against what was asked.

mod wish;

use cpix::encryption::MacPolicy;
use cpix::signature::{SignatureError, verify_integrity};
use cpix::speke::{AnswerError, Ask, AskError, MissingSignal, Response};
use cpix::{Certificate, Document, KeyData, PrivateKey, Xml};
use drm::KeyEntry;
use http_client::{Credential, HttpClient, HttpError, Method, Request, StatusCode, header};
pub use wish::SpekeWish;
use zeroize::Zeroizing;

/// The most of a service's answer that is taken: a few kilobytes for each key and licence system.
pub const MAX_SPEKE_ANSWER: usize = 4 << 20;

/// A key service that speaks SPEKE v2.
pub struct SpekeClient {
    http: HttpClient,
    url: String,
    credential: Option<Credential>,
}

/// Keys that a service gave.
pub struct SpekeKeys {
    /// One for each class that was to have its own, and one for all other tracks; ready for
    /// [`KeyVault::seal`](crate::KeyVault::seal).
    pub entries: Vec<KeyEntry>,
    /// The service's document with the keys in clear: what each licence system is told, initialisation vectors, usage
    /// rules.
    pub document: Document,
    /// Signalling that was asked for and not sent: a service may leave out what a system does not have.
    pub missing: Vec<MissingSignal>,
}

/// Why a key service gave no keys. No variant holds a key or a credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpekeError {
    /// What was wished for cannot be asked.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// There is no answer.
    #[error("the key service did not answer: {0}")]
    Http(#[from] HttpError),
    /// Something else than a document.
    #[error("the key service answered with {0} where SPEKE has application/xml")]
    ContentType(String),
    /// A document in another encoding.
    #[error("the key service answered in another encoding than UTF-8")]
    Encoding,
    /// The document was changed after it was signed.
    #[error("the key service's answer: {0}")]
    Signature(#[from] SignatureError),
    /// It refused, or what it answered is not what was asked for.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

impl SpekeError {
    /// Whether the same request may succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Http(HttpError::Url { .. } | HttpError::TooLarge(_)) => false,
            Self::Http(_) => true,
            Self::Answer(error) => error.is_passing(),
            Self::Ask(_) | Self::ContentType(_) | Self::Encoding | Self::Signature(_) => false,
        }
    }
}

impl SpekeClient {
    /// The service at an address. The limits are those of `http`; it should follow no redirects and take
    /// [`MAX_SPEKE_ANSWER`].
    ///
    /// # Errors
    /// The address is none that may be asked.
    pub fn new(http: HttpClient, url: impl Into<String>, credential: Option<Credential>) -> Result<Self, HttpError> {
        let url = url.into();
        http.check_url(&url)?;
        Ok(Self { http, url, credential })
    }

    /// Asks once. With a `recipient` the service must encrypt the keys for its certificate, and keys in clear are refused;
    /// without one they must come in clear, which TLS alone protects. `random` blinds the private key.
    ///
    /// # Errors
    /// See [`SpekeError`].
    pub async fn keys(
        &self,
        wish: &SpekeWish,
        recipient: Option<(&PrivateKey, &Certificate)>,
        random: &mut (dyn FnMut(&mut [u8]) + Send),
    ) -> Result<SpekeKeys, SpekeError> {
        let ask = Ask { recipient: recipient.map(|(_, certificate)| certificate.clone()), ..wish.ask() };
        let response = self.send(&ask).await?;
        if response.status == StatusCode::OK.as_u16() {
            verify_integrity(response.body.as_bytes())?;
        }
        let opener = recipient.map(|(key, _)| (key, MacPolicy::IfPresent));
        let answer = ask.interpret(&response, opener, random)?;
        let mut document = answer.document;
        document.delivery.clear();
        let mut entries = Vec::with_capacity(answer.keys.len());
        // Both come in the order in which they were asked for.
        for ((asked, (class, _)), (id, key)) in ask.keys.iter().zip(wish.keys()).zip(answer.keys) {
            for element in document.keys.iter_mut().filter(|element| element.kid == id) {
                element.explicit_iv = element.explicit_iv.or(asked.explicit_iv);
                element.scheme = Some(asked.scheme.clone());
                element.data = KeyData::Plain(key.clone());
            }
            entries.push(KeyEntry { id, key, class });
        }
        Ok(SpekeKeys { entries, document, missing: answer.missing })
    }

    async fn send(&self, ask: &Ask) -> Result<Response, SpekeError> {
        let asked = ask.request()?;
        let mut headers = http_client::HeaderMap::new();
        let texts = asked.headers.iter().filter_map(|(name, value)| {
            Some((name.parse::<header::HeaderName>().ok()?, value.parse::<header::HeaderValue>().ok()?))
        });
        headers.extend(texts);
        headers.extend(self.credential.iter().map(Credential::header));
        let body = asked.body.as_bytes().to_vec().into();
        let request = Request { method: Method::POST, url: self.url.clone(), headers, body };
        let answered = self.http.send(request).await?;
        if answered.status == StatusCode::OK
            && let Some(kind) = answered.headers.get(header::CONTENT_TYPE)
            && !is_xml(kind.to_str().unwrap_or_default())
        {
            return Err(SpekeError::ContentType(kind.to_str().unwrap_or("something unprintable").to_owned()));
        }
        let texts = answered
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        let headers = texts.collect();
        let body = String::from_utf8(answered.body).map_err(|error| drop(Zeroizing::new(error.into_bytes())));
        let body = match (body, answered.status) {
            (Ok(text), _) => Xml::new(text),
            (Err(()), StatusCode::OK) => return Err(SpekeError::Encoding),
            (Err(()), _) => Xml::new(String::new()),
        };
        Ok(Response { status: answered.status.as_u16(), headers, body })
    }
}

/// Whether a media type is one of XML (RFC 7303 §4).
fn is_xml(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "application/xml" | "text/xml") || essence.ends_with("+xml")
}

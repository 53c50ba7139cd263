//! Content keys between a packager and a key service: DASH-IF CPIX 2.4 documents in and out, and SPEKE v2 as messages.
//!
//! - [`Document`]: keys, licence systems, key periods and usage rules. [`Document::parse`], [`Document::to_xml`].
//! - [`Document::problems`]: what the schema cannot say. [`select`]: which key a track is encrypted with.
//! - [`Certificate`], [`PrivateKey`], [`encryption`]: keys on their way, for named recipients alone.
//! - [`signature`]: XML signatures over a document or its lists. [`c14n`]: the canonical form they are made over.
//! - [`speke`]: requests to a key service and its answers, as values; no HTTP.
//!
//! Layer 2: deterministic; random bytes come in as an argument. A key in clear is a [`drm::ContentKey`] or lies in an
//! [`Xml`], neither of which can be printed; no error repeats what a document holds.

pub mod c14n;
mod certificate;
mod check;
pub mod encryption;
mod error;
mod fragment;
mod model;
mod period;
mod read;
mod recipient;
pub mod select;
pub mod signature;
pub mod speke;
mod text;
mod write;
mod xml;

pub use certificate::{Certificate, CertificateError, PrivateKey, PrivateKeyError, Random};
pub use check::DocumentProblem;
pub use error::{ParseError, Problem};
pub use model::{
    AudioFilter, BitrateFilter, ContentKeyElement, ContentKeyPeriod, DeliveryData, Document, DocumentKey, DrmSystem,
    EncryptedValue, Hdcp, HlsSignaling, KeyData, ListHead, MacMethod, Scheme, UpdateHistoryItem, UsageRule,
    VideoFilter,
};
pub use period::PeriodTimeError;
pub use xml::Xml;

//! XML signatures inside a document (DASH-IF CPIX 2.4, "Digital Signature"; XML Signature 1.1).
//!
//! A signature covers the whole document but itself ([`Part::Document`]: URI `""` with the enveloped-signature
//! transform, so signatures made before it are covered and later ones are not) or single elements named by their `id`.
//! What a signature covers is what [`Verified::covers`] says and nothing else: a list is reported as a list only when
//! it is that list of this document, at its place under the root. RSASSA-PKCS1-v1_5 with SHA-256, SHA-384 or SHA-512;
//! Canonical XML 1.0, 1.1 and exclusive, without comments; comments are never covered.

mod sign;
mod verify;

pub use sign::{SignError, sign};
pub use verify::{MAX_REFERENCES, MAX_SIGNATURES, SignatureError, Verified, verify, verify_integrity};

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::error::ParseError;
use crate::model::Document;
use crate::{Certificate, read, xml};

/// The transform that leaves the signature out of what it covers.
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// What can be signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The whole document.
    Document,
    /// `DeliveryDataList`.
    DeliveryData,
    /// `ContentKeyList`.
    ContentKeys,
    /// `DRMSystemList`.
    DrmSystems,
    /// `ContentKeyPeriodList`.
    Periods,
    /// `ContentKeyUsageRuleList`.
    UsageRules,
    /// `UpdateHistoryItemList`.
    History,
    /// Another element.
    Element {
        /// Its name without prefix.
        name: String,
        /// Its `id`.
        id: String,
    },
}

impl Part {
    /// All that is signed when every part of a document is that says something of keys: who may open them, their values,
    /// what systems are told, when and for which tracks they are used. Lists that are empty are not there to be signed.
    pub fn of_keys(document: &Document) -> Vec<Self> {
        let lists = [
            (Self::DeliveryData, document.delivery.is_empty()),
            (Self::ContentKeys, document.keys.is_empty()),
            (Self::DrmSystems, document.drm_systems.is_empty()),
            (Self::Periods, document.periods.is_empty()),
            (Self::UsageRules, document.usage_rules.is_empty()),
        ];
        lists.into_iter().filter_map(|(part, empty)| (!empty).then_some(part)).collect()
    }

    /// The list element it is, if any.
    fn list(&self) -> Option<&'static str> {
        Some(match self {
            Self::DeliveryData => "DeliveryDataList",
            Self::ContentKeys => "ContentKeyList",
            Self::DrmSystems => "DRMSystemList",
            Self::Periods => "ContentKeyPeriodList",
            Self::UsageRules => "ContentKeyUsageRuleList",
            Self::History => "UpdateHistoryItemList",
            Self::Document | Self::Element { .. } => return None,
        })
    }

    fn of_list(name: &str) -> Option<Self> {
        let all =
            [Self::DeliveryData, Self::ContentKeys, Self::DrmSystems, Self::Periods, Self::UsageRules, Self::History];
        all.into_iter().find(|part| part.list() == Some(name))
    }
}

/// The hash of a signature and of what it covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512, the one CPIX demands (clause "Mandatory Algorithms").
    #[default]
    Sha512,
}

impl Hash {
    const ALL: [Hash; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    const fn digest_uri(self) -> &'static str {
        match self {
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    const fn signature_uri(self) -> &'static str {
        match self {
            Self::Sha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        }
    }

    fn digest(self, data: &str) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    fn padding(self) -> rsa::Pkcs1v15Sign {
        match self {
            Self::Sha256 => rsa::Pkcs1v15Sign::new::<Sha256>(),
            Self::Sha384 => rsa::Pkcs1v15Sign::new::<Sha384>(),
            Self::Sha512 => rsa::Pkcs1v15Sign::new::<Sha512>(),
        }
    }
}

/// A signed document cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    /// It cannot be read.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// A signature does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// What had to be signed is not.
    #[error("no trusted signature covers {0:?}")]
    NotCovered(Part),
}

impl Document {
    /// Reads a document whose signatures all hold and are by signers of `trusted`, and which has all of `required`
    /// signed. The model comes from the very text that was verified.
    ///
    /// # Errors
    /// See [`SignedError`].
    pub fn parse_signed(
        bytes: &[u8],
        trusted: &[Certificate],
        required: &[Part],
    ) -> Result<(Self, Vec<Verified>), SignedError> {
        let tree = xml::parse(bytes)?;
        let document = read::from_tree(&tree, bytes)?;
        let verified = verify::of_tree(&tree, Some(trusted))?;
        let covered =
            |part: &Part| verified.iter().any(|v| v.covers.contains(part) || v.covers.contains(&Part::Document));
        match required.iter().find(|part| !covered(part)) {
            Some(part) => Err(SignedError::NotCovered(part.clone())),
            None => Ok((document, verified)),
        }
    }
}

//! What a CPIX document says (DASH-IF CPIX 2.4, "XSD Schema Definition").

mod delivery;
mod rules;

pub use delivery::{DeliveryData, DocumentKey, EncryptedValue, MacMethod};
pub use rules::{AudioFilter, BitrateFilter, ContentKeyPeriod, UsageRule, VideoFilter};

use std::fmt;

use drm::{ContentKey, Iv, KeyId, ProtectionScheme, SystemId};

/// A whole document. An empty list is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// `@id`.
    pub id: Option<String>,
    /// `@contentId`: the asset the keys are for.
    pub content_id: Option<String>,
    /// `@name`, for people.
    pub name: Option<String>,
    /// `@version` of the guidelines it follows, such as `2.3`; see [`Document::VERSION`].
    pub version: Option<String>,
    /// Attributes of `DeliveryDataList`.
    pub delivery_head: ListHead,
    /// Who can open the encrypted keys.
    pub delivery: Vec<DeliveryData>,
    /// Attributes of `ContentKeyList`.
    pub keys_head: ListHead,
    /// The keys.
    pub keys: Vec<ContentKeyElement>,
    /// Attributes of `DRMSystemList`.
    pub drm_systems_head: ListHead,
    /// What licence systems need to be told, per key.
    pub drm_systems: Vec<DrmSystem>,
    /// Attributes of `ContentKeyPeriodList`.
    pub periods_head: ListHead,
    /// Stretches of time that have a key of their own.
    pub periods: Vec<ContentKeyPeriod>,
    /// Attributes of `ContentKeyUsageRuleList`.
    pub usage_rules_head: ListHead,
    /// Which tracks a key is for.
    pub usage_rules: Vec<UsageRule>,
    /// `@id` of `UpdateHistoryItemList`.
    pub history_id: Option<String>,
    /// Who changed the document.
    pub history: Vec<UpdateHistoryItem>,
}

impl Document {
    /// The version of the guidelines this crate writes from.
    pub const VERSION: &'static str = "2.4";

    /// An empty document of [`Document::VERSION`] for one asset.
    pub fn new(content_id: impl Into<String>) -> Self {
        Self { content_id: Some(content_id.into()), version: Some(Self::VERSION.to_owned()), ..Self::default() }
    }

    /// The key of that id.
    pub fn key(&self, kid: KeyId) -> Option<&ContentKeyElement> {
        self.keys.iter().find(|key| key.kid == kid)
    }
}

/// What a list element carries beside its members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListHead {
    /// `@id`, by which the list can be signed alone.
    pub id: Option<String>,
    /// `@updateVersion`: which [`UpdateHistoryItem`] tells of its last change.
    pub update_version: Option<i64>,
}

/// One content key (clause "`ContentKey` Element").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentKeyElement {
    /// `@id`.
    pub id: Option<String>,
    /// `@contentId`, where keys of several assets share a document.
    pub content_id: Option<String>,
    /// `@kid`.
    pub kid: KeyId,
    /// `@explicitIV`, 16 bytes.
    pub explicit_iv: Option<Iv>,
    /// `@dependsOnKey`: the root key, when this is a leaf of a key hierarchy.
    pub depends_on: Option<KeyId>,
    /// `@commonEncryptionScheme`; any scheme without it.
    pub scheme: Option<Scheme>,
    /// `HDCPData`.
    pub hdcp: Option<Hdcp>,
    /// `Data`.
    pub data: KeyData,
}

impl ContentKeyElement {
    /// A key of that id with nothing else said.
    pub fn new(kid: KeyId) -> Self {
        Self {
            id: None,
            content_id: None,
            kid,
            explicit_iv: None,
            depends_on: None,
            scheme: None,
            hdcp: None,
            data: KeyData::None,
        }
    }
}

/// The key itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum KeyData {
    /// It is not there: a request for it.
    #[default]
    None,
    /// In clear.
    Plain(ContentKey),
    /// Under a document key.
    Encrypted(EncryptedValue),
}

impl fmt::Debug for KeyData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Plain(_) => "Plain(..)",
            Self::Encrypted(_) => "Encrypted(..)",
        })
    }
}

/// What a key is used with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A scheme of Common Encryption.
    Cenc(ProtectionScheme),
    /// A `METHOD` of HLS, such as `AES-128`; or any other name.
    Other(String),
}

impl Scheme {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Cenc(scheme) => scheme.as_str(),
            Self::Other(name) => name,
        }
    }
}

impl From<ProtectionScheme> for Scheme {
    fn from(scheme: ProtectionScheme) -> Self {
        Self::Cenc(scheme)
    }
}

impl From<&str> for Scheme {
    fn from(name: &str) -> Self {
        match ProtectionScheme::from_code(name.as_bytes()) {
            Some(scheme) => Self::Cenc(scheme),
            None => Self::Other(name.to_owned()),
        }
    }
}

/// What the output must be protected with (clause "`HDCPData` Element").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hdcp {
    /// `@HLSHDCPLevel`: `HDCP-LEVEL` of a multivariant playlist.
    pub hls_level: Option<String>,
    /// `HDCPOutputProtectionData`, decoded: XML for an MPD.
    pub output_protection: Option<String>,
}

/// What one licence system needs for one key (clause "`DRMSystem` Element"). `Some` of an empty text or of no
/// bytes is a request for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrmSystem {
    /// `@id`.
    pub id: Option<String>,
    /// `@updateVersion`.
    pub update_version: Option<i64>,
    /// `@kid`.
    pub kid: KeyId,
    /// `@systemId`.
    pub system_id: SystemId,
    /// `@name`: may serve as `ContentProtection@value`.
    pub name: Option<String>,
    /// `@HLSAllowedCPC`: its part of `ALLOWED-CPC`.
    pub hls_allowed_cpc: Option<String>,
    /// `PSSH`, decoded: a whole box.
    pub pssh: Option<Vec<u8>>,
    /// `ContentProtectionData`, decoded: XML to go inside `ContentProtection` of an MPD.
    pub content_protection_data: Option<String>,
    /// `ContentProtectionData/@robustness`.
    pub robustness: Option<String>,
    /// `HLSSignalingData`.
    pub hls_signaling: HlsSignaling,
    /// `SmoothStreamingProtectionHeaderData`.
    pub smooth_streaming_protection_header_data: Option<String>,
}

impl DrmSystem {
    /// Of that system and key, with nothing said.
    pub fn new(kid: KeyId, system_id: SystemId) -> Self {
        Self {
            id: None,
            update_version: None,
            kid,
            system_id,
            name: None,
            hls_allowed_cpc: None,
            pssh: None,
            content_protection_data: None,
            robustness: None,
            hls_signaling: HlsSignaling::default(),
            smooth_streaming_protection_header_data: None,
        }
    }
}

/// Lines for HLS playlists, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HlsSignaling {
    /// For media playlists; also when no playlist is named.
    pub media: Option<String>,
    /// For the multivariant playlist (`multiVariant`, before CPIX 2.4 `master`).
    pub multivariant: Option<String>,
}

/// One change of the document (clause "`UpdateHistoryItem` Element").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateHistoryItem {
    /// `@id`.
    pub id: Option<String>,
    /// `@updateVersion`.
    pub update_version: i64,
    /// `@index`.
    pub index: String,
    /// `@source`: who changed it.
    pub source: String,
    /// `@date`, an XML Schema `dateTime`.
    pub date: String,
}

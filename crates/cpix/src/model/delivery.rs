//! Recipients, and values encrypted for them.

use drm::KeyId;

/// A value encrypted with XML Encryption (`EncryptedValue` and `ValueMAC` of RFC 6030).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedValue {
    /// `EncryptionMethod/@Algorithm`, a URI.
    pub algorithm: String,
    /// `EncryptionMethod/DigestMethod/@Algorithm`, a URI, where the algorithm has a choice.
    pub digest: Option<String>,
    /// `CipherValue`; with a block cipher the initialisation vector comes first.
    pub cipher: Vec<u8>,
    /// `ValueMAC`.
    pub mac: Option<Vec<u8>>,
}

/// Someone who can open the encrypted keys (clause "`DeliveryData` Element").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryData {
    /// `@id`.
    pub id: Option<String>,
    /// `@updateVersion`.
    pub update_version: Option<i64>,
    /// `@name`.
    pub name: Option<String>,
    /// `DeliveryKey/X509Data/X509Certificate`: the recipient, DER.
    pub certificates: Vec<Vec<u8>>,
    /// Keys that content keys are encrypted with. Empty in a request of SPEKE.
    pub document_keys: Vec<DocumentKey>,
    /// `MACMethod`.
    pub mac: Option<MacMethod>,
    /// `Description`.
    pub description: Option<String>,
    /// `SendingEntity`.
    pub sending_entity: Option<String>,
    /// `SenderPointOfContact`.
    pub sender_point_of_contact: Option<String>,
    /// `ReceivingEntity`.
    pub receiving_entity: Option<String>,
}

/// A key that content keys are encrypted with (clause "`DocumentKey` Element").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentKey {
    /// `@id`.
    pub id: Option<String>,
    /// `@encryptsKey`: the content keys under it; all of them when empty.
    pub encrypts: Vec<KeyId>,
    /// The key, under the recipient's public key. Documents that carry it in clear are refused when it is needed.
    pub value: Option<EncryptedValue>,
}

/// How encrypted keys are authenticated (`MACMethod` of RFC 6030).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacMethod {
    /// `@Algorithm`, a URI.
    pub algorithm: String,
    /// `MACKey`, under the recipient's public key.
    pub key: Option<EncryptedValue>,
}

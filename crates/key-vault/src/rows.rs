//! Keys as they are stored.

use std::fmt;

use drm::{KeyId, TrackClass, WrappedKey};
use media_types::AssetId;

use crate::kms::KmsWrapped;
use crate::vault::KeyOwner;
use crate::{KekId, VaultError};

/// How the key for all tracks without one of their own is written.
const ALL_TRACKS: &str = "all";

/// What a stored key is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyName {
    /// A content key, by its public name.
    Content(KeyId),
    /// The data key of an asset.
    Data(AssetId),
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(id) => write!(f, "content key {id}"),
            Self::Data(asset) => write!(f, "data key of {asset}"),
        }
    }
}

/// Wrapped keys of one recording, ready to be stored. They can be neither printed nor serialised.
pub struct SealedKeys {
    pub(crate) owner: KeyOwner,
    pub(crate) keys: Vec<SealedKey>,
}

impl SealedKeys {
    /// The names of the keys, in the order they were given.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(|key| key.key_id)
    }
}

pub(crate) struct SealedKey {
    pub(crate) key_id: KeyId,
    pub(crate) class: Option<TrackClass>,
    pub(crate) sealed: KmsWrapped,
}

database::row! {
    /// What is needed to open a key.
    pub(crate) struct RawKey {
        pub(crate) key_id: String,
        pub(crate) track_class: String,
        pub(crate) wrapped: Vec<u8>,
        pub(crate) kek_id: String,
    }
}

impl TryFrom<RawKey> for SealedKey {
    type Error = VaultError;

    fn try_from(row: RawKey) -> Result<Self, VaultError> {
        let kek_id = KekId::new(row.kek_id).ok_or(VaultError::Corrupt)?;
        Ok(Self {
            key_id: parse_key_id(&row.key_id)?,
            class: parse_class(&row.track_class)?,
            sealed: KmsWrapped { kek_id, wrapped: WrappedKey::from_bytes(row.wrapped) },
        })
    }
}

pub(crate) fn class_text(class: Option<TrackClass>) -> &'static str {
    class.map_or(ALL_TRACKS, TrackClass::as_str)
}

fn parse_class(text: &str) -> Result<Option<TrackClass>, VaultError> {
    match text {
        ALL_TRACKS => Ok(None),
        name => TrackClass::from_name(name).map(Some).ok_or(VaultError::Corrupt),
    }
}

pub(crate) fn parse_key_id(text: &str) -> Result<KeyId, VaultError> {
    let mut id = [0; 16];
    hex::decode_to_slice(text, &mut id).map_err(|_| VaultError::Corrupt)?;
    Ok(KeyId(id))
}

//! What licence systems are told (ISO/IEC 23001-7 §8.1): `pssh` boxes and what is in them.

pub mod playready;
pub mod widevine;

use crate::types::{KeyId, ProtectionScheme};

/// Names a licence system: the `SystemID` of its boxes and the UUID of its DASH descriptor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemId(pub [u8; 16]);

impl SystemId {
    /// W3C Common PSSH: nothing but key ids, which ClearKey and any other system may use.
    pub const COMMON: SystemId = SystemId(0x1077efec_c0b2_4d02_ace3_3c1e52e2fb4b_u128.to_be_bytes());
    /// Google Widevine.
    pub const WIDEVINE: SystemId = SystemId(0xedef8ba9_79d6_4ace_a3c8_27dcd51d21ed_u128.to_be_bytes());
    /// Microsoft PlayReady.
    pub const PLAYREADY: SystemId = SystemId(0x9a04f079_9840_4286_ab92_e65be0885f95_u128.to_be_bytes());
    /// Apple FairPlay Streaming. Has no `pssh` of its own: its playlists name the key.
    pub const FAIRPLAY: SystemId = SystemId(0x94ce86fb_07ff_4f43_adb8_93d2fa968ca2_u128.to_be_bytes());
    /// ClearKey in DASH (DASH-IF). Has no `pssh` of its own: [`COMMON`](Self::COMMON) serves.
    pub const CLEARKEY: SystemId = SystemId(0xe2719d58_a985_b3c9_781a_b030af78d30e_u128.to_be_bytes());
    /// Marlin.
    pub const MARLIN: SystemId = SystemId(0x5e629af5_38da_4063_8977_97ffbd9902d4_u128.to_be_bytes());
    /// Adobe Primetime.
    pub const PRIMETIME: SystemId = SystemId(0xf239e769_efa3_4850_9c16_a903c6932efb_u128.to_be_bytes());
    /// Huawei WisePlay.
    pub const WISEPLAY: SystemId = SystemId(0x3d5e6d35_9b9a_41e8_b843_dd3c6e72c42c_u128.to_be_bytes());

    /// A name for people, where the system is a known one.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            _ if self.is(Self::COMMON) => "Common",
            _ if self.is(Self::WIDEVINE) => "Widevine",
            _ if self.is(Self::PLAYREADY) => "PlayReady",
            _ if self.is(Self::FAIRPLAY) => "FairPlay",
            _ if self.is(Self::CLEARKEY) => "ClearKey",
            _ if self.is(Self::MARLIN) => "Marlin",
            _ if self.is(Self::PRIMETIME) => "Primetime",
            _ if self.is(Self::WISEPLAY) => "WisePlay",
            _ => return None,
        })
    }

    const fn is(self, other: SystemId) -> bool {
        u128::from_be_bytes(self.0) == u128::from_be_bytes(other.0)
    }

    /// `urn:uuid:` with dashes, as in `ContentProtection@schemeIdUri`.
    pub fn urn(self) -> String {
        format!("urn:uuid:{}", KeyId(self.0).dashed())
    }
}

impl std::fmt::Display for SystemId {
    /// Its name, or its UUID.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => f.write_str(&KeyId(self.0).dashed()),
        }
    }
}

impl std::fmt::Debug for SystemId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl KeyId {
    /// Lower-case hexadecimal with the dashes of a UUID, as in `cenc:default_KID`.
    pub fn dashed(&self) -> String {
        let digits = self.to_string();
        [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
    }
}

/// A `pssh` box is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PsshError {
    /// The bytes end too early, or a size states more than there are.
    #[error("the pssh box ends at byte {at}, before what it states")]
    Short {
        /// Bytes from the box's start to where more was needed.
        at: usize,
    },
    /// Another box.
    #[error("the box is not a pssh box")]
    Type,
    /// A version that is not known.
    #[error("version {0} of the pssh box is not known")]
    Version(u8),
    /// Bytes behind the data.
    #[error("the pssh box holds {0} bytes behind its data")]
    Trailing(usize),
}

/// A `ProtectionSystemSpecificHeaderBox`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pssh {
    /// Whose it is.
    pub system_id: SystemId,
    /// The keys it is for; with any the box has version 1.
    pub key_ids: Vec<KeyId>,
    /// What the system alone understands.
    pub data: Vec<u8>,
}

impl Pssh {
    /// Of the W3C common system: key ids and no data.
    pub fn common(key_ids: &[KeyId]) -> Self {
        Self { system_id: SystemId::COMMON, key_ids: key_ids.to_vec(), data: Vec::new() }
    }

    /// Of Widevine, for all the keys of a presentation.
    pub fn widevine(key_ids: &[KeyId], scheme: ProtectionScheme) -> Self {
        let data = widevine::Data { key_ids: key_ids.to_vec(), scheme: Some(scheme), ..Default::default() };
        Self { system_id: SystemId::WIDEVINE, key_ids: Vec::new(), data: data.to_bytes() }
    }

    /// Of PlayReady, around a PlayReady object.
    pub fn playready(object: Vec<u8>) -> Self {
        Self { system_id: SystemId::PLAYREADY, key_ids: Vec::new(), data: object }
    }

    /// The whole box.
    pub fn to_box(&self) -> Vec<u8> {
        let key_ids = if self.key_ids.is_empty() { 0 } else { 4 + 16 * self.key_ids.len() };
        let size = 12 + 16 + key_ids + 4 + self.data.len();
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(&(size as u32).to_be_bytes());
        out.extend_from_slice(b"pssh");
        out.extend_from_slice(&[u8::from(!self.key_ids.is_empty()), 0, 0, 0]);
        out.extend_from_slice(&self.system_id.0);
        if !self.key_ids.is_empty() {
            out.extend_from_slice(&(self.key_ids.len() as u32).to_be_bytes());
            self.key_ids.iter().for_each(|id| out.extend_from_slice(&id.0));
        }
        out.extend_from_slice(&(self.data.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.data);
        out
    }

    /// Parses one whole box, header included.
    ///
    /// # Errors
    /// It is another box, or malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, PsshError> {
        let (pssh, rest) = Self::parse_first(bytes)?;
        if rest.is_empty() { Ok(pssh) } else { Err(PsshError::Trailing(rest.len())) }
    }

    /// Parses boxes that follow one another, as initialisation data of players carries them; at most 100.
    ///
    /// # Errors
    /// One of them is another box, or malformed.
    pub fn parse_all(bytes: &[u8]) -> Result<Vec<Self>, PsshError> {
        let mut all = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() && all.len() < 100 {
            let (pssh, behind) = Self::parse_first(rest)?;
            all.push(pssh);
            rest = behind;
        }
        if rest.is_empty() { Ok(all) } else { Err(PsshError::Trailing(rest.len())) }
    }

    fn parse_first(bytes: &[u8]) -> Result<(Self, &[u8]), PsshError> {
        let mut reader = Reader { bytes, at: 0 };
        let size = reader.word()? as usize;
        if reader.take(4)? != b"pssh" {
            return Err(PsshError::Type);
        }
        let rest = bytes.get(size..).filter(|_| size >= 12).ok_or(PsshError::Short { at: bytes.len() })?;
        reader.bytes = &bytes[..size];
        let version = reader.take(4)?[0];
        if version > 1 {
            return Err(PsshError::Version(version));
        }
        let system_id = SystemId(reader.id()?);
        let mut key_ids = Vec::new();
        if version == 1 {
            for _ in 0..reader.word()? {
                key_ids.push(KeyId(reader.id()?));
            }
        }
        let length = reader.word()? as usize;
        let data = reader.take(length)?.to_vec();
        match size - reader.at {
            0 => Ok((Self { system_id, key_ids, data }, rest)),
            more => Err(PsshError::Trailing(more)),
        }
    }

    /// The keys it is for: those it lists, else those that Widevine or PlayReady data name. Empty when it names none or
    /// cannot be understood.
    pub fn all_key_ids(&self) -> Vec<KeyId> {
        match self.system_id {
            _ if !self.key_ids.is_empty() => self.key_ids.clone(),
            SystemId::WIDEVINE => widevine::key_ids(&self.data),
            SystemId::PLAYREADY => playready::key_ids(&self.data),
            _ => Vec::new(),
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], PsshError> {
        let taken = self.at.checked_add(count).and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(PsshError::Short { at: self.bytes.len() })?;
        self.at += count;
        Ok(taken)
    }

    fn word(&mut self) -> Result<u32, PsshError> {
        Ok(u32::from_be_bytes(self.take(4)?.try_into().expect("four bytes were taken")))
    }

    fn id(&mut self) -> Result<[u8; 16], PsshError> {
        Ok(self.take(16)?.try_into().expect("sixteen bytes were taken"))
    }
}

#[cfg(test)]
mod tests;

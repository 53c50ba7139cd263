//! What a protected track says about itself (ISO/IEC 23001-7).

use std::fmt;

/// A protection scheme (ISO/IEC 23001-7 §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProtectionScheme {
    /// AES-CTR over whole samples or subsamples (§10.1).
    Cenc,
    /// AES-CTR in a pattern of encrypted and clear blocks (§10.3).
    Cens,
    /// AES-CBC over whole samples or subsamples (§10.2).
    Cbc1,
    /// AES-CBC in a pattern, with one constant initialisation vector (§10.4).
    Cbcs,
}

impl ProtectionScheme {
    /// All schemes.
    pub const ALL: [ProtectionScheme; 4] = [Self::Cenc, Self::Cens, Self::Cbc1, Self::Cbcs];

    /// The four-character code of `schm`, which is also the value of `ContentProtection@value`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cenc => "cenc",
            Self::Cens => "cens",
            Self::Cbc1 => "cbc1",
            Self::Cbcs => "cbcs",
        }
    }

    /// The scheme of a four-character code.
    pub fn from_code(code: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str().as_bytes() == code)
    }

    /// Whether samples are encrypted in a pattern of blocks.
    pub const fn has_pattern(self) -> bool {
        matches!(self, Self::Cens | Self::Cbcs)
    }
}

impl fmt::Display for ProtectionScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The public name of a content key: 16 bytes, as in `tenc`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 16]);

impl fmt::Display for KeyId {
    /// Lower-case hexadecimal without dashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An initialisation vector of 8 or 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Iv {
    bytes: [u8; 16],
    long: bool,
}

impl Iv {
    /// From the 8 or 16 bytes that `senc` or `tenc` carry; `None` for any other length.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut iv = Self { bytes: [0; 16], long: bytes.len() == 16 };
        if !matches!(bytes.len(), 8 | 16) {
            return None;
        }
        iv.bytes[..bytes.len()].copy_from_slice(bytes);
        Some(iv)
    }

    /// As it is written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..if self.long { 16 } else { 8 }]
    }

    /// The first counter block: padded on the right with zeros (§9.4.2).
    pub fn block(&self) -> [u8; 16] {
        self.bytes
    }
}

/// Bytes left clear, then bytes protected (ISO/IEC 23001-7 §9.5). `senc` holds 16 bits of clear bytes: longer clear runs
/// are already split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subsample {
    /// Clear bytes.
    pub clear: u16,
    /// Protected bytes that follow.
    pub protected: u32,
}

/// How one sample is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleEncryption {
    /// Its own initialisation vector; `None` when the track's constant one applies.
    pub iv: Option<Iv>,
    /// Empty when the whole sample is protected.
    pub subsamples: Vec<Subsample>,
}

/// The defaults of a protected track or sample group (`tenc` §8.2, `seig` §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackProtection {
    /// How its samples are encrypted.
    pub scheme: ProtectionScheme,
    /// Under which key.
    pub key_id: KeyId,
    /// 0 (constant), 8 or 16.
    pub iv_size: u8,
    /// For `iv_size` 0.
    pub constant_iv: Option<Iv>,
    /// Blocks of 16 bytes encrypted in each turn of the pattern; 0 without a pattern.
    pub crypt_blocks: u8,
    /// Blocks left clear in each turn.
    pub skip_blocks: u8,
}

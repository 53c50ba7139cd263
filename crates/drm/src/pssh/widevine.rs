//! `WidevinePsshData`: a protocol-buffers message (Widevine DRM, "Common Encryption for ISO-BMFF").

use crate::types::{KeyId, ProtectionScheme};

/// The fields that matter to packaging.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// Field 2, repeated: the keys.
    pub key_ids: Vec<KeyId>,
    /// Field 3: who issued the keys.
    pub provider: Option<String>,
    /// Field 4: the content's name at the provider.
    pub content_id: Option<Vec<u8>>,
    /// Field 9: the scheme's four-character code as a number.
    pub scheme: Option<ProtectionScheme>,
}

/// Fields of a message, the least that a field takes being two bytes.
const KEY_ID: u64 = 2;
const PROVIDER: u64 = 3;
const CONTENT_ID: u64 = 4;
const SCHEME: u64 = 9;

impl Data {
    /// The message, its fields in the order of their numbers.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.key_ids.iter().for_each(|id| write_bytes(&mut out, KEY_ID, &id.0));
        if let Some(provider) = &self.provider {
            write_bytes(&mut out, PROVIDER, provider.as_bytes());
        }
        if let Some(content_id) = &self.content_id {
            write_bytes(&mut out, CONTENT_ID, content_id);
        }
        if let Some(scheme) = self.scheme {
            let code: [u8; 4] = scheme.as_str().as_bytes().try_into().expect("codes have four characters");
            write_varint(&mut out, SCHEME << 3);
            write_varint(&mut out, u32::from_be_bytes(code).into());
        }
        out
    }

    /// Reads a message; fields that are not known are passed over, of those given twice the last counts. `None` when it is
    /// malformed or a key id has another length than 16.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut data = Self::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let tag = read_varint(&mut rest)?;
            match (tag >> 3, tag & 7) {
                (0, _) => return None,
                (field, 0) => {
                    let value = read_varint(&mut rest)?;
                    if field == SCHEME {
                        data.scheme = ProtectionScheme::from_code(&u32::try_from(value).ok()?.to_be_bytes());
                    }
                }
                (_, 1) => rest = rest.get(8..)?,
                (field, 2) => {
                    let length = usize::try_from(read_varint(&mut rest)?).ok()?;
                    let (value, behind) = rest.split_at_checked(length)?;
                    rest = behind;
                    match field {
                        KEY_ID => data.key_ids.push(KeyId(value.try_into().ok()?)),
                        PROVIDER => data.provider = Some(std::str::from_utf8(value).ok()?.to_owned()),
                        CONTENT_ID => data.content_id = Some(value.to_vec()),
                        _ => {}
                    }
                }
                (_, 5) => rest = rest.get(4..)?,
                _ => return None,
            }
        }
        Some(data)
    }
}

/// The keys that the data of a Widevine box names; empty when it is malformed.
pub fn key_ids(data: &[u8]) -> Vec<KeyId> {
    Data::parse(data).map(|data| data.key_ids).unwrap_or_default()
}

fn write_bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    write_varint(out, field << 3 | 2);
    write_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        let part = u64::from(byte & 0x7f);
        if part << shift >> shift != part {
            return None;
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

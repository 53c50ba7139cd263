//! `pssh` boxes (ISO/IEC 23001-7 §8.1).

use drm::KeyId;

use super::boxes::{Atom, Atoms, Fields};

/// Widevine's system id.
pub(crate) const WIDEVINE: [u8; 16] =
    [0xed, 0xef, 0x8b, 0xa9, 0x79, 0xd6, 0x4a, 0xce, 0xa3, 0xc8, 0x27, 0xdc, 0xd5, 0x1d, 0x21, 0xed];
/// A protection system's own header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pssh {
    pub(crate) system: [u8; 16],
    /// Key ids that it names, in a version 1 box or in Widevine's data; empty when it names none that can be read.
    pub(crate) key_ids: Vec<KeyId>,
}

impl Pssh {
    /// Reads the box; the message says what is the matter.
    pub(crate) fn read(atom: &Atom<'_>) -> Result<Self, String> {
        let ends = || "pssh ends before its data".to_owned();
        let (version, _, mut fields) = atom.full().ok_or_else(ends)?;
        let system = fields.array::<16>().ok_or_else(ends)?;
        let mut key_ids = Vec::new();
        if version > 1 {
            return Err(format!("pssh has unknown version {version}"));
        }
        if version == 1 {
            for _ in 0..fields.u32().ok_or_else(ends)? {
                key_ids.push(KeyId(fields.array().ok_or("pssh counts more key ids than it holds")?));
            }
        }
        let size = fields.u32().ok_or_else(ends)? as usize;
        if size != fields.rest().len() {
            return Err(format!("pssh says it has {size} bytes of data and has {}", fields.rest().len()));
        }
        if system == WIDEVINE {
            key_ids.extend(widevine_key_ids(fields.rest()));
        }
        Ok(Self { system, key_ids })
    }

    /// One whole box and nothing else.
    pub(crate) fn read_alone(bytes: &[u8]) -> Result<Self, String> {
        match Atoms::new(bytes, 0).next() {
            Some(Ok(atom)) if atom.kind == *b"pssh" && atom.end() == bytes.len() => Self::read(&atom),
            Some(Ok(atom)) if atom.kind == *b"pssh" => {
                Err(format!("{} bytes follow the pssh box", bytes.len() - atom.end()))
            }
            Some(Ok(atom)) => Err(format!("it is a box {}, not pssh", atom.name())),
            Some(Err(fault)) => Err(fault.message),
            None => Err("it is empty".to_owned()),
        }
    }
}

/// Field 2 (key ids) of Widevine's protocol buffer. A buffer that is something else names none.
fn widevine_key_ids(data: &[u8]) -> Vec<KeyId> {
    let mut fields = Fields::new(data);
    let mut out = Vec::new();
    while let Some(tag) = varint(&mut fields) {
        match tag & 7 {
            0 if varint(&mut fields).is_some() => {}
            2 => {
                let bytes = varint(&mut fields).and_then(|length| fields.bytes(usize::try_from(length).ok()?));
                let Some(bytes) = bytes else { break };
                if tag >> 3 == 2
                    && let Ok(id) = bytes.try_into()
                {
                    out.push(KeyId(id));
                }
            }
            _ => break,
        }
    }
    out
}

fn varint(fields: &mut Fields<'_>) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = fields.u8()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// A PlayReady object: its length and records add up (PlayReady Header Specification §2).
pub(crate) fn is_playready_object(bytes: &[u8]) -> bool {
    let read = || {
        let length = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        let count = u16::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
        let mut rest = bytes.get(6..)?;
        for _ in 0..count {
            let size = u16::from_le_bytes(*rest.get(2..)?.first_chunk()?) as usize;
            rest = rest.get(4 + size..)?;
        }
        Some(length == bytes.len() && count > 0 && rest.is_empty())
    };
    read() == Some(true)
}

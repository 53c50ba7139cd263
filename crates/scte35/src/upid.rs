//! Unique program identifiers (SCTE 35 §10.3.3.1, table 22).

use std::fmt::Write as _;

use crate::Error;
use crate::bits::Reader;

/// `segmentation_upid()`: what identifies the content of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upid {
    /// `segmentation_upid_type`.
    pub kind: u8,
    /// As written; its form depends on `kind`.
    pub bytes: Vec<u8>,
}

impl Upid {
    /// No identifier.
    pub const NOT_USED: u8 = 0x00;
    /// Several identifiers, one after another.
    pub const MULTIPLE: u8 = 0x0d;

    /// The name of its type.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            0x00 => "not used",
            0x01 => "user defined",
            0x02 => "ISCI",
            0x03 => "Ad-ID",
            0x04 => "UMID",
            0x05 => "ISAN (versionless)",
            0x06 => "ISAN",
            0x07 => "TID",
            0x08 => "TI",
            0x09 => "ADI",
            0x0a => "EIDR",
            0x0b => "ATSC content identifier",
            0x0c => "MPU",
            0x0d => "MID",
            0x0e => "ADS information",
            0x0f => "URI",
            0x10 => "UUID",
            0x11 => "SCR",
            _ => "reserved",
        }
    }

    /// The identifiers of a [`MULTIPLE`](Self::MULTIPLE) one, itself otherwise.
    ///
    /// # Errors
    /// Their lengths contradict the whole.
    pub fn parts(&self) -> Result<Vec<Upid>, Error> {
        if self.kind != Self::MULTIPLE {
            return Ok(vec![self.clone()]);
        }
        let mut reader = Reader::new(&self.bytes, "a part of a MID()");
        let mut parts = Vec::new();
        while reader.left() > 0 {
            let (kind, length) = (reader.byte()?, reader.byte()?);
            parts.push(Self { kind, bytes: reader.take(length.into())?.to_vec() });
        }
        Ok(parts)
    }

    /// For people and logs: text where the type is text, the usual form of EIDR, UUID and TI, hexadecimal otherwise.
    pub fn text(&self) -> String {
        let is_text = matches!(self.kind, 0x02 | 0x03 | 0x07 | 0x09 | 0x0e | 0x0f | 0x11);
        if is_text && let Ok(text) = std::str::from_utf8(&self.bytes) {
            return text.chars().filter(|letter| !letter.is_control()).collect();
        }
        match (self.kind, self.bytes.as_slice()) {
            (0x08, bytes) if let Ok(number) = <[u8; 8]>::try_from(bytes) => u64::from_be_bytes(number).to_string(),
            (0x0a, [high, low, rest @ ..]) if rest.len() == 10 => {
                let prefix = u16::from_be_bytes([*high, *low]);
                let groups: Vec<String> = rest.chunks(2).map(upper).collect();
                format!("10.{prefix}/{}", groups.join("-"))
            }
            (0x10, bytes) if bytes.len() == 16 => {
                let hex = crate::text::hex(bytes);
                [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
            }
            (_, bytes) => crate::text::hex(bytes),
        }
    }
}

fn upper(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02X}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_their_usual_forms() {
        for (kind, bytes, text) in [
            (0x08, vec![0, 0, 0, 0, 0x2c, 0xa0, 0xa1, 0x8a], "748724618"),
            (0x03, b"ABCD0123000H".to_vec(), "ABCD0123000H"),
            (
                0x0a,
                vec![0x14, 0x78, 0xf8, 0x5a, 0xe1, 0x00, 0xb0, 0x68, 0x5b, 0x8f, 0xb1, 0xc8],
                "10.5240/F85A-E100-B068-5B8F-B1C8",
            ),
            (0x10, (0..16).collect(), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
            (0x0c, vec![1, 0xab], "01ab"),
        ] {
            assert_eq!(Upid { kind, bytes }.text(), text);
        }
    }

    #[test]
    fn several_identifiers_come_apart() {
        let whole = Upid { kind: Upid::MULTIPLE, bytes: vec![9, 2, b'a', b'b', 15, 1, b'c'] };
        let parts = whole.parts().expect("valid");
        assert_eq!(
            parts.iter().map(|part| (part.kind, part.text())).collect::<Vec<_>>(),
            [(9, "ab".into()), (15, "c".into())]
        );
        assert!(Upid { kind: Upid::MULTIPLE, bytes: vec![9, 3, 0] }.parts().is_err());
    }
}

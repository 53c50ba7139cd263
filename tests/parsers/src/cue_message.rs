//! SCTE 35 messages.

use scte35::{Descriptor, Section};

/// A splice information section: what is read is written, and read again as the same. The bytes are also tried under the
/// length and the CRC that they should have, since few changes survive those.
pub fn cue_message(data: &[u8]) {
    check(data);
    check(&mended(data));
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = (Section::from_base64(text), Section::from_hex(text));
    }
}

fn check(bytes: &[u8]) {
    let Ok(section) = Section::parse(bytes) else { return };
    let _ = (section.time(), section.is_out(), section.is_in(), section.duration());
    for segment in section.segments() {
        let _ = (segment.is_out(), segment.is_in(), segment.type_name());
        let _ = (segment.upid.text(), segment.upid.kind_name());
        for part in segment.upid.parts().unwrap_or_default() {
            let _ = part.text();
        }
    }
    assert!(section.descriptors.len() <= bytes.len() && section.stuffing.len() <= bytes.len());
    let _ = section.descriptors.iter().filter(|descriptor| matches!(descriptor, Descriptor::Segmentation(_))).count();
    let written = section.to_bytes().expect("what was read is written");
    assert_eq!(Section::parse(&written).as_ref(), Ok(&section));
    let (hex, base64) = (section.to_hex(), section.to_base64());
    assert_eq!(Section::from_hex(&hex.expect("as bytes")), Ok(section.clone()));
    assert_eq!(Section::from_base64(&base64.expect("as bytes")), Ok(section));
}

/// With a fitting `section_length` and `CRC_32` (ISO/IEC 13818-1, annex A).
fn mended(data: &[u8]) -> Vec<u8> {
    let mut bytes = data[..data.len().min(4092)].to_vec();
    let [table, high, low, _, ..] = &mut bytes[..] else { return bytes };
    let body = data.len().min(4092) - 3;
    (*table, *high, *low) = (0xfc, *high & 0x30 | (body >> 8) as u8, body as u8);
    let end = bytes.len() - 4;
    let crc = scte35::crc32(&bytes[..end]);
    bytes[end..].copy_from_slice(&crc.to_be_bytes());
    bytes
}

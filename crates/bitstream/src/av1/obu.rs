//! Open bitstream units (AV1 specification §5.3).

use std::ops::Range;

/// `OBU_SEQUENCE_HEADER`.
pub const SEQUENCE_HEADER: u8 = 1;
/// `OBU_TEMPORAL_DELIMITER`.
pub const TEMPORAL_DELIMITER: u8 = 2;
/// `OBU_FRAME_HEADER`.
pub const FRAME_HEADER: u8 = 3;
/// `OBU_TILE_GROUP`.
pub const TILE_GROUP: u8 = 4;
/// `OBU_METADATA`.
pub const METADATA: u8 = 5;
/// `OBU_FRAME`.
pub const FRAME: u8 = 6;
/// `OBU_REDUNDANT_FRAME_HEADER`.
pub const REDUNDANT_FRAME_HEADER: u8 = 7;
/// `OBU_TILE_LIST`.
pub const TILE_LIST: u8 = 8;
/// `OBU_PADDING`.
pub const PADDING: u8 = 15;

/// Where one OBU lies in the bytes it was found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obu {
    /// `obu_type`.
    pub kind: u8,
    /// Its temporal layer; 0 without an extension header.
    pub temporal_id: u8,
    /// Its spatial layer; 0 without an extension header.
    pub spatial_id: u8,
    /// Whether it says its own size; one that does not reaches to the end of the bytes.
    pub has_size: bool,
    /// All of it: header, size field, payload.
    pub whole: Range<usize>,
    /// What follows header and size field.
    pub payload: Range<usize>,
}

/// A `leb128()` number (§4.10.5) and how many bytes it takes; `None` beyond 8 bytes or 32 bits.
pub fn leb128(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, at + 1));
        }
    }
    None
}

/// Appends `value` as `leb128()` in its shortest form.
pub(super) fn write_leb128(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The OBUs of a low-overhead byte stream (§5.2) or of a sample. The last item is `None` when one is damaged or runs past
/// the end.
pub fn obus(bytes: &[u8]) -> impl Iterator<Item = Option<Obu>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let obu = obu_at(bytes, at);
        at = obu.as_ref().map_or(bytes.len(), |obu| obu.whole.end);
        Some(obu)
    })
}

fn obu_at(bytes: &[u8], start: usize) -> Option<Obu> {
    let header = *bytes.get(start)?;
    // obu_forbidden_bit
    if header & 0x80 != 0 {
        return None;
    }
    let has_size = header & 2 != 0;
    let mut at = start + 1;
    let extension = if header & 4 != 0 {
        at += 1;
        *bytes.get(at - 1)?
    } else {
        0
    };
    let end = if has_size {
        let (size, taken) = leb128(bytes.get(at..)?)?;
        at += taken;
        at.checked_add(usize::try_from(size).ok()?).filter(|end| *end <= bytes.len())?
    } else {
        bytes.len()
    };
    Some(Obu {
        kind: header >> 3 & 0xf,
        temporal_id: extension >> 5,
        spatial_id: extension >> 3 & 3,
        has_size,
        whole: start..end,
        payload: at..end,
    })
}

/// Appends the ranges of a temporal unit that a sample keeps: all but temporal delimiters, padding and tile lists, which
/// the ISO BMFF binding §2.4 wants left out. Neighbours come as one range. `None` when an OBU is damaged.
pub fn kept(unit: &[u8], out: &mut Vec<Range<usize>>) -> Option<()> {
    let first = out.len();
    for obu in obus(unit) {
        let obu = obu?;
        if matches!(obu.kind, TEMPORAL_DELIMITER | PADDING | TILE_LIST) {
            continue;
        }
        match out[first..].last_mut() {
            Some(last) if last.end == obu.whole.start => last.end = obu.whole.end,
            _ => out.push(obu.whole),
        }
    }
    Some(())
}

/// Whether decoding can start at this temporal unit (ISO BMFF binding §2.5, sync sample): a sequence header comes before
/// the first frame, and that is a key frame which is shown.
pub fn is_keyframe(unit: &[u8]) -> bool {
    let mut reduced = None;
    for obu in obus(unit) {
        let Some(obu) = obu else { return false };
        let payload = &unit[obu.payload];
        match obu.kind {
            SEQUENCE_HEADER => reduced = payload.first().map(|byte| byte & 0x08 != 0),
            FRAME_HEADER | FRAME => {
                // show_existing_frame 0, frame_type KEY_FRAME, show_frame 1
                return reduced.is_some_and(|reduced| reduced || payload.first().is_some_and(|byte| byte >> 4 == 1));
            }
            _ => {}
        }
    }
    false
}

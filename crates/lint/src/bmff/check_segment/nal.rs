//! NAL units in samples, clear and protected (ISO/IEC 14496-15 §5.3.4, ISO/IEC 23001-7 §9.5.2).

use drm::SampleEncryption;

use crate::Rule;
use crate::codec::Nal;
use crate::rules::{bmff as rules, cenc};

/// What the NAL units of a sample tell.
#[derive(Debug, Default)]
pub(super) struct Units {
    pub(super) fault: Option<(&'static Rule, String)>,
    pub(super) random_access: bool,
    pub(super) captions: bool,
}

/// The clear ranges of a sample, walked forwards.
struct Clear<'a> {
    parts: &'a [drm::Subsample],
    /// End of the clear range at hand and of the protected one behind it.
    clear_from: usize,
    clear_to: usize,
    protected_to: usize,
}

impl<'a> Clear<'a> {
    fn new(entry: Option<&'a SampleEncryption>, length: usize) -> Self {
        match entry {
            None => Self { parts: &[], clear_from: 0, clear_to: length, protected_to: length },
            Some(entry) if entry.subsamples.is_empty() => {
                Self { parts: &[], clear_from: 0, clear_to: 0, protected_to: length }
            }
            Some(entry) => Self { parts: &entry.subsamples, clear_from: 0, clear_to: 0, protected_to: 0 },
        }
    }

    /// Whether `start .. end` is clear. Calls come in ascending order.
    fn holds(&mut self, start: usize, end: usize) -> bool {
        while start >= self.protected_to || (self.clear_to == self.protected_to && end > self.clear_to) {
            let Some((part, rest)) = self.parts.split_first() else { break };
            self.parts = rest;
            // Clear runs beyond 16 bits come in several parts.
            if self.clear_to != self.protected_to || self.clear_from == self.protected_to {
                self.clear_from = self.protected_to;
            }
            self.clear_to = self.protected_to + usize::from(part.clear);
            self.protected_to = self.clear_to + part.protected as usize;
        }
        start >= self.clear_from && end <= self.clear_to
    }
}

/// Walks over a sample's units, whose lengths and headers must be clear.
pub(super) fn walk(data: &[u8], family: Nal, length_size: usize, entry: Option<&SampleEncryption>) -> Units {
    let mut units = Units::default();
    let mut clear = Clear::new(entry, data.len());
    let header = match family {
        Nal::Avc => 1,
        Nal::Hevc => 2,
    };
    let mut at = 0;
    while at < data.len() {
        if !clear.holds(at, (at + length_size).min(data.len())) {
            units.fault = Some((cenc::CLEAR_HEADER, format!("the NAL length at byte {at} is in a protected range")));
            break;
        }
        let length =
            data.get(at..at + length_size).map(|bytes| bytes.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)));
        let body = length.and_then(|length| data.get(at + length_size..(at + length_size).checked_add(length)?));
        let Some(body) = body else {
            units.fault = Some((
                rules::NAL_LENGTH,
                format!("the NAL unit at byte {at} runs past the sample of {} bytes", data.len()),
            ));
            break;
        };
        let start = at + length_size;
        at = start + body.len();
        if body.len() < header {
            continue;
        }
        if !clear.holds(start, start + header) {
            units.fault = Some((cenc::CLEAR_HEADER, format!("the NAL header at byte {start} is in a protected range")));
            break;
        }
        let (random_access, sei) = match family {
            Nal::Avc => (body[0] & 31 == 5, body[0] & 31 == 6),
            Nal::Hevc => ((16..=21).contains(&(body[0] >> 1 & 63)), body[0] >> 1 & 63 == 39),
        };
        units.random_access |= random_access;
        if sei && clear.holds(start, at) {
            units.captions |= has_captions(&body[header..]);
        }
    }
    units
}

/// Whether SEI messages hold closed captions with printable text (ATSC A/53 Part 4 §6.2.3).
fn has_captions(messages: &[u8]) -> bool {
    let plain = bitstream::bits::unescape(messages, 2048);
    let mut rest = plain.as_slice();
    while rest.len() > 2 {
        let (Some(kind), Some(size)) = (number(&mut rest), number(&mut rest)) else { return false };
        let Some((payload, tail)) = rest.split_at_checked(size) else { return false };
        rest = tail;
        if kind == 4
            && let [0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 3, flags, _, triples @ ..] = payload
            && flags & 0x40 != 0
        {
            let triples = triples.as_chunks::<3>().0;
            let text = |&[head, first, _]: &[u8; 3]| head & 4 != 0 && head & 2 == 0 && first & 0x7f >= 0x20;
            if triples.iter().take(usize::from(flags & 31)).any(text) {
                return true;
            }
        }
    }
    false
}

/// A type or size of an SEI message: 255s are added up (ITU-T H.264 §7.3.2.3.1).
fn number(bytes: &mut &[u8]) -> Option<usize> {
    let mut sum = 0;
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        sum += usize::from(byte);
        if byte != 255 {
            return Some(sum);
        }
    }
}

/// What is wrong with a sample once it is decrypted: byte sequences that no NAL unit has (ITU-T H.264 §7.4.1).
/// A wrong key makes noise, in which they come up before long.
pub(super) fn decrypted_fault(data: &[u8], length_size: usize) -> Option<String> {
    let mut rest = data;
    while let Some((head, tail)) = rest.split_at_checked(length_size) {
        let length = head.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        let (unit, after) = tail.split_at_checked(length)?;
        rest = after;
        if unit.last() == Some(&0) {
            return Some("a decrypted NAL unit ends with a zero byte".to_owned());
        }
        if unit.windows(3).any(|bytes| bytes[0] == 0 && bytes[1] == 0 && bytes[2] < 3) {
            return Some("a decrypted NAL unit holds bytes that emulation prevention keeps out".to_owned());
        }
    }
    None
}

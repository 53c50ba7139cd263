//! H.264 as a byte stream (ITU-T H.264 annex B; ISO/IEC 13818-1 §2.14).

use bitstream::avc::{NalType, Record};
use drm::SampleCipher;

use crate::PackageError;

const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// An access unit delimiter for pictures of any type (§7.3.2.4).
const DELIMITER: [u8; 6] = [0, 0, 0, 1, 9, 0xf0];

/// The parameter sets of a configuration record, each behind a start code.
///
/// # Errors
/// [`PackageError::Config`] when it cannot be read or has none.
pub(super) fn parameter_sets(record: &[u8]) -> Result<Vec<u8>, PackageError> {
    let record = Record::parse(record).ok_or(PackageError::Config("not an avcC record of version 1"))?;
    if record.length_size != 4 {
        return Err(PackageError::Config("NAL unit lengths must take 4 bytes"));
    }
    if record.sps.is_empty() || record.pps.is_empty() {
        return Err(PackageError::Config("the avcC record lacks a parameter set"));
    }
    Ok(record.sps.iter().chain(&record.pps).flat_map(|set| START_CODE.iter().chain(*set)).copied().collect())
}

/// Turns samples into access units of the byte stream.
pub(super) struct ByteStream {
    /// In front of keyframes.
    sets: Vec<u8>,
    /// A unit that is being encrypted.
    unit: Vec<u8>,
}

impl ByteStream {
    pub(super) fn new(record: &[u8]) -> Result<Self, PackageError> {
        Ok(Self { sets: parameter_sets(record)?, unit: Vec::new() })
    }

    /// Appends the access unit of a sample; `None` when the lengths in it do not add up. Its NAL units are as they were,
    /// unless they are encrypted. In front are a delimiter, where it has none, and the parameter sets of a keyframe that
    /// does not bring its own.
    pub(super) fn append(
        &mut self,
        sample: &[u8],
        keyframe: bool,
        mut cipher: Option<&mut SampleCipher>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        out.reserve(sample.len() + sample.len() / 64 + self.sets.len() + DELIMITER.len());
        let mut rest = sample;
        let mut wanted = keyframe && !brings_sets(sample)?;
        let delimited = peek(sample)?.is_some_and(|(unit, _)| is(unit, NalType::is_aud));
        if !delimited {
            out.extend_from_slice(&DELIMITER);
        }
        while let Some((unit, tail)) = peek(rest)? {
            rest = tail;
            if std::mem::take(&mut wanted) {
                if is(unit, NalType::is_aud) {
                    out.extend_from_slice(&START_CODE);
                    out.extend_from_slice(unit);
                    out.extend_from_slice(&self.sets);
                    continue;
                }
                out.extend_from_slice(&self.sets);
            }
            let long = is(unit, |kind| kind.is_aud() || kind.is_sps() || kind.is_pps());
            out.extend_from_slice(&START_CODE[usize::from(!long)..]);
            match cipher.as_deref_mut() {
                None => out.extend_from_slice(unit),
                Some(cipher) => self.encrypted(unit, cipher, out),
            }
        }
        Some(())
    }

    fn encrypted(&mut self, unit: &[u8], cipher: &mut SampleCipher, out: &mut Vec<u8>) {
        self.unit.clear();
        self.unit.extend_from_slice(unit);
        if cipher.nal_unit(&mut self.unit) {
            escape(&self.unit, out);
        } else {
            out.extend_from_slice(unit);
        }
    }
}

fn is(unit: &[u8], what: impl Fn(NalType) -> bool) -> bool {
    NalType::of(unit).is_some_and(what)
}

/// The first NAL unit that is not empty, and what is behind it: `Some(None)` at the end, `None` when its length is wrong.
#[expect(clippy::option_option, reason = "the end of a sample is no fault of it")]
fn peek(mut sample: &[u8]) -> Option<Option<(&[u8], &[u8])>> {
    while !sample.is_empty() {
        let (length, rest) = sample.split_first_chunk::<4>()?;
        let (unit, tail) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        if !unit.is_empty() {
            return Some(Some((unit, tail)));
        }
        sample = tail;
    }
    Some(None)
}

/// Whether a sequence parameter set lies in front of the slices; `None` when the lengths do not add up.
fn brings_sets(mut sample: &[u8]) -> Option<bool> {
    while let Some((unit, rest)) = peek(sample)? {
        if is(unit, |kind| kind.is_sps() || kind.is_vcl()) {
            return Some(is(unit, NalType::is_sps));
        }
        sample = rest;
    }
    Some(false)
}

/// Appends `unit` with an `emulation_prevention_three_byte` wherever two zeros are followed by 3 or less (§7.4.1).
///
/// It looks at every third byte, since one above 3 can be no part of what is searched.
pub(super) fn escape(unit: &[u8], out: &mut Vec<u8>) {
    let (mut from, mut at) = (0, 2);
    while let Some(&byte) = unit.get(at) {
        at += match byte {
            0..=3 if unit[at - 2..at] == [0, 0] => {
                out.extend_from_slice(&unit[from..at]);
                out.push(3);
                from = at;
                2
            }
            0 => 1,
            _ => 3,
        };
    }
    out.extend_from_slice(&unit[from..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_escaped_unit_has_no_start_code_and_unescapes_to_itself(unit in prop::collection::vec(0u8..5, 0..60)) {
            let mut escaped = Vec::new();
            escape(&unit, &mut escaped);
            prop_assert!(escaped.windows(3).all(|three| three[..2] != [0, 0] || three[2] > 2));
            prop_assert_eq!(bitstream::bits::RbspBytes::new(&escaped).collect::<Vec<_>>(), unit);
        }
    }
}

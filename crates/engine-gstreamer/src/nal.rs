//! H.264 as samples have it: parameter sets are in the configuration alone.

use bitstream::avc::{Record, Sps, record};
use bitstream::bits::length_prefixed;
use bytes::Bytes;

/// ITU-T H.264 table 7-1.
const SPS: u8 = 7;
const PPS: u8 = 8;
const DELIMITER: u8 = 9;
const IDR: u8 = 5;

fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |head| head & 0x1f)
}

/// The configuration record in our form; `None` when it is damaged.
pub(crate) fn configuration(codec_data: &[u8]) -> Option<Bytes> {
    let parsed = Record::parse(codec_data)?;
    let sps: Vec<Vec<u8>> = parsed.sps.iter().map(|set| of_no_fixed_rate(set)).collect::<Option<_>>()?;
    let sps: Vec<&[u8]> = sps.iter().map(Vec::as_slice).collect();
    record(&sps, &parsed.pps).filter(|_| !parsed.pps.is_empty()).map(Bytes::from)
}

/// A sequence parameter set without `fixed_frame_rate_flag` (ITU-T H.264 §E.2.1): pictures may be held. It is the one bit
/// that changes this and nothing else of what the set says.
fn of_no_fixed_rate(set: &[u8]) -> Option<Vec<u8>> {
    let said = Sps::parse(set)?;
    if !said.fixed_frame_rate {
        return Some(set.to_vec());
    }
    let wanted = Some(Sps { fixed_frame_rate: false, ..said });
    (0..set.len() * 8).find_map(|bit| {
        let mut other = set.to_vec();
        other[bit / 8] ^= 0x80 >> (bit % 8);
        (Sps::parse(&other) == wanted).then_some(other)
    })
}

/// An access unit without what its configuration says already, and whether it is an IDR picture; `None` when it is damaged.
pub(crate) fn sample(unit: &[u8]) -> Option<(Bytes, bool)> {
    let units: Vec<&[u8]> = length_prefixed(unit).collect::<Option<_>>()?;
    let kept = || units.iter().filter(|unit| !matches!(kind(unit), SPS | PPS | DELIMITER));
    let idr = units.iter().any(|unit| kind(unit) == IDR);
    let mut data = Vec::with_capacity(unit.len());
    for unit in kept() {
        data.extend_from_slice(&u32::try_from(unit.len()).ok()?.to_be_bytes());
        data.extend_from_slice(unit);
    }
    (!data.is_empty()).then(|| (data.into(), idr))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn lengths(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&(unit.len() as u32).to_be_bytes()[..], unit].concat()).collect()
    }

    #[test]
    fn parameter_sets_and_delimiters_are_left_out_and_the_rest_stays() {
        let (idr, sei, picture) = (&[0x65, 1, 2][..], &[0x06, 9][..], &[0x41, 3][..]);
        let unit = lengths(&[&[0x09, 0x10], &[0x67, 1], &[0x68, 2], sei, idr]);
        let (data, is_idr) = sample(&unit).unwrap();
        assert_eq!((&data[..], is_idr), (&lengths(&[sei, idr])[..], true));
        let (data, is_idr) = sample(&lengths(&[picture])).unwrap();
        assert_eq!((&data[..], is_idr), (&lengths(&[picture])[..], false));
    }

    /// Of x264, for 480x272 at 25 pictures a second, fixed and not.
    const FIXED: [u8; 28] = [
        0x67, 0x64, 0x00, 0x15, 0xac, 0xd9, 0x41, 0xe0, 0x8e, 0xc0, 0x5a, 0x83, 0x03, 0x03, 0x20, 0x00, 0x00, 0x03,
        0x00, 0x20, 0x00, 0x00, 0x06, 0x51, 0xe2, 0xc5, 0xb2, 0xc0,
    ];

    #[test]
    fn no_rate_is_fixed_and_nothing_else_changes() {
        let mut free = FIXED;
        free[23] = 0x41;
        assert!(Sps::parse(&FIXED).unwrap().fixed_frame_rate);
        assert_eq!(of_no_fixed_rate(&FIXED).unwrap(), free);
        assert_eq!(of_no_fixed_rate(&free).unwrap(), free);
    }

    #[test]
    fn damaged_units_are_none() {
        for unit in [&[][..], &[0, 0, 0, 9, 0x65], &lengths(&[&[0x67, 1]])] {
            assert_eq!(sample(unit), None);
        }
        assert_eq!(configuration(&[1, 100]), None);
    }
}

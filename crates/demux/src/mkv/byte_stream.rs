//! H.264 as a byte stream (ITU-T H.264, Annex B), which browsers record: start codes in place of lengths, and parameter
//! sets in key frames in place of a configuration. RFC 9559's codec mapping knows neither.

use bitstream::annex_b::units;
use bitstream::avc;
use bytes::Bytes;

/// The configuration that a key frame's parameter sets make.
pub(super) fn record(frame: &[u8]) -> Option<Bytes> {
    let (mut sps, mut pps): (Vec<&[u8]>, Vec<&[u8]>) = (Vec::new(), Vec::new());
    for unit in units(frame) {
        match avc::NalType::of(unit) {
            Some(kind) if kind.is_sps() && !sps.contains(&unit) => sps.push(unit),
            Some(kind) if kind.is_pps() && !pps.contains(&unit) => pps.push(unit),
            _ => {}
        }
    }
    avc::record(&sps, &pps).filter(|_| !pps.is_empty()).map(Bytes::from)
}

/// The sample that a frame makes: its units behind their lengths, without delimiters, filler and the parameter sets of the
/// configuration. `None` when it has others, or a unit that cannot be.
pub(super) fn sample(frame: &[u8], record: &[u8]) -> Option<Bytes> {
    let known = avc::Record::parse(record)?;
    let mut out = Vec::with_capacity(frame.len() + 16);
    for unit in units(frame) {
        let kind = avc::NalType::of(unit)?;
        if kind.is_sps() || kind.is_pps() {
            if !known.sps.contains(&unit) && !known.pps.contains(&unit) {
                return None;
            }
        } else if !kind.is_aud() && !kind.is_filler() {
            out.extend_from_slice(&u32::try_from(unit.len()).ok()?.to_be_bytes());
            out.extend_from_slice(unit);
        }
    }
    (!out.is_empty()).then(|| out.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// Of a clip of 96x64 pixels.
    const SPS: &[u8] = &[
        0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x46, 0x26, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03,
        0x00, 0xc8, 0x3c, 0x48, 0x96, 0x58,
    ];
    const PPS: &[u8] = &[0x68, 0xef, 0x8f, 0xcb];

    fn stream(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
    }

    #[test]
    fn a_key_frame_tells_its_configuration_and_becomes_a_sample() {
        let slice = [0x65, 0x88, 0x84, 7];
        let key = stream(&[&[9, 0xf0], SPS, PPS, &[6, 5, 1], &slice]);
        let found = record(&key).unwrap();
        assert_eq!(avc::Record::parse(&found).unwrap().first_sps().map(|sps| (sps.width, sps.height)), Some((96, 64)));
        let wanted = [&[0, 0, 0, 3, 6, 5, 1, 0, 0, 0, 4][..], &slice].concat();
        assert_eq!(sample(&key, &found).as_deref(), Some(&wanted[..]));
        assert_eq!(sample(&stream(&[&[0x41, 0x9a]]), &found).as_deref(), Some(&[0, 0, 0, 2, 0x41, 0x9a][..]));
        assert_eq!(sample(&stream(&[&[0x68, 0xee, 1], &slice]), &found), None);
        for nothing in [&stream(&[SPS, &slice])[..], &stream(&[PPS, &slice]), &stream(&[&slice]), &slice, &[]] {
            assert_eq!(record(nothing), None);
        }
    }

    proptest! {
        #[test]
        fn no_frame_panics(frame in prop::collection::vec(prop_oneof![0u8..4, any::<u8>()], 0..200)) {
            let own = record(&frame).unwrap_or_default();
            let _ = sample(&frame, &own);
        }
    }
}

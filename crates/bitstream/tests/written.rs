//! Parameter sets and slice headers that are written at random after the syntax tables of the standards: every one is
//! measured as it was written.
#![allow(clippy::unwrap_used)]

mod written {
    pub(crate) mod avc;
    pub(crate) mod hevc;
    pub(crate) mod writer;
}

use bitstream::{avc, bits, hevc};
use proptest::prelude::*;
use written::writer::{Random, Written};

fn check(units: &[Written], learn: &mut dyn FnMut(&[u8]), length: &dyn Fn(&[u8]) -> Option<usize>) {
    for unit in units {
        match unit.header_bits {
            None => learn(&unit.nal),
            Some(header) => {
                let want = bits::escaped_length(&unit.nal, header.div_ceil(8));
                assert_eq!(length(&unit.nal), want, "{}", hex::encode(&unit.nal));
            }
        }
    }
}

proptest! {
    #[test]
    fn written_h264_headers_are_measured_exactly(seed in any::<u64>()) {
        let mut sets = avc::ParameterSets::new();
        let units = written::avc::stream(&mut Random::new(seed), 8);
        for unit in units.iter().filter(|unit| unit.header_bits.is_none()) {
            prop_assert!(sets.learn(&unit.nal), "{}", hex::encode(&unit.nal));
        }
        check(&units, &mut |_| {}, &|nal| sets.slice_header_length(nal));
    }

    #[test]
    fn written_h265_headers_are_measured_exactly(seed in any::<u64>()) {
        let mut sets = hevc::ParameterSets::new();
        let units = written::hevc::stream(&mut Random::new(seed), 8);
        for unit in units.iter().filter(|unit| unit.header_bits.is_none()) {
            prop_assert!(sets.learn(&unit.nal), "{}", hex::encode(&unit.nal));
        }
        check(&units, &mut |_| {}, &|nal| sets.slice_header_length(nal));
    }

    #[test]
    fn damaged_units_never_panic(seed in any::<u64>(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), hevc_stream in any::<bool>()) {
        let random = &mut Random::new(seed);
        let units = if hevc_stream { written::hevc::stream(random, 3) } else { written::avc::stream(random, 3) };
        let (mut avc_sets, mut hevc_sets) = (avc::ParameterSets::new(), hevc::ParameterSets::new());
        let mut access_units = avc::AccessUnits::new();
        for unit in units {
            let mut nal = unit.nal;
            for (at, byte) in &damage {
                let at = at.index(nal.len());
                nal[at] = *byte;
            }
            let _ = (avc_sets.learn(&nal), hevc_sets.learn(&nal), hevc::Vps::parse(&nal), access_units.begins(&nal));
            for length in [avc_sets.slice_header_length(&nal), hevc_sets.slice_header_length(&nal)].into_iter().flatten() {
                prop_assert!(length <= nal.len());
            }
        }
    }
}

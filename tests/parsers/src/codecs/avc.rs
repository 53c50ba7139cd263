use bitstream::avc::{self, AccessUnits, NalType, ParameterSets, Pps, Record, Sps};

/// A track of H.264 or a byte stream: parameter sets, slice headers, access units, records.
pub fn avc(data: &[u8]) {
    let (config, _) = crate::pieces::split(data);
    let mut sets = record(config).unwrap_or_default();
    let mut units = AccessUnits::with_sets(sets.clone());
    for nal in super::nal_units(data) {
        super::escapes(&nal[..nal.len().min(64)]);
        units.begins(nal);
        let read = sets.learn(nal);
        let Some(kind) = NalType::of(nal) else { continue };
        if kind.is_sps() {
            sequence(nal);
        } else if kind.is_pps() {
            assert_eq!(read, Pps::parse(nal).is_some());
        } else {
            assert!(!read, "type {} is no parameter set", kind.number());
        }
        let header = sets.slice_header(nal);
        let length = sets.slice_header_length(nal);
        assert_eq!(header.is_some(), length.is_some());
        assert!(length.is_none_or(|length| length > 1 && length <= nal.len()), "{length:?} of {}", nal.len());
    }
}

fn sequence(nal: &[u8]) {
    let Some(sps) = Sps::parse(nal) else { return };
    assert!(sps.max_reorder() <= 16 && sps.max_dpb_frames() <= 16, "{sps:?}");
    let Some(written) = avc::record(&[nal], &[]) else { return };
    let read = Record::parse(&written).expect("what was written is read");
    assert_eq!((read.sps, read.length_size), (vec![nal], 4));
    let name = avc::codec_string(&written).expect("it has a name");
    assert!(name.len() == 11 && name.starts_with("avc1."), "{name}");
    assert!(ParameterSets::from_record(&written).is_some());
}

fn record(config: &[u8]) -> Option<ParameterSets> {
    let _ = avc::codec_string(config);
    let record = Record::parse(config)?;
    let _ = record.first_sps();
    if let Some(again) = avc::record(&record.sps, &record.pps) {
        let again = Record::parse(&again).expect("what was written is read");
        assert_eq!((again.sps, again.pps), (record.sps, record.pps));
    }
    ParameterSets::from_record(config)
}

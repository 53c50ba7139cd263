use bitstream::hevc::{self, AccessUnits, NalType, ParameterSets, Pps, Record, Sps, Vps};

/// A track of H.265 or a byte stream: parameter sets, slice headers, access units, records.
pub fn hevc(data: &[u8]) {
    let (config, _) = crate::pieces::split(data);
    let mut sets = record(config).unwrap_or_default();
    let mut units = AccessUnits::new();
    for nal in super::nal_units(data) {
        units.begins(nal);
        let read = sets.learn(nal);
        let Some(kind) = NalType::of(nal) else { continue };
        if kind.is_vps() {
            let _ = Vps::parse(nal);
        } else if kind.is_sps() {
            sequence(nal);
        } else if kind.is_pps() {
            assert!(!read || Pps::parse(nal).is_some());
        } else {
            assert!(!read, "type {} is no parameter set", kind.number());
        }
        let header = sets.slice_header(nal);
        let length = sets.slice_header_length(nal);
        assert!(header.is_some() || length.is_none());
        assert!(length.is_none_or(|length| length > 2 && length <= nal.len()), "{length:?} of {}", nal.len());
    }
}

fn sequence(nal: &[u8]) {
    let Some(sps) = Sps::parse(nal) else { return };
    assert!(sps.chroma_array_type() <= 3);
    let Some(written) = hevc::record(&[], &[nal], &[], &[]) else { return };
    let read = Record::parse(&written).expect("what was written is read");
    assert_eq!((read.sps.as_slice(), read.length_size), ([nal].as_slice(), 4));
    assert_eq!(read.chroma_format, sps.chroma_format);
    let name = hevc::codec_string(&written).expect("it has a name");
    assert!(name.starts_with("hvc1."), "{name}");
}

fn record(config: &[u8]) -> Option<ParameterSets> {
    let _ = hevc::codec_string(config);
    let record = Record::parse(config)?;
    let _ = record.first_sps();
    if let Some(again) = hevc::record(&record.vps, &record.sps, &record.pps, &record.sei) {
        let again = Record::parse(&again).expect("what was written is read");
        assert_eq!(again.light(), record.light());
        assert_eq!((again.vps, again.sps, again.pps, again.sei), (record.vps, record.sps, record.pps, record.sei));
    }
    ParameterSets::from_record(config)
}

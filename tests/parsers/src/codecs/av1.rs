use bitstream::av1::{self, Frames, Record, SequenceHeader};

/// A track of AV1: records, open bitstream units, and where tiles lie.
pub fn av1(data: &[u8]) {
    let (config, samples) = crate::pieces::split(data);
    let _ = av1::codec_string(config);
    if let Some(record) = Record::parse(config)
        && let Some(sequence) = record.sequence_header()
    {
        let _ = sequence.operating_points_list();
    }
    let mut frames = Frames::with_record(config);
    let mut alone = Frames::new();
    for sample in samples {
        unit(sample);
        for frames in [&mut frames, &mut alone] {
            let mut tiles = Vec::new();
            if frames.tiles(sample, &mut tiles).is_some() {
                super::in_order(&tiles, sample.len());
                for tile in &tiles {
                    let inside = av1::protected(tile);
                    assert!(inside.start >= tile.start && inside.end == tile.end && inside.len().is_multiple_of(16));
                    assert!(tile.len() - inside.len() < 16);
                }
            }
        }
    }
    unit(data);
}

fn unit(unit: &[u8]) {
    let found: Vec<_> = av1::obus(unit).collect();
    let whole: Vec<_> = found.iter().flatten().map(|obu| obu.whole.clone()).collect();
    super::in_order(&whole, unit.len());
    assert!(whole.windows(2).all(|pair| pair[0].end == pair[1].start));
    for obu in found.iter().flatten() {
        assert!(obu.payload.start >= obu.whole.start && obu.payload.end == obu.whole.end);
    }
    let mut kept = Vec::new();
    let complete = av1::kept(unit, &mut kept).is_some();
    assert_eq!(complete, found.iter().all(Option::is_some));
    super::in_order(&kept, unit.len());
    let _ = (av1::is_keyframe(unit), av1::leb128(unit));
    let sequence = SequenceHeader::find(unit);
    if let Some(record) = av1::record(unit) {
        let read = Record::parse(&record).expect("what was written is read");
        assert_eq!(read.sequence_header(), sequence);
        let _ = read.light();
        assert!(av1::codec_string(&record).is_some_and(|name| name.starts_with("av01.")));
    }
}

use bitstream::vp9::{self, Frames, Record};

/// A track of VP9: records, superframes and frame headers.
pub fn vp9(data: &[u8]) {
    let (config, samples) = crate::pieces::split(data);
    record(config);
    let mut frames = Frames::new();
    let mut headers = Vec::new();
    for sample in samples {
        let _ = vp9::is_keyframe(sample);
        let ranges: Option<Vec<_>> = vp9::frames(sample).map(Iterator::collect);
        super::in_order(ranges.iter().flatten(), sample.len());
        headers.clear();
        if frames.headers(sample, &mut headers).is_none() {
            continue;
        }
        assert_eq!(Some(headers.iter().map(|frame| frame.range.clone()).collect()), ranges);
        for frame in &headers {
            assert!(frame.clear <= frame.range.len());
            let protected = frame.protected();
            assert!(protected.start >= frame.range.start + frame.clear && protected.end == frame.range.end);
            let rate = Some((frame.height, frame.width));
            if let Some(format) = &frame.format {
                let bytes = Record::new(format, frame.width, frame.height, rate).to_bytes();
                record(&bytes).expect("what was made of a frame is read");
            }
        }
    }
}

fn record(config: &[u8]) -> Option<()> {
    let record = Record::parse(config)?;
    assert_eq!(Record::parse(&record.to_bytes()), Some(record));
    let name = vp9::codec_string(config).expect("it has a name");
    assert!(name.starts_with("vp09."), "{name}");
    Some(())
}

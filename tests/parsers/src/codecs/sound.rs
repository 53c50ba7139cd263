use bitstream::audio::aac::{self, adts};
use bitstream::audio::{ac3, flac, mp3, opus};

/// A track of any sound codec, or a stream of frames: configurations, frame headers, sync.
pub fn audio(data: &[u8]) {
    let (config, samples) = crate::pieces::split(data);
    configuration(config);
    for sample in samples {
        frame(sample);
    }
    configuration(data);
    frame(data);
    streams(data);
}

fn configuration(config: &[u8]) {
    if let Some(read) = aac::Config::parse(config) {
        let _ = (read.channels(), read.output_frame_length(), read.may_hide_sbr());
        if let Some(bytes) = read.to_bytes() {
            assert_eq!(aac::Config::parse(&bytes), Some(read));
        }
    }
    let _ = aac::codec_string(config);
    if let Some(read) = ac3::Ac3Config::parse(config) {
        let _ = (read.rate(), read.bitrate_bps(), read.channels());
        assert_eq!(ac3::Ac3Config::parse(&read.to_bytes()), Some(read));
    }
    if let Some(read) = ac3::Eac3Config::parse(config) {
        let _ = (read.channels(), read.substreams().iter().map(ac3::Independent::channels).max());
        assert_eq!(ac3::Eac3Config::parse(&read.to_bytes()), Some(read));
    }
    let _ = (ac3::codec_string(config), ac3::codec_string_enhanced(config));
    if let Some(read) = opus::Config::parse(config) {
        assert_eq!(opus::Config::parse(&read.to_bytes()).as_ref(), Some(&read));
        assert_eq!(opus::Config::from_head(&read.to_head()), Some(read));
    }
    if let Some(read) = opus::Config::from_head(config) {
        assert_eq!(opus::Config::parse(&read.to_bytes()), Some(read));
    }
    if let Some(blocks) = flac::metadata(config) {
        assert!(flac::StreamInfo::parse(&blocks).is_some());
    }
    let _ = (opus::codec_string(config), flac::codec_string(config));
}

fn frame(bytes: &[u8]) {
    assert!(opus::duration(bytes).is_none_or(|duration| (1..=5760).contains(&duration)));
    assert!(flac::block_size(bytes).is_none_or(|size| (1..=65_536).contains(&size)));
    let _ = (mp3::Header::parse(bytes), mp3::codec_string(bytes));
    for last in [false, true] {
        if let Some(unit) = ac3::access_unit(bytes, last) {
            assert!(unit.length <= bytes.len() && unit.frames > 0, "{unit:?} of {}", bytes.len());
        }
    }
    if let Some(read) = ac3::SyncFrame::parse(bytes) {
        let _ = (read.samples(), read.channels());
        if let Some(config) = ac3::Ac3Config::new(&read) {
            assert_eq!(ac3::Ac3Config::parse(&config.to_bytes()), Some(config));
        }
        if let Some(config) = ac3::Eac3Config::new(bytes) {
            assert_eq!(ac3::Eac3Config::parse(&config.to_bytes()), Some(config));
        }
    }
}

fn streams(bytes: &[u8]) {
    let mut at = 0;
    let mut frames = adts::Frames::new(bytes);
    for frame in frames.by_ref() {
        assert_eq!(frame.whole.start, at + frame.skipped);
        assert!(frame.whole.end <= bytes.len() && frame.whole.contains(&frame.payload.start));
        assert_eq!(frame.payload.end, frame.whole.end);
        let _ = frame.header.config().map(|config| config.channels());
        at = frame.whole.end;
    }
    assert!((at..=bytes.len()).contains(&frames.position()));
    let mut frames = ac3::SyncFrames::new(bytes);
    let ranges: Vec<_> = frames.by_ref().map(|(_, range)| range).collect();
    super::in_order(&ranges, bytes.len());
    assert!(frames.position() <= bytes.len());
}

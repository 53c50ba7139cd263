//! Init segments from the configurations that files bring along.

use media_types::{CodecConfig, Timescale, TrackKind, TrackRecord};
use packager::{codec_name, codec_string, composition_delay, init_segment};

use crate::stored_segment::common;

/// Byte 0 chooses the codec, 1 the kind of track; 8 bytes of figures; then the configuration: named and written into an
/// init segment that holds it whole, or refused.
pub fn init_boxes(data: &[u8]) {
    let Some((&[codec, kind, a, b, c, d, e, f, g, h], config)) = data.split_first_chunk::<10>() else { return };
    let track = record(crate::encryption::config_of(codec, config), kind, [a, b, c, d, e, f, g, h]);
    let _ = (codec_string(&track.config), codec_name(&track.config));
    let _ = composition_delay(&track.kind, track.timescale, &track.config);
    let Ok(init) = init_segment(&track, None) else { return };
    assert!(init.len() <= config.len() + 2048, "{} bytes for a configuration of {}", init.len(), config.len());
    assert_eq!(&init[4..8], b"ftyp");
    codec_string(&track.config).expect("what can be packaged has a name");
}

fn record(config: CodecConfig, kind: u8, figures: [u8; 8]) -> TrackRecord {
    let pair = |at: usize| u32::from(u16::from_be_bytes([figures[at], figures[at + 1]]));
    let kind = match kind % 3 {
        0 => TrackKind::Video {
            width: pair(0),
            height: pair(2),
            rate_num: pair(4),
            rate_den: pair(6),
            sample_aspect: (u32::from(kind >> 4), u32::from(kind & 15)),
        },
        1 => TrackKind::Audio { sample_rate: pair(0) * 4, channels: pair(2) },
        _ => TrackKind::Text,
    };
    let timescale = Timescale::new(pair(4) * 1000).unwrap_or(Timescale::NINETY_KHZ);
    TrackRecord { hidden_ticks: pair(6), ..common::bare("track", kind, timescale, config) }
}

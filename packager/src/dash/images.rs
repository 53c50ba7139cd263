//! Thumbnails as a set of images (DASH-IF Interoperability Points §6.2.6).

use dash_mpd_core::{AdaptationSet, EssentialProperty, Representation, SegmentTemplate};

use crate::StoryboardRef;
use crate::bitrate::bits_per_second;

const THUMBNAIL_TILE: &str = "http://dashif.org/guidelines/thumbnail_tile";

/// One sheet that covers the presentation. Its duration is that of all its tiles, also of those behind the end, which are
/// blank: players divide it by their number.
pub(super) fn set(prefix: &str, board: &StoryboardRef<'_>) -> AdaptationSet {
    let covered_ms = u64::from(board.columns) * u64::from(board.rows) * u64::from(board.interval_ms);
    let shown_ms = board.duration_ms.unsigned_abs().clamp(1, covered_ms.max(1));
    AdaptationSet {
        contentType: Some("image".to_owned()),
        mimeType: Some("image/jpeg".to_owned()),
        SegmentTemplate: Some(SegmentTemplate {
            media: Some(format!("{prefix}{}", board.uri)),
            startNumber: Some(1),
            timescale: Some(1000),
            duration: Some(covered_ms as f64),
            ..SegmentTemplate::default()
        }),
        representations: vec![Representation {
            id: Some("storyboard".to_owned()),
            bandwidth: Some(bits_per_second(board.sheet_bytes, shown_ms, 1000)),
            width: Some(u64::from(board.columns) * u64::from(board.tile_width)),
            height: Some(u64::from(board.rows) * u64::from(board.tile_height)),
            essential_property: vec![EssentialProperty {
                schemeIdUri: THUMBNAIL_TILE.to_owned(),
                value: Some(format!("{}x{}", board.columns, board.rows)),
                ..EssentialProperty::default()
            }],
            ..Representation::default()
        }],
        ..AdaptationSet::default()
    }
}

//! Key periods, and which tracks a key is for.

use drm::KeyId;

/// A stretch of time (clause "`ContentKeyPeriod` Element").
///
/// Times are as written in XML Schema: `dateTime` and `duration`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentKeyPeriod {
    /// `@id`, by which rules refer to it.
    pub id: Option<String>,
    /// `@index`, growing by period.
    pub index: Option<u32>,
    /// `@label`.
    pub label: Option<String>,
    /// `@start`, a wall-clock time.
    pub start: Option<String>,
    /// `@end`, a wall-clock time; the period ends before it.
    pub end: Option<String>,
    /// `@startOffset` from the start of the media.
    pub start_offset: Option<String>,
    /// `@endOffset` from the start of the media; the period ends before it.
    pub end_offset: Option<String>,
    /// `@duration`, instead of an end.
    pub duration: Option<String>,
}

/// Which tracks a key is for (clause "`ContentKeyUsageRule` Element").
///
/// Filters of one kind are alternatives; all kinds that occur must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRule {
    /// `@id`.
    pub id: Option<String>,
    /// `@kid`.
    pub kid: KeyId,
    /// `@intendedTrackType`: a name for these tracks, such as `SD` or `AUDIO`.
    pub intended_track_type: Option<String>,
    /// `KeyPeriodFilter/@periodId`.
    pub periods: Vec<String>,
    /// `LabelFilter/@label`.
    pub labels: Vec<String>,
    /// `VideoFilter`.
    pub video: Vec<VideoFilter>,
    /// `AudioFilter`.
    pub audio: Vec<AudioFilter>,
    /// `BitrateFilter`.
    pub bitrate: Vec<BitrateFilter>,
    /// There are filters that are not known: the rule cannot be used. In their place one is written that nobody knows.
    pub unknown_filters: bool,
}

impl UsageRule {
    /// For that key, matching everything.
    pub fn new(kid: KeyId) -> Self {
        Self {
            id: None,
            kid,
            intended_track_type: None,
            periods: Vec::new(),
            labels: Vec::new(),
            video: Vec::new(),
            audio: Vec::new(),
            bitrate: Vec::new(),
            unknown_filters: false,
        }
    }
}

/// Video of these properties; any video without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoFilter {
    /// At least so many pixels in a picture.
    pub min_pixels: Option<u64>,
    /// At most so many.
    pub max_pixels: Option<u64>,
    /// High dynamic range or not.
    pub hdr: Option<bool>,
    /// Wide colour gamut or not.
    pub wcg: Option<bool>,
    /// More frames per second than this.
    pub min_fps: Option<u64>,
    /// At most so many.
    pub max_fps: Option<u64>,
}

/// Audio of these properties; any audio without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudioFilter {
    /// At least so many channels.
    pub min_channels: Option<u64>,
    /// At most so many.
    pub max_channels: Option<u64>,
}

/// Tracks of these bit rates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BitrateFilter {
    /// At least so many bits per second.
    pub min_bps: Option<u64>,
    /// At most so many.
    pub max_bps: Option<u64>,
}

//! Which tracks a key is for: the encryption contract of SPEKE v2.

use crate::model::{AudioFilter, UsageRule, VideoFilter};

/// An encryption contract is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrackTypeError {
    /// No name, or an empty part of it.
    #[error("the track type is empty or has an empty part")]
    Empty,
    /// As many filters as parts joined with `+`.
    #[error("the track type has {parts} parts and {filters} filters")]
    Count {
        /// Parts of the name.
        parts: usize,
        /// Filters for video and audio.
        filters: usize,
    },
    /// `ALL` is for everything: one filter each for video and audio, without attributes.
    #[error("the track type ALL does not have one filter for video and one for audio, both without attributes")]
    All,
    /// SPEKE knows neither labels, bit rates nor colour gamuts.
    #[error("the rule filters by label, bit rate or colour gamut, which SPEKE does not know")]
    Filter,
}

/// The tracks one key is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracks {
    /// `intendedTrackType`: names joined with `+`, one for each filter; or `ALL`.
    pub name: String,
    /// Kinds of video.
    pub video: Vec<VideoFilter>,
    /// Kinds of audio.
    pub audio: Vec<AudioFilter>,
}

/// Up to 1024x576.
const SD: u64 = 1024 * 576;
/// Up to 1280x720.
const HD1: u64 = 1280 * 720;
/// Up to 1920x1080.
const HD: u64 = 1920 * 1080;
/// Up to 4096x2160.
const UHD1: u64 = 4096 * 2160;

impl Tracks {
    /// Everything: `ALL`.
    pub fn all() -> Self {
        Self { name: "ALL".to_owned(), video: vec![VideoFilter::default()], audio: vec![AudioFilter::default()] }
    }

    /// All video: `VIDEO`.
    pub fn video() -> Self {
        Self::pixels("VIDEO", None, None)
    }

    /// All audio: `AUDIO`.
    pub fn audio() -> Self {
        Self::channels("AUDIO", None, None)
    }

    /// Video of up to 1024x576 pixels: `SD`.
    pub fn sd() -> Self {
        Self::pixels("SD", None, Some(SD))
    }

    /// Video of more than SD, up to 1920x1080: `HD`.
    pub fn hd() -> Self {
        Self::pixels("HD", Some(SD + 1), Some(HD))
    }

    /// Video of more than SD, up to 1280x720: `HD1`.
    pub fn hd1() -> Self {
        Self::pixels("HD1", Some(SD + 1), Some(HD1))
    }

    /// Video of more than 1280x720, up to 1920x1080: `HD2`.
    pub fn hd2() -> Self {
        Self::pixels("HD2", Some(HD1 + 1), Some(HD))
    }

    /// Video of more than HD: `UHD`.
    pub fn uhd() -> Self {
        Self::pixels("UHD", Some(HD + 1), None)
    }

    /// Video of more than HD, up to 4096x2160: `UHD1`.
    pub fn uhd1() -> Self {
        Self::pixels("UHD1", Some(HD + 1), Some(UHD1))
    }

    /// Video of more than 4096x2160: `UHD2`.
    pub fn uhd2() -> Self {
        Self::pixels("UHD2", Some(UHD1 + 1), None)
    }

    /// Audio of up to two channels: `STEREO_AUDIO`.
    pub fn stereo_audio() -> Self {
        Self::channels("STEREO_AUDIO", None, Some(2))
    }

    /// Audio of more than two channels: `MULTICHANNEL_AUDIO`.
    pub fn multichannel_audio() -> Self {
        Self::channels("MULTICHANNEL_AUDIO", Some(3), None)
    }

    /// Both these and those, named with a `+` between, such as `SD+HD1`.
    pub fn and(mut self, other: Tracks) -> Self {
        self.name.push('+');
        self.name.push_str(&other.name);
        self.video.extend(other.video);
        self.audio.extend(other.audio);
        self
    }

    fn pixels(name: &str, min_pixels: Option<u64>, max_pixels: Option<u64>) -> Self {
        let filter = VideoFilter { min_pixels, max_pixels, ..VideoFilter::default() };
        Self { name: name.to_owned(), video: vec![filter], audio: Vec::new() }
    }

    fn channels(name: &str, min_channels: Option<u64>, max_channels: Option<u64>) -> Self {
        Self { name: name.to_owned(), video: Vec::new(), audio: vec![AudioFilter { min_channels, max_channels }] }
    }

    /// The contract that a usage rule states.
    ///
    /// # Errors
    /// See [`TrackTypeError`].
    pub fn of_rule(rule: &UsageRule) -> Result<Self, TrackTypeError> {
        if !rule.labels.is_empty() || !rule.bitrate.is_empty() {
            return Err(TrackTypeError::Filter);
        }
        let name = rule.intended_track_type.clone().unwrap_or_default();
        let tracks = Self { name, video: rule.video.clone(), audio: rule.audio.clone() };
        tracks.check()?;
        Ok(tracks)
    }

    /// Checks name against filters.
    ///
    /// # Errors
    /// See [`TrackTypeError`].
    pub fn check(&self) -> Result<(), TrackTypeError> {
        if self.name.split('+').any(|part| part.trim().is_empty()) {
            return Err(TrackTypeError::Empty);
        }
        if self.video.iter().any(|filter| filter.wcg.is_some()) {
            return Err(TrackTypeError::Filter);
        }
        if self.name == "ALL" {
            return if *self == Self::all() { Ok(()) } else { Err(TrackTypeError::All) };
        }
        let (parts, filters) = (self.name.split('+').count(), self.video.len() + self.audio.len());
        if parts == filters { Ok(()) } else { Err(TrackTypeError::Count { parts, filters }) }
    }
}

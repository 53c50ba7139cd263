//! One track as it is walked: what to fetch, and what was measured.

use crate::bmff::check_segment::{State, Summary};
use crate::bmff::init::Init;
use crate::codec::Facts;
use crate::hls::media::Media;

/// A media playlist, a representation or a file.
#[derive(Debug)]
pub(crate) struct Track {
    /// Where findings about the whole track belong.
    pub(crate) resource: String,
    pub(crate) hls: bool,
    /// Single pictures for fast playback.
    pub(crate) iframes: bool,
    pub(crate) inits: Vec<InitPlan>,
    pub(crate) segments: Vec<SegmentPlan>,
    /// Where a segment index lies that tells the segments.
    pub(crate) index: Option<(String, (u64, u64))>,
    pub(crate) playlist: Option<Media>,
    pub(crate) state: State,
    /// Whether all segments were read.
    pub(crate) complete: bool,
}

/// An initialisation segment.
#[derive(Debug)]
pub(crate) struct InitPlan {
    pub(crate) uri: String,
    pub(crate) range: Option<(u64, u64)>,
    pub(crate) loaded: Option<Loaded>,
}

/// What it says.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) init: Init,
    /// Of its first track.
    pub(crate) facts: Facts,
}

/// A segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct SegmentPlan {
    pub(crate) uri: String,
    pub(crate) range: Option<(u64, u64)>,
    pub(crate) line: Option<u32>,
    pub(crate) init: Option<usize>,
    /// The timeline starts anew here.
    pub(crate) discontinuity: bool,
    /// Encrypted as a whole: its bytes cannot be read.
    pub(crate) opaque: bool,
    /// Stated length in seconds.
    pub(crate) duration: Option<f64>,
    /// Stated start and end in ticks of a timescale, of media time (DASH).
    pub(crate) stated: Option<(u64, u64, u64)>,
    /// Size in bytes, and what it holds.
    pub(crate) size: Option<u64>,
    pub(crate) summary: Option<Summary>,
}

impl Track {
    /// A representation, or a file by itself.
    pub(crate) fn new(resource: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            hls: false,
            iframes: false,
            inits: Vec::new(),
            segments: Vec::new(),
            index: None,
            playlist: None,
            state: State::default(),
            complete: true,
        }
    }

    /// A media playlist.
    pub(crate) fn hls(resource: &str) -> Self {
        Self { hls: true, ..Self::new(resource) }
    }

    /// The first initialisation segment that was read.
    pub(crate) fn loaded(&self) -> Option<&Loaded> {
        self.inits.iter().find_map(|init| init.loaded.as_ref())
    }

    /// Its first track.
    pub(crate) fn media(&self) -> Option<&crate::bmff::init::Track> {
        self.loaded()?.init.tracks.first()
    }

    /// Ticks per second, never 0.
    pub(crate) fn timescale(&self) -> u64 {
        self.media().map_or(1, |media| u64::from(media.timescale.max(1)))
    }

    /// Measured length of a segment in seconds, or the stated one.
    pub(crate) fn seconds(&self, segment: &SegmentPlan) -> Option<f64> {
        let measured = segment.summary.map(|summary| summary.duration as f64 / self.timescale() as f64);
        measured.or(segment.duration)
    }
}

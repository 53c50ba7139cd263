//! That an engine gave exactly what was ordered.

use media_types::Sample;
use thiserror::Error;

use crate::{RangeOrder, RangeSummary, VideoSetup};

/// How a range differs from its order.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RangeFault {
    /// The engine reported on another number of tracks.
    #[error("{found} tracks came back, {ordered} were ordered")]
    Tracks {
        /// Renditions of the order.
        ordered: usize,
        /// Tracks of the summary.
        found: usize,
    },
    /// The engine judged another number of tracks.
    #[error("{found} tracks were judged, {ordered} were to be")]
    Judged {
        /// Renditions to be judged.
        ordered: usize,
        /// Qualities of the summary.
        found: usize,
    },
    /// A track has too few or too many frames.
    #[error("track {track} has {found} frames, {ordered} were ordered")]
    Frames {
        /// Position in the order's renditions.
        track: usize,
        /// Frames of the order.
        ordered: u64,
        /// Frames that came.
        found: u64,
    },
    /// More pictures are missing than the order has.
    #[error("{missing} pictures are said to be missing, the order has {ordered}")]
    Missing {
        /// Pictures of the order.
        ordered: u64,
        /// Pictures of the summary.
        missing: u64,
    },
    /// A sample is for no ordered track.
    #[error("a sample came for track {track}, which was not ordered")]
    UnknownTrack {
        /// What the engine called it.
        track: u32,
    },
    /// A sample's decode time or length breaks the grid.
    #[error("track {track}: a sample at {dts} came where {expected} was due")]
    DecodeTime {
        /// Position in the order's renditions.
        track: u32,
        /// Its decode time in ticks.
        dts: i64,
        /// The decode time that was due, in ticks.
        expected: i64,
    },
    /// A frame came twice, or lies outside the range or off the grid.
    #[error("track {track}: the frame at {pts} is not one of the range, or came twice")]
    Frame {
        /// Position in the order's renditions.
        track: u32,
        /// Its presentation time in ticks.
        pts: i64,
    },
    /// A frame is shown for longer than one may be held, or is held and not decoded when it is shown.
    #[error("track {track}: the frame at {pts} is held for too long, or decoded out of order")]
    Held {
        /// Position in the order's renditions.
        track: u32,
        /// Its presentation time in ticks.
        pts: i64,
    },
    /// The frame that opens a run of `gop_frames` is no key frame.
    #[error("track {track}: the frame at {pts} must be a key frame")]
    NoKeyframe {
        /// Position in the order's renditions.
        track: u32,
        /// Its presentation time in ticks.
        pts: i64,
    },
    /// A key frame that was not decoded when it is shown, or that another rendition does not have.
    #[error("track {track}: the key frame at {pts} is decoded out of order, or not one in every rendition")]
    Keyframe {
        /// Position in the order's renditions.
        track: u32,
        /// Its presentation time in ticks.
        pts: i64,
    },
    /// What is said of the pictures is about others.
    #[error("the scenes are not those of the frames {first_frame} and on")]
    Scenes {
        /// The order's first frame.
        first_frame: u64,
    },
}

/// Checks an engine's own account of a range: every planned frame exactly once per rendition, and scenes of these.
///
/// # Errors
/// The first difference.
pub fn check_range(order: &RangeOrder, summary: &RangeSummary) -> Result<(), RangeFault> {
    let (ordered, found) = (order.renditions.len(), summary.frames_per_track.len());
    if ordered != found {
        return Err(RangeFault::Tracks { ordered, found });
    }
    let judged = if order.judge.is_some() { ordered } else { 0 };
    if summary.quality.len() != judged {
        return Err(RangeFault::Judged { ordered: judged, found: summary.quality.len() });
    }
    let ordered = order.frame_count();
    for (track, &found) in summary.frames_per_track.iter().enumerate() {
        if found != ordered {
            return Err(RangeFault::Frames { track, ordered, found });
        }
    }
    let (ordered, missing) = (order.pictures.0.len() as u64, summary.missing_pictures);
    if missing > ordered {
        return Err(RangeFault::Missing { ordered, missing });
    }
    let first_frame = order.first_frame;
    let fits = summary.scenes.fits(first_frame, order.frame_count());
    if fits { Ok(()) } else { Err(RangeFault::Scenes { first_frame }) }
}

/// Checks the samples of a range themselves as they come, for a caller that does not take the engine's word.
///
/// Holds one byte per frame and rendition.
#[derive(Clone, Debug)]
pub struct RangeCheck {
    video: VideoSetup,
    frame_count: u64,
    first_tick: i64,
    tracks: Vec<TrackCheck>,
}

#[derive(Clone, Debug)]
struct TrackCheck {
    next_dts: i64,
    seen: Vec<Seen>,
}

/// What came of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    Picture,
    Keyframe,
}

impl RangeCheck {
    /// A check of what comes back for `order`.
    pub fn new(order: &RangeOrder) -> Self {
        let frame_count = order.frame_count();
        let first_tick =
            i64::try_from(order.first_frame).unwrap_or(i64::MAX).saturating_mul(order.video.frame_ticks.into());
        let seen = vec![Seen::Nothing; usize::try_from(frame_count).unwrap_or(usize::MAX)];
        let tracks = vec![TrackCheck { next_dts: first_tick, seen }; order.renditions.len()];
        Self { video: order.video.clone(), frame_count, first_tick, tracks }
    }

    /// Takes note of one sample, in decode order.
    ///
    /// # Errors
    /// How it differs from the order.
    pub fn sample(&mut self, track: u32, sample: &Sample) -> Result<(), RangeFault> {
        let ticks = self.video.frame_ticks.max(1);
        let state = usize::try_from(track).ok().and_then(|index| self.tracks.get_mut(index));
        let state = state.ok_or(RangeFault::UnknownTrack { track })?;
        let Sample { dts, pts, duration, keyframe, .. } = *sample;
        if dts != state.next_dts || duration == 0 || !duration.is_multiple_of(ticks) {
            return Err(RangeFault::DecodeTime { track, dts, expected: state.next_dts });
        }
        let (ticks, gop_frames) = (i64::from(ticks), u64::from(self.video.gop_frames.max(1)));
        let offset = pts.checked_sub(self.first_tick).filter(|offset| *offset >= 0 && offset % ticks == 0);
        let frame = offset.and_then(|offset| usize::try_from(offset / ticks).ok());
        let seen = frame.and_then(|frame| state.seen.get_mut(frame));
        let (Some(frame), Some(seen)) = (frame, seen.filter(|seen| **seen == Seen::Nothing)) else {
            return Err(RangeFault::Frame { track, pts });
        };
        *seen = if keyframe { Seen::Keyframe } else { Seen::Picture };
        if keyframe && pts != dts {
            return Err(RangeFault::Keyframe { track, pts });
        }
        if (frame as u64).is_multiple_of(gop_frames) && !keyframe {
            return Err(RangeFault::NoKeyframe { track, pts });
        }
        if duration > self.video.frame_ticks && pts != dts {
            return Err(RangeFault::Held { track, pts });
        }
        state.next_dts = dts.saturating_add(duration.into());
        Ok(())
    }

    /// That nothing is missing: the samples last as long as the range, each shows no more frames than one may, and the key frames
    /// are those of the first rendition.
    ///
    /// # Errors
    /// The first track that is too short, or too long, or stands still, or has other key frames.
    pub fn finish(&self) -> Result<(), RangeFault> {
        let ticks = i64::from(self.video.frame_ticks.max(1));
        for (track, state) in self.tracks.iter().enumerate() {
            let found = ((state.next_dts - self.first_tick) / ticks).unsigned_abs();
            if found != self.frame_count {
                return Err(RangeFault::Frames { track, ordered: self.frame_count, found });
            }
            let mut shown_to = 0;
            for ((frame, seen), first) in (0..).zip(&state.seen).zip(&self.tracks[0].seen) {
                let (track, pts) = (track as u32, self.first_tick + ticks * i64::try_from(frame).unwrap_or(i64::MAX));
                if (*seen == Seen::Keyframe) != (*first == Seen::Keyframe) {
                    return Err(RangeFault::Keyframe { track, pts });
                }
                if *seen != Seen::Nothing {
                    shown_to = frame + u64::from(self.video.longest_hold(frame));
                } else if frame >= shown_to {
                    return Err(RangeFault::Held { track, pts });
                }
            }
        }
        Ok(())
    }
}

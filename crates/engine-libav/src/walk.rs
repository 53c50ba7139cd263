//! The decoded pictures of a range, for the walk along its frame map.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::SyncSender;

use ff::format::context::Input;
use ff::frame;
use ffmpeg_next as ff;
use pipeline::{Coding, DecodedPictures, EngineError, FilmPictures, Glance, Picture, RangeOrder, Walked, decoded_from};

use crate::film::{Matched, apart};
use crate::glance::glance;
use crate::pictures::{Pictures, is_damaged, time_of};
use crate::unchanged::{Changed, unchanged};

/// Pictures decoded side by side, so that a source that is hard to decode keeps the encoders busy.
const DECODER_THREADS: usize = 2;

/// A decoded picture that all renditions share.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Arc<frame::Video>);

/// A picture, where it is shown, and where it differs from the one that was handed out before.
#[derive(Clone)]
pub(crate) struct Placed {
    pub(crate) picture: Shared,
    pub(crate) first: u64,
    pub(crate) coding: Coding,
    pub(crate) changed: Changed,
}

impl Picture for Shared {
    fn glance(&self) -> Option<Glance> {
        glance(&self.0)
    }

    fn looks_like(&self, before: &Self) -> bool {
        unchanged(&before.0, &self.0)
    }

    fn is_damaged(&self) -> bool {
        is_damaged(&self.0)
    }
}

/// Decodes the range of `order` and hands every planned picture, or its replacement, to all `tracks`.
pub(crate) fn walk(
    source: Input,
    order: &RangeOrder,
    tracks: Vec<SyncSender<Placed>>,
    cancelled: Arc<AtomicBool>,
) -> Result<Walked, EngineError> {
    let Some(first) = order.pictures.0.first() else { return Ok(Walked::default()) };
    let mut before: Option<Shared> = None;
    let hand_out = &mut |pipeline::Placed { picture, first, coding }| {
        let before = before.replace(Shared::clone(&picture));
        let changed = before.map_or(Changed::Anywhere, |before| Changed::between(&before.0, &picture.0));
        let placed = Placed { picture, first, coding, changed };
        tracks.iter().try_for_each(|track| track.send(placed.clone()).map_err(|_| EngineError::Stopped))
    };
    let Some(grid) = &order.video.film else {
        let decoded = Decoded::before(source, order, first.source_pts, cancelled)?;
        return pipeline::walk(order, decoded, true, hand_out);
    };
    let from = decoded_from(&order.video, grid, first.source_pts);
    let matched = Matched::new(Decoded::before(source, order, from, cancelled)?);
    pipeline::walk(order, FilmPictures::new(&order.video, grid, matched, apart)?, true, hand_out)
}

struct Decoded {
    pictures: Pictures,
    /// What came of looking for the place.
    first: Option<frame::Video>,
}

impl Decoded {
    fn before(source: Input, order: &RangeOrder, pts: i64, cancelled: Arc<AtomicBool>) -> Result<Self, EngineError> {
        let threads = if order.careful { 1 } else { DECODER_THREADS };
        let mut pictures = Pictures::new(source, order.video.stream_index, &order.video.clock, threads, cancelled)?;
        let first = pictures.seek_before(pts)?;
        Ok(Self { pictures, first })
    }
}

impl DecodedPictures for Decoded {
    type Picture = Shared;

    fn pixels(&self) -> usize {
        self.pictures.pixels()
    }

    fn next(&mut self) -> Result<Option<(i64, Shared)>, EngineError> {
        loop {
            let next = match self.first.take() {
                Some(first) => Some(first),
                None => self.pictures.next()?,
            };
            let Some(picture) = next else { return Ok(None) };
            if let Some(time) = time_of(&picture) {
                return Ok(Some((time, Shared(Arc::new(picture)))));
            }
        }
    }
}

//! The frame map and the decoded pictures, side by side.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::SyncSender;

use ff::format::context::Input;
use ff::frame;
use ffmpeg_next as ff;
use media_types::loss::joined;
use media_types::{Loss, LossKind, Shown};
use pipeline::{EngineError, RangeOrder, RangeScenes, SceneWatch, VideoSetup};

use crate::error::input;
use crate::glance::glance;
use crate::pictures::{Pictures, is_damaged, time_of};
use crate::unchanged::unchanged;

/// Pictures decoded side by side, so that a source that is hard to decode keeps the encoders busy.
const DECODER_THREADS: usize = 2;
/// Pictures kept at most until it is known whether one of them begins a slide, and their pixels: twelve of 4K.
const MOST_KEPT: usize = 12;
/// Losses that are noted before they are joined.
const MOST_LOSSES: usize = 2000;
const MOST_KEPT_PIXELS: usize = 12 * 4096 * 2160;

/// A picture, and the first frame of the range that shows it. It stays until the next one's.
#[derive(Clone)]
pub(crate) struct Placed {
    pub(crate) picture: Arc<frame::Video>,
    pub(crate) first: u64,
    pub(crate) coding: Coding,
}

/// How a picture is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Decoding can start with it: the plan has it so, or a slide begins with it.
    Keyframe,
    /// No other picture is decoded between it and the one before it, since one of the two is held. Players take a sample's
    /// length in the order of decoding for how long its picture is shown.
    InOrder,
    /// As the encoder likes.
    Free,
}

/// What was found on the way.
#[derive(Default)]
pub(crate) struct Walked {
    /// Planned pictures that could not be decoded.
    pub(crate) missing: u64,
    pub(crate) first_missing_pts: Option<i64>,
    /// What the others show.
    pub(crate) scenes: RangeScenes,
    /// When pictures are missing or damaged.
    pub(crate) losses: Vec<Loss>,
}

/// Decodes the range of `order` and hands every planned picture, or its replacement, to all `tracks`.
pub(crate) fn walk(
    source: Input,
    order: &RangeOrder,
    tracks: Vec<SyncSender<Placed>>,
    cancelled: Arc<AtomicBool>,
) -> Result<Walked, EngineError> {
    let planned = &order.pictures.0;
    let mut walked = Walked::default();
    let Some(first) = planned.first() else { return Ok(walked) };
    let mut cursor = Cursor::at(source, order, first.source_pts, cancelled)?;
    let mut place =
        Placer { video: &order.video, tracks, frame: 0, next: 0, last: None, owed: 0, waiting: VecDeque::new() };
    let mut slides = Slides::new(order, cursor.pictures.pixels());
    let mut frame = 0;
    for (at, shown) in planned.iter().enumerate() {
        let picture = cursor.take(shown.source_pts, slack(planned, at))?.map(Arc::new);
        let kind = match &picture {
            None => Some(LossKind::PicturesHeld),
            Some(picture) => is_damaged(picture).then_some(LossKind::PicturesDamaged),
        };
        if picture.is_none() {
            walked.missing += 1;
            walked.first_missing_pts.get_or_insert(shown.source_pts);
        }
        let end = frame + u64::from(shown.frames);
        walked.losses.extend(kind.map(|kind| lost(kind, frame..end, order)));
        if walked.losses.len() > MOST_LOSSES {
            walked.losses = joined(std::mem::take(&mut walked.losses));
        }
        frame = end;
        slides.push(picture, shown.frames);
        slides.pass_on(&mut place, &mut cursor)?;
    }
    walked.losses = joined(walked.losses);
    walked.scenes = slides.finish(&mut place, &mut cursor)?;
    place.settle(cursor)?;
    place.finish()?;
    Ok(walked)
}

/// Some frames of the range, on the presentation's clock.
fn lost(kind: LossKind, frames: Range<u64>, order: &RangeOrder) -> Loss {
    let rate = order.video.frame_rate;
    let ms = |frame: u64, up: u64| {
        let ticks = u128::from(order.first_frame + frame) * 1000 * u128::from(rate.den());
        u64::try_from((ticks + u128::from(up)) / u128::from(rate.num())).unwrap_or(u64::MAX)
    };
    Loss { kind, track: None, from_ms: ms(frames.start, 0), to_ms: ms(frames.end, u64::from(rate.num()) - 1) }
}

/// Holds pictures back until it is known which of them begin a slide.
struct Slides {
    watch: SceneWatch,
    /// Pictures, or that there is none, and how many frames show them.
    kept: VecDeque<(Option<Arc<frame::Video>>, u32)>,
}

impl Slides {
    /// For pictures of so many pixels.
    fn new(order: &RangeOrder, pixels: usize) -> Self {
        let patience = (MOST_KEPT_PIXELS / pixels.max(1)).clamp(1, MOST_KEPT);
        Self { watch: SceneWatch::new(&order.video, order.first_frame, patience), kept: VecDeque::new() }
    }

    fn push(&mut self, picture: Option<Arc<frame::Video>>, frames: u32) {
        self.watch.show(picture.as_ref().and_then(|picture| glance(picture)), frames);
        self.kept.push_back((picture, frames));
    }

    /// Passes on what is judged.
    fn pass_on(&mut self, place: &mut Placer<'_>, cursor: &mut Cursor) -> Result<(), EngineError> {
        while let Some(slide) = self.watch.keyframe() {
            let Some((picture, frames)) = self.kept.pop_front() else { break };
            match picture {
                Some(picture) => place.show(picture, frames, slide)?,
                None => place.absent(frames, cursor)?,
            }
        }
        Ok(())
    }

    /// Passes on the rest, and tells what all of them show.
    fn finish(mut self, place: &mut Placer<'_>, cursor: &mut Cursor) -> Result<RangeScenes, EngineError> {
        self.watch.finish();
        self.pass_on(place, cursor)?;
        Ok(self.watch.found())
    }
}

/// How far a decoded picture's time may be from the planned one: less than half way to the next.
fn slack(planned: &[Shown], at: usize) -> i64 {
    let gap = |a: usize, b: usize| Some(planned.get(b)?.source_pts.saturating_sub(planned.get(a)?.source_pts));
    let before = at.checked_sub(1).and_then(|previous| gap(previous, at));
    let after = gap(at, at + 1);
    before.into_iter().chain(after).min().map_or(0, |gap| (gap - 1).max(0) / 2)
}

/// The decoded pictures, with the one ahead of the plan and the one behind it.
struct Cursor {
    pictures: Pictures,
    ahead: Option<(i64, frame::Video)>,
    passed: Option<frame::Video>,
}

impl Cursor {
    fn at(source: Input, order: &RangeOrder, pts: i64, cancelled: Arc<AtomicBool>) -> Result<Self, EngineError> {
        let threads = if order.careful { 1 } else { DECODER_THREADS };
        let mut pictures = Pictures::new(source, order.video.stream_index, &order.video.clock, threads, cancelled)?;
        let first = pictures.seek_before(pts)?;
        let ahead = first.and_then(|picture| Some((time_of(&picture)?, picture)));
        Ok(Self { pictures, ahead, passed: None })
    }

    /// The picture of time `wanted`, give or take `slack`. Where several come into question the nearest is meant: when
    /// only every other picture is planned, the one between lies within the slack too.
    fn take(&mut self, wanted: i64, slack: i64) -> Result<Option<frame::Video>, EngineError> {
        loop {
            self.look_ahead()?;
            let off = |time: i64| time.saturating_sub(wanted);
            let Some((time, picture)) = self.ahead.take_if(|(time, _)| off(*time) <= slack) else { return Ok(None) };
            if off(time) >= -slack {
                if time == wanted {
                    return Ok(Some(picture));
                }
                self.look_ahead()?;
                let distance = |time: i64| off(time).unsigned_abs();
                if self.ahead.as_ref().is_none_or(|(next, _)| distance(*next) >= distance(time)) {
                    return Ok(Some(picture));
                }
            }
            self.passed = Some(picture);
        }
    }

    fn look_ahead(&mut self) -> Result<(), EngineError> {
        while self.ahead.is_none() {
            let Some(picture) = self.pictures.next()? else { break };
            self.ahead = time_of(&picture).map(|time| (time, picture));
        }
        Ok(())
    }
}

struct Placer<'a> {
    video: &'a VideoSetup,
    tracks: Vec<SyncSender<Placed>>,
    /// Frames that have their picture.
    frame: u64,
    /// The frame from which on the last picture is shown no more, unless it is handed in again.
    next: u64,
    /// What was handed in last.
    last: Option<Arc<frame::Video>>,
    /// Frames at the start that wait for the first picture there is.
    owed: u32,
    /// What was handed in, from which frame on and whether a slide begins with it, and has yet to be known how long it is
    /// shown: two at most.
    waiting: VecDeque<(Arc<frame::Video>, u64, bool)>,
}

impl Placer<'_> {
    /// Hands in a picture for the next `frames`, unless they show what is there already and no slide begins with it. A
    /// deinterlacer has to see every picture.
    fn show(&mut self, picture: Arc<frame::Video>, frames: u32, slide: bool) -> Result<(), EngineError> {
        let count = frames.saturating_add(std::mem::take(&mut self.owed));
        let held = |last: &Arc<frame::Video>| !self.video.deinterlace && !slide && unchanged(last, &picture);
        let stays = self.last.clone().filter(held);
        if stays.is_none() {
            self.next = self.frame;
        }
        let picture = stays.unwrap_or(picture);
        let begins = slide.then_some(self.frame);
        self.frame += u64::from(count);
        while self.next < self.frame {
            self.hand_in(&picture, self.next, begins == Some(self.next))?;
            self.next += u64::from(self.video.longest_hold(self.next));
        }
        self.last = Some(picture);
        Ok(())
    }

    fn hand_in(&mut self, picture: &Arc<frame::Video>, first: u64, slide: bool) -> Result<(), EngineError> {
        if self.waiting.len() == 2 {
            self.pass_on(first)?;
        }
        self.waiting.push_back((picture.clone(), first, slide));
        Ok(())
    }

    /// Passes on the first of those that wait; the last of them is shown until `end`.
    fn pass_on(&mut self, end: u64) -> Result<(), EngineError> {
        let Some((picture, first, slide)) = self.waiting.pop_front() else { return Ok(()) };
        let next = self.waiting.front().map_or(end, |(_, next, _)| *next);
        let coding = match next - first > 1 || end - next > 1 {
            _ if slide || first.is_multiple_of(self.video.gop_frames.max(1).into()) => Coding::Keyframe,
            true => Coding::InOrder,
            false => Coding::Free,
        };
        for track in &self.tracks {
            let placed = Placed { picture: picture.clone(), first, coding };
            track.send(placed).map_err(|_| EngineError::Stopped)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), EngineError> {
        while !self.waiting.is_empty() {
            self.pass_on(self.frame)?;
        }
        Ok(())
    }

    /// A planned picture that is not there: the one before it stays, be it of the range before.
    fn absent(&mut self, frames: u32, cursor: &mut Cursor) -> Result<(), EngineError> {
        match self.last.clone().or_else(|| cursor.passed.take().map(Arc::new)) {
            Some(picture) => self.show(picture, frames, false),
            None => {
                self.owed = self.owed.saturating_add(frames);
                Ok(())
            }
        }
    }

    /// Pays what is owed when the range has no picture of its own and none before it: with the first one after it.
    fn settle(&mut self, cursor: Cursor) -> Result<(), EngineError> {
        if self.owed == 0 {
            return Ok(());
        }
        let (_, picture) = cursor
            .ahead
            .ok_or_else(|| input("input.undecodable", "no picture of this part of the video can be decoded"))?;
        self.show(Arc::new(picture), 0, false)
    }
}

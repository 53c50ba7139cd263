//! The frame map and the decoded pictures, side by side: the same for every engine.
//!
//! An engine hands pictures in by their times; it is told which of them to encode, at which frame, and how. So ranges have
//! the same frames, key frames and held pictures whatever decodes and encodes them.

use std::collections::VecDeque;
use std::ops::Range;

use media_types::loss::joined;
use media_types::{Loss, LossKind, Shown};

use crate::{EngineError, Glance, RangeOrder, RangeScenes, SceneWatch, VideoSetup};

/// Pictures kept at most until it is known whether one of them begins a slide, and their pixels: twelve of 4K.
const MOST_KEPT: usize = 12;
const MOST_KEPT_PIXELS: usize = MOST_KEPT * 4096 * 2160;
/// Losses that are noted before they are joined.
const MOST_LOSSES: usize = 2000;

/// A decoded picture, wherever it lies; a clone is the same one.
pub trait Picture: Clone {
    /// What it looks like from afar; `None` when it cannot be looked at.
    fn glance(&self) -> Option<Glance>;

    /// Whether nobody could tell it from `before`.
    fn looks_like(&self, before: &Self) -> bool;

    /// Whether its decoder had to make some of it up.
    fn is_damaged(&self) -> bool {
        false
    }
}

/// Decoded pictures in the order in which they are shown, from before the first one that is wanted on.
pub trait DecodedPictures {
    /// What is decoded.
    type Picture: Picture;

    /// Pixels of a picture, as far as is known.
    fn pixels(&self) -> usize;

    /// The next picture that has a time, and that time in source ticks; `None` at the end.
    ///
    /// # Errors
    /// When decoding cannot go on.
    fn next(&mut self) -> Result<Option<(i64, Self::Picture)>, EngineError>;
}

/// A picture, and the first frame of the range that shows it. It stays until the next one's.
#[derive(Clone, Debug)]
pub struct Placed<P> {
    /// What is shown.
    pub picture: P,
    /// The first frame, counted from the range's.
    pub first: u64,
    /// What the encoder is told.
    pub coding: Coding,
}

/// How a picture is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Decoding can start with it: the plan has it so, or a slide begins with it.
    Keyframe,
    /// No other picture is decoded between it and the one before it, since one of the two is held. Players take a sample's
    /// length in the order of decoding for how long its picture is shown.
    InOrder,
    /// As the encoder likes.
    Free,
}

/// What was found on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Planned pictures that could not be decoded.
    pub missing: u64,
    /// Presentation time of the first missing one, in source ticks.
    pub first_missing_pts: Option<i64>,
    /// What the others show.
    pub scenes: RangeScenes,
    /// When pictures are missing or damaged.
    pub losses: Vec<Loss>,
}

/// Hands every planned picture of `order`, or its replacement, to `hand_out`, in order. Unless `may_hold`, a picture is handed
/// out anew for every frame that shows it: for encoders that decide by themselves which pictures are decoded out of order.
///
/// # Errors
/// What `decoded` and `hand_out` say, and [`EngineError::Input`] when there is no picture at all.
pub fn walk<D: DecodedPictures>(
    order: &RangeOrder,
    decoded: D,
    may_hold: bool,
    hand_out: &mut dyn FnMut(Placed<D::Picture>) -> Result<(), EngineError>,
) -> Result<Walked, EngineError> {
    let planned = &order.pictures.0;
    let mut walked = Walked::default();
    if planned.is_empty() {
        return Ok(walked);
    }
    let mut cursor = Cursor { decoded, ahead: None, passed: None };
    let mut place = Placer {
        video: &order.video,
        may_hold,
        hand_out,
        frame: 0,
        next: 0,
        last: None,
        owed: 0,
        waiting: VecDeque::new(),
    };
    // A decoder knows the size of its pictures with the first one.
    cursor.look_ahead()?;
    let mut slides = Slides::new(order, cursor.decoded.pixels());
    let mut frame = 0;
    for (at, shown) in planned.iter().enumerate() {
        let picture = cursor.take(shown.source_pts, slack(planned, at))?;
        let kind = match &picture {
            None => Some(LossKind::PicturesHeld),
            Some(picture) => picture.is_damaged().then_some(LossKind::PicturesDamaged),
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
struct Slides<P> {
    watch: SceneWatch,
    /// Pictures, or that there is none, and how many frames show them.
    kept: VecDeque<(Option<P>, u32)>,
}

impl<P: Picture> Slides<P> {
    /// For pictures of so many pixels.
    fn new(order: &RangeOrder, pixels: usize) -> Self {
        let patience = (MOST_KEPT_PIXELS / pixels.max(1)).clamp(1, MOST_KEPT);
        Self { watch: SceneWatch::new(&order.video, order.first_frame, patience), kept: VecDeque::new() }
    }

    fn push(&mut self, picture: Option<P>, frames: u32) {
        self.watch.show(picture.as_ref().and_then(Picture::glance), frames);
        self.kept.push_back((picture, frames));
    }

    /// Passes on what is judged.
    fn pass_on<D: DecodedPictures<Picture = P>>(
        &mut self,
        place: &mut Placer<'_, P>,
        cursor: &mut Cursor<D>,
    ) -> Result<(), EngineError> {
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
    fn finish<D: DecodedPictures<Picture = P>>(
        mut self,
        place: &mut Placer<'_, P>,
        cursor: &mut Cursor<D>,
    ) -> Result<RangeScenes, EngineError> {
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
struct Cursor<D: DecodedPictures> {
    decoded: D,
    ahead: Option<(i64, D::Picture)>,
    passed: Option<D::Picture>,
}

impl<D: DecodedPictures> Cursor<D> {
    /// The picture of time `wanted`, give or take `slack`. Where several come into question the nearest is meant: when
    /// only every other picture is planned, the one between lies within the slack too.
    fn take(&mut self, wanted: i64, slack: i64) -> Result<Option<D::Picture>, EngineError> {
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
        if self.ahead.is_none() {
            self.ahead = self.decoded.next()?;
        }
        Ok(())
    }
}

struct Placer<'a, P> {
    video: &'a VideoSetup,
    may_hold: bool,
    hand_out: &'a mut dyn FnMut(Placed<P>) -> Result<(), EngineError>,
    /// Frames that have their picture.
    frame: u64,
    /// The frame from which on the last picture is shown no more, unless it is handed in again.
    next: u64,
    /// What was handed in last.
    last: Option<P>,
    /// Frames at the start that wait for the first picture there is.
    owed: u32,
    /// What was handed in, from which frame on and whether a slide begins with it, and has yet to be known how long it is
    /// shown: two at most.
    waiting: VecDeque<(P, u64, bool)>,
}

impl<P: Picture> Placer<'_, P> {
    /// Hands in a picture for the next `frames`, unless they show what is there already and no slide begins with it. A
    /// deinterlacer has to see every picture.
    fn show(&mut self, picture: P, frames: u32, slide: bool) -> Result<(), EngineError> {
        let count = frames.saturating_add(std::mem::take(&mut self.owed));
        let held = |last: &P| self.may_hold && !self.video.deinterlace && !slide && picture.looks_like(last);
        let stays = self.last.clone().filter(held);
        if stays.is_none() {
            self.next = self.frame;
        }
        let picture = stays.unwrap_or(picture);
        let begins = slide.then_some(self.frame);
        self.frame += u64::from(count);
        while self.next < self.frame {
            self.hand_in(&picture, self.next, begins == Some(self.next))?;
            self.next += if self.may_hold { u64::from(self.video.longest_hold(self.next)) } else { 1 };
        }
        self.last = Some(picture);
        Ok(())
    }

    fn hand_in(&mut self, picture: &P, first: u64, slide: bool) -> Result<(), EngineError> {
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
        (self.hand_out)(Placed { picture, first, coding })
    }

    fn finish(mut self) -> Result<(), EngineError> {
        while !self.waiting.is_empty() {
            self.pass_on(self.frame)?;
        }
        Ok(())
    }

    /// A planned picture that is not there: the one before it stays, be it of the range before.
    fn absent<D: DecodedPictures<Picture = P>>(
        &mut self,
        frames: u32,
        cursor: &mut Cursor<D>,
    ) -> Result<(), EngineError> {
        match self.last.clone().or_else(|| cursor.passed.take()) {
            Some(picture) => self.show(picture, frames, false),
            None => {
                self.owed = self.owed.saturating_add(frames);
                Ok(())
            }
        }
    }

    /// Pays what is owed when the range has no picture of its own and none before it: with the first one after it.
    fn settle<D: DecodedPictures<Picture = P>>(&mut self, cursor: Cursor<D>) -> Result<(), EngineError> {
        if self.owed == 0 {
            return Ok(());
        }
        let (_, picture) = cursor.ahead.ok_or_else(|| EngineError::Input {
            code: "input.undecodable".to_owned(),
            detail: "no picture of this part of the video can be decoded".to_owned(),
        })?;
        self.show(picture, 0, false)
    }
}

#[cfg(test)]
mod tests;

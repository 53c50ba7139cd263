//! What the pictures of a recording show: where its slides change, and what kind of recording each scene of it is of.
//!
//! - `glance`: a picture in a few thousand greys, and what differs between two of them.
//! - `greys`: where a picture has its greys, and their means.
//! - `change`: the first picture of every slide.
//! - `kind`: slides, a screen, a person, a film.
//! - `join`: what was found in ranges, over a whole recording.
//!
//! What moves all the time, such as a camera's picture in a corner, a pointer or a video, is left out wherever two pictures
//! are compared. A change is a picture that has replaced another one, when all else stood still before it and stands still
//! after it: so a fade is one change, at the first picture that is whole.

mod change;
mod glance;
mod greys;
mod join;
mod kind;

use std::collections::VecDeque;

use media_types::FrameRate;
use serde::{Deserialize, Serialize};

use crate::VideoSetup;
use change::{Changes, Windows};
use glance::Cells;
use kind::Kinds;

pub use glance::{GLANCE_COLUMNS, GLANCE_ROWS, Glance};
pub use greys::Greys;
pub use join::RecordingScenes;

/// What stands still before a change ...
const BEFORE_MS: u64 = 400;
/// ... and after it; a key frame that is due so soon does for it.
const AFTER_MS: u64 = 500;
/// How long ago the slide before may have been left, beside at once.
const LAGS_MS: [u64; 3] = [300, 700, 1_300];
/// Length of what is sorted by its kind.
const SCENE_MS: u64 = 8_000;
/// Cells of a range's first and last look.
const LOOK_CELLS: usize = GLANCE_COLUMNS / 4 * (GLANCE_ROWS / 4);
/// Changes of a slide are further apart than this.
const LEAST_APART: u64 = 2;

/// A picture that begins another slide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlideChange {
    /// The first frame that shows it, counted over the whole presentation.
    pub frame: u64,
    /// How surely it is one, in percent: how much of what was there is gone.
    pub sure_percent: u8,
}

/// What the pictures of a scene are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SceneKind {
    /// Drawn pictures that stand still, but for a pointer or a camera's picture in a corner; photographs too.
    Slides,
    /// A screen somebody works at: small things change here and there.
    Screencast,
    /// Something that moves before a ground that does not.
    TalkingHead,
    /// Everything moves.
    Film,
}

/// Consecutive frames of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scene {
    /// Its first frame, counted over the whole presentation.
    pub first_frame: u64,
    /// How many frames it has.
    pub frame_count: u64,
    /// What they are.
    pub kind: SceneKind,
}

/// What the pictures of a range show. Empty for pictures that have no grey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeScenes {
    /// Ascending. A slide that begins with the range is not among them: the end of the range before tells that.
    pub changes: Vec<SlideChange>,
    /// All of the range's frames, in order.
    pub kinds: Vec<Scene>,
    /// The first picture in 16 by 9 greys, 0 where it moves; empty unless most of it was drawn and stands still.
    pub opening: Vec<u8>,
    /// The last picture likewise.
    pub closing: Vec<u8>,
}

impl RangeScenes {
    /// Whether it can be about `frame_count` frames from `first_frame` on.
    pub(crate) fn fits(&self, first_frame: u64, frame_count: u64) -> bool {
        let end = first_frame.saturating_add(frame_count);
        let mut next = first_frame;
        let joined = self.kinds.iter().all(|scene| {
            let follows = scene.first_frame == next && scene.frame_count > 0;
            next = next.saturating_add(scene.frame_count);
            follows
        });
        let changes = self.changes.iter().all(|change| (first_frame..end).contains(&change.frame));
        joined
            && (next == end || self.kinds.is_empty())
            && changes
            && self.changes.is_sorted_by(|left, right| left.frame < right.frame)
            && [&self.opening, &self.closing].iter().all(|look| look.is_empty() || look.len() == LOOK_CELLS)
    }
}

/// Watches the pictures of a range as they are decoded.
///
/// Tells of each, a few pictures later, whether it begins a slide and shall be a key frame. That depends on nothing but the
/// pictures between the planned key frames around it, so that ranges which are cut differently have the same.
pub struct SceneWatch {
    keys: Changes,
    slides: Changes,
    kinds: Kinds,
    found: Vec<SlideChange>,
    /// Pictures that `slides` has to judge yet.
    shown: VecDeque<(Glance, Cells, u32)>,
    last: Option<Glance>,
    /// Pictures at the start of which nothing can be said.
    unseen: u32,
    opening: Edge,
    /// The last pictures, oldest first, with their first frames.
    closing: Vec<(u64, Glance, Cells)>,
    frames: u64,
    first_frame: u64,
    before: u64,
    after: u64,
}

/// How a range begins.
#[derive(Default)]
struct Edge {
    glance: Option<Glance>,
    moving: Cells,
}

impl SceneWatch {
    /// For a range that begins with `first_frame`. [`keyframe`](Self::keyframe) is told when at most `patience` more pictures are known.
    pub fn new(video: &VideoSetup, first_frame: u64, patience: usize) -> Self {
        let frames = |ms: u64| frames_in(video.frame_rate, ms).max(1);
        let [short, middle, long] = LAGS_MS.map(|ms| frames(ms).max(LEAST_APART));
        let (before, after) = (frames(BEFORE_MS), frames(AFTER_MS));
        let all = Windows { before, after, lags: [1, short, middle, long], patience: usize::MAX, run: None };
        let runs = Windows { patience, run: Some(video.gop_frames.max(1).into()), ..all };
        Self {
            keys: Changes::new(runs),
            slides: Changes::new(all),
            kinds: Kinds::new(frames(SCENE_MS), frames(1_000)),
            found: Vec::new(),
            shown: VecDeque::new(),
            last: None,
            unseen: 0,
            opening: Edge::default(),
            closing: Vec::new(),
            frames: 0,
            first_frame,
            before,
            after,
        }
    }

    /// The next picture, which is shown for so many frames; `None` when it is the one before it, or cannot be looked at.
    pub fn show(&mut self, glance: Option<Glance>, frames: u32) {
        let Some(glance) = glance.or_else(|| self.last.clone()) else { return self.skip(frames) };
        // The same greys at the same place are compared at no cost.
        let (glance, step) = match &self.last {
            Some(last) if *last == glance => (last.clone(), Cells::default()),
            Some(last) => (glance.clone(), last.differs(&glance)),
            None => (glance, Cells::default()),
        };
        self.keys.show(glance.clone(), step, frames);
        self.slides.show(glance.clone(), step, frames);
        self.shown.push_back((glance.clone(), step, frames));
        self.note_edges(&glance, step);
        self.frames += u64::from(frames);
        self.last = Some(glance);
        self.judge();
    }

    /// Nothing can be said of what comes before the first picture that can be looked at.
    fn skip(&mut self, frames: u32) {
        self.unseen += 1;
        self.frames += u64::from(frames);
        self.keys.skip(frames);
        self.slides.skip(frames);
        self.kinds.skip(frames);
    }

    fn note_edges(&mut self, glance: &Glance, step: Cells) {
        let opening = self.opening.glance.get_or_insert_with(|| glance.clone());
        if self.frames < self.after {
            self.opening.moving.add(&step);
            self.opening.moving.add(&opening.differs(glance));
        }
        self.closing.push((self.frames, glance.clone(), step));
        let behind = self.closing.partition_point(|(first, ..)| first + self.before < self.frames);
        self.closing.drain(..behind.saturating_sub(1));
    }

    fn judge(&mut self) {
        while let Some((frame, sure)) = self.slides.judged() {
            if let Some((glance, step, frames)) = self.shown.pop_front() {
                self.kinds.show(&glance, &step, frames, sure.is_some());
            }
            let sure = sure.map(|sure| u8::try_from(sure.min(100)).unwrap_or(100));
            let change = |sure_percent| SlideChange { frame: self.first_frame + frame, sure_percent };
            self.found.extend(sure.map(change));
        }
    }

    /// Whether the next picture, in the order in which they were shown, is to be a key frame beside the planned ones; `None` until
    /// more are known.
    pub fn keyframe(&mut self) -> Option<bool> {
        if let Some(left) = self.unseen.checked_sub(1) {
            self.unseen = left;
            return Some(false);
        }
        self.keys.judged().map(|(_, sure)| sure.is_some())
    }

    /// No more pictures come: the rest of [`keyframe`](Self::keyframe) is known.
    pub fn finish(&mut self) {
        self.keys.finish();
        self.slides.finish();
        self.judge();
    }

    /// What was found.
    pub fn found(self) -> RangeScenes {
        let closing = self.closing.last().map(|(_, glance, _)| glance.clone());
        let mut moving = Cells::default();
        // The oldest is where the window begins; the step into it is not inside.
        for (_, glance, step) in self.closing.iter().skip(1) {
            moving.add(step);
            moving.add(&self.closing[0].1.differs(glance));
        }
        RangeScenes {
            changes: self.found,
            kinds: self.kinds.finish(self.first_frame),
            opening: look(self.opening.glance.as_ref(), &self.opening.moving),
            closing: look(closing.as_ref(), &moving),
        }
    }
}

fn look(glance: Option<&Glance>, moving: &Cells) -> Vec<u8> {
    let still = glance.filter(|glance| glance.is_drawn() && !moving.exceed(change::MOVING_PERCENT));
    still.map_or_else(Vec::new, |glance| glance.coarse(moving))
}

/// Whole frames in so many milliseconds.
fn frames_in(rate: FrameRate, ms: u64) -> u64 {
    ms * u64::from(rate.num()) / (1000 * u64::from(rate.den()))
}

#[cfg(test)]
mod tests;

//! What a scene of pictures is.

use std::collections::VecDeque;

use super::glance::{CELLS, Cells, Glance};
use super::{Scene, SceneKind};

/// Percent of the cells: a step in which more change at once is a change of the picture, and no movement in it ...
const JUMP_PERCENT: u32 = 25;
/// ... unless there are more of them in a scene.
const MOST_JUMPS: u32 = 4;
/// Percent of a scene's pictures in which a cell changes that does so all the time.
const RESTLESS_PERCENT: u64 = 12;
/// Changes from which on a cell is taken for restless while a scene is watched.
const RESTLESS_CHANGES: u16 = 5;
/// Restless cells of a camera's picture in the corner of a slide, in percent, at most.
const INSET_PERCENT: u32 = 12;
/// Percent of the cells that move in a second: of a drawn picture that is a film, ...
const DRAWN_FILM_PERCENT: u32 = 45;
/// ... of a drawn one in which more happens than on a slide, beside what is restless, ...
const BUSY_PERCENT: u32 = 10;
/// ... of a filmed one that is no person before a wall, ...
const FILM_PERCENT: u32 = 35;
/// ... and of one that is a photograph.
const PHOTO_PERCENT: u32 = 2;
/// Cells that a pointer and a cursor leave behind.
const POINTED_CELLS: u32 = 10;
/// Seconds after which one can tell whether somebody writes.
const WRITING_S: u64 = 3;

/// Sorts pictures into scenes.
pub(super) struct Kinds {
    /// Frames of a scene, and of the part of it in which movement is summed up.
    length: u64,
    second: u64,
    frames: u64,
    open: Option<Open>,
    found: Vec<Scene>,
}

/// The scene that is being watched.
struct Open {
    first: u64,
    /// In how many steps each cell changed.
    changes: Box<[u16; CELLS]>,
    /// Those that did so often, and what is next to them.
    restless: Cells,
    pictures: u64,
    slide: Slide,
    writing: bool,
    jumps: u32,
    /// Of the pictures that were looked at for it, one a second.
    drawn: u64,
    looked_at: u64,
    small: Area,
    all: Area,
}

/// What is between two changes of a slide.
struct Slide {
    first: u64,
    /// How it looked at first, and lately: since before a fade that may have begun.
    base: Glance,
    lately: VecDeque<(u64, Glance)>,
    /// Seconds in which something else changed than what is restless, and the last of them.
    busy: u64,
    busy_second: u64,
}

impl Slide {
    fn new(first: u64, glance: &Glance) -> Self {
        let lately = VecDeque::from([(first, glance.clone())]);
        Self { first, base: glance.clone(), lately, busy: 0, busy_second: 0 }
    }

    /// Whether somebody has written on it up to `frame`: again and again something small has changed, and stays.
    fn is_written_on(&self, frame: u64, second: u64, restless: &Cells) -> bool {
        let seconds = (frame - self.first) / second;
        let left = self.lately.front().map(|(_, glance)| self.base.differs(glance).without(restless).count());
        seconds >= WRITING_S && self.busy * 2 > seconds && left.is_some_and(|left| left > POINTED_CELLS)
    }
}

/// Cells that move in a second, on average.
#[derive(Default)]
struct Area {
    now: Cells,
    sum: u64,
    seconds: u64,
}

impl Area {
    fn close(&mut self) {
        self.sum += u64::from(std::mem::take(&mut self.now).count());
        self.seconds += 1;
    }

    fn exceeds(&self, percent: u32, besides: u32) -> bool {
        let mean = (self.sum / self.seconds.max(1)).saturating_sub(besides.into());
        mean * 100 > u64::from(percent) * CELLS as u64
    }
}

impl Kinds {
    /// With scenes of `length` frames, and so many frames in a second.
    pub(super) fn new(length: u64, second: u64) -> Self {
        Self { length: length.max(1), second: second.max(1), frames: 0, open: None, found: Vec::new() }
    }

    /// The next picture, and whether another slide begins with it.
    pub(super) fn show(&mut self, glance: &Glance, step: &Cells, frames: u32, changed: bool) {
        let first = self.frames;
        if self.open.as_ref().is_some_and(|open| first - open.first >= self.length) {
            self.close();
        }
        self.frames += u64::from(frames);
        let Some(open) = &mut self.open else {
            let first = if self.found.is_empty() { 0 } else { first };
            self.open = Some(Open::new(first, glance));
            return;
        };
        if (first - open.first) / self.second > open.small.seconds {
            open.small.close();
            open.all.close();
            open.drawn += u64::from(glance.is_drawn());
            open.looked_at += 1;
        }
        open.pictures += 1;
        if changed {
            open.change(first, self.second);
            open.slide = Slide::new(first, glance);
        } else {
            open.step(first, self.second, glance, step);
        }
    }

    /// So many frames cannot be looked at; they count as what follows.
    pub(super) fn skip(&mut self, frames: u32) {
        self.frames += u64::from(frames);
    }

    /// The scenes, with frames counted from `offset` on.
    pub(super) fn finish(mut self, offset: u64) -> Vec<Scene> {
        self.close();
        self.found.iter_mut().for_each(|scene| scene.first_frame += offset);
        self.found
    }

    fn close(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        let frame_count = self.frames - open.first;
        let kind = open.kind(self.frames, self.second);
        match self.found.last_mut() {
            // What is left at the end says too little.
            Some(last) if last.kind == kind || frame_count * 2 < self.length => last.frame_count += frame_count,
            _ => self.found.push(Scene { first_frame: open.first, frame_count, kind }),
        }
    }
}

impl Open {
    fn new(first: u64, glance: &Glance) -> Self {
        Self {
            first,
            changes: Box::new([0; CELLS]),
            restless: Cells::default(),
            pictures: 1,
            slide: Slide::new(first, glance),
            writing: false,
            jumps: 0,
            drawn: glance.is_drawn().into(),
            looked_at: 1,
            small: Area::default(),
            all: Area::default(),
        }
    }

    fn change(&mut self, frame: u64, second: u64) {
        self.writing |= self.slide.is_written_on(frame, second, &self.restless);
    }

    fn step(&mut self, frame: u64, second: u64, glance: &Glance, step: &Cells) {
        let lately = &mut self.slide.lately;
        lately.push_back((frame, glance.clone()));
        while lately.get(1).is_some_and(|(then, _)| then + second + second / 2 <= frame) {
            lately.pop_front();
        }
        if step.count() == 0 {
            return;
        }
        self.all.now.add(step);
        let now = (frame - self.slide.first) / second + 1;
        if now > self.slide.busy_second && step.without(&self.restless).count() > 0 {
            (self.slide.busy, self.slide.busy_second) = (self.slide.busy + 1, now);
        }
        if step.exceed(JUMP_PERCENT) {
            self.jumps += 1;
            return;
        }
        self.small.now.add(step);
        let mut restless = Cells::default();
        for at in step.each() {
            self.changes[at] = self.changes[at].saturating_add(1);
            if self.changes[at] == RESTLESS_CHANGES {
                restless.set(at);
            }
        }
        if restless.count() > 0 {
            self.restless.add(&restless.grown().grown());
        }
    }

    fn kind(&mut self, end: u64, second: u64) -> SceneKind {
        self.change(end, second);
        self.small.close();
        self.all.close();
        let area = if self.jumps > MOST_JUMPS { &self.all } else { &self.small };
        if self.drawn * 2 < self.looked_at {
            return match area {
                area if area.exceeds(FILM_PERCENT, 0) => SceneKind::Film,
                area if area.exceeds(PHOTO_PERCENT, 0) => SceneKind::TalkingHead,
                _ => SceneKind::Slides,
            };
        }
        let often = (self.pictures * RESTLESS_PERCENT / 100).max(3);
        let mut restless = Cells::default();
        let changes = self.changes.iter().enumerate();
        changes.filter(|(_, count)| u64::from(**count) >= often).for_each(|(at, _)| restless.set(at));
        match area {
            area if area.exceeds(DRAWN_FILM_PERCENT, 0) => SceneKind::Film,
            _ if restless.exceed(INSET_PERCENT) => SceneKind::TalkingHead,
            area if self.writing || area.exceeds(BUSY_PERCENT, restless.count()) => SceneKind::Screencast,
            _ => SceneKind::Slides,
        }
    }
}

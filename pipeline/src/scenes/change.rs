//! Where the slide changes.

use std::collections::VecDeque;

use super::glance::{Cells, Glance, SAME};

/// Percent of the cells that may move before and after a change of what was drawn: a camera's picture, a video.
pub(super) const MOVING_PERCENT: u32 = 30;
/// The same of what was filmed: a photograph stands still, a person does not.
const FILMED_MOVING_PERCENT: u32 = 2;
/// Percent of the cells that may move after a change from moving pictures to a slide ...
const SETTLED_PERCENT: u32 = 5;
/// ... which shows something else in so many.
const TAKEN_OVER_PERCENT: u32 = 40;
/// Percent of what has changed that may go on changing: in a fade, most of it does.
const UNSETTLED_PERCENT: u32 = 25;
/// Percent, of what has changed and moves anyway, that what stood still and has changed must have: else it is the lesser part of a
/// fade, or of a film.
const BESIDE_PERCENT: u32 = 50;
/// Percent from which on a picture has been replaced.
pub(super) const REPLACED_PERCENT: u32 = 35;

/// How far one looks around a picture, in frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    /// What stood still before the change, if the recording goes back so far.
    pub(super) before: u64,
    /// What stands still after it, if it goes on so long.
    pub(super) after: u64,
    /// How much earlier the slide before it may have been left: at once, or by a transition.
    pub(super) lags: [u64; 4],
    /// Pictures after the change that are looked at, at most.
    pub(super) patience: usize,
    /// Where every run of so many frames is judged by itself, and nothing changes in its last `after` frames.
    pub(super) run: Option<u64>,
}

struct Entry {
    glance: Glance,
    first: u64,
    frames: u64,
    /// Where it differs from the one before it.
    step: Cells,
}

/// Finds the first picture of every slide, some pictures later.
pub(super) struct Changes {
    windows: Windows,
    entries: VecDeque<Entry>,
    /// Position of the first entry that is not judged.
    undecided: usize,
    /// Since when the present slide is there, and up to when nothing can replace it: that long it was seen to stand still.
    since: u64,
    stands_to: u64,
    frames: u64,
    ended: bool,
}

/// A picture before the one that is judged.
struct Earlier<'a> {
    glance: &'a Glance,
    moving: Cells,
    /// What has drifted so far, too slowly to be seen to move, has not changed.
    slack: u8,
    changed: Cells,
    at_once: bool,
}

impl Changes {
    pub(super) fn new(windows: Windows) -> Self {
        Self { windows, entries: VecDeque::new(), undecided: 0, since: 0, stands_to: 0, frames: 0, ended: false }
    }

    /// The next picture, which differs from the one before it by `step` and is shown for so many frames.
    pub(super) fn show(&mut self, glance: Glance, step: Cells, frames: u32) {
        self.entries.push_back(Entry { glance, first: self.frames, frames: frames.into(), step });
        self.frames += u64::from(frames);
    }

    /// So many frames cannot be looked at, before the first picture.
    pub(super) fn skip(&mut self, frames: u32) {
        self.frames += u64::from(frames);
        self.since = self.frames;
    }

    /// No more pictures come.
    pub(super) fn finish(&mut self) {
        self.ended = true;
    }

    /// Judges the next picture, in order: its first frame and, when a slide begins with it, how surely in percent. `None` until
    /// more pictures are known.
    pub(super) fn judged(&mut self) -> Option<(u64, Option<u32>)> {
        let first = self.entries.get(self.undecided)?.first;
        let sure = self.judge(self.undecided)?;
        if sure.is_some() {
            (self.since, self.stands_to) = (first, first + self.windows.after);
        }
        self.undecided += 1;
        let reach = self.windows.lags.iter().max().copied().unwrap_or(0) + self.windows.before + 1;
        while self.undecided > 1 && self.entries.front().is_some_and(|entry| entry.first + entry.frames + reach < first)
        {
            self.entries.pop_front();
            self.undecided -= 1;
        }
        Some((first, sure))
    }

    fn judge(&self, at: usize) -> Option<Option<u32>> {
        let (entry, Windows { after, patience, run, .. }) = (&self.entries[at], self.windows);
        let (mut from, mut limit) = (self.since, u64::MAX);
        if let Some(run) = run {
            let into = entry.first % run.max(1);
            (from, limit) = (from.max(entry.first - into), entry.first - into + run);
        }
        if entry.first <= from || entry.first < self.stands_to || entry.first + after >= limit {
            return Some(None);
        }
        let earlier = self.earlier(at, from);
        if earlier.is_empty() {
            return Some(None);
        }
        let most_moving = if entry.glance.is_drawn() { MOVING_PERCENT } else { FILMED_MOVING_PERCENT };
        let (mut moving, mut seen) = (Cells::default(), entry.first + entry.frames);
        let mut later = self.entries.iter().skip(at + 1).take(patience);
        loop {
            let sure = |earlier: &Earlier<'_>| sure(earlier, &entry.glance, &moving, most_moving);
            let replaced = |earlier: &mut dyn Iterator<Item = &Earlier<'_>>| {
                earlier.map(sure).max().filter(|sure| *sure >= REPLACED_PERCENT)
            };
            let Some(sure) = replaced(&mut earlier.iter()) else { return Some(None) };
            if seen >= entry.first + after {
                return Some(Some(sure));
            }
            let Some(next) = later.next() else {
                if self.entries.len() > at.saturating_add(patience) {
                    return Some(Some(sure));
                }
                // What comes next is in another range, or nothing does.
                let mut still =
                    earlier.iter().filter(|earlier| run.is_none() && !earlier.moving.exceed(SETTLED_PERCENT));
                return self.ended.then(|| replaced(&mut still));
            };
            moving.add(&next.step);
            moving.add(&entry.glance.differs(&next.glance));
            seen = next.first + next.frames;
        }
    }

    /// What the entry may have replaced.
    fn earlier(&self, at: usize, from: u64) -> Vec<Earlier<'_>> {
        let entry = &self.entries[at];
        let mut found = Vec::new();
        for lag in self.windows.lags {
            let Some(then) = entry.first.checked_sub(lag).filter(|then| *then >= from) else { break };
            let before = self.showing(then);
            let start = then.saturating_sub(self.windows.before).max(from);
            let mut moving = before.glance.differs(&self.showing(start).glance);
            let steps = self.entries.range(..at).rev();
            let steps = steps.skip_while(|entry| entry.first > then).take_while(|entry| entry.first > start);
            steps.for_each(|entry| moving.add(&entry.step));
            let (at_once, glance) = (lag == 1, &before.glance);
            if moving.exceed(MOVING_PERCENT) && !at_once {
                continue;
            }
            let drifted = (u64::from(SAME) * lag / self.windows.before.max(1)).min(u64::from(u8::MAX / 2));
            let slack = SAME + u8::try_from(drifted).unwrap_or(0);
            let changed = glance.differs_by(slack, &entry.glance);
            if changed.count() > 0 {
                found.push(Earlier { glance, moving, slack, changed, at_once });
            }
        }
        found
    }

    /// The entry that shows a frame, or the first one there is.
    fn showing(&self, frame: u64) -> &Entry {
        let behind = self.entries.partition_point(|entry| entry.first <= frame);
        &self.entries[behind.saturating_sub(1)]
    }
}

/// How surely `now` has replaced an earlier picture, when that much of it is `moving` since.
fn sure(earlier: &Earlier<'_>, now: &Glance, moving: &Cells, most_moving: u32) -> u32 {
    if moving.exceed(most_moving) {
        return 0;
    }
    if !earlier.moving.exceed(most_moving) {
        let changed = earlier.changed.without(&earlier.moving);
        let unsettled = changed.and(moving).count() * 100 > changed.count() * UNSETTLED_PERCENT;
        let mut all = earlier.moving;
        all.add(moving);
        let beside = earlier.changed.and(&all).count();
        if unsettled || earlier.changed.without(&all).count() * 100 < beside * BESIDE_PERCENT {
            return 0;
        }
        return earlier.glance.replaced_by(now, earlier.slack, &all);
    }
    let taken_over = earlier.at_once
        && most_moving == MOVING_PERCENT
        && !moving.exceed(SETTLED_PERCENT)
        && earlier.changed.without(moving).exceed(TAKEN_OVER_PERCENT);
    if taken_over { 100 } else { 0 }
}

//! A worker's place: when it looks, beats and hears.

use crate::told::Happening;

use super::Model;

const HEARTBEAT_MS: i64 = 2_000;
const STALL_MS: i64 = 60_000;
/// Between two looks whether a job is still held.
const LOOK_EVERY_MS: i64 = 400;
/// How often a worker looks that is not told of others' commits.
const LOOK_UNTOLD_MS: i64 = 1_000;
/// After something failed, of claims and of listening alike.
pub(super) const PAUSE_FIRST_MS: i64 = 100;
const PAUSE_MAX_MS: i64 = 5_000;

#[derive(Clone, Copy, Default)]
pub(super) enum Place {
    #[default]
    Gone,
    /// With what it works on still.
    CutOff(Option<Busy>),
    Idle {
        heard: u64,
        look_at_ms: i64,
        /// How long it waits after the next look that fails; it minds no word while it waits.
        backs_off_ms: Option<i64>,
    },
    Busy(Busy),
}

/// Of a process that was parted from the database: whether it still is, and when it tries to listen again.
#[derive(Clone, Copy)]
pub(super) struct Untold {
    pub(super) parted: bool,
    pub(super) tries_ms: i64,
    pub(super) pause_ms: i64,
}

#[derive(Clone, Copy)]
pub(super) struct Busy {
    pub(super) job: usize,
    pub(super) attempt: i64,
    pub(super) heard: u64,
    pub(super) looked_ms: i64,
    pub(super) beat_ms: i64,
    pub(super) moved_ms: i64,
}

impl Model {
    pub(super) fn is_parted(&self, worker: usize) -> bool {
        self.untold[worker].is_some_and(|untold| untold.parted)
    }

    /// Whether a worker knows of words that it has not `heard`.
    pub(super) fn has_news(&self, worker: usize, heard: u64) -> bool {
        heard < self.words && self.untold[worker].is_none()
    }

    /// A process that is not told tries to listen again; when it can, that is word itself.
    pub(super) fn listens(&mut self, now_ms: i64, worker: usize) {
        let Some(Untold { parted, tries_ms, pause_ms }) = self.untold[worker] else { return };
        if now_ms < tries_ms {
            return;
        }
        if parted {
            let (tries_ms, pause_ms) = (now_ms + pause_ms, (pause_ms * 2).min(PAUSE_MAX_MS));
            self.untold[worker] = Some(Untold { parted, tries_ms, pause_ms });
            return;
        }
        self.untold[worker] = None;
        if let Place::Idle { heard, .. } | Place::Busy(Busy { heard, .. }) = &mut self.workers[worker] {
            *heard = (*heard).min(self.words - 1);
        }
    }

    /// An idle worker looks for a job.
    pub(super) fn look(&mut self, now_ms: i64, worker: usize, backs_off_ms: i64) {
        let heard = self.words;
        if self.is_parted(worker) {
            let backs_off = Some((backs_off_ms * 2).min(PAUSE_MAX_MS));
            self.workers[worker] = Place::Idle { heard, look_at_ms: now_ms + backs_off_ms, backs_off_ms: backs_off };
            return;
        }
        let look_every_ms = if self.untold[worker].is_some() { LOOK_UNTOLD_MS } else { self.look_every_ms };
        self.workers[worker] = match self.jobs.claim(now_ms, (self.floors)(worker)) {
            None => Place::Idle { heard, look_at_ms: now_ms + look_every_ms, backs_off_ms: None },
            Some((job, attempt)) => {
                self.told.push(Happening::Claimed { worker, attempt: self.named(job, attempt) });
                let beat_ms = now_ms + HEARTBEAT_MS;
                Place::Busy(Busy { job, attempt, heard, looked_ms: now_ms, beat_ms, moved_ms: now_ms })
            }
        };
    }

    /// What the task that keeps a lease does; whether it is lost.
    pub(super) fn keep(&mut self, now_ms: i64, worker: usize, busy: &mut Busy, moving: bool) -> bool {
        let held = self.jobs.is_held(busy.job, busy.attempt);
        if self.has_news(worker, busy.heard) && now_ms >= busy.looked_ms + LOOK_EVERY_MS {
            (busy.heard, busy.looked_ms) = (self.words, now_ms);
            if !held {
                return true;
            }
        }
        if now_ms < busy.beat_ms {
            return false;
        }
        busy.beat_ms = now_ms + HEARTBEAT_MS;
        if moving {
            busy.moved_ms = now_ms;
        } else if now_ms - busy.moved_ms >= STALL_MS {
            return true;
        }
        if self.is_parted(worker) {
            return false;
        }
        if held {
            self.jobs.beat(busy.job);
        }
        !held
    }
}

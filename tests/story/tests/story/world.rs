//! Recordings, processes, people and their faults, on a clock of half seconds. Everything follows from the seed.

use std::collections::BTreeMap;

use crate::fates::{Fault, Size, dice, instant};
use crate::told::{Attempt, End, Happening, Outcome, Side};

/// The world's clock. A held lease is looked at no more often than every 400 ms: at every instant here, then.
pub(crate) const INSTANT_MS: i64 = 500;
/// A reaper's patience, and how often it looks.
pub(crate) const PATIENCE_MS: i64 = 8_000;
pub(crate) const REAPS_EVERY_MS: i64 = 2_000;
/// How often something else is committed, which has workers look though there is nothing new.
const WORD_EVERY_MS: i64 = 4_000;
/// For how long a process is held up: its lease is lost meanwhile.
const HELD_UP_MS: i64 = 10_000;
const REVIVAL_MS: i64 = 7_000;
const CUT_OFF_MS: i64 = 15_000;
/// Between two failures of an asset's and a person's word to go on.
const TRIED_AGAIN_MS: i64 = 25_000;
/// Longer than any failed attempt waits: when nothing has happened for so long, nothing will.
const SILENCE_MS: i64 = 75_000;
pub(crate) const REAPERS: usize = 2;

#[derive(Clone, Debug)]
enum Event {
    Arrives {
        asset: usize,
    },
    Cancelled {
        asset: usize,
    },
    TriedAgain {
        asset: usize,
    },
    Word,
    Reaps {
        reaper: usize,
    },
    Starts {
        worker: usize,
    },
    GoesOn {
        worker: usize,
    },
    Replaced {
        worker: usize,
    },
    /// Of the claim of this number.
    Ends {
        worker: usize,
        claim: u64,
        outcome: Outcome,
    },
    Strikes {
        worker: usize,
        claim: u64,
        fault: Fault,
    },
}

#[derive(Clone, Default)]
struct Worker {
    up: bool,
    held_up_until_ms: i64,
    cut_off: bool,
    /// The number of the claim that it works on, and whether its work moves.
    works_on: Option<(u64, bool)>,
}

/// What happened, and how it ended.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) history: Vec<(i64, Happening)>,
    /// How often each fate was met.
    pub(crate) fates: BTreeMap<String, usize>,
    pub(crate) ends: Vec<End>,
}

struct World<'a, S> {
    size: Size,
    side: &'a mut S,
    events: BTreeMap<(i64, u64), Event>,
    count: u64,
    workers: Vec<Worker>,
    /// When something happened last.
    last_ms: i64,
    story: Story,
}

/// Lets everything happen, one thing at a time, until nothing does any more.
pub(crate) fn play<S: Side>(size: Size, side: &mut S) -> Story {
    let workers = vec![Worker::default(); size.workers];
    let mut world =
        World { size, side, events: BTreeMap::new(), count: 0, workers, last_ms: 0, story: Story::default() };
    world.prepare();
    let mut now_ms = 0;
    while now_ms < world.last_ms + SILENCE_MS {
        now_ms += INSTANT_MS;
        while let Some(entry) = world.events.first_entry().filter(|entry| entry.key().0 <= now_ms) {
            let event = entry.remove();
            world.happens(now_ms, event);
            world.listen(now_ms);
        }
        let first = dice(size.seed, &[5, now_ms as u64]) as usize % size.workers;
        for worker in (first..size.workers).chain(0..first) {
            world.turn(now_ms, worker);
        }
    }
    world.story.ends = world.side.ends(size.assets);
    world.story
}

impl<S: Side> World<'_, S> {
    fn prepare(&mut self) {
        for asset in 0..self.size.assets {
            let arrives_ms = self.size.arrival_ms(asset);
            self.at(arrives_ms, Event::Arrives { asset });
            if dice(self.size.seed, &[6, asset as u64]).is_multiple_of(20) {
                let after_ms = (dice(self.size.seed, &[7, asset as u64]) % 60_000) as i64;
                self.at(arrives_ms + instant(after_ms), Event::Cancelled { asset });
            }
        }
        (0..self.size.workers).for_each(|worker| self.at(INSTANT_MS, Event::Starts { worker }));
        (0..REAPERS).for_each(|reaper| self.at(INSTANT_MS * (1 + reaper as i64), Event::Reaps { reaper }));
        self.at(WORD_EVERY_MS, Event::Word);
    }

    fn at(&mut self, time_ms: i64, event: Event) {
        self.count += 1;
        if !matches!(event, Event::Word | Event::Reaps { .. }) {
            self.last_ms = self.last_ms.max(time_ms);
        }
        self.events.insert((time_ms, self.count), event);
    }

    fn turn(&mut self, now_ms: i64, worker: usize) {
        let Worker { up, held_up_until_ms, works_on, .. } = self.workers[worker];
        if up && held_up_until_ms <= now_ms {
            self.side.turn(now_ms, worker, works_on.is_some_and(|(_, moves)| moves));
            self.listen(now_ms);
        }
    }

    fn works_on(&self, worker: usize, claim: u64) -> bool {
        self.workers[worker].works_on.is_some_and(|(number, _)| number == claim)
    }

    fn happens(&mut self, now_ms: i64, event: Event) {
        match event {
            Event::Arrives { asset } => self.side.arrives(now_ms, asset),
            Event::Cancelled { asset } => self.side.cancelled(now_ms, asset),
            Event::TriedAgain { asset } => self.side.tried_again(now_ms, asset),
            Event::Word => {
                self.side.word(now_ms);
                self.at(now_ms + WORD_EVERY_MS, Event::Word);
            }
            Event::Reaps { reaper } => {
                self.side.reap(now_ms, reaper);
                self.at(now_ms + REAPS_EVERY_MS, Event::Reaps { reaper });
            }
            Event::Starts { worker } => {
                self.workers[worker] = Worker { up: true, ..Worker::default() };
                self.side.start(now_ms, worker);
            }
            Event::GoesOn { worker } => self.workers[worker].held_up_until_ms = now_ms,
            Event::Replaced { worker } => {
                self.goes(now_ms, worker, INSTANT_MS);
                self.side.kill(now_ms, worker);
            }
            Event::Ends { worker, claim, .. } if !self.works_on(worker, claim) => {}
            Event::Ends { worker, .. } if self.workers[worker].held_up_until_ms > now_ms => {
                let until_ms = self.workers[worker].held_up_until_ms;
                self.at(until_ms, event);
            }
            Event::Ends { worker, outcome, .. } => self.ends(now_ms, worker, outcome),
            Event::Strikes { worker, claim, fault } if self.works_on(worker, claim) => {
                self.strikes(now_ms, worker, fault);
            }
            Event::Strikes { .. } => {}
        }
    }

    fn ends(&mut self, now_ms: i64, worker: usize, outcome: Outcome) {
        self.side.end(now_ms, worker, outcome);
        if matches!(outcome, Outcome::DiesBefore | Outcome::DiesAfter) {
            self.listen(now_ms);
            self.goes(now_ms, worker, REVIVAL_MS);
            self.side.kill(now_ms, worker);
        }
    }

    fn strikes(&mut self, now_ms: i64, worker: usize, fault: Fault) {
        match fault {
            Fault::Killed => {
                self.goes(now_ms, worker, REVIVAL_MS);
                self.side.kill(now_ms, worker);
            }
            Fault::Stopped => {
                self.side.stop(now_ms, worker);
                self.goes(now_ms, worker, REVIVAL_MS);
            }
            Fault::HeldUp => {
                self.workers[worker].held_up_until_ms = now_ms + HELD_UP_MS;
                self.at(now_ms + HELD_UP_MS, Event::GoesOn { worker });
            }
            Fault::CutOff => {
                self.workers[worker].cut_off = true;
                self.side.cut_off(now_ms, worker);
                self.at(now_ms + CUT_OFF_MS, Event::Replaced { worker });
            }
        }
    }

    /// The process is no more, and another takes its place.
    fn goes(&mut self, now_ms: i64, worker: usize, back_ms: i64) {
        self.workers[worker] = Worker::default();
        self.at(now_ms + back_ms, Event::Starts { worker });
    }

    fn listen(&mut self, now_ms: i64) {
        for happening in self.side.told() {
            self.last_ms = self.last_ms.max(now_ms);
            match &happening {
                Happening::Claimed { worker, attempt } => self.claimed(now_ms, *worker, attempt),
                Happening::Parked { worker, attempt } => {
                    self.workers[*worker].works_on = None;
                    self.may_be_tried_again(now_ms, attempt);
                }
                Happening::TakenOver { attempt, parked, .. } => {
                    if *parked {
                        self.may_be_tried_again(now_ms, attempt);
                    }
                }
                Happening::Counted { worker, .. }
                | Happening::Refused { worker, .. }
                | Happening::Retried { worker, .. }
                | Happening::Unheard { worker, .. }
                | Happening::Lost { worker, .. } => self.workers[*worker].works_on = None,
            }
            self.story.history.push((now_ms, happening));
        }
    }

    fn may_be_tried_again(&mut self, now_ms: i64, attempt: &Attempt) {
        if !self.size.is_poison(attempt.asset) {
            self.at(now_ms + TRIED_AGAIN_MS, Event::TriedAgain { asset: attempt.asset });
        }
    }

    fn claimed(&mut self, now_ms: i64, worker: usize, attempt: &Attempt) {
        let fate = self.size.fate(attempt);
        *self.story.fates.entry(format!("{fate:?}")).or_default() += 1;
        let takes_ms = self.size.takes_ms(attempt);
        self.count += 1;
        let claim = self.count;
        self.workers[worker].works_on = Some((claim, fate != Err(None)));
        let strikes_ms = now_ms + instant(takes_ms / 3);
        match fate {
            Ok(outcome) => self.at(now_ms + takes_ms, Event::Ends { worker, claim, outcome }),
            Err(None) => self.last_ms = self.last_ms.max(now_ms + 80_000),
            Err(Some(fault)) => {
                self.at(strikes_ms, Event::Strikes { worker, claim, fault });
                if matches!(fault, Fault::HeldUp | Fault::CutOff) {
                    let outcome = Outcome::Commits;
                    self.at(strikes_ms + takes_ms, Event::Ends { worker, claim, outcome });
                }
            }
        }
    }
}

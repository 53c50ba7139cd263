//! Recordings, processes, people and their faults, on a clock of half seconds. Everything follows from the seed.

use std::collections::BTreeMap;

use asset_flow::Stage;

/// The world's clock. A held lease is looked at no more often than every 400 ms: at every instant here, then.
pub(crate) const INSTANT_MS: i64 = 500;
/// A reaper's patience, and how often it looks.
pub(crate) const PATIENCE_MS: i64 = 8_000;
const REAPS_EVERY_MS: i64 = 2_000;
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

/// How large the world is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    pub(crate) assets: usize,
    pub(crate) tenants: usize,
    pub(crate) arrivals_ms: i64,
}

/// One attempt at a job of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) asset: usize,
    pub(crate) stage: Stage,
    pub(crate) number: i64,
}

/// How an attempt's work ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Commits,
    /// May be tried again.
    Fails,
    /// Need not be tried again.
    GivesUp,
    Panics,
    /// The process is killed with all done but the commit.
    DiesBefore,
    /// The process is killed after the commit, before it hears of it.
    DiesAfter,
}

/// What a process meets while a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Killed,
    /// Shut down as it should be.
    Stopped,
    /// Stands still, as a machine that is suspended, and goes on later as if nothing had been.
    HeldUp,
    /// Never reaches the database again, and knows it.
    CutOff,
}

/// What has happened: the history that both sides write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    Claimed {
        worker: usize,
        attempt: Attempt,
    },
    /// The result was taken; with the generation that it published, or was given.
    Counted {
        worker: usize,
        attempt: Attempt,
        generation: Option<u64>,
    },
    /// The result was refused: the job is another's, or cancelled.
    Refused {
        worker: usize,
        attempt: Attempt,
    },
    Retried {
        worker: usize,
        attempt: Attempt,
        run_at_ms: i64,
    },
    Parked {
        worker: usize,
        attempt: Attempt,
    },
    /// The database could not be reached.
    Unheard {
        worker: usize,
        attempt: Attempt,
    },
    /// The handler was told that its lease is lost, and stopped.
    Lost {
        worker: usize,
        attempt: Attempt,
    },
    TakenOver {
        reaper: usize,
        attempt: Attempt,
        parked: bool,
    },
}

/// How an asset stands at the end: phase, generations to play and complete, code of its failure; and its jobs in the order in
/// which they were enqueued, with the number of their last attempt and their state.
pub(crate) type End = (String, Option<u64>, Option<u64>, Option<String>, Vec<(Stage, i64, &'static str)>);

/// Those who keep the queue, by a model or by tables and processes.
pub(crate) trait Side {
    fn arrives(&mut self, now_ms: i64, asset: usize);
    fn cancelled(&mut self, now_ms: i64, asset: usize);
    fn tried_again(&mut self, now_ms: i64, asset: usize);
    /// Something else is committed.
    fn word(&mut self, now_ms: i64);
    fn start(&mut self, now_ms: i64, worker: usize);
    fn kill(&mut self, now_ms: i64, worker: usize);
    fn stop(&mut self, now_ms: i64, worker: usize);
    fn cut_off(&mut self, now_ms: i64, worker: usize);
    fn end(&mut self, now_ms: i64, worker: usize, outcome: Outcome);
    fn reap(&mut self, now_ms: i64, reaper: usize);
    /// Lets a process do what it does by itself. `moving`: frames go in or out of what it encodes.
    fn turn(&mut self, now_ms: i64, worker: usize, moving: bool);
    /// What has happened since this was last asked.
    fn told(&mut self) -> Vec<Happening>;
    fn ends(&mut self, assets: usize) -> Vec<End>;
}

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
    pub(crate) ends: Vec<End>,
}

/// A number that follows from these alone.
pub(crate) fn dice(seed: u64, of: &[u64]) -> u64 {
    let mix = |state: u64, value: u64| {
        let mixed = (state ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (mixed >> 31)
    };
    of.iter().fold(mix(seed, 1), |state, value| mix(state, *value))
}

fn instant(ms: i64) -> i64 {
    ms.max(1).div_euclid(INSTANT_MS) * INSTANT_MS + INSTANT_MS
}

impl Size {
    /// Three tenths of all belong to one tenant.
    pub(crate) fn tenant(&self, asset: usize) -> usize {
        if asset * 10 < self.assets * 3 { 0 } else { 1 + asset % (self.tenants - 1) }
    }

    fn arrival_ms(&self, asset: usize) -> i64 {
        match self.tenant(asset) {
            0 => INSTANT_MS,
            _ => instant((dice(self.seed, &[1, asset as u64]) % self.arrivals_ms as u64) as i64),
        }
    }

    /// A recording that kills whatever encodes it.
    fn is_poison(&self, asset: usize) -> bool {
        dice(self.seed, &[2, asset as u64]).is_multiple_of(60)
    }

    fn throw(&self, what: u64, attempt: &Attempt) -> u64 {
        let stage = format!("{:?}", attempt.stage);
        let of = [what, attempt.asset as u64, attempt.number as u64].into_iter().chain(stage.bytes().map(u64::from));
        let of: Vec<u64> = of.collect();
        dice(self.seed, &of)
    }

    fn takes_ms(&self, attempt: &Attempt) -> i64 {
        let usual = match attempt.stage {
            Stage::EncodeRange { .. } => 4_000,
            Stage::EncodeAudio { .. } | Stage::EncodeAhead { .. } | Stage::Analyse => 1_500,
            _ => 500,
        };
        instant(usual / 2 + (self.throw(3, attempt) % 1_000) as i64 * usual / 1_000)
    }

    fn fate(&self, attempt: &Attempt) -> Result<Outcome, Option<Fault>> {
        let encodes = matches!(attempt.stage, Stage::EncodeRange { .. } | Stage::EncodeAudio { .. });
        match self.throw(4, attempt) % 1_000 {
            _ if encodes && self.is_poison(attempt.asset) => Err(Some(Fault::Killed)),
            0..15 => Err(Some(Fault::Killed)),
            15..30 => Err(Some(Fault::Stopped)),
            30..45 => Err(Some(Fault::HeldUp)),
            45..55 => Err(Some(Fault::CutOff)),
            // Nothing moves: the lease is given up.
            55..65 => Err(None),
            65..100 => Ok(Outcome::Fails),
            100..108 => Ok(Outcome::GivesUp),
            108..120 => Ok(Outcome::Panics),
            120..130 => Ok(Outcome::DiesBefore),
            130..140 => Ok(Outcome::DiesAfter),
            _ => Ok(Outcome::Commits),
        }
    }
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

//! The queue and its workers without a table, a task or a timer: `policy` says which job is next, `advance` what follows from
//! what, and this who looks when.

mod jobs;

use std::collections::HashMap;

use asset_flow::{AssetState, FlowEvent, FlowFailure, advance};

use crate::engine;
use crate::fates::Size;
use crate::told::{Attempt, End, Happening, Outcome, Side};
use crate::world::{PATIENCE_MS, REAPERS};
use jobs::Jobs;

const HEARTBEAT_MS: i64 = 2_000;
const STALL_MS: i64 = 60_000;
/// Between two looks whether a job is still held.
const LOOK_EVERY_MS: i64 = 400;

pub(crate) struct Model {
    size: Size,
    /// How often an idle worker looks by itself.
    look_every_ms: i64,
    /// From which priority on each worker serves.
    floors: fn(usize) -> i64,
    assets: HashMap<usize, Asset>,
    jobs: Jobs,
    /// Commits of which word goes round.
    words: u64,
    workers: Vec<Place>,
    /// What each reaper has seen: of a job's attempt the heartbeat, and since when.
    reapers: Vec<HashMap<(usize, i64), (i64, i64)>>,
    told: Vec<Happening>,
}

#[derive(Default)]
struct Asset {
    state: AssetState,
    generation: u64,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Gone,
    /// With what it works on still.
    CutOff(Option<Busy>),
    Idle {
        heard: u64,
        look_at_ms: i64,
    },
    Busy(Busy),
}

#[derive(Clone, Copy)]
struct Busy {
    job: usize,
    attempt: i64,
    heard: u64,
    looked_ms: i64,
    beat_ms: i64,
    moved_ms: i64,
}

impl Model {
    pub(crate) fn new(size: Size, look_every_ms: i64, floors: fn(usize) -> i64) -> Self {
        Self {
            size,
            look_every_ms,
            floors,
            assets: HashMap::new(),
            jobs: Jobs::default(),
            words: 0,
            workers: vec![Place::Gone; size.workers],
            reapers: vec![HashMap::new(); REAPERS],
            told: Vec::new(),
        }
    }

    fn named(&self, job: usize, number: i64) -> Attempt {
        Attempt { asset: self.jobs.asset(job), stage: self.jobs.stage(job).clone(), number }
    }

    fn apply(&mut self, now_ms: i64, asset: usize, event: &FlowEvent) {
        let known = self.assets.entry(asset).or_default();
        let (state, effects) = advance(&known.state, event).unwrap();
        if state == known.state && effects.is_empty() {
            return;
        }
        known.state = state;
        assert_eq!(effects.cancel_making, None, "nothing is renewed here");
        if effects.cancel_jobs {
            self.jobs.cancel(asset, matches!(event, FlowEvent::Failed { .. }));
        }
        if effects.revive_jobs {
            self.jobs.revive(asset, now_ms);
        }
        self.jobs.enqueue(now_ms, asset, self.size.tenant(asset), &effects.jobs);
        self.words += 1;
    }

    fn failed(&mut self, now_ms: i64, job: usize, code: &str) {
        let stage = self.jobs.stage(job).name().to_owned();
        let failure = FlowFailure { stage, code: code.to_owned(), detail: String::new(), hint: None };
        self.apply(now_ms, self.jobs.asset(job), &FlowEvent::Failed { failure });
    }

    /// An idle worker looks for a job.
    fn look(&mut self, now_ms: i64, worker: usize) {
        let heard = self.words;
        self.workers[worker] = match self.jobs.claim(now_ms, (self.floors)(worker)) {
            None => Place::Idle { heard, look_at_ms: now_ms + self.look_every_ms },
            Some((job, attempt)) => {
                self.told.push(Happening::Claimed { worker, attempt: self.named(job, attempt) });
                let beat_ms = now_ms + HEARTBEAT_MS;
                Place::Busy(Busy { job, attempt, heard, looked_ms: now_ms, beat_ms, moved_ms: now_ms })
            }
        };
    }

    /// What the task that keeps a lease does; whether it is lost.
    fn keep(&mut self, now_ms: i64, busy: &mut Busy, moving: bool) -> bool {
        let held = self.jobs.is_held(busy.job, busy.attempt);
        if busy.heard < self.words && now_ms >= busy.looked_ms + LOOK_EVERY_MS {
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
        if held {
            self.jobs.beat(busy.job);
        }
        !held
    }

    /// Takes the attempt's result, or not; `None` when the process dies before it says so.
    fn results_in(&mut self, now_ms: i64, worker: usize, busy: Busy, outcome: Outcome) -> Option<Happening> {
        let Busy { job, attempt: number, .. } = busy;
        let attempt = self.named(job, number);
        if !self.jobs.is_held(job, number) {
            return (outcome != Outcome::DiesBefore).then_some(Happening::Refused { worker, attempt });
        }
        match outcome {
            Outcome::Commits | Outcome::DiesBefore | Outcome::DiesAfter => {
                let generation = self.take_generation(&attempt);
                (outcome != Outcome::DiesBefore).then(|| {
                    self.commit(now_ms, job, &attempt, generation);
                    Happening::Counted { worker, attempt, generation }
                })
            }
            Outcome::Fails | Outcome::Panics | Outcome::GivesUp => {
                self.words += 1;
                Some(match self.jobs.fail(now_ms, job, outcome != Outcome::GivesUp) {
                    Some(run_at_ms) => Happening::Retried { worker, attempt, run_at_ms },
                    None => {
                        self.failed(now_ms, job, crate::fleet::FAULT);
                        Happening::Parked { worker, attempt }
                    }
                })
            }
        }
    }

    fn take_generation(&mut self, attempt: &Attempt) -> Option<u64> {
        let asset = self.assets.get_mut(&attempt.asset).unwrap();
        engine::takes_generation(attempt.asset, &attempt.stage).then(|| {
            asset.generation += 1;
            asset.generation
        })
    }

    fn commit(&mut self, now_ms: i64, job: usize, attempt: &Attempt, generation: Option<u64>) {
        self.jobs.finish(now_ms, job);
        self.words += 1;
        let plan = self.assets[&attempt.asset].state.plan.as_ref();
        let planned = plan.and_then(|plan| plan.planned_generation);
        if let Some(event) = engine::event(attempt.asset, &attempt.stage, generation, planned) {
            self.apply(now_ms, attempt.asset, &event);
        }
    }
}

impl Side for Model {
    fn arrives(&mut self, now_ms: i64, asset: usize) {
        self.apply(now_ms, asset, &FlowEvent::SourceReceived);
    }

    fn cancelled(&mut self, now_ms: i64, asset: usize) {
        self.apply(now_ms, asset, &FlowEvent::Cancelled);
    }

    fn tried_again(&mut self, now_ms: i64, asset: usize) {
        // To an asset that is ready it means nothing, and nobody asks.
        if self.assets[&asset].state.complete_generation.is_none() {
            self.apply(now_ms, asset, &FlowEvent::RetryRequested);
        }
    }

    fn word(&mut self, _: i64) {
        self.words += 1;
    }

    fn start(&mut self, now_ms: i64, worker: usize) {
        self.look(now_ms, worker);
    }

    fn kill(&mut self, _: i64, worker: usize) {
        self.workers[worker] = Place::Gone;
    }

    fn stop(&mut self, _: i64, worker: usize) {
        if let Place::Busy(busy) = std::mem::take(&mut self.workers[worker]) {
            self.told.push(Happening::Lost { worker, attempt: self.named(busy.job, busy.attempt) });
            if self.jobs.is_held(busy.job, busy.attempt) {
                self.jobs.hand_back(busy.job);
                self.words += 1;
            }
        }
    }

    fn cut_off(&mut self, _: i64, worker: usize) {
        let Place::Busy(busy) = self.workers[worker] else { panic!("only who works is cut off") };
        self.workers[worker] = Place::CutOff(Some(busy));
    }

    fn end(&mut self, now_ms: i64, worker: usize, outcome: Outcome) {
        match self.workers[worker] {
            Place::Busy(mut busy) => {
                if outcome == Outcome::DiesBefore {
                    // It lived until now, and whoever waits for its silence saw that.
                    self.keep(now_ms, &mut busy, true);
                }
                let happening = self.results_in(now_ms, worker, busy, outcome);
                self.told.extend(happening);
                if !matches!(outcome, Outcome::DiesBefore | Outcome::DiesAfter) {
                    self.look(now_ms, worker);
                }
            }
            Place::CutOff(Some(busy)) => {
                self.told.push(Happening::Unheard { worker, attempt: self.named(busy.job, busy.attempt) });
                self.workers[worker] = Place::CutOff(None);
            }
            Place::CutOff(None) | Place::Idle { .. } | Place::Gone => {}
        }
    }

    fn reap(&mut self, now_ms: i64, reaper: usize) {
        let seen = std::mem::take(&mut self.reapers[reaper]);
        let mut silent = Vec::new();
        for job in self.jobs.running() {
            let (attempt, beats) = (self.jobs.attempt(job), self.jobs.beats(job));
            let since_ms = match seen.get(&(job, attempt)) {
                Some(&(before, since_ms)) if before == beats => since_ms,
                _ => now_ms,
            };
            self.reapers[reaper].insert((job, attempt), (beats, since_ms));
            if now_ms - since_ms >= PATIENCE_MS {
                silent.push((job, attempt));
            }
        }
        let mut lost = Vec::new();
        for (job, number) in silent {
            let parked = self.jobs.take_over(job);
            self.words += 1;
            self.told.push(Happening::TakenOver { reaper, attempt: self.named(job, number), parked });
            lost.extend(parked.then_some(job));
        }
        for job in lost {
            self.failed(now_ms, job, job_queue::LOST_WORKERS);
        }
    }

    fn turn(&mut self, now_ms: i64, worker: usize, moving: bool) {
        match self.workers[worker] {
            Place::Idle { heard, look_at_ms } if heard < self.words || now_ms >= look_at_ms => {
                self.look(now_ms, worker);
            }
            Place::Busy(mut busy) => {
                let lost = self.keep(now_ms, &mut busy, moving);
                self.workers[worker] = Place::Busy(busy);
                if lost {
                    self.told.push(Happening::Lost { worker, attempt: self.named(busy.job, busy.attempt) });
                    self.look(now_ms, worker);
                }
            }
            Place::Idle { .. } | Place::Gone | Place::CutOff(_) => {}
        }
    }

    fn told(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.told)
    }

    fn ends(&mut self, assets: usize) -> Vec<End> {
        let end = |asset: usize| {
            let state = &self.assets[&asset].state;
            let code = state.failure.as_ref().map(|failure| failure.code.clone());
            let jobs = self.jobs.of(asset);
            let jobs =
                jobs.map(|job| (self.jobs.stage(job).clone(), self.jobs.attempt(job), self.jobs.state(job).as_str()));
            (state.phase.to_string(), state.playable_generation, state.complete_generation, code, jobs.collect())
        };
        (0..assets).map(end).collect()
    }
}

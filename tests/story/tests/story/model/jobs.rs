//! Jobs in maps: what the statements of `job-queue` do to its tables, and `policy` asked as a claim asks it.

use std::collections::{BTreeMap, BTreeSet};

use asset_flow::{JobRequest, Stage};
use job_queue::Capabilities;
use job_queue::policy::{self, Kind, Lane, Running, Window};
use media_types::TenantId;

use crate::engine::tenant_id;

const BACK_OFF_MS: [i64; 7] = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Ready,
    Running,
    Done,
    Parked,
    /// Because another job of its asset gave up, or because a person wanted it so.
    Cancelled {
        gave_up: bool,
    },
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Ready => "ready",
            State::Running => "running",
            State::Done => "done",
            State::Parked => "parked",
            State::Cancelled { .. } => "cancelled",
        }
    }
}

struct Job {
    asset: usize,
    tenant: TenantId,
    stage: Stage,
    priority: i64,
    needs: String,
    weight: i64,
    max_attempts: i64,
    run_at_ms: i64,
    state: State,
    waits_for: usize,
    attempt: i64,
    /// Attempts that do not count.
    returned: i64,
    beats: i64,
    started_ms: i64,
    dependants: Vec<usize>,
}

/// Of each tenant with ready jobs of a kind these, oldest first.
type Lanes = BTreeMap<TenantId, BTreeSet<(i64, usize)>>;

/// Numbered in the order in which they are enqueued.
#[derive(Default)]
pub(crate) struct Jobs {
    all: Vec<Job>,
    of_asset: BTreeMap<usize, Vec<usize>>,
    running: BTreeSet<(TenantId, usize)>,
    /// By stage, priority and needs.
    ready: BTreeMap<(&'static str, i64, String), Lanes>,
    tags: BTreeMap<TenantId, i64>,
    virtual_ms: i64,
}

impl Jobs {
    pub(crate) fn asset(&self, job: usize) -> usize {
        self.all[job].asset
    }

    pub(crate) fn stage(&self, job: usize) -> &Stage {
        &self.all[job].stage
    }

    pub(crate) fn state(&self, job: usize) -> State {
        self.all[job].state
    }

    pub(crate) fn attempt(&self, job: usize) -> i64 {
        self.all[job].attempt
    }

    pub(crate) fn beats(&self, job: usize) -> i64 {
        self.all[job].beats
    }

    pub(crate) fn beat(&mut self, job: usize) {
        self.all[job].beats += 1;
    }

    pub(crate) fn is_held(&self, job: usize, attempt: i64) -> bool {
        self.all[job].state == State::Running && self.all[job].attempt == attempt
    }

    pub(crate) fn running(&self) -> Vec<usize> {
        self.running.iter().map(|(_, job)| *job).collect()
    }

    pub(crate) fn of(&self, asset: usize) -> impl Iterator<Item = usize> {
        self.of_asset.get(&asset).into_iter().flatten().copied()
    }

    pub(crate) fn enqueue(&mut self, now_ms: i64, asset: usize, tenant: usize, requests: &[JobRequest]) {
        let first = self.all.len();
        for (at, request) in requests.iter().enumerate() {
            for on in &request.waits_on {
                self.all[first + on].dependants.push(first + at);
            }
            let needs: Capabilities = request.needs.iter().copied().collect();
            let JobRequest { stage, priority, weight, max_attempts, delay_ms, .. } = request.clone();
            self.all.push(Job {
                asset,
                tenant: tenant_id(tenant),
                stage,
                priority,
                needs: needs.to_string(),
                weight,
                max_attempts,
                run_at_ms: now_ms + delay_ms,
                state: State::Waiting,
                waits_for: request.waits_on.len(),
                attempt: 0,
                returned: 0,
                beats: 0,
                started_ms: 0,
                dependants: Vec::new(),
            });
            self.of_asset.entry(asset).or_default().push(first + at);
        }
        (first..self.all.len())
            .filter(|job| self.all[*job].waits_for == 0)
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|job| self.becomes(job, State::Ready));
    }

    /// Keeps the lists of what is ready and what runs.
    fn becomes(&mut self, number: usize, state: State) {
        let job = &mut self.all[number];
        let kind = (job.stage.name(), job.priority, job.needs.clone());
        let place = (job.run_at_ms, number);
        match job.state {
            State::Running => drop(self.running.remove(&(job.tenant.clone(), number))),
            State::Ready => {
                let lanes = self.ready.get_mut(&kind).unwrap();
                let lane = lanes.get_mut(&job.tenant).unwrap();
                assert!(lane.remove(&place));
                if lane.is_empty() {
                    lanes.remove(&job.tenant);
                }
            }
            _ => {}
        }
        job.state = state;
        match state {
            State::Running => drop(self.running.insert((job.tenant.clone(), number))),
            State::Ready => {
                let lanes = self.ready.entry(kind).or_default();
                lanes.entry(job.tenant.clone()).or_default().insert(place);
            }
            _ => {}
        }
    }

    fn tag_ms(&self, tenant: &TenantId) -> i64 {
        self.tags.get(tenant).copied().unwrap_or(0)
    }

    fn kinds(&self, floor: i64) -> Vec<Kind> {
        let kind = |((stage, priority, needs), lanes): (&(&'static str, i64, String), &Lanes)| {
            let oldest_ms = lanes.values().filter_map(|lane| lane.first()).map(|(run_at_ms, _)| *run_at_ms).min()?;
            Some(Kind { stage: (*stage).to_owned(), priority: *priority, needs: needs.clone(), oldest_ms })
        };
        self.ready.iter().filter(|((_, priority, _), _)| *priority >= floor).filter_map(kind).collect()
    }

    fn lanes_of(&self, window: &Window) -> Vec<(Lane, usize)> {
        let of_window = |(stage, priority, needs): &(&'static str, i64, String)| {
            *stage == window.stage && *priority == window.priority && *needs == window.needs
        };
        let kinds = self.ready.iter().filter(|(kind, _)| of_window(kind));
        let lane = |(tenant, jobs): (&TenantId, &BTreeSet<(i64, usize)>)| {
            let &(oldest_ms, job) = jobs.first()?;
            let lane = Lane {
                tenant_id: tenant.clone(),
                tag_ms: self.tag_ms(tenant),
                virtual_ms: self.virtual_ms,
                window: window.clone(),
                oldest_ms,
            };
            (oldest_ms <= window.due_ms).then_some((lane, job))
        };
        kinds.flat_map(|(_, lanes)| lanes).filter_map(lane).collect()
    }

    /// The job that is next, and the number of the attempt.
    pub(crate) fn claim(&mut self, now_ms: i64, floor: i64) -> Option<(usize, i64)> {
        let demanded = self.running.iter().filter(|(_, job)| policy::DEMANDED.contains(&self.all[*job].priority));
        let running = Running { all: self.running.len() as i64, demanded: demanded.count() as i64 };
        for windows in policy::turns(&self.kinds(floor), running, now_ms) {
            let found: Vec<(Lane, usize)> = windows.iter().flat_map(|window| self.lanes_of(window)).collect();
            let mut lanes: Vec<Lane> = found.iter().map(|(lane, _)| lane.clone()).collect();
            policy::order(&mut lanes);
            let Some(first) = lanes.first() else { continue };
            let number = found.iter().find(|(lane, _)| lane == first).unwrap().1;
            let share = policy::charge(self.virtual_ms, first.tag_ms, self.all[number].weight);
            self.virtual_ms = self.virtual_ms.max(share.start_ms);
            self.tags.insert(first.tenant_id.clone(), share.tag_ms);
            self.becomes(number, State::Running);
            let job = &mut self.all[number];
            (job.attempt, job.beats, job.started_ms) = (job.attempt + 1, job.beats + 1, now_ms);
            return Some((number, job.attempt));
        }
        None
    }

    fn settle(&mut self, number: usize, actual_ms: i64) {
        let job = &self.all[number];
        let tag_ms = policy::settle(self.tag_ms(&job.tenant), job.weight, actual_ms);
        self.tags.insert(job.tenant.clone(), tag_ms);
    }

    pub(crate) fn finish(&mut self, now_ms: i64, number: usize) {
        self.settle(number, now_ms - self.all[number].started_ms);
        self.becomes(number, State::Done);
        for dependant in self.all[number].dependants.clone() {
            if self.all[dependant].state == State::Waiting {
                self.all[dependant].waits_for -= 1;
                if self.all[dependant].waits_for == 0 {
                    self.becomes(dependant, State::Ready);
                }
            }
        }
    }

    /// When it is tried again, or `None` when it is parked.
    pub(crate) fn fail(&mut self, now_ms: i64, number: usize, again: bool) -> Option<i64> {
        self.settle(number, now_ms - self.all[number].started_ms);
        let tried = self.all[number].attempt - self.all[number].returned;
        if !again || tried >= self.all[number].max_attempts {
            self.becomes(number, State::Parked);
            return None;
        }
        let run_at_ms = now_ms + BACK_OFF_MS[(tried as usize - 1).min(BACK_OFF_MS.len() - 1)];
        self.all[number].run_at_ms = run_at_ms;
        self.becomes(number, State::Ready);
        Some(run_at_ms)
    }

    pub(crate) fn hand_back(&mut self, number: usize) {
        self.settle(number, 0);
        self.all[number].returned += 1;
        self.becomes(number, State::Ready);
    }

    /// Whether it is parked.
    pub(crate) fn take_over(&mut self, number: usize) -> bool {
        let parked = self.all[number].attempt - self.all[number].returned >= self.all[number].max_attempts;
        self.becomes(number, if parked { State::Parked } else { State::Ready });
        parked
    }

    pub(crate) fn cancel(&mut self, asset: usize, gave_up: bool) {
        for number in self.of(asset).collect::<Vec<_>>() {
            if matches!(self.all[number].state, State::Waiting | State::Ready | State::Running) {
                self.becomes(number, State::Cancelled { gave_up });
            }
        }
    }

    pub(crate) fn revive(&mut self, asset: usize, now_ms: i64) {
        for number in self.of(asset).collect::<Vec<_>>() {
            let job = &mut self.all[number];
            if matches!(job.state, State::Parked | State::Cancelled { gave_up: true }) {
                (job.returned, job.run_at_ms) = (job.attempt, job.run_at_ms.max(now_ms));
                let waits = job.waits_for > 0;
                self.becomes(number, if waits { State::Waiting } else { State::Ready });
            }
        }
    }
}

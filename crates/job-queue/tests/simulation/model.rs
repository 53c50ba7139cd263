//! The queue without a table: the same policy over maps, for simulations.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use job_queue::policy::{self, Kind, Lane, Running, Window};
use media_types::TenantId;

use crate::world::{Claim, Order, Queue};

type KindKey = (&'static str, i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting(usize),
    Ready,
    Running,
    Ended,
}

struct Job {
    order: Order,
    run_at_ms: i64,
    state: State,
    attempt: i64,
    started_ms: i64,
    dependants: Vec<usize>,
}

/// The ready jobs of one kind.
#[derive(Default)]
struct Ready {
    /// Each tenant's, oldest first.
    lanes: BTreeMap<usize, BTreeSet<(i64, usize)>>,
    /// Tenants that have some, in the order of their turns.
    turns: BTreeSet<(i64, usize)>,
    /// The same tenants by the run time of their oldest.
    heads: BTreeSet<(i64, usize)>,
}

impl Ready {
    fn head(&self, tenant: usize) -> Option<(i64, usize)> {
        let &(oldest_ms, _) = self.lanes.get(&tenant)?.first()?;
        Some((oldest_ms, tenant))
    }

    fn moved(&mut self, tenant: usize, before: Option<(i64, usize)>) {
        let now = self.head(tenant);
        if now != before {
            before.map(|before| self.heads.remove(&before));
            self.heads.extend(now);
        }
    }

    /// Of the tenants with a job that is due the one whose turn it is. Looks from both ends: by turn, and by age.
    fn next(&self, due_ms: i64, tags: &HashMap<usize, i64>) -> Option<usize> {
        let mut by_age = self.heads.range(..=(due_ms, usize::MAX));
        let mut best = None;
        for &(_, tenant) in &self.turns {
            if self.head(tenant).is_some_and(|(oldest_ms, _)| oldest_ms <= due_ms) {
                return Some(tenant);
            }
            let Some(&(_, tenant)) = by_age.next() else { return best.map(|(_, tenant)| tenant) };
            let turn = (tags.get(&tenant).copied().unwrap_or(0), tenant);
            best = Some(best.map_or(turn, |best: (i64, usize)| best.min(turn)));
        }
        None
    }
}

/// Jobs are numbered in the order in which they are enqueued, tenants as the world numbers them.
#[derive(Default)]
pub(crate) struct Model {
    jobs: Vec<Job>,
    /// The jobs of each asset, which are enqueued together.
    of_asset: HashMap<usize, Range<usize>>,
    ready: BTreeMap<KindKey, Ready>,
    tags: HashMap<usize, i64>,
    virtual_ms: i64,
    running: Running,
}

impl Model {
    fn tag(&self, tenant: usize) -> i64 {
        self.tags.get(&tenant).copied().unwrap_or(0)
    }

    fn set_tag(&mut self, tenant: usize, tag_ms: i64) {
        let before = self.tags.insert(tenant, tag_ms).unwrap_or(0);
        for ready in self.ready.values_mut() {
            if ready.turns.remove(&(before, tenant)) {
                ready.turns.insert((tag_ms, tenant));
            }
        }
    }

    fn put(&mut self, number: usize) {
        let job = &mut self.jobs[number];
        job.state = State::Ready;
        let (tenant, place) = (job.order.tenant, (job.run_at_ms, number));
        let tag_ms = self.tag(tenant);
        let order = &self.jobs[number].order;
        let ready = self.ready.entry((order.stage, order.priority)).or_default();
        let before = ready.head(tenant);
        ready.lanes.entry(tenant).or_default().insert(place);
        ready.turns.insert((tag_ms, tenant));
        ready.moved(tenant, before);
    }

    fn take_out(&mut self, number: usize) {
        let job = &self.jobs[number];
        let (tenant, place) = (job.order.tenant, (job.run_at_ms, number));
        let tag_ms = self.tag(tenant);
        let ready = self.ready.get_mut(&(job.order.stage, job.order.priority)).unwrap();
        let before = ready.head(tenant);
        let lane = ready.lanes.get_mut(&tenant).unwrap();
        lane.remove(&place);
        if lane.is_empty() {
            ready.lanes.remove(&tenant);
            ready.turns.remove(&(tag_ms, tenant));
        }
        ready.moved(tenant, before);
    }

    fn kinds(&self) -> Vec<Kind> {
        let kind = |(&(stage, priority), ready): (&KindKey, &Ready)| {
            let &(oldest_ms, _) = ready.heads.first()?;
            Some(Kind { stage: stage.to_owned(), priority, needs: String::new(), oldest_ms })
        };
        self.ready.iter().filter_map(kind).collect()
    }

    /// The window's lane of the tenant that has had least.
    fn lane(&self, window: Window) -> Option<(usize, Lane)> {
        let ready =
            self.ready.iter().find(|((stage, priority), _)| *stage == window.stage && *priority == window.priority);
        let (_, ready) = ready?;
        let tenant = ready.next(window.due_ms, &self.tags)?;
        let ((oldest_ms, _), tag_ms, virtual_ms) = (ready.head(tenant)?, self.tag(tenant), self.virtual_ms);
        let lane = Lane { tenant_id: tenant_id(tenant), tag_ms, virtual_ms, window, oldest_ms };
        Some((tenant, lane))
    }

    fn end_attempt(&mut self, number: usize, actual_ms: Option<i64>) {
        let job = &self.jobs[number];
        let (tenant, estimate_ms, priority) = (job.order.tenant, job.order.weight, job.order.priority);
        self.running.all -= 1;
        self.running.demanded -= i64::from(policy::DEMANDED.contains(&priority));
        if let Some(actual_ms) = actual_ms {
            self.set_tag(tenant, policy::settle(self.tag(tenant), estimate_ms, actual_ms));
        }
    }

    fn holds(&self, claim: &Claim) -> bool {
        let job = &self.jobs[claim.job];
        job.state == State::Running && job.attempt == claim.attempt
    }
}

/// As the world names tenants in tables: in the order of their numbers.
pub(crate) fn tenant_id(tenant: usize) -> TenantId {
    TenantId::from_unique(format!("{tenant:05}"))
}

impl Queue for Model {
    async fn enqueue(&mut self, now_ms: i64, orders: &[Order]) {
        let first = self.jobs.len();
        for order in orders {
            let number = self.jobs.len();
            let state = State::Waiting(order.waits_on.len());
            let (order, dependants) = (order.clone(), Vec::new());
            for &on in &order.waits_on {
                self.jobs[first + on].dependants.push(number);
            }
            self.jobs.push(Job { order, run_at_ms: now_ms, state, attempt: 0, started_ms: 0, dependants });
        }
        self.of_asset.insert(orders[0].asset, first..self.jobs.len());
        for number in first..self.jobs.len() {
            if self.jobs[number].state == State::Waiting(0) {
                self.put(number);
            }
        }
    }

    async fn claim(&mut self, now_ms: i64) -> Option<Claim> {
        for windows in policy::turns(&self.kinds(), self.running, now_ms) {
            let (tenants, mut lanes): (Vec<_>, Vec<_>) =
                windows.into_iter().filter_map(|window| self.lane(window)).unzip();
            policy::order(&mut lanes);
            let Some(lane) = lanes.first() else { continue };
            let tenant = tenants.into_iter().find(|tenant| tenant_id(*tenant) == lane.tenant_id).unwrap();
            let ready = &self
                .ready
                .iter()
                .find(|((stage, priority), _)| *stage == lane.window.stage && *priority == lane.window.priority);
            let number = ready.unwrap().1.lanes[&tenant].first().unwrap().1;
            self.take_out(number);
            let job = &mut self.jobs[number];
            (job.state, job.attempt, job.started_ms) = (State::Running, job.attempt + 1, now_ms);
            let claim = Claim { job: number, attempt: job.attempt };
            let share = policy::charge(self.virtual_ms, lane.tag_ms, job.order.weight);
            self.running.all += 1;
            self.running.demanded += i64::from(policy::DEMANDED.contains(&job.order.priority));
            self.virtual_ms = self.virtual_ms.max(share.start_ms);
            self.set_tag(tenant, share.tag_ms);
            return Some(claim);
        }
        None
    }

    async fn finish(&mut self, now_ms: i64, claim: &Claim) -> bool {
        if !self.holds(claim) {
            return false;
        }
        self.end_attempt(claim.job, Some(now_ms - self.jobs[claim.job].started_ms));
        self.jobs[claim.job].state = State::Ended;
        for number in self.jobs[claim.job].dependants.clone() {
            match self.jobs[number].state {
                State::Waiting(1) => self.put(number),
                State::Waiting(open) => self.jobs[number].state = State::Waiting(open - 1),
                _ => {}
            }
        }
        true
    }

    async fn take_over(&mut self, _: i64, claim: &Claim) -> Option<bool> {
        if !self.holds(claim) {
            return None;
        }
        self.end_attempt(claim.job, None);
        let parked = claim.attempt >= self.jobs[claim.job].order.max_attempts;
        match parked {
            true => self.jobs[claim.job].state = State::Ended,
            false => self.put(claim.job),
        }
        Some(parked)
    }

    async fn cancel(&mut self, _: i64, asset: usize) {
        for number in self.of_asset.get(&asset).cloned().unwrap_or_default() {
            match self.jobs[number].state {
                State::Running => self.end_attempt(number, None),
                State::Ready => self.take_out(number),
                State::Waiting(_) | State::Ended => {}
            }
            self.jobs[number].state = State::Ended;
        }
    }
}

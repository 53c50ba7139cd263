//! Workers, assets and their faults, on a clock of events. Everything follows from the seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// One job of an asset.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) tenant: usize,
    pub(crate) asset: usize,
    pub(crate) stage: &'static str,
    pub(crate) priority: i64,
    pub(crate) weight: i64,
    pub(crate) max_attempts: i64,
    /// Earlier positions of the same asset's jobs.
    pub(crate) waits_on: Vec<usize>,
}

/// A job that a worker holds: its number in the order of enqueuing, and the fencing token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) job: usize,
    pub(crate) attempt: i64,
}

/// What the world needs of a queue; jobs of an asset are enqueued in one call.
pub(crate) trait Queue {
    async fn enqueue(&mut self, now_ms: i64, orders: &[Order]);
    async fn claim(&mut self, now_ms: i64) -> Option<Claim>;
    /// Whether the result counts.
    async fn finish(&mut self, now_ms: i64, claim: &Claim) -> bool;
    /// Whether the job was parked; `None` when nobody held it.
    async fn take_over(&mut self, now_ms: i64, claim: &Claim) -> Option<bool>;
    async fn cancel(&mut self, now_ms: i64, asset: usize);
}

/// How large the world is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    pub(crate) assets: usize,
    pub(crate) tenants: usize,
    /// Assets of small tenants arrive within this time; those of the two large ones at once.
    pub(crate) arrivals_ms: i64,
}

/// Two tenants bring three tenths of all assets each, at the very beginning; the second one's jobs cost five times what was
/// estimated.
pub(crate) const LARGE: usize = 2;
pub(crate) const RANGE_MS: i64 = 20_000;
/// A reaper's patience.
const SILENCE_MS: i64 = 8_000;
const REVIVAL_MS: i64 = 30_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives { asset: usize },
    Cancelled { asset: usize },
    Ends { worker: usize, job: usize, attempt: i64 },
    Silent { job: usize, attempt: i64 },
    Revives { worker: usize },
}

/// What happened.
#[derive(Default)]
pub(crate) struct Story {
    /// When which worker claimed what.
    pub(crate) claims: Vec<(i64, usize, Claim)>,
    /// How often each job's result was taken.
    pub(crate) done: HashMap<usize, u32>,
    pub(crate) refused: usize,
    /// Assets that were cancelled, or failed because a job was parked.
    pub(crate) given_up: BTreeMap<usize, i64>,
    pub(crate) orders: Vec<Order>,
    /// When each job was enqueued.
    pub(crate) enqueued_ms: Vec<i64>,
    /// When nothing was left to do.
    pub(crate) ended_ms: i64,
    /// How long workers were busy, dead ones until they died.
    pub(crate) busy_ms: i64,
    /// The longest that any job took.
    pub(crate) longest_ms: i64,
}

/// A number that follows from these alone.
pub(crate) fn dice(seed: u64, of: &[usize]) -> u64 {
    let mix = |state: u64, value: u64| {
        let mixed = (state ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (mixed >> 31)
    };
    of.iter().fold(mix(seed, 1), |state, value| mix(state, *value as u64))
}

impl Size {
    pub(crate) fn tenant(&self, asset: usize) -> usize {
        match asset * 10 / self.assets {
            0..3 => 0,
            3..6 => 1,
            _ => LARGE + asset % (self.tenants - LARGE),
        }
    }

    fn arrival_ms(&self, asset: usize) -> i64 {
        match self.tenant(asset) {
            0..LARGE => 1,
            _ => 1 + (dice(self.seed, &[1, asset]) % self.arrivals_ms as u64) as i64,
        }
    }

    fn orders(&self, asset: usize) -> Vec<Order> {
        let tenant = self.tenant(asset);
        let order = |stage, priority, weight, waits_on: Vec<usize>| {
            // The second large tenant's estimates are far too low.
            let weight = if tenant == 1 { weight / 5 } else { weight };
            Order { tenant, asset, stage, priority, weight, max_attempts: 3, waits_on }
        };
        let mut orders = vec![order("probe", 300, 300, vec![])];
        for _ in 0..1 + asset % 2 {
            orders.push(order("encode_range", 100, RANGE_MS, vec![0]));
        }
        if asset.is_multiple_of(8) {
            orders.push(order("encode_ahead", 220, 2_000, vec![0]));
        }
        orders.push(order("publish_complete", 350, 200, (0..orders.len()).collect()));
        orders
    }

    /// How long an attempt takes on a worker: half to one and a half of what is usual, and one in fifty ten times that.
    fn takes_ms(&self, order: &Order, job: usize, attempt: i64) -> i64 {
        let usual = if order.tenant == 1 { order.weight * 5 } else { order.weight };
        let thrown = dice(self.seed, &[2, job, attempt as usize]);
        let taken = usual / 2 + (thrown % 1_000) as i64 * usual / 1_000;
        if (thrown / 1_000).is_multiple_of(50) { taken * 10 } else { taken }.max(1)
    }

    /// Recordings that kill every worker that encodes them.
    pub(crate) fn is_poison(&self, asset: usize) -> bool {
        dice(self.seed, &[3, asset]).is_multiple_of(500)
    }

    fn dies(&self, order: &Order, job: usize, attempt: i64) -> bool {
        (order.stage == "encode_range" && self.is_poison(order.asset))
            || dice(self.seed, &[4, job, attempt as usize]).is_multiple_of(100)
    }

    fn is_unheard(&self, job: usize, attempt: i64) -> bool {
        dice(self.seed, &[5, job, attempt as usize]).is_multiple_of(200)
    }
}

struct World<'a, Q> {
    size: Size,
    queue: &'a mut Q,
    events: BinaryHeap<Reverse<(i64, u64, Event)>>,
    count: u64,
    idle: Vec<usize>,
    story: Story,
}

/// Lets everything happen, until nothing is left to do.
pub(crate) async fn play<Q: Queue>(size: Size, queue: &mut Q) -> Story {
    let idle = (0..size.workers).rev().collect();
    let mut world = World { size, queue, events: BinaryHeap::new(), count: 0, idle, story: Story::default() };
    for asset in 0..size.assets {
        let arrives_ms = size.arrival_ms(asset);
        world.at(arrives_ms, Event::Arrives { asset });
        if dice(size.seed, &[6, asset]).is_multiple_of(100) {
            let after = (dice(size.seed, &[7, asset]) % 600_000) as i64;
            world.at(arrives_ms + after, Event::Cancelled { asset });
        }
    }
    while let Some(Reverse((now_ms, _, event))) = world.events.pop() {
        world.happens(now_ms, event).await;
        // What happens at the same time is enqueued before anybody looks.
        if world.events.peek().is_none_or(|Reverse((next_ms, ..))| *next_ms > now_ms) {
            world.give_out(now_ms).await;
        }
        world.story.ended_ms = now_ms;
    }
    world.story
}

impl<Q: Queue> World<'_, Q> {
    fn at(&mut self, time_ms: i64, event: Event) {
        self.count += 1;
        self.events.push(Reverse((time_ms, self.count, event)));
    }

    async fn happens(&mut self, now_ms: i64, event: Event) {
        match event {
            Event::Arrives { asset } => {
                let orders = self.size.orders(asset);
                self.queue.enqueue(now_ms, &orders).await;
                self.story.enqueued_ms.extend(orders.iter().map(|_| now_ms));
                self.story.orders.extend(orders);
            }
            Event::Cancelled { asset } => {
                self.queue.cancel(now_ms, asset).await;
                self.story.given_up.entry(asset).or_insert(now_ms);
            }
            Event::Ends { worker, job, attempt } => {
                match self.queue.finish(now_ms, &Claim { job, attempt }).await {
                    true => *self.story.done.entry(job).or_default() += 1,
                    false => self.story.refused += 1,
                }
                self.idle.push(worker);
            }
            Event::Silent { job, attempt } => {
                if self.queue.take_over(now_ms, &Claim { job, attempt }).await == Some(true) {
                    let asset = self.story.orders[job].asset;
                    self.queue.cancel(now_ms, asset).await;
                    self.story.given_up.entry(asset).or_insert(now_ms);
                }
            }
            Event::Revives { worker } => self.idle.push(worker),
        }
    }

    async fn give_out(&mut self, now_ms: i64) {
        while let Some(&worker) = self.idle.last() {
            let Some(claim) = self.queue.claim(now_ms).await else { return };
            self.idle.pop();
            self.story.claims.push((now_ms, worker, claim));
            let Claim { job, attempt } = claim;
            let order = self.story.orders[job].clone();
            let takes_ms = self.size.takes_ms(&order, job, attempt);
            self.story.longest_ms = self.story.longest_ms.max(takes_ms);
            if self.size.dies(&order, job, attempt) {
                self.story.busy_ms += takes_ms / 2;
                self.at(now_ms + takes_ms / 2 + SILENCE_MS, Event::Silent { job, attempt });
                self.at(now_ms + takes_ms / 2 + REVIVAL_MS, Event::Revives { worker });
                continue;
            }
            self.story.busy_ms += takes_ms;
            if self.size.is_unheard(job, attempt) {
                self.at(now_ms + SILENCE_MS, Event::Silent { job, attempt });
            }
            self.at(now_ms + takes_ms, Event::Ends { worker, job, attempt });
        }
    }
}

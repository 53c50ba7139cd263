//! What one worker takes on at a time: a pure model of its processors and its memory.
//!
//! A job holds what its stage is known to use ([`super::cost`]) from its claim to its end. What pays for it is the common
//! purse, which is the whole budget, or else a small one of its own kind: what is demanded, what is short or little work, and
//! what somebody waits for never wait for a long encode, and a viewer never for somebody's sound.

use super::cost::Cost;
use super::{CLASSES, DEMANDED, Lane, class_of};

/// What a worker may use at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Processors, in thousandths.
    pub cpu_milli: i64,
    /// Memory.
    pub memory_bytes: i64,
}

/// What pays for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purse {
    /// The budget.
    Common,
    /// For what somebody waits for.
    Urgent,
    /// For what viewers demand.
    Demanded,
    /// For the short steps that begin or end a recording, and for jobs of any class that are little work.
    Short,
}

/// Every job holds so much at least: it has a process, reads and writes.
pub const LEAST_MILLI: i64 = 250;
/// A job of no more processor time is little work.
pub const LITTLE_MS: i64 = 2_000;
/// Each purse beside the common one has such a part of the processors, one at least.
pub const EXTRA_PART: i64 = 8;
/// Of memory the common purse leaves such a part to the others.
const MEMORY_LEFT_PART: i64 = 4;
const PURSES: usize = 4;
const PROCESSOR: i64 = 1_000;

/// What one purse pays for now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Held {
    jobs: usize,
    cpu_milli: i64,
    memory_bytes: i64,
}

/// What a worker has taken on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purses {
    budget: Budget,
    held: [Held; PURSES],
}

impl Purses {
    /// Those of a worker that has nothing to do.
    pub fn new(budget: Budget) -> Self {
        Self { budget, held: [Held::default(); PURSES] }
    }

    fn of(&mut self, purse: Purse) -> &mut Held {
        &mut self.held[purse as usize]
    }

    /// What pays for one more job of this priority and cost; `None` when there is no room for it now. `common_open`: whether
    /// the common purse pays, which it does not while a job that goes before this one waits for room in it.
    pub fn pays(&self, priority: i64, cost: Cost, common_open: bool) -> Option<Purse> {
        let common = common_open.then_some(Purse::Common);
        [common, own(priority, cost)].into_iter().flatten().find(|purse| self.has_room(*purse, cost))
    }

    /// Half a job's processors are enough room: to wait for the other half would leave more of them idle than is wanting. One
    /// job always has room, however large it is.
    fn has_room(&self, purse: Purse, cost: Cost) -> bool {
        let held = self.held[purse as usize];
        if held.jobs == 0 {
            return true;
        }
        let Budget { cpu_milli, memory_bytes } = self.budget;
        let (cpu, memory) = match purse {
            Purse::Common => (cpu_milli, memory_bytes - memory_bytes / MEMORY_LEFT_PART),
            Purse::Urgent | Purse::Demanded | Purse::Short => ((cpu_milli / EXTRA_PART).max(PROCESSOR), memory_bytes),
        };
        let price = self.price(cost);
        let free = cpu.saturating_sub(held.cpu_milli);
        free.saturating_mul(2) >= price.cpu_milli && self.memory_bytes().saturating_add(price.memory_bytes) <= memory
    }

    /// What a job holds: no more than there is, so that one alone fills the worker and does not overdraw it.
    fn price(&self, cost: Cost) -> Cost {
        let cpu_milli = cost.cpu_milli.min(self.budget.cpu_milli).max(LEAST_MILLI);
        Cost { cpu_milli, memory_bytes: cost.memory_bytes.clamp(0, self.budget.memory_bytes.max(0)), ..cost }
    }

    /// Has `purse` pay for a job. What it holds is what [`Self::release`] is to be given.
    pub fn hold(&mut self, purse: Purse, cost: Cost) -> Cost {
        let price = self.price(cost);
        let held = self.of(purse);
        held.jobs += 1;
        held.cpu_milli += price.cpu_milli;
        held.memory_bytes += price.memory_bytes;
        price
    }

    /// Gives back what a job held.
    pub fn release(&mut self, purse: Purse, held: Cost) {
        let of = self.of(purse);
        of.jobs = of.jobs.saturating_sub(1);
        of.cpu_milli -= held.cpu_milli;
        of.memory_bytes -= held.memory_bytes;
    }

    /// Whether more is taken on than there are processors.
    pub fn is_crowded(&self) -> bool {
        self.cpu_milli() > self.budget.cpu_milli
    }

    /// What all jobs hold of the processors.
    pub fn cpu_milli(&self) -> i64 {
        self.held.iter().map(|held| held.cpu_milli).sum()
    }

    /// What all jobs hold of the memory.
    pub fn memory_bytes(&self) -> i64 {
        self.held.iter().map(|held| held.memory_bytes).sum()
    }
}

/// The purse of a job's kind, if it has one.
fn own(priority: i64, cost: Cost) -> Option<Purse> {
    const SHORT: usize = CLASSES.len() - 1;
    const URGENT: usize = CLASSES.len() - 2;
    match class_of(priority) {
        _ if DEMANDED.contains(&priority) => Some(Purse::Demanded),
        SHORT => Some(Purse::Short),
        _ if cost.work_ms <= LITTLE_MS => Some(Purse::Short),
        URGENT => Some(Purse::Urgent),
        _ => None,
    }
}

/// Of lanes in the order in which they are served those whose job there is room for, with what pays for it.
///
/// A job without room closes the common purse for all behind it, here and in the classes below: else many small jobs would keep a
/// large one waiting for ever. `common_open` says whether it is open still.
pub fn with_room(
    lanes: Vec<Lane>,
    common_open: &mut bool,
    pays: impl Fn(&Lane, bool) -> Option<Purse>,
) -> Vec<(Lane, Purse)> {
    let mut served = Vec::new();
    for lane in lanes {
        match pays(&lane, *common_open) {
            Some(purse) => served.push((lane, purse)),
            None => *common_open = false,
        }
    }
    served
}

#[cfg(test)]
mod tests;

//! What this process works on: what each attempt uses, and what room there is for more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use crate::lease::Used;
use crate::policy::budget::{Purse, Purses};
use crate::policy::cost::{Cost, Costs, Seen};
use crate::{ClaimedJob, Fence, Lease, Room};

/// The leases that this process holds, so that the end of an attempt finds what it used.
#[derive(Clone, Default)]
pub(crate) struct Attempts(Arc<Mutex<HashMap<Fence, Lease>>>);

impl Attempts {
    /// Keeps account of an attempt until the answer is dropped.
    pub(crate) fn begin(&self, fence: &Fence, lease: &Lease) -> Attempt {
        lock(&self.0).insert(fence.clone(), lease.clone());
        Attempt { attempts: self.clone(), fence: fence.clone() }
    }

    /// What an attempt of this process has used; `None` where that is not known.
    pub(crate) fn used(&self, fence: &Fence) -> Option<Used> {
        lock(&self.0).get(fence).and_then(Lease::measured)
    }

    /// An attempt handed in its result.
    pub(crate) fn finished(&self, fence: &Fence) {
        if let Some(lease) = lock(&self.0).get(fence) {
            lease.finished();
        }
    }
}

pub(crate) struct Attempt {
    attempts: Attempts,
    fence: Fence,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        lock(&self.attempts.0).remove(&self.fence);
    }
}

/// What one worker has taken on. Cheap to clone; all clones are one ledger.
#[derive(Clone)]
pub(crate) struct Ledger {
    inner: Arc<Mutex<Inner>>,
    freed: watch::Sender<()>,
}

struct Inner {
    purses: Purses,
    costs: Costs,
    holds: HashMap<Fence, Hold>,
    /// Whether this process may use a part of the machine alone, so that what is idle of it does not tell when that is full.
    limited: bool,
}

struct Hold {
    stage: String,
    purse: Purse,
    cost: Cost,
    began: Instant,
    /// Whether there was a moment at which more was taken on than there are processors.
    crowded: bool,
    machine: Option<Machine>,
}

/// What a claim looks at: what there is room for can only become more until the claim's job is held.
pub(crate) struct Look {
    purses: Purses,
    costs: Costs,
}

impl Look {
    /// What pays for one more job of this stage and priority.
    pub(crate) fn pays(&self, stage: &str, priority: i64, common_open: bool) -> Option<Purse> {
        self.purses.pays(priority, self.costs.of(stage), common_open)
    }
}

impl Ledger {
    pub(crate) fn new(room: &Room) -> Self {
        let inner = Inner {
            purses: Purses::new(room.budget),
            costs: Costs::stated(room.stated.iter().cloned()),
            holds: HashMap::new(),
            limited: Machine::now().is_some_and(|machine| allowed() < machine.processors),
        };
        Self { inner: Arc::new(Mutex::new(inner)), freed: watch::Sender::new(()) }
    }

    pub(crate) fn look(&self) -> Look {
        let inner = lock(&self.inner);
        Look { purses: inner.purses.clone(), costs: inner.costs.clone() }
    }

    /// Changes whenever a job has given back what it held.
    pub(crate) fn freed(&self) -> watch::Receiver<()> {
        self.freed.subscribe()
    }

    /// Has `purse` pay for a job that was claimed.
    pub(crate) fn hold(&self, job: &ClaimedJob, purse: Purse) {
        let machine = Machine::now();
        let inner = &mut *lock(&self.inner);
        let cost = inner.purses.hold(purse, inner.costs.of(&job.stage));
        let hold = Hold { stage: job.stage.clone(), purse, cost, began: Instant::now(), crowded: false, machine };
        inner.holds.insert(job.fence.clone(), hold);
        if inner.purses.is_crowded() {
            inner.holds.values_mut().for_each(|hold| hold.crowded = true);
        }
    }

    /// Gives back what a job held, and learns from what it was `seen` to use, if it finished.
    pub(crate) fn release(&self, fence: &Fence, used: Option<Used>) {
        let mut inner = lock(&self.inner);
        let Some(hold) = inner.holds.remove(fence) else { return };
        inner.purses.release(hold.purse, hold.cost);
        if let Some(Used { cpu_ms, peak_bytes }) = used {
            let wall_ms = i64::try_from(hold.began.elapsed().as_millis()).unwrap_or(i64::MAX);
            let was_full = || hold.machine.zip(Machine::now()).is_some_and(|(then, now)| now.was_full_since(then));
            let contended = (inner.limited && hold.crowded) || was_full();
            inner.costs.learn(&hold.stage, Seen { cpu_ms, wall_ms, peak_bytes, contended });
            tracing::debug!(stage = hold.stage, cpu_ms, wall_ms, contended, known = ?inner.costs.of(&hold.stage), "a job's cost");
        }
        drop(inner);
        self.freed.send_replace(());
    }
}

/// How long the machine's processors have had nothing to do, and how long in all, in ticks: of the first line of `/proc/stat`
/// (proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Machine {
    idle: u64,
    all: u64,
    processors: usize,
}

/// Processors that a control group, or whoever started this process, leaves it.
fn allowed() -> usize {
    std::thread::available_parallelism().map_or(usize::MAX, usize::from)
}

impl Machine {
    /// `None` where the kernel does not say.
    fn now() -> Option<Self> {
        Self::read(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    fn read(stat: &str) -> Option<Self> {
        let ticks = stat.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace();
        // The two that follow are parts of others.
        let ticks: Vec<u64> = ticks.take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
        let [_, _, _, idle, waiting, ..] = ticks[..] else { return None };
        let all = ticks.iter().fold(0, |sum: u64, of| sum.saturating_add(*of));
        let of_one = |line: &&str| line.strip_prefix("cpu").is_some_and(|rest| !rest.starts_with(' '));
        Some(Self { idle: idle.saturating_add(waiting), all, processors: stat.lines().filter(of_one).count() })
    }

    /// Whether less than a twentieth of the processors was left.
    fn was_full_since(self, then: Self) -> bool {
        let (idle, all) = (self.idle.saturating_sub(then.idle), self.all.saturating_sub(then.all));
        idle.saturating_mul(20) < all
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_full_when_next_to_nothing_was_idle() {
        let at = |user, idle, waiting| {
            Machine::read(&format!("cpu  {user} 0 0 {idle} {waiting} 0 0 0 7 7\ncpu0 1 2 3\n")).unwrap_or(Machine {
                idle: 0,
                all: 0,
                processors: 0,
            })
        };
        let then = at(100, 100, 100);
        assert_eq!(then, Machine { idle: 200, all: 300, processors: 1 });
        assert!(at(200, 102, 102).was_full_since(then));
        assert!(!at(200, 103, 103).was_full_since(then));
        assert!(!at(100, 100, 100).was_full_since(then), "no time has passed");
        for strange in ["", "intr 1 2", "cpu  1 2", "cpu  a b c d e f g h"] {
            assert_eq!(Machine::read(strange), None);
        }
    }
}

//! Which job is next: a pure model, without clock, table or randomness, which claims and simulations alike ask.
//!
//! Classes go before each other, tenants take turns within a class, and a tenant's own jobs go by priority, then by age.
//!
//! - [`turns`]: what is ready, class by class, the one that is served first in front. A job that has waited long counts as
//!   one of a higher class; what viewers demand goes first, within a part of all that runs.
//! - [`order`]: the lanes of one class, by start-time fair queueing (Goyal, Vin and Cheng, 1996).
//! - [`charge`], [`settle`]: what a job costs its tenant, as estimated when it starts and as it was when it ends.
//! - [`budget`]: what a worker takes on at a time; [`cost`]: what a job uses, from what others of its stage were seen to use.

pub mod budget;
pub mod cost;

use std::ops::Range;

use media_types::TenantId;

/// Priorities of what a viewer waits for in front of a player: before all else, but only within [`DEMANDED_PART`].
pub const DEMANDED: Range<i64> = 220..300;
/// Demanded jobs go first while they are at most one of so many that run; one always may.
pub const DEMANDED_PART: i64 = 4;
/// The most that one job is charged when it starts: an estimate that is far off must not keep its tenant waiting for long.
pub const MAX_CHARGE_MS: i64 = 3_600_000;

/// How far a tenant may lie behind the virtual time. Who has had less than was estimated gets it back; who was away for
/// long has no more than this to catch up.
pub const MAX_BEHIND_MS: i64 = 2 * MINUTE_MS;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The classes below what viewers demand, lowest first: the smallest priority of each, and how long a job waits in it until
/// it counts as one of the next. The last one is that of short steps which begin or end a recording.
pub const CLASSES: [(i64, i64); 5] =
    [(i64::MIN, 6 * HOUR_MS), (20, HOUR_MS), (100, 10 * MINUTE_MS), (200, 10 * MINUTE_MS), (300, i64::MAX)];

/// Names of the classes for those who watch the queue, in the order of [`CLASSES`], and of what viewers demand.
pub const CLASS_NAMES: [&str; 6] = ["renewal", "tidying", "ordinary", "urgent", "short", "demanded"];

/// The name of the class that a job of this priority was enqueued into.
pub fn class_name(priority: i64) -> &'static str {
    let class = if DEMANDED.contains(&priority) { CLASSES.len() } else { class_of(priority) };
    CLASS_NAMES[class]
}

/// The ready jobs of one stage, priority and need, of all tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Which handler runs them.
    pub stage: String,
    /// Their priority.
    pub priority: i64,
    /// What a worker must offer to run them, as [`Capabilities`](crate::Capabilities) are written.
    pub needs: String,
    /// The run time of the oldest.
    pub oldest_ms: i64,
}

/// Jobs of one kind that are served together: those with a run time of at most `due_ms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which handler runs them.
    pub stage: String,
    /// The priority that they were enqueued with.
    pub priority: i64,
    /// What a worker must offer to run them.
    pub needs: String,
    /// The priority that they count as.
    pub counts_as: i64,
    /// The latest run time.
    pub due_ms: i64,
}

/// What runs now, over all tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// All jobs.
    pub all: i64,
    /// Those of a priority in [`DEMANDED`].
    pub demanded: i64,
}

/// One tenant's jobs of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Whose jobs.
    pub tenant_id: TenantId,
    /// The tenant's [`Share::tag_ms`].
    pub tag_ms: i64,
    /// The virtual time at which it was seen.
    pub virtual_ms: i64,
    /// Which of its jobs.
    pub window: Window,
    /// The run time of the oldest.
    pub oldest_ms: i64,
}

/// Where a tenant stands on the virtual clock, which runs on by what jobs cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Where its next job starts, unless that is far behind the virtual time.
    pub tag_ms: i64,
    /// Where the job that it was last given started. The virtual time is the greatest that there ever was, of all tenants.
    pub start_ms: i64,
}

/// Groups what is ready into classes, the one that is served first in front, and leaves out what is not due. A worker serves
/// a class only when there is nothing to claim in those before it.
pub fn turns(kinds: &[Kind], running: Running, now_ms: i64) -> Vec<Vec<Window>> {
    let fresh = |kind: &Kind| Window {
        stage: kind.stage.clone(),
        priority: kind.priority,
        needs: kind.needs.clone(),
        counts_as: kind.priority,
        due_ms: now_ms,
    };
    let due: Vec<&Kind> = kinds.iter().filter(|kind| kind.oldest_ms <= now_ms).collect();
    let (demanded, others): (Vec<&Kind>, Vec<&Kind>) =
        due.into_iter().partition(|kind| DEMANDED.contains(&kind.priority));
    let mut turns: Vec<Vec<Window>> = (0..CLASSES.len()).rev().map(|class| served_as(&others, class, now_ms)).collect();
    let demanded = demanded.into_iter().map(fresh).collect();
    if demanded_first(running) {
        turns.insert(0, demanded);
    } else {
        // Not before anything else, but rather than nothing.
        turns.push(demanded);
    }
    turns.retain(|windows| !windows.is_empty());
    turns
}

/// Whether one more demanded job keeps to its part of what would run then.
fn demanded_first(running: Running) -> bool {
    running.demanded < (running.all.saturating_add(1) / DEMANDED_PART).max(1)
}

fn class_of(priority: i64) -> usize {
    CLASSES.iter().rposition(|(floor, _)| *floor <= priority).unwrap_or(0)
}

/// The jobs that count as those of a class: its own, and those of lower ones that have waited long enough.
fn served_as(kinds: &[&Kind], class: usize, now_ms: i64) -> Vec<Window> {
    let window = |kind: &&Kind| {
        let own = class_of(kind.priority);
        if own > class {
            return None;
        }
        let waited = CLASSES[own..class].iter().fold(0i64, |sum, (_, patience_ms)| sum.saturating_add(*patience_ms));
        let due_ms = now_ms.saturating_sub(waited);
        (kind.oldest_ms <= due_ms).then(|| Window {
            stage: kind.stage.clone(),
            priority: kind.priority,
            needs: kind.needs.clone(),
            counts_as: kind.priority.max(CLASSES[class].0),
            due_ms,
        })
    };
    kinds.iter().filter_map(window).collect()
}

/// Puts the lanes of one class in the order in which they are served: the tenant that has had least, and of its jobs those
/// of the highest priority, then the oldest.
///
/// The first of all lanes is among the first lanes of the windows by tenant alone, so a caller need not look at all.
pub fn order(lanes: &mut [Lane]) {
    let turn = |a: &Lane, b: &Lane| {
        let tenant = (a.tag_ms, &a.tenant_id).cmp(&(b.tag_ms, &b.tenant_id));
        let priority = b.window.counts_as.cmp(&a.window.counts_as);
        let age = a.oldest_ms.cmp(&b.oldest_ms).then(b.window.priority.cmp(&a.window.priority));
        let kind = |lane: &Lane| (lane.window.stage.clone(), lane.window.needs.clone());
        tenant.then(priority).then(age).then_with(|| kind(a).cmp(&kind(b)))
    };
    lanes.sort_by(turn);
}

/// What a job of this estimate is charged, in milliseconds of a processor.
pub fn price(estimate_ms: i64) -> i64 {
    estimate_ms.clamp(1, MAX_CHARGE_MS)
}

/// The share of a tenant that is given a job: it starts where the tenant stands, though not far behind the virtual time, so
/// that nobody saves up turns, and moves the tenant by its price.
pub fn charge(virtual_ms: i64, tag_ms: i64, estimate_ms: i64) -> Share {
    let start_ms = virtual_ms.saturating_sub(MAX_BEHIND_MS).max(tag_ms);
    Share { start_ms, tag_ms: start_ms.saturating_add(price(estimate_ms)) }
}

/// The tag of a tenant whose job, charged by its estimate, has ended and took `actual_ms`.
pub fn settle(tag_ms: i64, estimate_ms: i64, actual_ms: i64) -> i64 {
    tag_ms.saturating_add(actual_ms.max(0)).saturating_sub(price(estimate_ms)).max(0)
}

#[cfg(test)]
mod tests;

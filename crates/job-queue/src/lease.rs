//! What a handler sees of its lease, and the task that renews it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{Fence, JobQueue, Renewal};

/// Between two looks whether a job was cancelled, however much changes: a lost lease is noticed within this.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// A handler's hold on its job. Cheap to clone; all clones are one lease.
///
/// It is renewed only while the handler shows movement by [`Lease::progress`] or [`Lease::touch`]. Once lost, the handler
/// stops its work, kills its child and commits nothing: what it would commit is refused anyway.
#[derive(Clone)]
pub struct Lease {
    inner: Arc<Inner>,
}

struct Inner {
    /// The bits of an `f64`.
    progress: AtomicU64,
    moves: AtomicU64,
    lost: watch::Sender<bool>,
    cpu_us: AtomicU64,
    peak_bytes: AtomicU64,
    /// Whether something was used that nobody could measure.
    unmeasured: AtomicBool,
    /// Whether what is used here says nothing of other jobs.
    unusual: AtomicBool,
    /// Whether a result was handed in.
    finished: AtomicBool,
}

/// What an attempt has used so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) cpu_ms: i64,
    pub(crate) peak_bytes: Option<i64>,
}

impl Lease {
    /// A lease that nothing renews and only [`Lease::revoke`] ends: for running a handler without a queue.
    pub fn detached() -> Self {
        let inner = Inner {
            progress: AtomicU64::new(0),
            moves: AtomicU64::new(0),
            lost: watch::Sender::new(false),
            cpu_us: AtomicU64::new(0),
            peak_bytes: AtomicU64::new(0),
            unmeasured: AtomicBool::new(false),
            unusual: AtomicBool::new(false),
            finished: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Adds processor time that was used for the job outside of its handler's own task, such as a child's.
    pub fn used(&self, cpu: Duration) {
        let cpu_us = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
        self.inner.cpu_us.fetch_add(cpu_us, Ordering::Relaxed);
    }

    /// Says how much memory something that works for the job had at its most.
    pub fn had_memory(&self, bytes: u64) {
        self.inner.peak_bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Says that something was used and could not be measured: the job is charged for the time that it takes.
    pub fn used_unmeasured(&self) {
        self.inner.unmeasured.store(true, Ordering::Relaxed);
    }

    /// Says that what this attempt uses tells nothing of what others of its stage will, such as one that has found its result made.
    pub fn unusual(&self) {
        self.inner.unusual.store(true, Ordering::Relaxed);
    }

    /// What a job of the stage uses; `None` when this one did not come to its end, or does not tell.
    pub(crate) fn learned(&self) -> Option<Used> {
        let tells = self.is_finished() && !self.inner.unusual.load(Ordering::Relaxed);
        tells.then(|| self.measured()).flatten()
    }

    /// Processor time that was used for the job so far; `None` when not all of it could be measured.
    pub fn cpu(&self) -> Option<Duration> {
        let unmeasured = self.inner.unmeasured.load(Ordering::Relaxed);
        (!unmeasured).then(|| Duration::from_micros(self.inner.cpu_us.load(Ordering::Relaxed)))
    }

    /// What was used so far; `None` when not all of it could be measured.
    pub(crate) fn measured(&self) -> Option<Used> {
        let cpu_ms = i64::try_from(self.cpu()?.as_millis()).unwrap_or(i64::MAX);
        let peak_bytes = i64::try_from(self.inner.peak_bytes.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        Some(Used { cpu_ms, peak_bytes: (peak_bytes > 0).then_some(peak_bytes) })
    }

    pub(crate) fn finished(&self) {
        self.inner.finished.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.inner.finished.load(Ordering::Relaxed)
    }

    /// Says how far the work is, 0 to 1, and that it moves.
    pub fn progress(&self, fraction: f64) {
        self.inner.progress.store(fraction.to_bits(), Ordering::Relaxed);
        self.touch();
    }

    /// Says that the work moves: frames in, frames out or bytes.
    pub fn touch(&self) {
        self.inner.moves.fetch_add(1, Ordering::Relaxed);
    }

    /// Resolves when the lease is lost: taken over, cancelled, stalled, or the process shuts down.
    pub async fn lost(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.inner.lost.subscribe().wait_for(|lost| *lost).await;
    }

    /// Whether the lease is lost.
    pub fn is_lost(&self) -> bool {
        *self.inner.lost.borrow()
    }

    /// Makes the lease lost for the handler.
    pub fn revoke(&self) {
        self.inner.lost.send_replace(true);
    }

    fn fraction(&self) -> f64 {
        f64::from_bits(self.inner.progress.load(Ordering::Relaxed))
    }

    fn moves(&self) -> u64 {
        self.inner.moves.load(Ordering::Relaxed)
    }
}

/// Renews the lease every `heartbeat` until it is lost or nothing has moved for `stall`. Looks after it as well when
/// something has changed in the database: a job that was cancelled need not run until the next beat. Goes on after the
/// handler was told to stop, so that nobody takes the job over while it still cleans up.
pub(crate) async fn keep(queue: JobQueue, fence: Fence, lease: Lease, heartbeat: Duration, stall: Duration) {
    let mut ticks = interval_at(Instant::now() + heartbeat, heartbeat);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut moves, mut moved_at) = (lease.moves(), Instant::now());
    let (mut changed, mut looked_at) = (queue.database().changed(), Instant::now());
    loop {
        let news = async {
            tokio::time::sleep_until(looked_at + LOOK_EVERY).await;
            changed.changed().await
        };
        tokio::select! {
            _ = ticks.tick() => {}
            Ok(()) = news => {
                looked_at = Instant::now();
                match queue.is_held(&fence).await {
                    Ok(false) => break,
                    // What cannot be looked at now is renewed at the next beat, or is not.
                    Ok(true) | Err(_) => continue,
                }
            }
        }
        if lease.moves() != moves {
            (moves, moved_at) = (lease.moves(), Instant::now());
        } else if moved_at.elapsed() >= stall {
            tracing::warn!(job_id = %fence.job_id, attempt = fence.attempt, "nothing moved, the lease is given up");
            break;
        }
        match queue.renew(&fence, lease.fraction()).await {
            Ok(Renewal::Kept) => {}
            Ok(Renewal::Lost) => break,
            // The next beat is the next try; if none gets through, a reaper gives the job to someone who can write.
            Err(error) => {
                tracing::warn!(job_id = %fence.job_id, error = &error as &dyn std::error::Error, "no renewal")
            }
        }
    }
    lease.revoke();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_learns_of_the_loss() {
        let lease = Lease::detached();
        let clone = lease.clone();
        assert!(!clone.is_lost());
        lease.revoke();
        clone.lost().await;
        assert!(clone.is_lost());
    }

    #[test]
    fn what_an_attempt_used_is_learned_from_when_it_finished_and_was_like_others() {
        let lease = Lease::detached();
        lease.used(Duration::from_millis(70));
        assert_eq!(lease.learned(), None, "it is still at work");
        lease.finished();
        assert_eq!(lease.learned(), Some(Used { cpu_ms: 70, peak_bytes: None }));
        lease.unusual();
        assert_eq!(lease.learned(), None);
        assert_eq!(lease.measured(), Some(Used { cpu_ms: 70, peak_bytes: None }), "its tenant is charged all the same");
    }
}

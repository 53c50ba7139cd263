//! A process that serves a unit elsewhere: where that is, how it is, and how much is under way to it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use http_client::Base;
use kernel::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::circuit::{Circuit, FAILURES, State};
use super::{Bounds, codes};

/// A process that serves a unit elsewhere.
pub(super) struct Upstream {
    pub(super) base: Base,
    circuit: Mutex<Circuit>,
    /// Answers in a row that were failures of its own (5xx).
    failing: AtomicU32,
    places: Arc<Semaphore>,
    at_once: usize,
}

/// Why a request is not let in.
pub(super) enum Refused {
    /// It did not answer of late, and may be asked again after this.
    Away(Duration),
    /// It has so much to do, which is the most.
    Busy(usize),
    /// There is no other process.
    Nobody,
}

impl Refused {
    pub(super) fn problem(self, slug: &str) -> Problem {
        match self {
            Self::Away(pause) => away(slug, pause),
            Self::Busy(most) => {
                let detail = format!("the unit {slug} has {most} requests under way, which is the most");
                Problem::unavailable(codes::GATEWAY_UNIT_BUSY, detail, 1)
            }
            Self::Nobody => away(slug, Duration::ZERO),
        }
    }
}

impl Upstream {
    pub(super) fn new(base: Base, bounds: &Bounds) -> Self {
        let circuit = Mutex::new(Circuit::new(bounds.pause, Instant::now()));
        let places = Arc::new(Semaphore::new(bounds.at_once));
        Self { base, circuit, failing: AtomicU32::new(0), places, at_once: bounds.at_once }
    }

    /// Requests under way, and answers whose bodies are.
    pub(super) fn in_flight(&self) -> usize {
        self.at_once - self.places.available_permits()
    }

    pub(super) fn state(&self) -> State {
        self.circuit().state()
    }

    /// A place for a request.
    ///
    /// # Errors
    /// It did not answer of late, or has as much to do as it may.
    pub(super) fn enter(&self, now: Instant) -> Result<OwnedSemaphorePermit, Refused> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_full| Refused::Busy(self.at_once))?;
        self.circuit().admit(now).map_err(Refused::Away)?;
        Ok(place)
    }

    /// It answered so.
    pub(super) fn answered(&self, status: StatusCode) {
        self.circuit().answered();
        if status.is_server_error() {
            self.failing.fetch_add(1, Ordering::Relaxed);
        } else {
            self.failing.store(0, Ordering::Relaxed);
        }
    }

    /// It did not answer, and the client is not why. Whether it is left alone from now on.
    pub(super) fn failed(&self, now: Instant) -> bool {
        self.circuit().failed(now)
    }

    /// Whether its last answer was a failure of its own.
    pub(super) fn fails(&self) -> bool {
        self.failing.load(Ordering::Relaxed) > 0
    }

    /// Whether that was so several times in a row.
    pub(super) fn has_failed_often(&self) -> bool {
        self.failing.load(Ordering::Relaxed) >= FAILURES
    }

    /// Leaves it alone for a while, though it answers. Whether that is new.
    pub(super) fn leave_alone(&self, now: Instant) -> bool {
        self.circuit().open(now)
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 503 for a unit that cannot be reached, which may be tried again after a pause.
pub(super) fn away(slug: &str, pause: Duration) -> Problem {
    let detail = format!("the unit {slug} cannot be reached");
    Problem::unavailable(codes::GATEWAY_UNIT_AWAY, detail, whole_seconds(pause))
}

/// For `Retry-After`: rounded up, and never at once.
pub(super) fn whole_seconds(pause: Duration) -> u32 {
    u32::try_from(pause.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

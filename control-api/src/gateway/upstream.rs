//! A unit that another process serves: where that is, how it is, and how much is under way to it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_client::Base;
use kernel::{Problem, Unit};
use telemetry::figures;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::circuit::{Circuit, State};
use super::{Bounds, codes};

/// A unit that another process serves.
pub(super) struct Upstream {
    pub(super) unit: &'static Unit,
    pub(super) base: Base,
    circuit: Mutex<Circuit>,
    places: Arc<Semaphore>,
    at_once: usize,
}

impl Upstream {
    pub(super) fn new(unit: &'static Unit, base: Base, bounds: &Bounds) -> Self {
        let circuit = Mutex::new(Circuit::new(bounds.pause, Instant::now()));
        Self { unit, base, circuit, places: Arc::new(Semaphore::new(bounds.at_once)), at_once: bounds.at_once }
    }

    /// Requests under way, and answers whose bodies are.
    pub(super) fn in_flight(&self) -> usize {
        self.at_once - self.places.available_permits()
    }

    pub(super) fn state(&self) -> State {
        self.circuit().state()
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// 503: the unit did not answer of late, or has as much to do as it may.
    pub(super) fn enter(self: &Arc<Self>) -> Result<Visit, Problem> {
        let slug = self.unit.slug;
        let refused = |problem: Problem| {
            figures::GATEWAY_REQUESTS.add(&[slug, "refused"], 1);
            problem
        };
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_full| {
            let detail = format!("the unit {slug} has {} requests under way, which is the most", self.at_once);
            refused(Problem::unavailable(codes::GATEWAY_UNIT_BUSY, detail, 1))
        })?;
        let now = Instant::now();
        self.circuit().admit(now).map_err(|pause| refused(away(slug, pause)))?;
        Ok(Visit { upstream: Arc::clone(self), since: now, outcome: "left", place: Some(place) })
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

/// A request at a unit, until its answer begins. Dropped before, it is one whose client has left.
pub(super) struct Visit {
    upstream: Arc<Upstream>,
    since: Instant,
    outcome: &'static str,
    place: Option<OwnedSemaphorePermit>,
}

impl Visit {
    /// It is being answered. The place is to be kept until the answer has ended.
    pub(super) fn answered(mut self) -> Option<OwnedSemaphorePermit> {
        self.outcome = "answered";
        self.upstream.circuit().answered();
        figures::GATEWAY_SECONDS.observe(self.upstream.unit.slug, self.since.elapsed().as_secs_f64());
        self.place.take()
    }

    /// It is not going to be, which is no fault of the client's.
    pub(super) fn failed(mut self, outcome: &'static str) {
        self.outcome = outcome;
        if self.upstream.circuit().failed(Instant::now()) {
            let Upstream { unit, base, .. } = &*self.upstream;
            tracing::warn!(unit = unit.slug, %base, outcome, "a unit does not answer and is left alone for a while");
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        figures::GATEWAY_REQUESTS.add(&[self.upstream.unit.slug, self.outcome], 1);
    }
}

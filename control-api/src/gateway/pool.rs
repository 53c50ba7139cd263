//! The processes that serve one unit elsewhere, and which of them is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use kernel::{Problem, Unit};
use telemetry::figures;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::circuit::State;
use super::upstream::{Refused, Upstream};

/// A unit's processes; one at least.
pub(super) struct Pool {
    pub(super) unit: &'static Unit,
    members: Vec<Arc<Upstream>>,
    /// Of those that have as much to do, who is next.
    turn: AtomicUsize,
}

impl Pool {
    pub(super) fn new(unit: &'static Unit, members: Vec<Arc<Upstream>>) -> Self {
        Self { unit, members, turn: AtomicUsize::new(0) }
    }

    pub(super) fn members(&self) -> &[Arc<Upstream>] {
        &self.members
    }

    /// Requests under way, and answers whose bodies are.
    pub(super) fn in_flight(&self) -> usize {
        self.members.iter().map(|member| member.in_flight()).sum()
    }

    /// How many processes are left alone.
    pub(super) fn left_alone(&self) -> usize {
        self.members.iter().filter(|member| member.state() != State::Closed).count()
    }

    /// Lets a request in to the process that has the least to do. One that was left alone is tried by requests that `can_move` to
    /// another one should it fail, and by others only where there is no other one.
    ///
    /// # Errors
    /// 503: none of them answered of late, or all have as much to do as they may.
    pub(super) fn enter(self: &Arc<Self>, can_move: bool) -> Result<Visit, Problem> {
        self.visit(None, can_move).map_err(|refused| {
            figures::GATEWAY_REQUESTS.add(&[self.unit.slug, "refused"], 1);
            refused.problem(self.unit.slug)
        })
    }

    /// Lets the request of a visit in to another process; `None` where there is no other one that takes it.
    pub(super) fn enter_other(self: &Arc<Self>, than: &Visit) -> Option<Visit> {
        self.visit(Some(than.upstream()), false).ok()
    }

    fn visit(self: &Arc<Self>, but: Option<&Upstream>, can_move: bool) -> Result<Visit, Refused> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.members.len();
        let (after, first) = self.members.split_at(turn);
        let others = first.iter().chain(after).filter(|member| but.is_none_or(|but| !std::ptr::eq(but, &***member)));
        let rank = |member: &Arc<Upstream>| (!can_move && member.state() != State::Closed, member.in_flight());
        let mut ranked: Vec<_> = others.map(|member| (rank(member), member)).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let mut refused = None;
        let now = Instant::now();
        for (_, member) in ranked {
            match member.enter(now) {
                Ok(place) => return Ok(Visit::new(Arc::clone(self), Arc::clone(member), now, place)),
                Err(why) => refused = refused.or(Some(why)),
            }
        }
        Err(refused.unwrap_or(Refused::Nobody))
    }

    /// Leaves a process alone whose answers have been failures (5xx) for a while, as long as at least as many others as are left alone
    /// then have answered otherwise of late. Where all of them fail it is the unit, or whoever asks, and not the process.
    fn judge(&self, member: &Upstream, now: Instant) {
        let fine = self.members.iter().filter(|other| other.state() == State::Closed && !other.fails()).count();
        if member.has_failed_often() && fine > self.left_alone() && member.leave_alone(now) {
            let (slug, base) = (self.unit.slug, &member.base);
            tracing::warn!(unit = slug, %base, "a process fails where others do not, and is left alone for a while");
        }
    }
}

/// A request at a unit, until its answer begins. Dropped before, it is one whose client has left.
pub(super) struct Visit {
    pool: Arc<Pool>,
    upstream: Arc<Upstream>,
    since: Instant,
    outcome: &'static str,
    place: Option<OwnedSemaphorePermit>,
}

impl Visit {
    fn new(pool: Arc<Pool>, upstream: Arc<Upstream>, since: Instant, place: OwnedSemaphorePermit) -> Self {
        Self { pool, upstream, since, outcome: "left", place: Some(place) }
    }

    /// The unit that it is at.
    pub(super) fn slug(&self) -> &'static str {
        self.pool.unit.slug
    }

    /// The process that is asked.
    pub(super) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// It is being answered. The place is to be kept until the answer has ended.
    pub(super) fn answered(mut self, status: StatusCode) -> Option<OwnedSemaphorePermit> {
        self.outcome = "answered";
        self.upstream.answered(status);
        if status.is_server_error() {
            self.pool.judge(&self.upstream, Instant::now());
        }
        figures::GATEWAY_SECONDS.observe(self.pool.unit.slug, self.since.elapsed().as_secs_f64());
        self.place.take()
    }

    /// It is not going to be, which is no fault of the client's.
    pub(super) fn failed(mut self, outcome: &'static str) {
        self.outcome = outcome;
        if self.upstream.failed(Instant::now()) {
            let (slug, base) = (self.pool.unit.slug, &self.upstream.base);
            tracing::warn!(unit = slug, %base, outcome, "a unit does not answer and is left alone for a while");
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        figures::GATEWAY_REQUESTS.add(&[self.pool.unit.slug, self.outcome], 1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use http_client::Base;

    use super::*;
    use crate::gateway::Bounds;

    static BELLS: Unit = Unit {
        slug: "bells",
        parts: &[],
        addresses: &["/api/v1/bells"],
        tables: &[],
        permissions: &[],
        codes: &[],
        rights: kernel::Rights::nothing("bells know nobody"),
    };

    /// So many processes, which are left alone for so long.
    fn pool(count: usize, pause: Duration) -> Arc<Pool> {
        let bounds = Bounds { pause, at_once: 2, ..Bounds::default() };
        let base = |number| Base::new(&format!("http://10.0.0.{number}")).unwrap();
        let members = (1..=count).map(|number| Arc::new(Upstream::new(base(number), &bounds)));
        Arc::new(Pool::new(&BELLS, members.collect()))
    }

    const LONG: Duration = Duration::from_secs(600);
    const FIRST: &str = "http://10.0.0.1";
    const SECOND: &str = "http://10.0.0.2";

    fn at(visit: &Visit) -> String {
        visit.upstream().base.to_string()
    }

    /// The next visit of this process.
    fn visit_of(pool: &Arc<Pool>, base: &str) -> Visit {
        std::iter::repeat_with(|| pool.enter(true).unwrap()).take(100).find(|visit| at(visit) == base).unwrap()
    }

    /// This one answers so, as often as others answer well.
    fn fail(pool: &Arc<Pool>, base: &str) {
        let mut met = 0;
        while met < 5 {
            let visit = pool.enter(false).unwrap();
            let is_meant = at(&visit) == base;
            met += usize::from(is_meant);
            visit.answered(if is_meant { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK });
        }
    }

    #[tokio::test]
    async fn who_has_the_least_to_do_is_asked_and_of_equals_each_in_turn() {
        let pool = pool(3, LONG);
        let visits: Vec<_> = (0..6).map(|_| pool.enter(false).unwrap()).collect();
        let mut first: Vec<_> = visits[..3].iter().map(at).collect();
        first.sort();
        assert_eq!(first, [FIRST, SECOND, "http://10.0.0.3"]);
        assert_eq!(pool.in_flight(), 6);
        assert_eq!(pool.enter(false).err().map(|problem| problem.code()), Some("gateway.unit_busy"));
        drop(visits);
        assert_eq!(pool.in_flight(), 0);
        let one = pool.enter(false).unwrap();
        assert_ne!(at(&pool.enter_other(&one).unwrap()), at(&one));
    }

    #[tokio::test]
    async fn one_that_cannot_be_reached_is_left_to_requests_that_can_move_on() {
        for (pause, is_tried) in [(LONG, false), (Duration::ZERO, true)] {
            let pool = pool(2, pause);
            for _ in 0..5 {
                visit_of(&pool, FIRST).failed("unreachable");
            }
            assert_eq!(pool.left_alone(), 1);
            for _ in 0..4 {
                assert_eq!(at(&pool.enter(false).unwrap()), SECOND, "it is for others to find out");
            }
            let tries: Vec<_> = (0..4).map(|_| at(&pool.enter(true).unwrap())).collect();
            assert_eq!(tries.iter().any(|base| base == FIRST), is_tried, "{tries:?}");
        }
    }

    #[tokio::test]
    async fn one_that_fails_where_others_do_not_is_left_alone_and_tried_again() {
        let left = pool(2, LONG);
        fail(&left, FIRST);
        assert_eq!(left.left_alone(), 1);
        for _ in 0..4 {
            assert_eq!(at(&left.enter(true).unwrap()), SECOND);
        }
        let tried = pool(2, Duration::ZERO);
        fail(&tried, FIRST);
        assert_eq!(tried.left_alone(), 1);
        visit_of(&tried, FIRST).answered(StatusCode::OK);
        assert_eq!(tried.left_alone(), 0);
    }

    #[tokio::test]
    async fn the_last_one_is_asked_whatever_it_answers_and_so_are_all_that_fail_alike() {
        let alone = pool(1, LONG);
        fail(&alone, FIRST);
        assert_eq!(alone.left_alone(), 0);
        let both = pool(2, LONG);
        for _ in 0..20 {
            both.enter(false).unwrap().answered(StatusCode::INTERNAL_SERVER_ERROR);
        }
        assert_eq!(both.left_alone(), 0, "the request may be why");
        let three = pool(3, LONG);
        fail(&three, FIRST);
        fail(&three, SECOND);
        assert_eq!(three.left_alone(), 1, "most of them stay");
    }
}

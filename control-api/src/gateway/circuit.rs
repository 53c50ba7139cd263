//! Whether a unit is asked at all: one that did not answer several times in a row is left alone, but for a try now and then.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which it opens.
pub(super) const FAILURES: u32 = 5;

/// What is known of a unit from how it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is asked.
    Closed,
    /// It is not asked.
    Open,
    /// It is being tried.
    HalfOpen,
}

impl State {
    /// As clients read it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// Closed, until enough failed in a row; then one request in each pause is a try, and the first that is answered closes it.
#[derive(Debug)]
pub(super) struct Circuit {
    failures: u32,
    state: State,
    /// Of one that is not closed: when something may be tried next.
    next_try: Instant,
    pause: Duration,
}

impl Circuit {
    pub(super) fn new(pause: Duration, now: Instant) -> Self {
        Self { failures: 0, state: State::Closed, next_try: now, pause }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Whether a request may go. A try that takes long, such as an upload, keeps no other one from being made a pause later.
    ///
    /// # Errors
    /// How long until the next may.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        if self.state == State::Closed {
            return Ok(());
        }
        if now < self.next_try {
            return Err(self.next_try - now);
        }
        (self.state, self.next_try) = (State::HalfOpen, now + self.pause);
        Ok(())
    }

    /// It answered.
    pub(super) fn answered(&mut self) {
        (self.failures, self.state) = (0, State::Closed);
    }

    /// It did not, and the client is not why. Whether that opened the circuit.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        let opens = match self.state {
            State::Closed => self.failures >= FAILURES,
            State::HalfOpen => true,
            State::Open => false,
        };
        if opens {
            (self.state, self.next_try) = (State::Open, now + self.pause);
        }
        opens
    }

    /// It answers, and is to be left alone all the same. Whether it was not before.
    pub(super) fn open(&mut self, now: Instant) -> bool {
        let is_new = self.state == State::Closed;
        if is_new {
            (self.state, self.next_try) = (State::Open, now + self.pause);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(2);

    fn opened(at: Instant) -> Circuit {
        let mut circuit = Circuit::new(PAUSE, at);
        for _ in 1..FAILURES {
            assert!(!circuit.failed(at));
            assert_eq!(circuit.admit(at), Ok(()));
        }
        assert!(circuit.failed(at));
        circuit
    }

    #[tokio::test]
    async fn failures_in_a_row_open_it_and_an_answer_between_begins_the_row_anew() {
        let now = Instant::now();
        let mut circuit = Circuit::new(PAUSE, now);
        for _ in 0..3 * FAILURES {
            assert!(!circuit.failed(now));
            circuit.answered();
        }
        assert_eq!((circuit.state(), circuit.admit(now)), (State::Closed, Ok(())));
        assert_eq!(opened(now).state(), State::Open);
    }

    #[tokio::test]
    async fn an_open_one_lets_nothing_through_until_its_pause_is_over_and_then_one_try_in_each() {
        let start = Instant::now();
        let mut circuit = opened(start);
        assert_eq!(circuit.admit(start + PAUSE / 2), Err(PAUSE / 2));
        assert_eq!(circuit.admit(start + PAUSE), Ok(()));
        assert_eq!(circuit.state(), State::HalfOpen);
        assert_eq!(circuit.admit(start + PAUSE), Err(PAUSE), "one is enough to find out");
        assert_eq!(circuit.admit(start + PAUSE * 2), Ok(()), "that one may be an upload of an hour, or have left");
        circuit.answered();
        assert_eq!((circuit.state(), circuit.admit(start + PAUSE * 2)), (State::Closed, Ok(())));
    }

    #[tokio::test]
    async fn a_try_that_fails_opens_it_again_and_late_failures_of_before_do_not_prolong_that() {
        let start = Instant::now();
        let mut circuit = opened(start);
        assert!(!circuit.failed(start + PAUSE / 2), "it was under way when the circuit opened");
        assert_eq!(circuit.admit(start + PAUSE), Ok(()));
        assert!(circuit.failed(start + PAUSE));
        assert_eq!(circuit.admit(start + PAUSE * 3 / 2), Err(PAUSE / 2));
    }
}

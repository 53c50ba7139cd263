//! Claims whose process has died. Pure: what was seen when comes in as arguments.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// Since when each claim has been seen. A claim has in it what its process changes as long as it lives.
pub struct Standing<T> {
    patience: Duration,
    seen: HashMap<T, Instant>,
}

impl<T: Clone + Eq + Hash> Standing<T> {
    /// A claim that has stood for so long on this process's own clock belongs to nobody.
    pub fn new(patience: Duration) -> Self {
        Self { patience, seen: HashMap::new() }
    }

    /// Takes the claims that are open now; those that have stood too long. No stored time is compared with anything.
    pub fn look(&mut self, now: Instant, found: Vec<T>) -> Vec<T> {
        let seen = std::mem::take(&mut self.seen);
        let dated = |claim: T| {
            let since = seen.get(&claim).copied().unwrap_or(now);
            (claim, since)
        };
        self.seen = found.into_iter().map(dated).collect();
        let stood = |since: &Instant| now.saturating_duration_since(*since) >= self.patience;
        self.seen.iter().filter(|(_, since)| stood(since)).map(|(claim, _)| claim.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_claim_that_stood_all_the_time_is_given_back() {
        const PATIENCE: Duration = Duration::from_secs(30);
        let (mut standing, start) = (Standing::new(PATIENCE), Instant::now());
        let second = Duration::from_secs(1);
        assert!(standing.look(start, vec![("a", 1), ("b", 1), ("c", 1)]).is_empty());
        assert!(standing.look(start + PATIENCE - second, vec![("a", 1), ("b", 2)]).is_empty());
        let stood = standing.look(start + PATIENCE, vec![("a", 1), ("b", 2), ("c", 1)]);
        assert_eq!(stood, [("a", 1)], "b was claimed anew, and c was away in between");
    }
}

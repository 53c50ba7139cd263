//! Claims whose process has died. Pure: what was seen when comes in as arguments.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::deliveries::Fence;
use crate::schedule::DEADLINE;

/// A claim that has stood for so long on this process's own clock belongs to nobody: no attempt takes so long.
const PATIENCE: Duration = Duration::from_secs(2 * DEADLINE.as_secs());

/// Since when each claim has been seen.
#[derive(Default)]
pub(crate) struct Standing(HashMap<Fence, Instant>);

impl Standing {
    /// Takes the claims that are open now; those that have stood too long. No stored time is compared with anything.
    pub(crate) fn look(&mut self, now: Instant, found: Vec<Fence>) -> Vec<Fence> {
        let seen = std::mem::take(&mut self.0);
        let dated = |fence: Fence| {
            let since = seen.get(&fence).copied().unwrap_or(now);
            (fence, since)
        };
        self.0 = found.into_iter().map(dated).collect();
        let stood = |since: &Instant| now.saturating_duration_since(*since) >= PATIENCE;
        self.0.iter().filter(|(_, since)| stood(since)).map(|(fence, _)| fence.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(id: &str, attempt: i64) -> Fence {
        ("ten_1".to_owned(), id.to_owned(), attempt)
    }

    #[test]
    fn only_a_claim_that_stood_all_the_time_is_given_back() {
        let (mut standing, start) = (Standing::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert!(standing.look(start, vec![claim("a", 1), claim("b", 1), claim("c", 1)]).is_empty());
        assert!(standing.look(start + PATIENCE - second, vec![claim("a", 1), claim("b", 2)]).is_empty());
        let stood = standing.look(start + PATIENCE, vec![claim("a", 1), claim("b", 2), claim("c", 1)]);
        assert_eq!(stood, [claim("a", 1)], "b was claimed anew, and c was away in between");
    }
}

//! Whether one more request is among those that are answered: the generic cell rate algorithm (ITU-T I.371, annex A), which is a bucket
//! of tokens in one number.
//!
//! That number is when all that was taken will have come back, in nanoseconds. No clock and no memory: both are arguments.

/// How many requests are answered: after a pause so many at once, and after that so many in each window, evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    requests: u32,
    window_s: u32,
}

/// What is left after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Requests that would be answered at once.
    pub(super) requests: u32,
    /// Until there is one more.
    pub(super) more_in_ns: u64,
}

impl Rate {
    /// 1 to 1,000,000 requests in 1 to 86,400 seconds.
    pub const fn new(requests: u32, window_s: u32) -> Option<Self> {
        let is_rate = requests > 0 && requests <= 1_000_000 && window_s > 0 && window_s <= 86_400;
        if is_rate { Some(Self { requests, window_s }) } else { None }
    }

    /// The same of what is known to be one.
    pub(super) const fn of(requests: u32, window_s: u32) -> Self {
        Self::new(requests, window_s).expect("the rate lies within bounds")
    }

    /// Requests in a window.
    pub fn requests(self) -> u32 {
        self.requests
    }

    /// The window, in seconds.
    pub fn window_s(self) -> u32 {
        self.window_s
    }

    /// In so long one request's worth comes back.
    fn each_ns(self) -> u64 {
        u64::from(self.window_s) * 1_000_000_000 / u64::from(self.requests)
    }

    fn all_ns(self) -> u64 {
        self.each_ns() * u64::from(self.requests)
    }
}

/// Takes one request's worth, now, of what is back at `due_ns`: when all is back then, and what is left. Where nothing is left nothing
/// is taken, and the error is in how many nanoseconds there will be something.
pub(super) fn take(due_ns: u64, now_ns: u64, rate: Rate) -> Result<(u64, Left), u64> {
    let due_ns = due_ns.max(now_ns).saturating_add(rate.each_ns());
    let taken_ns = due_ns - now_ns;
    let Some(left_ns) = rate.all_ns().checked_sub(taken_ns) else { return Err(taken_ns - rate.all_ns()) };
    let requests = left_ns / rate.each_ns();
    let more_in_ns = (requests + 1) * rate.each_ns() - left_ns;
    let requests = u32::try_from(requests).unwrap_or(u32::MAX);
    Ok((due_ns, Left { requests, more_in_ns }))
}

/// Puts one request's worth back.
pub(super) fn give_back(due_ns: u64, rate: Rate) -> u64 {
    due_ns.saturating_sub(rate.each_ns())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn rates() -> impl Strategy<Value = Rate> {
        let few = (1_u32..50, 1_u32..100);
        let any = (1_u32..=1_000_000, 1_u32..=86_400);
        prop_oneof![few, any].prop_map(|(requests, window_s)| Rate::of(requests, window_s))
    }

    /// Pauses between requests: none, some that are short beside a window, and some that are longer.
    fn pauses() -> impl Strategy<Value = Vec<u64>> {
        let pause = prop_oneof![Just(0), 0_u64..2_000_000_000, 0_u64..200_000_000_000];
        prop::collection::vec(pause, 1..200)
    }

    /// A bucket as one is drawn: so much lies in it, so much drips in, nothing beyond its brim.
    struct Bucket {
        level_ns: u64,
        seen_ns: u64,
    }

    impl Bucket {
        fn take(&mut self, now_ns: u64, rate: Rate) -> bool {
            self.level_ns = (self.level_ns + (now_ns - self.seen_ns)).min(rate.all_ns());
            self.seen_ns = now_ns;
            let fine = self.level_ns >= rate.each_ns();
            self.level_ns -= if fine { rate.each_ns() } else { 0 };
            fine
        }
    }

    proptest! {
        #[test]
        fn it_answers_what_a_bucket_of_tokens_would(rate in rates(), pauses in pauses()) {
            let (mut due_ns, mut now_ns) = (0, 0);
            let mut bucket = Bucket { level_ns: rate.all_ns(), seen_ns: 0 };
            for pause in pauses {
                now_ns += pause;
                let taken = take(due_ns, now_ns, rate);
                prop_assert_eq!(taken.is_ok(), bucket.take(now_ns, rate));
                if let Ok((next, left)) = taken {
                    due_ns = next;
                    prop_assert_eq!(u64::from(left.requests), bucket.level_ns / rate.each_ns());
                    prop_assert!(left.requests < rate.requests());
                }
            }
        }

        #[test]
        fn no_span_of_time_sees_more_than_a_window_and_what_comes_back(rate in rates(), pauses in pauses()) {
            let (mut due_ns, mut now_ns, mut answered) = (0, 0, Vec::new());
            for pause in pauses {
                now_ns += pause;
                if let Ok((next, _)) = take(due_ns, now_ns, rate) {
                    due_ns = next;
                    answered.push(now_ns);
                }
            }
            for (first, from) in answered.iter().enumerate() {
                for (last, to) in answered.iter().enumerate().skip(first) {
                    let most = u64::from(rate.requests()) + (to - from) / rate.each_ns();
                    prop_assert!((last - first + 1) as u64 <= most, "{} from {from} to {to}", last - first + 1);
                }
            }
        }

        #[test]
        fn what_it_says_of_the_time_is_so(rate in rates(), due_ns in 0_u64..1 << 50, now_ns in 0_u64..1 << 50) {
            match take(due_ns, now_ns, rate) {
                Err(wait_ns) => {
                    prop_assert!(take(due_ns, now_ns + wait_ns, rate).is_ok());
                    prop_assert!(take(due_ns, now_ns + wait_ns - 1, rate).is_err());
                }
                Ok((next, left)) => {
                    let at = |passed_ns: u64| take(next, now_ns + passed_ns, rate).map_or(0, |(_, then)| then.requests + 1);
                    prop_assert_eq!(at(0), left.requests);
                    prop_assert_eq!(at(left.more_in_ns), left.requests + 1);
                    prop_assert_eq!(at(left.more_in_ns - 1), left.requests);
                    prop_assert_eq!(take(give_back(next, rate), now_ns, rate), Ok((next, left)));
                }
            }
        }

        #[test]
        fn a_clock_at_its_end_or_one_that_goes_back_does_no_harm(rate in rates(), due_ns: u64, now_ns: u64) {
            if let Ok((next, _)) = take(due_ns, now_ns, rate) {
                prop_assert!(next >= now_ns && next - now_ns <= rate.all_ns());
            }
            let _ = give_back(due_ns, rate);
        }
    }

    #[test]
    fn after_a_pause_a_whole_window_is_answered_at_once_and_then_evenly() {
        let rate = Rate::of(3, 6);
        let (mut due_ns, mut told) = (0, Vec::new());
        for second in [10, 10, 10, 10, 11, 12, 13, 100] {
            match take(due_ns, second * 1_000_000_000, rate) {
                Ok((next, left)) => {
                    due_ns = next;
                    told.push(Ok(left.requests));
                }
                Err(wait_ns) => told.push(Err(wait_ns / 1_000_000_000)),
            }
        }
        assert_eq!(told, [Ok(2), Ok(1), Ok(0), Err(2), Err(1), Ok(0), Err(1), Ok(2)]);
    }
}

//! What a job of a stage uses: what was stated at first, moved by what finished ones were seen to use.

use std::collections::BTreeMap;

/// What one job uses while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Processors, in thousandths: processor time for each time on the wall.
    pub cpu_milli: i64,
    /// The most memory that it has at a time.
    pub memory_bytes: i64,
    /// Processor time of the whole job.
    pub work_ms: i64,
}

/// What an attempt that finished was seen to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Processor time.
    pub cpu_ms: i64,
    /// From its beginning to its end.
    pub wall_ms: i64,
    /// The most memory that it had, where that was measured.
    pub peak_bytes: Option<i64>,
    /// Whether the machine had nothing left meanwhile: then it shows what the job got, and not what it could have used.
    pub contended: bool,
}

/// Of less than this nothing can be told: the kernel counts in steps of 10 ms.
const SHORTEST_MS: i64 = 250;
/// More processors than any machine has.
const MOST_MILLI: i64 = 1_000_000;

/// What a stage is known to use after one more attempt.
///
/// A job that used more than was known moves it half the way at once, one that used less an eighth: too many jobs at a time
/// cost all of them, one too few costs little. Less that was seen on a contended machine says nothing.
pub fn learn(known: Cost, seen: Seen) -> Cost {
    let work_ms = known.work_ms.saturating_add(seen.cpu_ms.max(0).saturating_sub(known.work_ms) / 4);
    let peak_bytes = seen.peak_bytes.unwrap_or(known.memory_bytes);
    let memory_bytes = match peak_bytes > known.memory_bytes {
        true => peak_bytes,
        false => toward(known.memory_bytes, peak_bytes),
    };
    let cpu_milli = match seen.wall_ms < SHORTEST_MS {
        true => known.cpu_milli,
        false => {
            let rate = (seen.cpu_ms.max(0).saturating_mul(1_000) / seen.wall_ms).min(MOST_MILLI);
            match rate > known.cpu_milli {
                true => known.cpu_milli + (rate - known.cpu_milli + 1) / 2,
                false if seen.contended => known.cpu_milli,
                false => toward(known.cpu_milli, rate),
            }
        }
    };
    Cost { cpu_milli, memory_bytes, work_ms }
}

/// An eighth of the way down.
fn toward(known: i64, less: i64) -> i64 {
    known - known.saturating_sub(less.max(0)) / 8
}

/// What is known of each stage on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    of: BTreeMap<String, Cost>,
}

impl Costs {
    /// What is stated of stages before any of their jobs ran.
    pub fn stated(of: impl IntoIterator<Item = (impl Into<String>, Cost)>) -> Self {
        Self { of: of.into_iter().map(|(stage, cost)| (stage.into(), cost)).collect() }
    }

    /// What a job of this stage is taken to use; nothing when nothing was stated.
    pub fn of(&self, stage: &str) -> Cost {
        self.of.get(stage).copied().unwrap_or_default()
    }

    /// Takes in what a job of this stage was seen to use.
    pub fn learn(&mut self, stage: &str, seen: Seen) {
        if let Some(cost) = self.of.get_mut(stage) {
            *cost = learn(*cost, seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Cost = Cost { cpu_milli: 1_000, memory_bytes: 800, work_ms: 400 };

    fn seen(cpu_ms: i64, wall_ms: i64) -> Seen {
        Seen { cpu_ms, wall_ms, peak_bytes: None, contended: false }
    }

    #[test]
    fn more_is_believed_at_once_and_less_by_and_by() {
        assert_eq!(learn(KNOWN, seen(30_000, 10_000)), Cost { cpu_milli: 2_000, work_ms: 7_800, ..KNOWN });
        assert_eq!(learn(KNOWN, seen(2_000, 10_000)), Cost { cpu_milli: 900, work_ms: 800, ..KNOWN });
        let peak = |peak_bytes| learn(KNOWN, Seen { peak_bytes: Some(peak_bytes), ..seen(0, 0) }).memory_bytes;
        assert_eq!((peak(900), peak(0)), (900, 700));
    }

    #[test]
    fn what_a_job_got_on_a_contended_machine_is_not_what_it_uses() {
        let contended = |cpu_ms| learn(KNOWN, Seen { contended: true, ..seen(cpu_ms, 10_000) }).cpu_milli;
        assert_eq!((contended(1_000), contended(20_000)), (1_000, 1_500));
    }

    #[test]
    fn a_job_that_was_over_at_once_says_nothing_of_its_rate() {
        assert_eq!(learn(KNOWN, seen(0, 10)), Cost { work_ms: 300, ..KNOWN });
        assert_eq!(learn(KNOWN, seen(i64::MAX, i64::MIN)).cpu_milli, KNOWN.cpu_milli);
    }

    #[test]
    fn whatever_is_seen_the_known_comes_to_it_and_stays_within_what_was_seen() {
        for usual in [0, 300, 1_000, 3_700] {
            let mut costs = Costs::stated([("range", KNOWN)]);
            for _ in 0..200 {
                costs.learn("range", seen(usual * 10, 10_000));
                costs.learn("other", seen(1, 1_000));
            }
            let known = costs.of("range").cpu_milli;
            assert!((known - usual).abs() < 8, "{known} instead of {usual}");
            assert_eq!(costs.of("other"), Cost::default());
        }
    }
}

//! Counters and histograms of this process, and the text format that Prometheus reads (0.0.4).
//!
//! Labels hold names out of the code (a stage, an outcome, a code), never one of an asset, a job or a tenant.

mod text;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use text::Text;

/// The most combinations of labels that a family keeps; what comes after is counted under `other`.
const MAX_SERIES: usize = 256;
const OTHER: &str = "other";

/// Seconds: of what a person asked for and waits for.
const MOMENTS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// Seconds: from what a person does not notice to hours.
const SECONDS: &[f64] = &[0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 14_400.0];

/// Attempts at jobs that ended here.
pub static JOBS_ENDED: Counter = Counter::new(
    "lectern_jobs_ended_total",
    "Attempts at jobs that ended in this process: done, retried (to be tried again), parked, or lost (cancelled, taken over or handed back).",
    &["stage", "outcome"],
);
/// How long attempts took.
pub static JOB_SECONDS: Histogram = Histogram::new(
    "lectern_job_duration_seconds",
    "How long attempts at jobs took, however they ended.",
    "stage",
    SECONDS,
);
/// What attempts used.
pub static JOB_CPU_SECONDS: Histogram = Histogram::new(
    "lectern_job_cpu_seconds",
    "Processor time of attempts at jobs, their engines' included, however they ended.",
    "stage",
    SECONDS,
);
/// How long jobs that could run waited for a worker.
pub static WAIT_SECONDS: Histogram = Histogram::new(
    "lectern_job_wait_seconds",
    "From when a job could first run to when this process began with it.",
    "class",
    SECONDS,
);
/// Jobs taken from workers that went silent.
pub static JOBS_TAKEN_OVER: Counter = Counter::new(
    "lectern_jobs_taken_over_total",
    "Jobs that this process took from a worker that went silent: requeued, or parked for good.",
    &["outcome"],
);
/// Engines that did not end as they should.
pub static ENGINE_FAILURES: Counter = Counter::new(
    "lectern_engine_failures_total",
    "Attempts that failed because the engine ended, stalled or broke its contract, by code.",
    &["code"],
);
/// Generations published.
pub static PUBLICATIONS: Counter =
    Counter::new("lectern_publications_total", "Generations published by this process, by kind.", &["kind"]);
/// Results that were there already.
pub static RESULTS_REUSED: Counter = Counter::new(
    "lectern_results_reused_total",
    "Renditions of ranges, sound tracks, text and decisions that were not made once more: the tenant had them of the same source.",
    &["stage"],
);
/// Requests to a collector of traces.
pub static TRACE_EXPORTS: Counter =
    Counter::new("lectern_trace_exports_total", "Requests to the collector of traces, by outcome.", &["outcome"]);

/// Requests that were one too many.
pub static RATE_LIMITED: Counter = Counter::new(
    "lectern_rate_limited_total",
    "Requests that this process refused because a key, a tenant or an address had sent too many, by policy.",
    &["policy"],
);

/// Requests that a gateway was to take to units of other processes.
pub static GATEWAY_REQUESTS: Counter = Counter::new(
    "lectern_gateway_requests_total",
    "Requests for units of other processes: answered (whatever the status), unreachable, broken, silent, refused (without asking), or left (by the client).",
    &["unit", "outcome"],
);
/// How long those units took.
pub static GATEWAY_SECONDS: Histogram = Histogram::new(
    "lectern_gateway_answer_seconds",
    "From when a gateway asked a unit of another process to the head of the answer.",
    "unit",
    MOMENTS,
);

/// All families above, as text.
pub fn write(text: &mut Text) {
    let of_work = [&JOBS_ENDED, &JOBS_TAKEN_OVER, &ENGINE_FAILURES, &PUBLICATIONS, &RESULTS_REUSED];
    for counter in of_work.into_iter().chain([&TRACE_EXPORTS, &RATE_LIMITED, &GATEWAY_REQUESTS]) {
        counter.write(text);
    }
    for histogram in [&JOB_SECONDS, &JOB_CPU_SECONDS, &WAIT_SECONDS, &GATEWAY_SECONDS] {
        histogram.write(text);
    }
}

/// Something counted, by labels.
pub struct Counter {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    series: Mutex<BTreeMap<Vec<String>, u64>>,
}

impl Counter {
    const fn new(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, help, labels, series: Mutex::new(BTreeMap::new()) }
    }

    /// Adds `count` to the series of these values, which are in the order of the labels.
    pub fn add(&self, values: &[&str], count: u64) {
        let mut series = lock(&self.series);
        let total = series_of(&mut series, values);
        *total = total.saturating_add(count);
    }

    fn write(&self, text: &mut Text) {
        text.family(self.name, "counter", self.help);
        for (values, total) in &*lock(&self.series) {
            text.line(self.name, &pairs(self.labels, values), *total);
        }
    }
}

/// Durations, by one label.
pub struct Histogram {
    name: &'static str,
    help: &'static str,
    label: &'static str,
    /// What a bucket holds at the most, ascending.
    limits: &'static [f64],
    series: Mutex<BTreeMap<Vec<String>, Observed>>,
}

/// `buckets` are not cumulative, and lack the last one, which is all of `count`.
#[derive(Default)]
struct Observed {
    buckets: Vec<u64>,
    count: u64,
    sum: f64,
}

impl Histogram {
    const fn new(name: &'static str, help: &'static str, label: &'static str, limits: &'static [f64]) -> Self {
        Self { name, help, label, limits, series: Mutex::new(BTreeMap::new()) }
    }

    /// Adds a duration in seconds.
    pub fn observe(&self, value: &str, seconds: f64) {
        let mut series = lock(&self.series);
        let observed = series_of(&mut series, &[value]);
        observed.count += 1;
        observed.sum += seconds;
        observed.buckets.resize(self.limits.len(), 0);
        if let Some(bucket) = self.limits.iter().position(|limit| seconds <= *limit) {
            observed.buckets[bucket] += 1;
        }
    }

    fn write(&self, text: &mut Text) {
        text.family(self.name, "histogram", self.help);
        let (bucket, sum, count) =
            (format!("{}_bucket", self.name), format!("{}_sum", self.name), format!("{}_count", self.name));
        for (values, observed) in &*lock(&self.series) {
            let value = values.first().map_or("", String::as_str);
            let mut below = 0u64;
            for (limit, within) in self.limits.iter().zip(&observed.buckets) {
                below += within;
                text.line(&bucket, &[(self.label, value), ("le", &limit.to_string())], below);
            }
            text.line(&bucket, &[(self.label, value), ("le", "+Inf")], observed.count);
            text.line(&sum, &[(self.label, value)], observed.sum);
            text.line(&count, &[(self.label, value)], observed.count);
        }
    }
}

fn lock<T>(series: &Mutex<T>) -> MutexGuard<'_, T> {
    series.lock().unwrap_or_else(PoisonError::into_inner)
}

fn series_of<'a, T: Default>(series: &'a mut BTreeMap<Vec<String>, T>, values: &[&str]) -> &'a mut T {
    let key: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    let is_full = series.len() >= MAX_SERIES && !series.contains_key(&key);
    series.entry(if is_full { vec![OTHER.to_owned(); values.len()] } else { key }).or_default()
}

fn pairs<'a>(labels: &[&'a str], values: &'a [String]) -> Vec<(&'a str, &'a str)> {
    labels.iter().copied().zip(values.iter().map(String::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_what_lies_below_each_limit() {
        static WAITED: Histogram = Histogram::new("waited_seconds", "Waited.", "class", SECONDS);
        for seconds in [0.05, 0.1, 7.0, 1e9] {
            WAITED.observe("short", seconds);
        }
        let mut text = Text::default();
        WAITED.write(&mut text);
        let text = text.finish();
        for line in [
            "# TYPE waited_seconds histogram",
            "waited_seconds_bucket{class=\"short\",le=\"0.1\"} 2",
            "waited_seconds_bucket{class=\"short\",le=\"5\"} 2",
            "waited_seconds_bucket{class=\"short\",le=\"10\"} 3",
            "waited_seconds_bucket{class=\"short\",le=\"14400\"} 3",
            "waited_seconds_bucket{class=\"short\",le=\"+Inf\"} 4",
            "waited_seconds_count{class=\"short\"} 4",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn a_family_is_bounded_whatever_its_labels_are() {
        static SEEN: Counter = Counter::new("seen_total", "Seen.", &["code"]);
        for code in 0..MAX_SERIES * 2 {
            SEEN.add(&[&code.to_string()], 1);
        }
        let mut text = Text::default();
        SEEN.write(&mut text);
        let text = text.finish();
        assert_eq!(text.lines().count(), 2 + MAX_SERIES + 1);
        assert!(text.contains(&format!("seen_total{{code=\"other\"}} {MAX_SERIES}\n")), "{text}");
    }

    #[test]
    fn every_family_is_announced_before_anything_happened() {
        let mut text = Text::default();
        write(&mut text);
        let text = text.finish();
        for name in ["lectern_jobs_ended_total", "lectern_job_wait_seconds", "lectern_engine_failures_total"] {
            assert!(text.contains(&format!("# HELP {name} ")) && text.contains(&format!("# TYPE {name} ")), "{text}");
        }
    }
}

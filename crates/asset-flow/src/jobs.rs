//! The jobs that a step asks for.

use crate::{PlanSummary, Stage};

/// How long a generation stays served after a newer one took its place: running sessions finish on it.
pub const GENERATION_KEPT_MS: i64 = 24 * 3_600_000;
/// By then a cancelled job's worker has stopped: many heartbeats.
const CANCELLATION_NOTICED_MS: i64 = 10 * 60_000;

/// One job to enqueue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRequest {
    /// What it does.
    pub stage: Stage,
    /// Higher goes first; jobs of equal priority go in the order of their batch.
    pub priority: i64,
    /// Relative cost, for progress: about a thousand pixels of an encoded frame. At least 1.
    pub weight: i64,
    /// How often it is tried, at least 1.
    pub max_attempts: i64,
    /// Earlier positions of the same batch whose jobs must be done first.
    pub waits_on: Vec<usize>,
    /// It starts no sooner than this many milliseconds after it was enqueued.
    pub delay_ms: i64,
}

impl JobRequest {
    /// A light job that waits for nothing.
    pub(crate) fn single(stage: Stage) -> Self {
        Self::new(stage, 1, Vec::new())
    }

    /// A light job that starts only after a while.
    fn later(stage: Stage, delay_ms: i64) -> Self {
        Self { delay_ms, ..Self::single(stage) }
    }

    fn new(stage: Stage, weight: u64, waits_on: Vec<usize>) -> Self {
        Self {
            priority: stage.priority(),
            weight: i64::try_from(weight).unwrap_or(i64::MAX).clamp(1, MAX_WEIGHT),
            max_attempts: stage.max_attempts(),
            stage,
            waits_on,
            delay_ms: 0,
        }
    }
}

/// Keeps the sum over all jobs of an asset well inside 64 bits.
const MAX_WEIGHT: i64 = 1 << 48;
/// Weight of writing and checking a generation.
const PUBLISH_WEIGHT: u64 = 10_000;

/// What a superseded generation left behind goes when its last viewers have gone, everything else at once.
pub(crate) fn of_completion() -> Vec<JobRequest> {
    vec![JobRequest::single(Stage::Tidy), JobRequest::later(Stage::Tidy, GENERATION_KEPT_MS)]
}

/// What was made for nothing goes, once every worker has surely noticed that its job is cancelled.
pub(crate) fn of_cancellation() -> Vec<JobRequest> {
    vec![JobRequest::later(Stage::Tidy, CANCELLATION_NOTICED_MS)]
}

/// Every job of a plan at once, tied by dependency counters: the lowest rendition and what goes with it first, so that
/// the asset can be played early; then all other renditions, each range decoded once for all of them.
pub(crate) fn of_plan(plan: &PlanSummary) -> Vec<JobRequest> {
    let duration_ms = u64::try_from(plan.duration_ms).unwrap_or(0);
    let mut jobs: Vec<JobRequest> = Vec::with_capacity(2 * plan.ranges.len() + 4);
    if plan.audio {
        jobs.push(JobRequest::new(Stage::EncodeAudio, duration_ms, Vec::new()));
    }
    if !plan.renditions.is_empty() {
        jobs.extend(encodes(plan, &[0]));
    }
    if plan.stills {
        jobs.push(JobRequest::new(Stage::Stills, duration_ms.clamp(1_000, 100_000), Vec::new()));
    }
    if plan.renditions.len() > 1 {
        jobs.push(JobRequest::new(Stage::PublishFirst, PUBLISH_WEIGHT, (0..jobs.len()).collect()));
        let others: Vec<u32> = (1u32..).take(plan.renditions.len() - 1).collect();
        jobs.extend(encodes(plan, &others));
    }
    jobs.push(JobRequest::new(Stage::PublishComplete, PUBLISH_WEIGHT, (0..jobs.len()).collect()));
    jobs
}

/// One encode per range for the same renditions.
fn encodes(plan: &PlanSummary, renditions: &[u32]) -> Vec<JobRequest> {
    let pixels = |&index: &u32| plan.renditions.get(index as usize).map_or(0, |rendition| rendition.pixels());
    let pixels = renditions.iter().map(pixels).fold(0u64, u64::saturating_add);
    let encode = |(range, &frames): (u32, &u64)| {
        let stage = Stage::EncodeRange { range, renditions: renditions.to_vec() };
        JobRequest::new(stage, frames.saturating_mul(pixels) / 1_000, Vec::new())
    };
    (0u32..).zip(&plan.ranges).map(encode).collect()
}

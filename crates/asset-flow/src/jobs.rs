//! The jobs that a step asks for.

use media_types::VideoCodec;

use crate::stage::{Ahead, CPU, WATCHED};
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
    /// The making that it works on, see [`AssetState::making`](crate::AssetState::making); 0 for what belongs to none.
    pub making: u32,
    /// Higher goes first; jobs of equal priority go in the order of their batch.
    pub priority: i64,
    /// Estimated cost in milliseconds of a processor, at least 1: its part in the progress, and what its tenant is charged
    /// until it is known what it took.
    pub weight: i64,
    /// How often it is tried, at least 1.
    pub max_attempts: i64,
    /// What a worker must offer to do it: [`CPU`](crate::CPU), or the codecs that it encodes pictures in.
    pub needs: Vec<&'static str>,
    /// Earlier positions of the same batch whose jobs must be done first.
    pub waits_on: Vec<usize>,
    /// It starts no sooner than this many milliseconds after it was enqueued.
    pub delay_ms: i64,
}

impl JobRequest {
    /// A light job that waits for nothing.
    pub(crate) fn single(stage: Stage) -> Self {
        Self::new(stage, LIGHT_MS, Vec::new())
    }

    /// A light job that starts only after a while.
    fn later(stage: Stage, delay_ms: i64) -> Self {
        Self { delay_ms, ..Self::single(stage) }
    }

    fn new(stage: Stage, weight_ms: u64, waits_on: Vec<usize>) -> Self {
        Self {
            making: 0,
            priority: stage.priority(),
            weight: i64::try_from(weight_ms).unwrap_or(i64::MAX).clamp(1, MAX_WEIGHT),
            max_attempts: stage.max_attempts(),
            needs: vec![CPU],
            stage,
            waits_on,
            delay_ms: 0,
        }
    }
}

/// Keeps the sum over all jobs of an asset well inside 64 bits.
const MAX_WEIGHT: i64 = 1 << 48;
/// Segments that a viewer waits for, about 8 s.
pub const WAITED_FOR: u32 = 2;
/// Segments at the beginning that are made ahead, about 32 s: they keep who begins at once going until the ranges come.
const BEGINNING: u32 = 8;
/// Priority of what such a viewer comes to next: behind what another one waits for, before sound that lies further ahead.
const NEXT: i64 = WATCHED - 10;
/// Deciding the renditions costs about one part of so many of encoding them.
const ANALYSED_PART: u64 = 10;
/// A processor encodes about so many thousand pixels of H.264 in a millisecond, all that belongs to it included: a minute of
/// the ladder `film` took 100 s (docs/benchmarks.md).
const KILOPIXELS_PER_MS: u64 = 50;
/// Sound is encoded about so many times as fast as it plays, and text read.
const SOUND_SPEED: u64 = 50;
/// A segment of the lowest rendition, decoding included.
const AHEAD_SEGMENT_MS: u64 = 500;
/// What does not grow with the recording.
const LIGHT_MS: u64 = 200;
/// Writing and checking a generation.
const PUBLISH_MS: u64 = 200;

/// What a superseded generation left behind goes when its last viewers have gone, everything else at once.
pub(crate) fn of_completion() -> Vec<JobRequest> {
    vec![JobRequest::single(Stage::Tidy), JobRequest::later(Stage::Tidy, GENERATION_KEPT_MS)]
}

/// What was made for nothing goes, once every worker has surely noticed that its job is cancelled.
pub(crate) fn of_cancellation() -> Vec<JobRequest> {
    vec![JobRequest::later(Stage::Tidy, CANCELLATION_NOTICED_MS)]
}

/// A renewal begins with its plan: what the source is, is known.
pub(crate) fn of_renewal(making: u32) -> Vec<JobRequest> {
    in_renewal(making, vec![JobRequest::single(Stage::Plan)])
}

/// The jobs of a plan as those of a renewal, for which nobody waits.
pub(crate) fn in_renewal(making: u32, jobs: Vec<JobRequest>) -> Vec<JobRequest> {
    jobs.into_iter().map(|job| JobRequest { making, priority: job.stage.renewal_priority(), ..job }).collect()
}

/// What was made of an upload that never came to be whole goes at once, and what was being made then when it has stopped.
pub(crate) fn of_abandonment() -> Vec<JobRequest> {
    vec![JobRequest::single(Stage::Tidy), JobRequest::later(Stage::Tidy, CANCELLATION_NOTICED_MS)]
}

/// What can be made of a plan while the rest of the source arrives: the pictures of the beginning. How loud the sound is to be
/// follows from all of it.
pub(crate) fn of_head_start(plan: &PlanSummary) -> Vec<JobRequest> {
    match plan.planned_generation {
        Some(_) => ahead(Ahead::Pictures, 0, BEGINNING),
        None => Vec::new(),
    }
}

/// Every job of a plan at once, tied by dependency counters: what makes the recording playable, then each range, decoded
/// once for all renditions, as soon as those are decided.
pub(crate) fn of_plan(plan: &PlanSummary) -> Vec<JobRequest> {
    let duration_ms = u64::try_from(plan.duration_ms).unwrap_or(0);
    let mut jobs: Vec<JobRequest> = Vec::with_capacity(plan.ranges.len() + 6);
    if plan.planned_generation.is_some() {
        let mut beginnings = Vec::new();
        for of in [Ahead::Pictures, Ahead::Sound].into_iter().take(if plan.audio > 0 { 2 } else { 1 }) {
            beginnings.push(jobs.len());
            append(&mut jobs, ahead(of, 0, BEGINNING));
        }
        jobs.push(JobRequest::new(Stage::PublishFirst, PUBLISH_MS, beginnings));
    }
    for track in 0..plan.audio {
        jobs.push(JobRequest::new(Stage::EncodeAudio { track }, duration_ms / SOUND_SPEED, Vec::new()));
    }
    if plan.stills {
        jobs.push(JobRequest::new(Stage::Stills, duration_ms.clamp(1_000, 100_000) / SOUND_SPEED, Vec::new()));
    }
    if plan.text > 0 {
        jobs.push(JobRequest::new(Stage::ReadText, duration_ms.clamp(1_000, 100_000) / SOUND_SPEED, Vec::new()));
    }
    let cost = plan.renditions.iter().map(|rendition| rendition.cost()).fold(0u64, u64::saturating_add);
    let waits_on = if plan.per_title { vec![jobs.len()] } else { Vec::new() };
    let needs: Vec<&str> = plan.codecs().map(VideoCodec::name).collect();
    if plan.per_title {
        let weight_ms = encode_ms(plan.frame_count() / ANALYSED_PART, cost);
        jobs.push(JobRequest { needs: needs.clone(), ..JobRequest::new(Stage::Analyse, weight_ms, Vec::new()) });
    }
    for (range, frames) in (0u32..).zip(&plan.ranges) {
        let encode = JobRequest::new(Stage::EncodeRange { range }, encode_ms(*frames, cost), waits_on.clone());
        jobs.push(JobRequest { needs: needs.clone(), ..encode });
    }
    jobs.push(JobRequest::new(Stage::PublishComplete, PUBLISH_MS, (0..jobs.len()).collect()));
    jobs
}

/// `cost` in pixels of H.264 for each frame.
fn encode_ms(frames: u64, cost: u64) -> u64 {
    frames.saturating_mul(cost) / 1_000 / KILOPIXELS_PER_MS
}

/// Adds a batch to another, so that its jobs go on waiting for each other.
fn append(jobs: &mut Vec<JobRequest>, mut batch: Vec<JobRequest>) {
    let moved_by = jobs.len();
    batch.iter_mut().flat_map(|job| &mut job.waits_on).for_each(|on| *on += moved_by);
    jobs.append(&mut batch);
}

/// Segments for a viewer who waits for the first of them: those that are waited for, then the others.
pub fn ahead(of: Ahead, first_segment: u32, segment_count: u32) -> Vec<JobRequest> {
    let at_once = segment_count.min(WAITED_FOR);
    let encode = |first_segment, segment_count| Stage::EncodeAhead { of, first_segment, segment_count };
    let weight_ms = |segment_count| u64::from(segment_count) * AHEAD_SEGMENT_MS;
    let needs = match of {
        Ahead::Pictures => vec![VideoCodec::H264.name()],
        Ahead::Sound => vec![CPU],
    };
    let first = JobRequest::new(encode(first_segment, at_once), weight_ms(at_once), Vec::new());
    let mut jobs = vec![JobRequest { needs: needs.clone(), ..first }];
    if segment_count > at_once {
        let left = segment_count - at_once;
        let stage = encode(first_segment.saturating_add(at_once), left);
        jobs.push(JobRequest { priority: NEXT, needs, ..JobRequest::new(stage, weight_ms(left), vec![0]) });
    }
    jobs
}

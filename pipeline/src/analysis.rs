//! Renditions decided by a recording's own pictures: which samples are encoded, in what, and what follows from them.

use std::collections::VecDeque;

use ladders::{Samples, Tried, first_trials, further_trials};
use media_types::{EncodePlan, PerTitle, ProbeReport, Rendition, VideoPlan};

use crate::{Quality, RangeOrder, RangeSummary, SceneKind, VideoSetup};

/// Of every thousand frames, so many are samples at most: what they cost stays a small part of the encode.
const SAMPLED_PART: u64 = 35;
/// Samples of a recording at most, however long it is.
const MAX_SAMPLES: u64 = 8;
/// Pictures of one sample that are compared.
const COMPARED: u32 = 12;
/// Quarters of the largest size's pixels that all trials of an order have together at most: hardly more memory than a range
/// takes, though it needs that at once for several encoders of the largest size.
const QUARTERS_AT_ONCE: u64 = 9;

/// Whether a plan has something to decide: several H.264 renditions, and more pictures than samples may be taken of.
pub fn is_worth_deciding(plan: &EncodePlan) -> bool {
    plan.video.as_ref().is_some_and(|video| samples(video) > 0 && !first_trials(&video.renditions).is_empty())
}

fn samples(video: &VideoPlan) -> u64 {
    let gop = u64::from(video.gop_frames.max(1));
    (video.frame_count() * SAMPLED_PART / 1000 / gop).min(MAX_SAMPLES)
}

/// The samples of one recording, and what is known of them so far.
///
/// What is encoded depends on what came of it before: each of [`next_order`](Self::next_order) is carried out and given to
/// [`add`](Self::add) before the next one is asked for.
pub struct Analysis<'p> {
    plan: &'p EncodePlan,
    video: &'p VideoPlan,
    wanted: PerTitle,
    /// First frames of the samples.
    places: Vec<u64>,
    trials: Vec<Trial>,
    /// What is to be encoded of which sample: its first frame, and positions in `trials`.
    due: VecDeque<(u64, Vec<usize>)>,
    /// Orders that were carried out, and how many there are in all as far as is known.
    orders: (usize, usize),
    /// Whether the first trials are through.
    is_known: bool,
    /// Frames of all samples, and those of slides and screens among them.
    sampled_frames: u64,
    drawn_frames: u64,
}

struct Trial {
    rendition: Rendition,
    bits: u64,
    quality: Quality,
}

impl<'p> Analysis<'p> {
    /// Of a plan whose renditions are to be decided, and the report that it was made of.
    pub fn new(plan: &'p EncodePlan, report: &ProbeReport) -> Option<Self> {
        let wanted = plan.per_title.filter(|_| is_worth_deciding(plan))?;
        let video = plan.video.as_ref()?;
        let places = places(video, report);
        let mut analysis = Self {
            plan,
            video,
            wanted,
            // A guess, until it is known what is worth trying.
            orders: (0, 3 * places.len()),
            places,
            trials: Vec::new(),
            due: VecDeque::new(),
            is_known: false,
            sampled_frames: 0,
            drawn_frames: 0,
        };
        analysis.try_too(first_trials(&video.renditions));
        Some(analysis)
    }

    /// Has renditions encoded of all samples, a few at a time.
    fn try_too(&mut self, renditions: Vec<Rendition>) {
        let pixels = |one: &Rendition| u64::from(one.width) * u64::from(one.height);
        let most = self.video.renditions.iter().map(pixels).max().unwrap_or(0) * QUARTERS_AT_ONCE / 4;
        let mut groups: Vec<(u64, Vec<usize>)> = Vec::new();
        for rendition in renditions {
            let (position, size) = (self.trials.len(), pixels(&rendition));
            match groups.iter_mut().find(|(all, _)| all + size <= most) {
                Some((all, group)) => {
                    *all += size;
                    group.push(position);
                }
                None => groups.push((size, vec![position])),
            }
            self.trials.push(Trial { rendition, bits: 0, quality: Quality::default() });
        }
        let of_group = |group: Vec<usize>| self.places.iter().map(move |place| (*place, group.clone()));
        self.due.extend(groups.into_iter().flat_map(|(_, group)| of_group(group)));
    }

    /// What is to be encoded next: a run of pictures from key frame to key frame, in some of the trials.
    pub fn next_order(&mut self) -> Option<RangeOrder> {
        if self.due.is_empty() {
            self.is_known = true;
            let tried = self.tried()?;
            let (rate, is_drawn) = (self.video.frame_rate, self.is_drawn());
            self.try_too(further_trials(&self.wanted, &self.video.renditions, rate, &tried, is_drawn));
            self.orders.1 = self.orders.0 + self.due.len();
        }
        let (first_frame, trials) = self.due.pop_front()?;
        let frame_count = self.video.gop_frames.max(1).into();
        let order = RangeOrder {
            video: VideoSetup::from(self.video),
            first_frame,
            pictures: self.video.frame_map.slice(first_frame, frame_count),
            renditions: trials.iter().map(|trial| self.trials[*trial].rendition.clone()).collect(),
            judge: None,
            careful: false,
        };
        let mut order = order.judged(vec![0], COMPARED, false);
        let compared_at = self.compared_at();
        order.judge.iter_mut().for_each(|judge| (judge.width, judge.height) = compared_at);
        Some(order)
    }

    /// Takes in what came of an order: the bits of each trial, and what the engine says of it.
    pub fn add(&mut self, order: &RangeOrder, bits: &[u64], summary: &RangeSummary) {
        self.orders.0 += 1;
        if !self.is_known {
            self.sampled_frames += order.frame_count();
            let drawn = |kind| matches!(kind, SceneKind::Slides | SceneKind::Screencast);
            let of_scenes =
                summary.scenes.kinds.iter().filter(|scene| drawn(scene.kind)).map(|scene| scene.frame_count);
            self.drawn_frames += of_scenes.sum::<u64>();
        }
        for (rendition, (bits, quality)) in order.renditions.iter().zip(bits.iter().zip(&summary.quality)) {
            if let Some(trial) = self.trials.iter_mut().find(|trial| trial.rendition.name == rendition.name) {
                trial.bits += bits;
                trial.quality = trial.quality.with(*quality);
            }
        }
    }

    /// How much of the work is done, 0 to 1, when so much of the order at hand is.
    pub fn share(&self, part: f64) -> f64 {
        ((self.orders.0 as f64 + part) / self.orders.1.max(1) as f64).min(1.0)
    }

    fn is_drawn(&self) -> bool {
        self.drawn_frames * 2 > self.sampled_frames
    }

    fn compared_at(&self) -> (u32, u32) {
        self.trials.iter().map(|trial| (trial.rendition.width, trial.rendition.height)).max().unwrap_or_default()
    }

    fn ms(&self) -> u64 {
        let rate = self.video.frame_rate;
        self.sampled_frames * 1000 * u64::from(rate.den()) / u64::from(rate.num())
    }

    /// What came of all trials; `None` when one was not judged.
    fn tried(&self) -> Option<Vec<Tried>> {
        let (ms, size) = (self.ms().max(1), self.compared_at());
        let per_second = |bits: u64| (u128::from(bits) * 1000 / u128::from(ms)) as u64;
        let tried = self.trials.iter().map(|trial| {
            let (rendition, bitrate_bps) = (trial.rendition.clone(), per_second(trial.bits));
            Some(Tried { rendition, bitrate_bps, quality_db: trial.quality.db(size)? })
        });
        tried.collect()
    }

    /// The plan with the renditions decided; `None` when the samples say nothing, and the plan is to stay as it is.
    pub fn decide(&self) -> Option<EncodePlan> {
        let samples = Samples { ms: self.ms(), compared_at: self.compared_at(), is_drawn: self.is_drawn() };
        let decided = ladders::decide(&self.wanted, &self.video.renditions, self.tried()?, &samples)?;
        let mut plan = self.plan.clone();
        plan.video.as_mut()?.renditions = decided.renditions;
        plan.skipped.extend(decided.skipped);
        plan.decision = Some(decided.decision);
        Some(plan)
    }
}

/// First frames of the samples, one in each of equal parts: where the source has a key frame, the one nearest to its middle, so
/// that nothing before the sample is decoded each time it is encoded; in its middle otherwise.
fn places(video: &VideoPlan, report: &ProbeReport) -> Vec<u64> {
    let (gop, count) = (u64::from(video.gop_frames.max(1)), samples(video).max(1));
    let (frames, gops) = (video.frame_count(), video.frame_count() / gop);
    let keys = key_frames(video, report);
    let place = |sample: u64| {
        let middle = (gops * (2 * sample + 1) / (2 * count)) * gop;
        let (start, end) = (frames * sample / count, frames * (sample + 1) / count);
        let inside = keys.iter().copied().filter(|key| *key >= start && key + gop <= end);
        inside.min_by_key(|key| key.abs_diff(middle)).unwrap_or(middle)
    };
    (0..count).map(place).collect()
}

/// The frames that first show a key frame of the source, ascending.
fn key_frames(video: &VideoPlan, report: &ProbeReport) -> Vec<u64> {
    let packets = report.video.iter().flat_map(|video| &video.packets);
    let mut times: Vec<i64> = packets.filter(|packet| packet.keyframe).map(|packet| packet.pts).collect();
    times.sort_unstable();
    let mut frame = 0;
    let mut found = Vec::new();
    for shown in &video.frame_map.0 {
        if times.binary_search(&shown.source_pts).is_ok() {
            found.push(frame);
        }
        frame += u64::from(shown.frames);
    }
    found
}

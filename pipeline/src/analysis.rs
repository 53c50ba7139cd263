//! Renditions decided by a recording's own pictures: which samples are encoded, and what follows from them.

use ladders::Samples;
use media_types::{EncodePlan, PerTitle, Rendition, VideoPlan};

use crate::{Quality, RangeOrder, RangeSummary, SceneKind, VideoSetup, compared_at};

/// Of every thousand frames, so many are samples at most: what they cost stays a small part of the encode.
const SAMPLED_PART: u64 = 35;
/// Samples of a recording at most, however long it is.
const MAX_SAMPLES: u64 = 8;
/// Pictures of one sample that are compared.
const COMPARED: u32 = 12;

/// Whether a plan has something to decide: several H.264 renditions, and more pictures than samples may be taken of.
pub fn is_worth_deciding(wanted: &PerTitle, plan: &EncodePlan) -> bool {
    plan.video.as_ref().is_some_and(|video| samples(video) > 0 && !trials(wanted, video).is_empty())
}

fn trials(wanted: &PerTitle, video: &VideoPlan) -> Vec<Rendition> {
    ladders::trials(wanted, &video.renditions, video.frame_rate)
}

fn samples(video: &VideoPlan) -> u64 {
    let gop = u64::from(video.gop_frames.max(1));
    (video.frame_count() * SAMPLED_PART / 1000 / gop).min(MAX_SAMPLES)
}

/// The samples of one recording, and what is known of them so far.
pub struct Analysis<'p> {
    plan: &'p EncodePlan,
    video: &'p VideoPlan,
    wanted: PerTitle,
    trials: Vec<Rendition>,
    /// Of each trial: bits, and how good they look.
    measured: Vec<(u64, Quality)>,
    sampled_frames: u64,
    /// Those of slides and screens.
    drawn_frames: u64,
}

impl<'p> Analysis<'p> {
    /// Of a plan whose renditions are to be decided.
    pub fn new(plan: &'p EncodePlan) -> Option<Self> {
        let wanted = plan.per_title.filter(|wanted| is_worth_deciding(wanted, plan))?;
        let video = plan.video.as_ref()?;
        let trials = trials(&wanted, video);
        let measured = vec![(0, Quality::default()); trials.len()];
        Some(Self { plan, video, wanted, trials, measured, sampled_frames: 0, drawn_frames: 0 })
    }

    /// What is to be encoded: a run of pictures in the middle of each of equal parts, from key frame to key frame, in every
    /// trial.
    pub fn orders(&self) -> Vec<RangeOrder> {
        let (gop, count) = (u64::from(self.video.gop_frames.max(1)), samples(self.video));
        let gops = self.video.frame_count() / gop;
        let middle = |sample: u64| (gops * (2 * sample + 1) / (2 * count.max(1))) * gop;
        (0..count).map(|sample| self.order(middle(sample), gop)).collect()
    }

    fn order(&self, first_frame: u64, frame_count: u64) -> RangeOrder {
        let order = RangeOrder {
            video: VideoSetup::from(self.video),
            first_frame,
            pictures: self.video.frame_map.slice(first_frame, frame_count),
            renditions: self.trials.clone(),
            judge: None,
            careful: false,
        };
        order.judged(vec![0], COMPARED, false)
    }

    /// Takes in what came of one order: the bits of each trial, and what the engine says of it.
    pub fn add(&mut self, order: &RangeOrder, bits: &[u64], summary: &RangeSummary) {
        self.sampled_frames += order.frame_count();
        let drawn = |kind| matches!(kind, SceneKind::Slides | SceneKind::Screencast);
        let of_scenes = summary.scenes.kinds.iter().filter(|scene| drawn(scene.kind)).map(|scene| scene.frame_count);
        self.drawn_frames += of_scenes.sum::<u64>();
        for ((all_bits, all), (bits, one)) in self.measured.iter_mut().zip(bits.iter().zip(&summary.quality)) {
            *all_bits += bits;
            *all = all.with(*one);
        }
    }

    /// The plan with the renditions decided; `None` when the samples say nothing, and the plan is to stay as it is.
    pub fn decide(&self) -> Option<EncodePlan> {
        let rate = self.video.frame_rate;
        let ms = self.sampled_frames * 1000 * u64::from(rate.den()) / u64::from(rate.num());
        let per_second = |bits: u64| (u128::from(bits) * 1000 / u128::from(ms.max(1))) as u64;
        let compared_at = compared_at(&self.trials);
        let of_trial = |(bits, quality): &(u64, Quality)| Some((per_second(*bits), quality.db(compared_at)?));
        let measured: Vec<(u64, f64)> = self.measured.iter().map(of_trial).collect::<Option<_>>()?;
        let samples = Samples { ms, compared_at, rate, is_drawn: self.drawn_frames * 2 > self.sampled_frames };
        let decided = ladders::decide(&self.wanted, &self.video.renditions, &measured, &samples)?;
        let mut plan = self.plan.clone();
        plan.video.as_mut()?.renditions = decided.renditions;
        plan.skipped.extend(decided.skipped);
        plan.decision = Some(decided.decision);
        Some(plan)
    }
}

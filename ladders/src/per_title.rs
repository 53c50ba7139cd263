//! Rungs decided for one recording: which sizes and rate factors are worth their bits.
//!
//! Samples of the recording are encoded at every size and a few rate factors. Between these, rate (as its logarithm) and
//! rate factor are taken to be straight over quality; the cheapest size for a quality makes up the hull, and rungs stand on it
//! at equal distances.

use std::cmp::Ordering;

use media_types::{Chosen, DynamicRange, LadderDecision, PerTitle, Rendition, SkippedRung, Trial, VideoCodec};

use crate::legible;
use crate::select::hold_in_step;
use crate::trials::{LEAST_BPS, Tried, sizes};

/// Rungs differ so much in rate on an average at least: less gives a player nothing to choose between.
const LEAST_RATIO: f64 = 1.6;
/// A smaller size that costs so little more is taken: it is cheaper to encode and to decode.
const SMALLER_IS_WORTH: f64 = 1.03;
/// Until neighbouring qualities cannot be told apart.
const HALVINGS: usize = 24;
/// The ladder's lowest rung stays where the hull is hardly cheaper.
const LOWEST_IS_WORTH: f64 = 1.1;

/// What the figures were measured by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Samples {
    /// Length of all of them together in milliseconds.
    pub ms: u64,
    /// Width and height at which their pictures were compared.
    pub compared_at: (u32, u32),
    /// Whether most of them is drawn: slides, or a screen.
    pub is_drawn: bool,
}

/// The renditions that a recording gets, by what came of its trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The lowest rung first, as it was; then what was chosen, ascending in quality; then those of other codecs, as they were.
    pub renditions: Vec<Rendition>,
    /// Sizes that were planned and not chosen.
    pub skipped: Vec<SkippedRung>,
    /// Why.
    pub decision: LadderDecision,
}

/// Decides by what was tried: the first and the further trials, in any order. `None` when nothing can be told from them.
pub fn decide(
    wanted: &PerTitle,
    renditions: &[Rendition],
    mut tried: Vec<Tried>,
    samples: &Samples,
) -> Option<Decided> {
    let sizes = sizes(renditions);
    tried.sort_by(|left, right| place(left).partial_cmp(&place(right)).unwrap_or(Ordering::Equal));
    let lowest = tried.first().filter(|lowest| sizes.first().is_some_and(|size| **size == lowest.rendition))?;
    if !tried.iter().all(|one| one.quality_db.is_finite()) {
        return None;
    }
    let least = legible::least_lines(wanted, &sizes).filter(|_| samples.is_drawn).unwrap_or(0);
    let is_legible = |size: &Rendition| legible::lines(size) >= least;
    let curves: Vec<Curve<'_>> =
        sizes[1..].iter().filter(|size| is_legible(size)).filter_map(|size| Curve::new(size, &tried)).collect();
    let mut floor = Floor::new(wanted, &curves, lowest.bitrate_bps, lowest.quality_db)?;
    floor.is_lowest &= is_legible(sizes[0]);
    let rungs = rungs(wanted, &curves, &floor, sizes.len());
    let first_is_early_only = !floor.is_lowest;
    let mut chosen = named(&rungs);
    let mut expected: Vec<Chosen> =
        chosen.iter().zip(&rungs).map(|(rendition, rung)| rung.promise(rendition)).collect();
    let few = (samples.is_drawn && first_is_early_only).then(|| few(&tried, &rungs)).flatten();
    if let Some(few) = few {
        expected.insert(0, few.promise());
        chosen.insert(0, few.rendition);
    }
    hold_in_step(&mut chosen);
    if !first_is_early_only {
        expected.insert(0, lowest.promise());
    }
    let is_kept = |size: &Rendition| rungs.iter().any(|rung| rung.curve.size.name == size.name);
    let dropped: Vec<&Rendition> = sizes[1..].iter().copied().filter(|size| !is_kept(size)).collect();
    let mut skipped: Vec<SkippedRung> =
        dropped.iter().map(|size| skipped_rung(size, is_legible(size), least)).collect();
    let unseen: Vec<&Rendition> = dropped.into_iter().chain(Some(sizes[0]).filter(|_| first_is_early_only)).collect();
    let (others, more) = others(renditions, &unseen);
    skipped.extend(more);
    let decision = LadderDecision {
        wanted: *wanted,
        sampled_ms: samples.ms,
        compared_at: samples.compared_at,
        is_drawn: samples.is_drawn,
        trials: tried.iter().map(Tried::noted).collect(),
        chosen: expected,
        first_is_early_only,
    };
    let renditions = std::iter::once(sizes[0].clone()).chain(chosen).chain(others).collect();
    Some(Decided { renditions, skipped, decision })
}

/// Where a trial stands among others: by size, finest first, and behind them the one with few pictures.
fn place(tried: &Tried) -> (u32, u32, f32) {
    let Rendition { width, height, frame_step, .. } = tried.rendition;
    (frame_step, width.saturating_mul(height), tried.rendition.encoding.crf)
}

fn skipped_rung(size: &Rendition, is_legible: bool, least: u32) -> SkippedRung {
    let reason = match is_legible {
        true => "other sizes look better at its rates in this recording".to_owned(),
        false => format!("what is drawn has {least} lines or more, to be read"),
    };
    SkippedRung { name: size.name.clone(), reason }
}

/// The renditions of other codecs, without those of a size that is not worth its bits in H.264. Those of high dynamic range stay.
fn others(renditions: &[Rendition], unseen: &[&Rendition]) -> (Vec<Rendition>, Vec<SkippedRung>) {
    let all = renditions.iter().filter(|rendition| rendition.encoding.codec != VideoCodec::H264);
    let (dropped, kept): (Vec<&Rendition>, Vec<&Rendition>) = all.partition(|one| {
        let is_standard = one.encoding.dynamic_range == DynamicRange::Sdr;
        is_standard && unseen.iter().any(|size| (size.width, size.height) == (one.width, one.height))
    });
    let reason = "its size is not worth its bits in H.264 either";
    let skipped = dropped.iter().map(|one| SkippedRung { name: one.name.clone(), reason: reason.to_owned() });
    (kept.into_iter().cloned().collect(), skipped.collect())
}

/// The trial with few pictures, if it is for poorer links than all else: the other rungs take more bits than [`LEAST_BPS`], and
/// clearly more than it does.
fn few(tried: &[Tried], rungs: &[Rung<'_, '_>]) -> Option<Tried> {
    let trial = tried.iter().find(|one| one.rendition.frame_step > 1)?;
    let (lowest, rate) = (rungs.first()?.rate(), trial.bitrate_bps as f64);
    if lowest <= LEAST_BPS || lowest < rate * LEAST_RATIO {
        return None;
    }
    let mut few = trial.clone();
    let of_its_size = rungs.iter().find(|rung| rung.curve.size.height == trial.rendition.height);
    let share = of_its_size.map_or(1.0, |rung| rung.curve.share(rate));
    let cap = few.rendition.encoding.max_bitrate_bps as f64 * share;
    few.rendition.encoding.max_bitrate_bps = cap.round().max(1_000.0) as u64;
    Some(few)
}

impl Tried {
    fn promise(&self) -> Chosen {
        Chosen { name: self.rendition.name.clone(), bitrate_bps: self.bitrate_bps, quality_db: self.quality_db }
    }

    /// As it is kept with the plan.
    fn noted(&self) -> Trial {
        Trial {
            name: self.rendition.name.clone(),
            width: self.rendition.width,
            height: self.rendition.height,
            crf: self.rendition.encoding.crf,
            bitrate_bps: self.bitrate_bps,
            quality_db: self.quality_db,
        }
    }
}

/// One size: what each quality costs.
struct Curve<'a> {
    size: &'a Rendition,
    /// Ascending in all three.
    points: Vec<Point>,
}

#[derive(Clone, Copy)]
struct Point {
    db: f64,
    rate_log2: f64,
    finer: f64,
}

impl<'a> Curve<'a> {
    /// By what was tried of a size, finest first; `None` when nothing was.
    fn new(size: &'a Rendition, tried: &[Tried]) -> Option<Self> {
        let is_of_it = |one: &&Tried| {
            let trial = &one.rendition;
            (trial.width, trial.height, trial.frame_step) == (size.width, size.height, size.frame_step)
        };
        let point = |one: &Tried| Point {
            db: one.quality_db,
            rate_log2: (one.bitrate_bps.max(1_000) as f64).log2(),
            finer: -f64::from(one.rendition.encoding.crf),
        };
        let points: Vec<Point> = tried.iter().filter(is_of_it).map(point).collect();
        // Coarsest first. What costs no more and is better stands for what is worse.
        let mut ascending: Vec<Point> = Vec::new();
        for point in points.into_iter().rev() {
            while ascending.last().is_some_and(|last| last.rate_log2 >= point.rate_log2 && last.db <= point.db) {
                ascending.pop();
            }
            if ascending.last().is_none_or(|last| last.db < point.db && last.rate_log2 < point.rate_log2) {
                ascending.push(point);
            }
        }
        (!ascending.is_empty()).then_some(Self { size, points: ascending })
    }

    /// What a rate is to that of the ladder's own rung, at most 1: caps are to each other as rates are.
    fn share(&self, rate: f64) -> f64 {
        self.points.last().map_or(1.0, |own| (rate.log2() - own.rate_log2).exp2().min(1.0))
    }

    fn best_db(&self) -> f64 {
        self.points.last().map_or(f64::NEG_INFINITY, |point| point.db)
    }

    /// What a quality takes at this size; what is worse than all that was tried takes the least of that.
    fn at(&self, db: f64) -> Option<Point> {
        let above = self.points.iter().position(|point| point.db >= db)?;
        let high = self.points[above];
        let Some(low) = above.checked_sub(1).map(|below| self.points[below]) else { return Some(high) };
        let share = (db - low.db) / (high.db - low.db);
        let between = |low: f64, high: f64| low + (high - low) * share;
        Some(Point { db, rate_log2: between(low.rate_log2, high.rate_log2), finer: between(low.finer, high.finer) })
    }
}

/// A place on the hull.
struct Rung<'c, 'a> {
    curve: &'c Curve<'a>,
    point: Point,
}

impl Rung<'_, '_> {
    fn rate(&self) -> f64 {
        self.point.rate_log2.exp2()
    }

    fn promise(&self, rendition: &Rendition) -> Chosen {
        Chosen { name: rendition.name.clone(), bitrate_bps: self.rate().round() as u64, quality_db: self.point.db }
    }
}

/// The cheapest size for a quality.
fn hull<'c, 'a>(curves: &'c [Curve<'a>], db: f64) -> Option<Rung<'c, 'a>> {
    let mut found: Option<Rung<'c, 'a>> = None;
    // Largest first: a smaller one may cost a little more.
    for curve in curves.iter().rev() {
        let Some(point) = curve.at(db) else { continue };
        let rung = Rung { curve, point };
        if found.as_ref().is_none_or(|best| rung.rate() <= best.rate() * SMALLER_IS_WORTH) {
            found = Some(rung);
        }
    }
    found
}

/// The lower end of a ladder.
struct Floor {
    rate: f64,
    db: f64,
    /// Whether the ladder's lowest rung is that end, since it lies on the hull.
    is_lowest: bool,
}

impl Floor {
    /// As good as the ladder's lowest rung, or better if [`LEAST_BPS`] allow it and it is wanted.
    fn new(wanted: &PerTitle, curves: &[Curve<'_>], lowest_rate: u64, lowest_db: f64) -> Option<Self> {
        let best_db = best_db(curves);
        let db = lowest_db.min(best_db);
        let rate = hull(curves, db)?.rate();
        if rate >= LEAST_BPS {
            let is_lowest = lowest_db <= best_db && lowest_rate as f64 <= rate * LOWEST_IS_WORTH;
            return Some(Self { rate: rate.min(lowest_rate as f64), db, is_lowest });
        }
        let (mut within, mut above) = (db, best_db.min(wanted.target_db.max(db)));
        for _ in 0..HALVINGS {
            let middle = within.midpoint(above);
            match hull(curves, middle).is_some_and(|rung| rung.rate() <= LEAST_BPS) {
                true => within = middle,
                false => above = middle,
            }
        }
        Some(Self { rate: hull(curves, within)?.rate(), db: within, is_lowest: false })
    }
}

fn best_db(curves: &[Curve<'_>]) -> f64 {
    curves.iter().map(Curve::best_db).fold(f64::NEG_INFINITY, f64::max)
}

/// Rungs on the hull, from its lower end to what is wanted, ascending; at most as many as the ladder has.
fn rungs<'c, 'a>(wanted: &PerTitle, curves: &'c [Curve<'a>], floor: &Floor, most: usize) -> Vec<Rung<'c, 'a>> {
    let top_db = best_db(curves).min(wanted.target_db.max(floor.db));
    let Some(top) = hull(curves, top_db) else { return Vec::new() };
    let by_rate = (top.rate() / floor.rate).log2() / LEAST_RATIO.log2();
    let by_quality = (top_db - floor.db) / wanted.step_db;
    let steps = by_rate.min(by_quality).clamp(0.0, most.saturating_sub(1) as f64).floor();
    let mut rungs: Vec<Rung<'c, 'a>> = Vec::new();
    for step in 0..=steps as usize {
        if step == 0 && steps > 0.0 && floor.is_lowest {
            continue;
        }
        let last = step as f64 >= steps;
        let db = if last { top_db } else { floor.db + (top_db - floor.db) * (step as f64 / steps) };
        let Some(rung) = hull(curves, db) else { continue };
        let apart = |below: &Rung<'_, '_>| rung.rate() >= below.rate() * LEAST_RATIO.sqrt();
        if rungs.last().is_some_and(|below| !apart(below)) {
            rungs.pop();
        }
        rungs.push(rung);
    }
    rungs
}

/// The renditions of rungs, ascending; the best one of a size has the name of the ladder's rung.
fn named(rungs: &[Rung<'_, '_>]) -> Vec<Rendition> {
    let mut renditions: Vec<Rendition> = Vec::new();
    for rung in rungs.iter().rev() {
        let size = rung.curve.size;
        let same = renditions.iter().filter(|made| (made.width, made.height) == (size.width, size.height)).count();
        let mut rendition = size.clone();
        if same > 0 {
            rendition.name = format!("{}-{}", size.name, same + 1);
        }
        let encoding = &mut rendition.encoding;
        encoding.crf = ((-rung.point.finer * 10.0).round() / 10.0) as f32;
        let share = rung.curve.share(rung.rate());
        encoding.max_bitrate_bps = (encoding.max_bitrate_bps as f64 * share).round().max(1_000.0) as u64;
        renditions.push(rendition);
    }
    renditions.reverse();
    renditions
}

#[cfg(test)]
mod tests;

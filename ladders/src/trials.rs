//! What is encoded of a recording's samples: as little as its rungs can be told from.
//!
//! The lowest rung and the coarsest of the largest come first. They tell what kind of recording it is, and whether anything else
//! is worth trying.

use media_types::{FrameRate, PerTitle, Rendition, VideoCodec};

use crate::legible;

/// What is added to a rung's own rate factor in trials: a rung is never finer than its ladder says.
const COARSER: [f32; 3] = [0.0, 6.0, 12.0];
/// The coarsest that H.264 knows.
const MAX_CRF: f32 = 51.0;
/// Whoever has the bits for sound has these for pictures (HLS Authoring Specification for Apple Devices, table 3: its lowest
/// variant). Smaller rungs would only look worse.
pub(crate) const LEAST_BPS: f64 = 145_000.0;

/// A trial, and what came of it over all samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// What was encoded.
    pub rendition: Rendition,
    /// Average of the samples in bits per second.
    pub bitrate_bps: u64,
    /// XPSNR of the luma, in decibels.
    pub quality_db: f64,
}

/// What is encoded of every sample at first: the lowest rung as it is, and the largest one at its coarsest. Empty when there is
/// nothing to decide: `renditions` has less than two of H.264.
pub fn first_trials(renditions: &[Rendition]) -> Vec<Rendition> {
    match sizes(renditions)[..] {
        [lowest, .., largest] => std::iter::once(lowest.clone()).chain(coarsened(largest).pop()).collect(),
        _ => Vec::new(),
    }
}

/// What is encoded of every sample after that, by what came of all that was tried so far, until there is nothing more: each size
/// above the lowest at its own rate factor and coarser ones, largest first; and, if what is drawn is to be legible, the smallest
/// size at which it is, with few pictures a second. Of what is drawn nothing is tried that cannot be read. Where the largest size
/// looks no worse than the lowest rung at a rate that everybody has, no other is tried, and few pictures only if it takes more at
/// its best.
pub fn further_trials(
    wanted: &PerTitle,
    renditions: &[Rendition],
    rate: FrameRate,
    tried: &[Tried],
    is_drawn: bool,
) -> Vec<Rendition> {
    let sizes = sizes(renditions);
    let [_, middle @ .., largest] = &sizes[..] else { return Vec::new() };
    let mut trials = coarsened(largest);
    let least = legible::least_lines(wanted, &sizes).filter(|_| is_drawn).unwrap_or(0);
    let will_do = largest_will_do(tried);
    let readable = middle.iter().rev().filter(|size| !will_do && legible::lines(size) >= least);
    trials.extend(readable.flat_map(|size| coarsened(size)));
    if is_drawn && (!will_do || tried.iter().any(|one| one.bitrate_bps as f64 > LEAST_BPS)) {
        let coarsest = |crf| factors(crf).last().copied().unwrap_or(crf);
        trials.extend(legible::thinned(wanted, renditions, rate, coarsest));
    }
    trials.retain(|trial| tried.iter().all(|one| one.rendition.name != trial.name));
    trials
}

/// Whether whoever can play the lowest rung can play the largest size at its coarsest, and sees no less.
fn largest_will_do(tried: &[Tried]) -> bool {
    matches!(tried, [lowest, coarsest, ..]
        if coarsest.bitrate_bps as f64 <= LEAST_BPS && coarsest.quality_db >= lowest.quality_db)
}

/// The rungs that are decided, ascending.
pub(crate) fn sizes(renditions: &[Rendition]) -> Vec<&Rendition> {
    renditions.iter().filter(|rendition| rendition.encoding.codec == VideoCodec::H264).collect()
}

/// A rung at each rate factor, finest first.
fn coarsened(rung: &Rendition) -> Vec<Rendition> {
    let trial = |crf| {
        let mut trial = rung.clone();
        trial.encoding.crf = crf;
        trial.name = format!("{}-crf{crf}", rung.name);
        trial
    };
    factors(rung.encoding.crf).into_iter().map(trial).collect()
}

fn factors(crf: f32) -> Vec<f32> {
    let mut factors: Vec<f32> = COARSER.iter().map(|coarser| (crf + coarser).min(MAX_CRF)).collect();
    factors.dedup();
    factors
}

#[cfg(test)]
mod tests;

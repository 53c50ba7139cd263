//! Drawn pictures, such as slides and screens, at low rates: what is written on them is to be read, so that there are fewer
//! pictures a second, not fewer pixels.

use media_types::{FrameRate, PerTitle, Rendition, VideoCodec};

/// Pictures a second at most of the rendition for poor links: a pointer can still be followed.
const FEW: u32 = 8;

/// Lines that a rendition has at least: those that are wanted, or all that the largest one has.
pub(crate) fn least_lines(wanted: &PerTitle, sizes: &[&Rendition]) -> Option<u32> {
    let most = sizes.iter().map(|size| lines(size)).max()?;
    wanted.legible_lines.map(|legible| legible.min(most))
}

/// Pixels of the shorter side.
pub(crate) fn lines(rendition: &Rendition) -> u32 {
    rendition.width.min(rendition.height)
}

/// The smallest legible size, at a rate factor so much coarser, with few pictures; `None` when that is not asked for, or when
/// there are few anyway.
pub(crate) fn thinned(
    wanted: &PerTitle,
    renditions: &[Rendition],
    rate: FrameRate,
    coarser: impl Fn(f32) -> f32,
) -> Option<Rendition> {
    let sizes: Vec<&Rendition> =
        renditions.iter().filter(|rendition| rendition.encoding.codec == VideoCodec::H264).collect();
    let least = least_lines(wanted, &sizes)?;
    let step = rate.num().div_ceil(rate.den().saturating_mul(FEW).max(1));
    let smallest = sizes.into_iter().find(|size| lines(size) >= least).filter(|_| step > 1)?;
    let mut few = smallest.clone();
    few.frame_step = step;
    few.encoding.crf = coarser(few.encoding.crf);
    few.name = format!("{}-{}fps", smallest.name, rate.num() / (rate.den() * step).max(1));
    Some(few)
}

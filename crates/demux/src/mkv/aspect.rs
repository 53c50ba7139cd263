//! The shape of pixels.

use super::codec::VideoFacts;
use super::entry::Video;

/// The shape of a pixel out of the display size (RFC 9559 §5.1.4.1.28.14 to .16), or as the codec states it. The display
/// size is rounded to whole pixels, so what the codec says is better where it agrees.
pub(super) fn of(video: &Video, facts: &VideoFacts) -> (u32, u32) {
    let coded = facts.sample_aspect.filter(|&(x, y)| x > 0 && y > 0);
    let (Some(width), Some(height)) = (video.display_width, video.display_height) else {
        return coded.map_or((1, 1), |(x, y)| reduced(x.into(), y.into()));
    };
    let pixels_x = video.width.saturating_sub(video.crop[2]).saturating_sub(video.crop[3]);
    let pixels_y = video.height.saturating_sub(video.crop[0]).saturating_sub(video.crop[1]);
    let limit = 1 << 24;
    if video.display_unit > 3 || [width, height, pixels_x, pixels_y].iter().any(|&side| side == 0 || side > limit) {
        return coded.map_or((1, 1), |(x, y)| reduced(x.into(), y.into()));
    }
    let stated = (width * pixels_y, height * pixels_x);
    if let Some((x, y)) = coded {
        // Equal within the rounding of one pixel.
        let (left, right) = (stated.0 * u64::from(y), stated.1 * u64::from(x));
        if left.abs_diff(right) <= left / width.min(height) {
            return reduced(x.into(), y.into());
        }
    }
    reduced(stated.0, stated.1)
}

fn reduced(x: u64, y: u64) -> (u32, u32) {
    let (mut a, mut b) = (x, y);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let divisor = a.max(1);
    match (u32::try_from(x / divisor), u32::try_from(y / divisor)) {
        (Ok(x), Ok(y)) if x > 0 && y > 0 => (x, y),
        _ => (1, 1),
    }
}

//! Where sound goes beyond the pictures: at the start, at the end, or altogether.

use crate::exact::TimeBase;
use crate::sound::Track;
use crate::timeline::Timeline;

/// Sound that ends this much later than the pictures makes the last picture stay; less is an encoder's padding.
const HELD_TAIL_MS: i128 = 1000;
/// Sound that starts this much after the pictures end belongs to another clock.
const MAX_GAP_MS: i128 = 10_000;
/// Sound that begins this much earlier than the pictures makes the first one appear with it; less is an encoder's padding.
const HELD_HEAD_MS: i128 = 100;
/// What is earlier by more is cut off.
const MAX_HEAD_MS: i128 = 10_000;
/// Sound before the first picture is worth a word from this much on.
const SAID_HEAD_MS: i128 = 500;

fn pictures_ms(timeline: &Timeline) -> i128 {
    let rate = timeline.frame_rate;
    i128::from(timeline.frame_map.frame_count()) * 1000 * i128::from(rate.den()) / i128::from(rate.num())
}

/// Whether a sound track and the pictures share a clock.
pub(crate) fn belongs(
    track: &Track<'_>,
    timeline: &Timeline,
    origin: i64,
    base: TimeBase,
    warnings: &mut Vec<String>,
) -> bool {
    let ms = |pts| track.base.since(pts, origin, base).units(1000, 1);
    let name = &track.name;
    let (Some(start_ms), Some(end_ms)) = (ms(track.start), ms(track.end)) else {
        warnings.push(format!("{name} has another clock than the pictures and was left out"));
        return false;
    };
    if end_ms <= 0 || start_ms > pictures_ms(timeline) + MAX_GAP_MS {
        warnings.push(format!("{name} lies outside the pictures and was left out"));
        return false;
    }
    true
}

/// Shows the first picture while there is sound before it; answers what is presentation time 0 then.
pub(crate) fn hold_first(
    tracks: &[Track<'_>],
    timeline: &mut Timeline,
    first_pts: i64,
    base: TimeBase,
    warnings: &mut Vec<String>,
) -> i64 {
    let early = |track: &Track<'_>| track.base.since(track.start, first_pts, base).units(1000, 1).map_or(0, |ms| -ms);
    let held = tracks.iter().filter(|track| (HELD_HEAD_MS..=MAX_HEAD_MS).contains(&early(track)));
    let rate = timeline.frame_rate;
    let frames =
        held.filter_map(|track| base.since(first_pts, track.start, track.base).units_up(rate.num(), rate.den())).max();
    let origin = match frames.and_then(|frames| u32::try_from(frames).ok()) {
        Some(frames) => {
            timeline.hold_before(frames);
            base.earlier(first_pts, frames, rate)
        }
        None => first_pts,
    };
    for track in tracks {
        let (name, early_ms) = (&track.name, early(track));
        let fate = match early_ms > MAX_HEAD_MS {
            true if origin == first_pts => "it is cut there",
            true => "it is cut where that picture is shown from",
            false => "that picture is shown from then on",
        };
        if early_ms >= SAID_HEAD_MS {
            warnings.push(format!("{name} begins {:.1} s before the first picture: {fate}", early_ms as f64 / 1e3));
        }
    }
    origin
}

/// Lets the last picture stay while sound goes on.
pub(crate) fn hold_last(
    tracks: &[Track<'_>],
    timeline: &mut Timeline,
    origin: i64,
    base: TimeBase,
    warnings: &mut Vec<String>,
) {
    let end_ms = |track: &Track<'_>| track.base.since(track.end, origin, base).units(1000, 1);
    let last = tracks.iter().filter_map(|track| Some((end_ms(track)?, track))).max_by_key(|(end_ms, _)| *end_ms);
    let (Some((end_ms, track)), pictures_ms, rate) = (last, pictures_ms(timeline), timeline.frame_rate) else { return };
    if end_ms > pictures_ms + HELD_TAIL_MS
        && let Some(frames) = track.base.since(track.end, origin, base).units(rate.num(), rate.den())
    {
        let seconds = (end_ms - pictures_ms) as f64 / 1e3;
        warnings.push(format!("{} goes on for {seconds:.1} s after the last picture, which is held", track.name));
        timeline.hold_until(u64::try_from(frames).unwrap_or(u64::MAX));
    }
}

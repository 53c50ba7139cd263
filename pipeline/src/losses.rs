//! What a source lacks, as far as the times of its packets tell.

use media_types::loss::joined;
use media_types::{EncodePlan, Loss, LossKind, ProbeReport, Rational};

use crate::exact::TimeBase;
use crate::text::Origin;

/// Containers that go on behind what is damaged. In others every picture has its place in an index.
const RESUMING: [&str; 3] = ["mpegts", "mpeg", "matroska,webm"];
/// Pictures come at a constant rate when, of so many at least, so many in a hundred are equally far apart.
const LEAST_PICTURES: usize = 25;
const EQUAL_PERCENT: usize = 95;
/// Fewer milliseconds without a picture are no gap.
const LEAST_GAP_MS: i128 = 200;
/// What lies this much behind the last of what is there is missing; less is rounding.
const LEAST_END_MS: u64 = 500;
const MICROSECONDS: Rational = Rational { num: 1, den: 1_000_000 };

/// The plan's losses: pictures that do not come where they should, and the end of a file that was cut off.
pub(crate) fn of_source(report: &ProbeReport, origin: Origin, plan: &EncodePlan) -> Vec<Loss> {
    let mut losses = gaps(report, origin);
    let shown_ms = plan.duration_ms.max(0).unsigned_abs();
    losses.retain(|loss| loss.from_ms < shown_ms);
    losses.extend(end(report, origin, shown_ms));
    joined(losses)
}

fn gaps(report: &ProbeReport, (origin_pts, origin_base): Origin) -> Vec<Loss> {
    let Some(video) = report.video.as_ref().filter(|_| RESUMING.contains(&report.container.as_str())) else {
        return Vec::new();
    };
    let Ok(base) = TimeBase::new(video.time_base) else { return Vec::new() };
    let mut times: Vec<i64> = video.packets.iter().map(|packet| packet.pts).collect();
    times.sort_unstable();
    let apart = |pair: &[i64]| pair[1].saturating_sub(pair[0]);
    let mut lengths: Vec<i64> = times.windows(2).map(apart).collect();
    lengths.sort_unstable();
    let Some(&usual) = lengths.get(lengths.len() / 2).filter(|usual| **usual > 0) else { return Vec::new() };
    // Times in a container are rounded, by at most a tick on either side.
    let equal = lengths.iter().filter(|length| length.abs_diff(usual) <= 2 + usual.unsigned_abs() / 8).count();
    if lengths.len() < LEAST_PICTURES || equal * 100 < lengths.len() * EQUAL_PERCENT {
        return Vec::new();
    }
    let ms = |pts: i64| base.since(pts, origin_pts, origin_base).units(1000, 1);
    let gap = |pair: &[i64]| {
        let (from, to) = (ms(pair[0].saturating_add(usual))?, ms(pair[1])?);
        let told = to - from >= LEAST_GAP_MS && apart(pair) > usual.saturating_mul(3);
        let unsigned = |ms: i128| u64::try_from(ms.max(0)).ok();
        told.then_some(Loss {
            kind: LossKind::PicturesHeld,
            track: None,
            from_ms: unsigned(from)?,
            to_ms: unsigned(to)?,
        })
    };
    times.windows(2).filter_map(gap).collect()
}

fn end(report: &ProbeReport, (origin_pts, base): Origin, shown_ms: u64) -> Option<Loss> {
    let clock = TimeBase::new(MICROSECONDS).ok()?;
    let stated = clock.since(report.stated_end_us?, origin_pts, base).units(1000, 1)?;
    let to_ms = u64::try_from(stated).ok()?;
    (to_ms >= shown_ms + LEAST_END_MS).then_some(Loss {
        kind: LossKind::EndMissing,
        track: None,
        from_ms: shown_ms,
        to_ms,
    })
}

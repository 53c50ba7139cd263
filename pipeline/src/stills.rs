//! Which pictures stand for a video: a poster and a storyboard.

use media_types::time::rescale;
use media_types::{FrameMap, FrameRate, PacketTime, StillsPlan};

use crate::exact::TimeBase;

/// The poster is the picture at this time, or at a tenth of the video if that is sooner.
const POSTER_S: u64 = 5;
/// The poster's shorter side at most.
const POSTER_LINES: u32 = 720;
const TILE_INTERVAL_MS: u64 = 10_000;
const MAX_TILES: u64 = 100;
const COLUMNS: u32 = 10;
const TILE_WIDTH: u32 = 160;
/// Tall pictures get narrower tiles, so that a sheet stays within what browsers decode.
const MAX_TILE_HEIGHT: u32 = 320;

/// What stills are chosen from.
pub(crate) struct Source<'r> {
    pub(crate) packets: &'r [PacketTime],
    pub(crate) base: TimeBase,
    pub(crate) frame_map: &'r FrameMap,
    pub(crate) frame_rate: FrameRate,
    /// Upright, square pixels.
    pub(crate) width: u32,
    pub(crate) height: u32,
}

pub(crate) fn stills(source: &Source<'_>) -> StillsPlan {
    let frames = source.frame_map.frame_count();
    let duration_ms = frames_to_ms(frames, source.frame_rate).max(1);
    let interval_ms = duration_ms.div_ceil(MAX_TILES).next_multiple_of(1000).max(TILE_INTERVAL_MS);
    let tiles = duration_ms.div_ceil(interval_ms);
    let poster_frame = ms_to_frame(POSTER_S * 1000, source.frame_rate).min(frames / 10);
    let (poster_width, poster_height) = fit(source.width, source.height, POSTER_LINES);
    let (tile_width, tile_height) = tile_size(source.width, source.height);
    StillsPlan {
        poster_pts: shown_at(source.frame_map, &[poster_frame]).first().copied().unwrap_or_default(),
        poster_width,
        poster_height,
        tile_pts: tile_pts(source, tiles, interval_ms, frames),
        tile_interval_ms: to_u32(interval_ms),
        tile_width,
        tile_height,
        columns: COLUMNS.min(to_u32(tiles)).max(1),
    }
}

/// For each interval the key frame nearest to its middle, since that one costs a single decoded picture; without one,
/// the last one before.
fn tile_pts(source: &Source<'_>, tiles: u64, interval_ms: u64, frames: u64) -> Vec<i64> {
    let end_ms = frames_to_ms(frames, source.frame_rate);
    let middle = |tile: u64| tile * interval_ms + interval_ms.min(end_ms.saturating_sub(tile * interval_ms)) / 2;
    let middles: Vec<u64> = (0..tiles).map(middle).collect();
    let last = frames.saturating_sub(1);
    let targets: Vec<u64> = middles.iter().map(|&ms| ms_to_frame(ms, source.frame_rate).min(last)).collect();
    let mut chosen = shown_at(source.frame_map, &targets);
    let origin = source.frame_map.0.first().map_or(0, |shown| shown.source_pts);
    let mut nearest: Vec<Option<u64>> = vec![None; chosen.len()];
    for packet in source.packets.iter().filter(|packet| packet.keyframe && packet.pts >= origin) {
        let since = source.base.since(packet.pts, origin, source.base).units(1000, 1);
        let Some(ms) = since.and_then(|ms| u64::try_from(ms).ok()) else { continue };
        let tile = usize::try_from(ms / interval_ms).unwrap_or(usize::MAX);
        let (Some(middle), Some(best), Some(pts)) = (middles.get(tile), nearest.get_mut(tile), chosen.get_mut(tile))
        else {
            continue;
        };
        let distance = ms.abs_diff(*middle);
        if best.is_none_or(|best| distance < best) {
            (*best, *pts) = (Some(distance), packet.pts);
        }
    }
    let mut keyframes: Vec<i64> =
        source.packets.iter().filter(|packet| packet.keyframe).map(|packet| packet.pts).collect();
    keyframes.sort_unstable();
    for (pts, _) in chosen.iter_mut().zip(&nearest).filter(|(_, nearest)| nearest.is_none()) {
        let before = keyframes.partition_point(|keyframe| keyframe <= pts);
        *pts = before.checked_sub(1).map_or(*pts, |last| keyframes[last]);
    }
    // A picture that is held across intervals may be older than the key frame chosen before it.
    for index in 1..chosen.len() {
        chosen[index] = chosen[index].max(chosen[index - 1]);
    }
    chosen
}

/// The picture that each of `frames` (ascending) shows.
fn shown_at(map: &FrameMap, frames: &[u64]) -> Vec<i64> {
    let (mut out, mut end, mut runs) = (Vec::with_capacity(frames.len()), 0_u64, map.0.iter());
    let mut pts = map.0.first().map_or(0, |shown| shown.source_pts);
    for &frame in frames {
        while end <= frame {
            let Some(shown) = runs.next() else { break };
            (end, pts) = (end + u64::from(shown.frames), shown.source_pts);
        }
        out.push(pts);
    }
    out
}

fn tile_size(width: u32, height: u32) -> (u32, u32) {
    let scaled = |side: u32, of: u32, other: u32| even(rescale(side.into(), of.into(), other.max(1).into()));
    let tall = scaled(TILE_WIDTH, height, width);
    if tall <= MAX_TILE_HEIGHT {
        (TILE_WIDTH, tall)
    } else {
        (scaled(MAX_TILE_HEIGHT, width, height).min(TILE_WIDTH), MAX_TILE_HEIGHT)
    }
}

/// The size at which the shorter side has at most `lines`, and the longer at most four times that; even.
fn fit(width: u32, height: u32, lines: u32) -> (u32, u32) {
    let (short, long) = (width.min(height).max(1), width.max(height).max(1));
    let by_short = f64::from(lines) / f64::from(short);
    let by_long = f64::from(lines) * 4.0 / f64::from(long);
    let factor = by_short.min(by_long).min(1.0);
    let side = |value: u32| even((f64::from(value) * factor) as i64);
    (side(width), side(height))
}

fn even(value: i64) -> u32 {
    u32::try_from(value.max(2) / 2 * 2).unwrap_or(2)
}

fn frames_to_ms(frames: u64, rate: FrameRate) -> u64 {
    let frames = i64::try_from(frames).unwrap_or(i64::MAX);
    u64::try_from(rescale(frames, u64::from(rate.den()) * 1000, rate.num().into())).unwrap_or(0)
}

fn ms_to_frame(ms: u64, rate: FrameRate) -> u64 {
    let frame = u128::from(ms) * u128::from(rate.num()) / (1000 * u128::from(rate.den()));
    u64::try_from(frame).unwrap_or(u64::MAX)
}

fn to_u32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use media_types::{Rational, Shown};
    use proptest::prelude::*;

    use super::*;

    /// A video at 25 pictures per second in ticks of 1/25 s, with a key frame every `keyint` pictures.
    fn plan(frames: i64, keyint: i64, width: u32, height: u32) -> StillsPlan {
        let packets: Vec<PacketTime> = (0..frames).map(|pts| PacketTime { pts, keyframe: pts % keyint == 0 }).collect();
        let map = FrameMap((0..frames).map(|source_pts| Shown { source_pts, frames: 1 }).collect());
        stills(&Source {
            packets: &packets,
            base: TimeBase::new(Rational { num: 1, den: 25 }).unwrap(),
            frame_map: &map,
            frame_rate: FrameRate::new(25, 1).unwrap(),
            width,
            height,
        })
    }

    #[test]
    fn a_poster_comes_early_and_a_tile_every_ten_seconds() {
        let short = plan(250, 50, 1920, 1080);
        assert_eq!((short.poster_pts, short.poster_width, short.poster_height), (25, 1280, 720));
        assert_eq!((short.tile_pts.as_slice(), short.columns), ([100].as_slice(), 1));
        assert_eq!((short.tile_width, short.tile_height), (160, 90));
        let minute = plan(1500, 10_000, 640, 480);
        assert_eq!((minute.poster_pts, minute.poster_width, minute.poster_height), (125, 640, 480));
        assert_eq!(minute.tile_pts, [0; 6], "it has a single key frame");
        assert_eq!(minute.columns, 6);
    }

    #[test]
    fn a_long_video_has_at_most_a_hundred_tiles() {
        let long = plan(25 * 7200, 250, 1080, 1920);
        assert_eq!((long.tile_pts.len(), long.tile_interval_ms, long.columns), (100, 72_000, 10));
        assert_eq!((long.tile_width, long.tile_height), (160, 284));
    }

    proptest! {
        #[test]
        fn tiles_are_real_pictures_in_order(frames in 1i64..40_000, keyint in 1i64..2000, width in 1u32..=16_384, height in 1u32..=16_384) {
            let plan = plan(frames, keyint, width, height);
            prop_assert!((0..frames).contains(&plan.poster_pts));
            prop_assert!(plan.tile_pts.iter().all(|pts| (0..frames).contains(pts)));
            prop_assert!(plan.tile_pts.is_sorted());
            prop_assert!((1..=100).contains(&plan.tile_pts.len()));
            for side in [plan.tile_width, plan.tile_height, plan.poster_width, plan.poster_height] {
                prop_assert!(side >= 2 && side % 2 == 0);
            }
            prop_assert!(plan.tile_width <= TILE_WIDTH && plan.tile_height <= MAX_TILE_HEIGHT);
        }
    }
}

//! Which pictures stand for a video: a poster and a storyboard.

use media_types::time::rescale;
use media_types::{FrameMap, FrameRate, StillsPlan, VideoPlan};

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

/// The stills of a video whose pictures are `width` by `height`, upright, with square pixels.
pub(crate) fn stills(frame_map: &FrameMap, frame_rate: FrameRate, (width, height): (u32, u32)) -> StillsPlan {
    let frames = frame_map.frame_count();
    let duration_ms = frames_to_ms(frames, frame_rate).max(1);
    let interval_ms = duration_ms.div_ceil(MAX_TILES).next_multiple_of(1000).max(TILE_INTERVAL_MS);
    let tiles = duration_ms.div_ceil(interval_ms);
    let poster_frame = ms_to_frame(POSTER_S * 1000, frame_rate).min(frames / 10);
    let (poster_width, poster_height) = fit(width, height, POSTER_LINES);
    let (tile_width, tile_height) = tile_size(width, height);
    StillsPlan {
        poster_pts: shown_at(frame_map, poster_frame),
        poster_width,
        poster_height,
        tile_interval_ms: to_u32(interval_ms),
        tile_width,
        tile_height,
        columns: COLUMNS.min(to_u32(tiles)).max(1),
    }
}

/// The frame that each tile of the storyboard shows: of the key frames that were encoded, in frames of the presentation and
/// ascending, the one nearest to the middle of the tile's interval. Since there is one at least every 2 s, it is a second from there
/// at most, or two in an interval that the end cuts short. Empty when there are none.
pub fn tile_frames(video: &VideoPlan, stills: &StillsPlan, keyframes: &[u64]) -> Vec<u64> {
    nearest_to_middles((video.frame_count(), video.frame_rate), u64::from(stills.tile_interval_ms.max(1)), keyframes)
}

fn nearest_to_middles((frames, rate): (u64, FrameRate), interval_ms: u64, keyframes: &[u64]) -> Vec<u64> {
    let end_ms = frames_to_ms(frames, rate).max(1);
    let nearest = |tile: u64| {
        let start_ms = tile * interval_ms;
        let middle = ms_to_frame(start_ms + interval_ms.min(end_ms - start_ms) / 2, rate);
        let behind = keyframes.partition_point(|frame| *frame <= middle);
        let around = keyframes[behind.saturating_sub(1)..].iter().take(2);
        around.copied().min_by_key(|frame| frame.abs_diff(middle))
    };
    (0..end_ms.div_ceil(interval_ms).min(MAX_TILES)).filter_map(nearest).collect()
}

/// The picture that a frame shows.
fn shown_at(map: &FrameMap, frame: u64) -> i64 {
    let mut end = 0;
    let found = map.0.iter().find(|shown| {
        end += u64::from(shown.frames);
        end > frame
    });
    found.or(map.0.last()).map_or(0, |shown| shown.source_pts)
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
    use media_types::Shown;
    use proptest::prelude::*;

    use super::*;

    /// The stills of a video at 25 pictures per second in ticks of 1/25 s.
    fn plan(frames: i64, width: u32, height: u32) -> StillsPlan {
        let map = FrameMap((0..frames).map(|source_pts| Shown { source_pts, frames: 1 }).collect());
        stills(&map, FrameRate::new(25, 1).unwrap(), (width, height))
    }

    /// The frames of the tiles of a video at 25 pictures per second, with a key frame every 50 frames and at `others`.
    fn tiles(frames: u64, others: &[u64]) -> Vec<u64> {
        let mut keyframes: Vec<u64> = (0..frames).step_by(50).chain(others.iter().copied()).collect();
        keyframes.sort_unstable();
        let interval_ms = u64::from(plan(frames as i64, 640, 480).tile_interval_ms);
        nearest_to_middles((frames, FrameRate::new(25, 1).unwrap()), interval_ms, &keyframes)
    }

    #[test]
    fn a_poster_comes_early_and_a_tile_every_ten_seconds() {
        let short = plan(250, 1920, 1080);
        assert_eq!((short.poster_pts, short.poster_width, short.poster_height), (25, 1280, 720));
        assert_eq!((short.tile_width, short.tile_height, short.columns), (160, 90, 1));
        let minute = plan(1500, 640, 480);
        assert_eq!((minute.poster_pts, minute.poster_width, minute.poster_height), (125, 640, 480));
        assert_eq!((minute.tile_interval_ms, minute.columns), (10_000, 6));
    }

    #[test]
    fn a_tile_shows_the_key_frame_nearest_to_the_middle_of_its_interval() {
        assert_eq!(tiles(1500, &[]), [100, 350, 600, 850, 1100, 1350]);
        assert_eq!(tiles(1501, &[120]), [120, 350, 600, 850, 1100, 1350, 1500], "a slide begins at the first one");
        assert_eq!((tiles(1, &[]), tiles(60, &[])), (vec![0], vec![50]));
        assert!(nearest_to_middles((1500, FrameRate::new(25, 1).unwrap()), 10_000, &[]).is_empty());
    }

    #[test]
    fn a_long_video_has_at_most_a_hundred_tiles() {
        let long = plan(25 * 7200, 1080, 1920);
        assert_eq!((tiles(25 * 7200, &[]).len(), long.tile_interval_ms, long.columns), (100, 72_000, 10));
        assert_eq!((long.tile_width, long.tile_height), (160, 284));
    }

    proptest! {
        #[test]
        fn sizes_are_even_and_the_poster_is_a_picture(frames in 1i64..4000, width in 1u32..=16_384, height in 1u32..=16_384) {
            let plan = plan(frames, width, height);
            prop_assert!((0..frames).contains(&plan.poster_pts));
            for side in [plan.tile_width, plan.tile_height, plan.poster_width, plan.poster_height] {
                prop_assert!(side >= 2 && side % 2 == 0);
            }
            prop_assert!(plan.tile_width <= TILE_WIDTH && plan.tile_height <= MAX_TILE_HEIGHT);
        }

        #[test]
        fn every_tile_is_near_the_middle_of_its_interval(frames in 1u64..400_000, others in prop::collection::vec(0u64..400_000, 0..20)) {
            let others: Vec<u64> = others.into_iter().filter(|frame| *frame < frames).collect();
            let shown = tiles(frames, &others);
            let interval = u64::from(plan(frames as i64, 640, 480).tile_interval_ms) / 40;
            prop_assert_eq!(shown.len() as u64, frames.div_ceil(interval));
            prop_assert!(shown.is_sorted() && shown.len() <= MAX_TILES as usize);
            for (tile, frame) in (0..).zip(shown) {
                let (start, end) = (tile * interval, ((tile + 1) * interval).min(frames));
                let distance = frame.abs_diff((start + end) / 2);
                prop_assert!(distance <= if end < frames { 26 } else { 50 }, "{} of {}: {}", tile, frames, frame);
            }
        }
    }
}

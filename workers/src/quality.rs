//! How good what was made looks, as its ranges were judged, and whether that will do.

use std::collections::BTreeMap;

use media_types::{EncodePlan, RenditionQuality, VideoPlan};
use pipeline::{Quality, RangeOrder, compared_at};

use crate::error::WorkError;
use crate::track::{RangeParts, video_track};

/// In every so many segments, about four minutes, there is a run of two seconds by which renditions are judged. What that costs stays a
/// small part of the encode.
const SEGMENTS: u64 = 60;
/// Pictures that are compared of each.
const COMPARED: u32 = 2;

/// The order with its renditions judged, wherever the range is cut.
pub(crate) fn judged(order: RangeOrder, plan: &VideoPlan) -> RangeOrder {
    let spaced = (SEGMENTS * u64::from(plan.segment_frames)).max(1);
    let (first, count) = (order.first_frame, order.frame_count());
    let next = first.next_multiple_of(spaced) - first;
    order.judged((next..count).step_by(spaced as usize).collect(), COMPARED, true).by_vmaf()
}

/// Of every rendition that was judged, in the order of the plan.
pub(crate) fn of_ranges<'r>(plan: &EncodePlan, ranges: impl Iterator<Item = &'r RangeParts>) -> Vec<RenditionQuality> {
    let Some(video) = &plan.video else { return Vec::new() };
    let mut sums: BTreeMap<&str, Quality> = BTreeMap::new();
    for (part, quality) in ranges.flat_map(|range| range.parts.iter().zip(&range.quality)) {
        let sum = sums.entry(&part.track).or_default();
        *sum = sum.with(*quality);
    }
    let size = compared_at(&video.renditions);
    let rounded = |found: f64| (found * 100.0).round() / 100.0;
    let tracks = plan.complete_renditions().map(|(_, rendition)| video_track(&rendition.name));
    let judged = tracks.filter_map(|track| {
        let sum = sums.get(track.as_str())?;
        let (xpsnr_db, vmaf) = (rounded(sum.db(size)?), sum.vmaf.mean().map(rounded));
        Some(RenditionQuality { track, xpsnr_db, vmaf })
    });
    judged.collect()
}

/// Refuses what is below the ladder's floors.
///
/// # Errors
/// `quality.below_floor` when the best rendition does not reach one. What was not measured does.
pub(crate) fn check(plan: &EncodePlan, found: &[RenditionQuality]) -> Result<(), WorkError> {
    let best = |measure: fn(&RenditionQuality) -> Option<f64>| found.iter().filter_map(measure).reduce(f64::max);
    let xpsnr_db = plan.floor_db.zip(best(|one| Some(one.xpsnr_db)));
    let vmaf = plan.least_vmaf.zip(best(|one| one.vmaf));
    for (found, said, field) in [(xpsnr_db, ["", " dB"], "floor_db"), (vmaf, ["VMAF ", ""], "least_vmaf")] {
        let Some((floor, best)) = found.filter(|(floor, best)| best < floor) else { continue };
        let ([before, behind], ladder) = (said, &plan.ladder.name);
        return Err(WorkError::Input {
            code: "quality.below_floor".to_owned(),
            detail: format!(
                "the best rendition reaches {before}{best:.1}{behind}, and the ladder {ladder} wants {floor}"
            ),
            hint: format!(
                "lower crf, or raise max_bitrate_kbps of the ladder's largest rung, and upload again; or lower {field}"
            ),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use media_types::{LadderPin, PacketTime, ProbeReport, Rational, VideoProbe};
    use pipeline::RangeScenes;

    use super::*;
    use crate::track::TrackPart;

    /// Ten minutes at 25 pictures per second.
    fn plan() -> EncodePlan {
        let packets = (0..15_000).map(|pts| PacketTime { pts, keyframe: pts % 50 == 0 }).collect();
        let video = VideoProbe::plain("h264", (1280, 720), Rational { num: 1, den: 25 }, packets);
        let report = ProbeReport::of_pictures("matroska,webm", video);
        pipeline::plan(&report, &ladders::builtin("film").expect("it ships")).expect("a good report")
    }

    /// A range whose renditions have these weighted squared errors.
    fn range(errors: &[(&str, f64)]) -> RangeParts {
        let part = |track: &str| TrackPart {
            track: format!("video-{track}"),
            config: media_types::CodecConfig::Avc(bytes::Bytes::new()),
            priming_samples: 0,
            segments: Vec::new(),
        };
        let quality = |error: f64| {
            let mut quality = Quality::default();
            quality.add(error);
            // Only the finer ones, as by an engine that lost its library half-way.
            if error < 5e8 {
                quality.vmaf.add(92.004, 1);
            }
            quality
        };
        RangeParts {
            parts: errors.iter().map(|(track, _)| part(track)).collect(),
            missing_pictures: 0,
            scenes: RangeScenes::default(),
            losses: Vec::new(),
            quality: errors.iter().map(|(_, error)| quality(*error)).collect(),
            ordered: Vec::new(),
        }
    }

    #[test]
    fn the_same_places_are_judged_however_a_recording_is_cut() {
        let plan = plan();
        let video = plan.video.as_ref().expect("it has pictures");
        let places = |cuts: &[u32]| -> Vec<u64> {
            let of_range = |pair: &[u32]| {
                let order = judged(RangeOrder::new(video, &video.range_of(pair[0]..pair[1]), &[0]), video);
                let first = order.first_frame;
                order.judge.iter().flat_map(|judge| judge.first_frames.clone()).map(|at| at + first).collect::<Vec<_>>()
            };
            cuts.windows(2).flat_map(of_range).collect()
        };
        assert_eq!(places(&[0, 150]), [0, 6000, 12_000]);
        assert_eq!(places(&[0, 30, 60, 90, 120, 150]), [0, 6000, 12_000]);
        assert_eq!(places(&[0, 1, 37, 61, 150]), [0, 6000, 12_000]);
    }

    #[test]
    fn qualities_are_those_of_all_ranges_together_in_the_order_of_the_plan() {
        let ranges = [range(&[("720p", 4e8), ("360p", 16e8)]), range(&[]), range(&[("720p", 4e8), ("360p", 16e8)])];
        let found = of_ranges(&plan(), ranges.iter());
        let names: Vec<_> = found.iter().map(|one| one.track.as_str()).collect();
        assert_eq!(names, ["video-360p", "video-720p"]);
        // 1280 * 720 * 255² / 4e8 is 21.76 dB, and four times the error is 6.02 dB less.
        assert!((found[1].xpsnr_db - 21.76).abs() < 0.01, "{found:?}");
        assert!((found[1].xpsnr_db - found[0].xpsnr_db - 6.02).abs() < 0.02, "{found:?}");
        assert_eq!((found[0].vmaf, found[1].vmaf), (None, Some(92.0)));
        assert!(of_ranges(&plan(), [range(&[])].iter()).is_empty());
    }

    #[test]
    fn what_is_below_the_floor_is_not_published() {
        let mut plan = plan();
        plan.ladder = LadderPin { name: "strict".to_owned(), sha256: String::new() };
        let found = |db| vec![RenditionQuality { track: "video-360p".to_owned(), xpsnr_db: db, vmaf: None }];
        assert!(check(&plan, &found(12.0)).is_ok());
        plan.floor_db = Some(30.0);
        assert!(check(&plan, &found(30.0)).is_ok() && check(&plan, &[]).is_ok());
        let refused = check(&plan, &found(29.94)).expect_err("it is below");
        assert_eq!(refused.code(), "quality.below_floor");
        assert_eq!(refused.to_string(), "the best rendition reaches 29.9 dB, and the ladder strict wants 30");
        plan.least_vmaf = Some(80.0);
        assert!(check(&plan, &found(30.0)).is_ok(), "nobody measured it");
        let judged = |vmaf| {
            let mut found = found(30.0);
            found[0].vmaf = Some(vmaf);
            found
        };
        assert!(check(&plan, &judged(80.0)).is_ok());
        let refused = check(&plan, &judged(79.94)).expect_err("it is below");
        assert_eq!(refused.to_string(), "the best rendition reaches VMAF 79.9, and the ladder strict wants 80");
        assert!(refused.hint().ends_with("or lower least_vmaf"), "{}", refused.hint());
    }
}

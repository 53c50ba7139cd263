//! Sources of high dynamic range.

use ladders::builtin;
use media_types::{DynamicRange, HdrTransfer, HdrVideo, VideoCodec, VideoProbe};
use pipeline::{RangeOrder, plan};

use super::analysis::carried_out;
use super::{report, steady};

const HLG: HdrVideo = HdrVideo { transfer: HdrTransfer::Hlg, mastering: None, content_light: None };

fn high(frames: i64) -> VideoProbe {
    VideoProbe { width: 1920, height: 1080, hdr: Some(HLG), ..steady(frames) }
}

#[test]
fn a_recording_of_high_range_is_first_played_in_h264_and_told_to_the_engine() {
    let plan = plan(&report(Some(high(500)), Vec::new()), &builtin("film-hdr").unwrap()).unwrap();
    let video = plan.video.unwrap();
    assert_eq!(video.renditions[0].encoding.group(), (DynamicRange::Sdr, VideoCodec::H264));
    let high: Vec<&str> = video
        .renditions
        .iter()
        .filter(|rendition| rendition.encoding.dynamic_range == DynamicRange::Hdr)
        .map(|rendition| rendition.name.as_str())
        .collect();
    assert_eq!(high, ["480p-hdr", "720p-hdr", "1080p-hdr"]);
    assert_eq!(RangeOrder::new(&video, &video.ranges[0], &[4]).video.hdr, Some(HLG));
}

#[test]
fn no_rung_of_high_range_is_tried_or_decided_per_title() {
    let mut ladder = builtin("film-per-title").unwrap();
    let rungs = builtin("film-hdr").unwrap().rungs;
    ladder.rungs.extend(rungs.into_iter().filter(|rung| rung.encoding.dynamic_range == DynamicRange::Hdr));
    let report = report(Some(high(6_000)), Vec::new());
    let plan = plan(&report, &ladder).unwrap();
    let orders = carried_out(&plan, &report, 64.0).0;
    let tried = || orders.iter().flat_map(|order| &order.renditions);
    assert!(tried().count() > 0 && tried().all(|one| one.encoding.dynamic_range == DynamicRange::Sdr));
}

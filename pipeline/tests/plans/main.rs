//! Whole plans, from probe reports to what an engine is asked for.
#![allow(clippy::unwrap_used)]

use ladders::builtin;
use media_types::segment::{CaptionChannel, Roles};
use media_types::time::rescale;
use media_types::{
    AudioPlan, AudioProbe, ChapterProbe, EncodePlan, FrameRate, GopRange, PacketTime, ProbeReport, Rational, Rotation,
    TextProbe, VideoPlan, VideoProbe,
};
use pipeline::{
    AudioOrder, CollectingSink, Engine, EngineError, FakeEngine, RangeCheck, RangeFault, RangeOrder, RangeScenes,
    RangeSummary, Scene, SceneKind, SlideChange, StillsOrder, StillsSummary, check_range, plan, tile_frames,
};
use proptest::prelude::*;

mod analysis;
mod light;
mod orders;

fn rate(num: u32, den: u32) -> FrameRate {
    FrameRate::new(num, den).unwrap()
}

fn video(pts: impl IntoIterator<Item = i64>, den: i32) -> VideoProbe {
    let packets = pts.into_iter().enumerate().map(|(i, pts)| PacketTime { pts, keyframe: i % 50 == 0 }).collect();
    VideoProbe::plain("h264", (1280, 720), Rational { num: 1, den }, packets)
}

fn sound(start: i64, end: i64, sample_rate: u32) -> AudioProbe {
    AudioProbe {
        clock: Default::default(),
        stream_index: 1,
        codec: "aac".to_owned(),
        sample_rate,
        channels: 2,
        language: Some("eng".to_owned()),
        title: None,
        roles: Roles::default(),
        time_base: Rational { num: 1, den: i32::try_from(sample_rate).unwrap() },
        span: Some((start, end)),
    }
}

fn report(video: Option<VideoProbe>, audio: Vec<AudioProbe>) -> ProbeReport {
    let container = "mov,mp4,m4a,3gp,3g2,mj2".to_owned();
    let (text, chapters) = (Vec::new(), Vec::new());
    ProbeReport { container, size_bytes: 1, video, audio, text, chapters, warnings: Vec::new(), stated_end_us: None }
}

fn only(tracks: Vec<AudioPlan>) -> AudioPlan {
    let [track] = <[_; 1]>::try_from(tracks).unwrap();
    track
}

fn planned(report: &ProbeReport) -> EncodePlan {
    plan(report, &builtin("lecture").unwrap()).unwrap()
}

fn code(report: &ProbeReport) -> &'static str {
    let error = plan(report, &builtin("lecture").unwrap()).unwrap_err();
    assert!(!error.detail.is_empty() && error.hint.ends_with('.'));
    error.code
}

/// 25 pictures per second for so many frames, in ticks of 1/25 s.
fn steady(frames: i64) -> VideoProbe {
    video(0..frames, 25)
}

#[test]
fn a_minute_of_talk_becomes_a_whole_plan() {
    let plan = planned(&report(Some(steady(1510)), vec![sound(0, 60 * 48_000 + 19_200, 48_000)]));
    let video = plan.video.unwrap();
    assert_eq!((video.frame_rate, video.timescale.get(), video.frame_ticks), (rate(25, 1), 12_000, 480));
    assert_eq!((video.segment_frames, video.gop_frames), (100, 50));
    assert_eq!((video.frame_count(), video.segment_count()), (1510, 16));
    let ranges: Vec<_> = video.ranges.iter().map(|range| (range.first_frame, range.frame_count)).collect();
    assert_eq!(ranges, [(0, 600), (600, 600), (1200, 310)]);
    let names: Vec<_> = video.renditions.iter().map(|rendition| rendition.name.as_str()).collect();
    assert_eq!(names, ["360p", "480p", "720p"]);
    assert_eq!(plan.skipped.len(), 3);
    let audio = only(plan.audio);
    assert_eq!((audio.sample_count, audio.sample_rate, audio.channels), (1510 * 1920, 48_000, 2));
    assert_eq!((audio.borders.len(), audio.borders[0], audio.borders[14]), (15, 192_000, 15 * 192_000));
    assert_eq!((audio.bitrate_bps, audio.language.as_str()), (96_000, "en"));
    assert_eq!((plan.duration_ms, plan.warnings.as_slice()), (60_400, [].as_slice()));
    assert_eq!(plan.ladder.name, "lecture");
    let stills = plan.stills.unwrap();
    assert_eq!((stills.poster_pts, stills.columns, stills.tile_interval_ms), (125, 7, 10_000));
}

#[test]
fn some_of_the_segments_are_a_range_of_their_own_and_end_with_the_pictures() {
    let video = planned(&report(Some(steady(1510)), Vec::new())).video.unwrap();
    for range in &video.ranges {
        let again = video.range_of(range.first_segment..range.first_segment + range.segment_count);
        assert_eq!(GopRange { index: range.index, ..again }, *range);
    }
    let place = |range: GopRange| (range.first_frame, range.frame_count, range.first_segment, range.segment_count);
    assert_eq!(place(video.range_of(3..5)), (300, 200, 3, 2));
    assert_eq!(place(video.range_of(14..40)), (1400, 110, 14, 2));
    assert_eq!(place(video.range_of(40..60)).1, 0);
}

#[test]
fn the_presentation_starts_with_the_first_picture() {
    let mut pictures = video((0..500).map(|i| 8100 + i * 3600), 90_000);
    let mut audio = sound(0, 48_000 * 21, 48_000);
    // An encoder's padding is cut.
    let plan = planned(&report(Some(pictures.clone()), vec![audio.clone()]));
    assert_eq!((only(plan.audio).origin_pts, plan.video.unwrap().frame_map.0[0].frames), (4320, 1));
    // Pictures before the first key frame cannot be decoded.
    pictures.packets.iter_mut().take(10).for_each(|packet| packet.keyframe = false);
    audio.span = Some((48_000 * 3, 48_000 * 20));
    let plan = planned(&report(Some(pictures), vec![audio]));
    let video = plan.video.unwrap();
    assert_eq!(video.frame_map.0[0].source_pts, 8100 + 50 * 3600);
    assert_eq!(video.frame_count(), 450);
    assert_eq!(only(plan.audio).origin_pts, 4320 + 50 * 1920);
    assert!(plan.warnings[0].starts_with("50 pictures before the first key frame"), "{:?}", plan.warnings);
}

#[test]
fn a_first_picture_is_shown_from_the_beginning_of_sound_that_comes_before_it() {
    // 24000/1001 pictures a second in milliseconds; 0.6 s are 14.4 of them.
    let pictures = video((0..240).map(|i| 5000 + i * 1001 / 24), 1000);
    let mut early = report(Some(pictures.clone()), vec![sound(44_100 * 44 / 10, 44_100 * 15, 44_100)]);
    early.chapters = vec![ChapterProbe { start_us: 5_000_000, end_us: 6_000_000, title: "First".to_owned() }];
    let plan = planned(&early);
    let video = plan.video.unwrap();
    assert_eq!((video.frame_map.0[0].source_pts, video.frame_map.0[0].frames), (5000, 16));
    assert_eq!(video.frame_count(), 255);
    // Fifteen frames before the first picture, to the millisecond.
    assert_eq!(only(plan.audio).origin_pts, (5000 - 626) * 441 / 10);
    assert_eq!(plan.chapters[0].start_us, 626_000);
    assert_eq!(plan.warnings, ["the sound begins 0.6 s before the first picture: that picture is shown from then on"]);
    // Ten seconds are waited, and no more; the longest wait counts for all.
    let tracks = [-3, -12, 0].map(|start| track(1, None, ((5 + start) * 48_000, 15 * 48_000), 48_000));
    let plan = planned(&report(Some(pictures), tracks.to_vec()));
    assert_eq!(plan.video.unwrap().frame_map.0[0].frames, 73);
    assert!(plan.audio.iter().all(|sound| sound.origin_pts == (5000 - 3003) * 48), "{:?}", plan.audio);
    let said = [
        "sound track 1 begins 3.0 s before the first picture: that picture is shown from then on",
        "sound track 2 begins 12.0 s before the first picture: it is cut where that picture is shown from",
    ];
    assert_eq!(plan.warnings, said);
}

#[test]
fn a_ladder_with_opus_has_all_sound_at_its_rate() {
    let source =
        report(Some(video((0..250).map(|i| i * 2), 50)), vec![sound(0, 44_100 * 10, 44_100), sound(0, 44_100, 44_100)]);
    let mut ladder = builtin("film").unwrap();
    for (opus, rate, codings) in [(None, 44_100, 1), (Some(48_000), 48_000, 2)] {
        ladder.audio.opus_bitrate_bps = opus;
        for audio in plan(&source, &ladder).unwrap().audio {
            assert_eq!((audio.sample_rate, audio.codings().count()), (rate, codings));
            assert_eq!((audio.sample_count, audio.opus_bitrate_bps), (u64::from(rate) * 10, opus));
        }
    }
}

#[test]
fn every_caption_channel_of_pictures_is_planned_beside_the_subtitles() {
    let said = TextProbe {
        stream_index: 2,
        codec: "mov_text".to_owned(),
        language: Some("eng".to_owned()),
        title: None,
        roles: Roles { default: true, ..Roles::default() },
        time_base: Rational { num: 1, den: 1000 },
        page: None,
    };
    let mut source = report(Some(video((0..250).map(|i| 900 + i), 25)), vec![sound(0, 48_000 * 50, 48_000)]);
    source.text = vec![said];
    let plain = planned(&source);
    source.video.as_mut().unwrap().captions = true;
    let plan = planned(&source);
    assert_eq!(plan.text[..1], plain.text, "what captions say of themselves does not change it");
    let names: Vec<&str> = plan.text[1..].iter().map(|text| &*text.name).collect();
    let services: Vec<String> = (1..=6).map(|number| format!("service-{number}")).collect();
    assert_eq!(names[..4], ["cc1", "cc2", "cc3", "cc4"]);
    assert_eq!(names[4..], services);
    let languages: Vec<&str> = plan.text[1..].iter().map(|text| &*text.language).collect();
    assert_eq!(languages, ["en", "und", "und", "und", "en", "und", "und", "und", "und", "und"]);
    let first = &plan.text[1];
    assert_eq!((first.stream_index, first.origin_pts, first.label.as_deref()), (0, 900, Some("CC1")));
    assert_eq!((first.channel, first.roles), (Some(CaptionChannel::Line21(1)), Roles::default()));
}

#[test]
fn rotation_and_pixel_shape_decide_the_size() {
    let mut pictures = steady(100);
    pictures.rotation = Rotation::Left;
    let top = |pictures: &VideoProbe| {
        let plan = planned(&report(Some(pictures.clone()), Vec::new()));
        let stills = plan.stills.unwrap();
        let top = plan.video.unwrap().renditions.pop().unwrap();
        (top.width, top.height, stills.tile_width, stills.tile_height)
    };
    assert_eq!(top(&pictures), (720, 1280, 160, 284));
    (pictures.rotation, pictures.width, pictures.height) = (Rotation::None, 720, 576);
    pictures.sample_aspect = Rational { num: 64, den: 45 };
    assert_eq!(top(&pictures), (1024, 576, 160, 90));
    pictures.sample_aspect = Rational { num: 5000, den: 1 };
    assert_eq!(top(&pictures).0, 720);
}

#[test]
fn sound_alone_is_cut_every_four_seconds() {
    let mut audio = sound(1024, 1024 + 10 * 32_000, 32_000);
    audio.channels = 6;
    let plan = planned(&report(None, vec![audio]));
    assert!(plan.video.is_none() && plan.stills.is_none());
    let audio = only(plan.audio);
    assert_eq!((audio.sample_rate, audio.channels, audio.origin_pts), (48_000, 2, 1024));
    assert_eq!((audio.sample_count, audio.borders.as_slice()), (480_000, [192_000, 384_000].as_slice()));
    assert_eq!(plan.duration_ms, 10_000);
}

fn track(stream_index: u32, language: Option<&str>, span: (i64, i64), sample_rate: u32) -> AudioProbe {
    let language = language.map(str::to_owned);
    AudioProbe { stream_index, language, ..sound(span.0, span.1, sample_rate) }
}

#[test]
fn every_sound_track_is_planned_on_one_grid_under_a_name_of_its_own() {
    let (ten, roles) = (10 * 48_000, Roles { default: true, commentary: true, ..Roles::default() });
    let tracks = vec![
        track(1, Some("eng"), (0, ten), 48_000),
        AudioProbe { title: Some("Director".to_owned()), roles, ..track(2, Some("en"), (0, ten), 48_000) },
        track(3, None, (0, 10 * 44_100), 44_100),
        track(4, Some("fre"), (ten * 9, ten * 10), 48_000),
        track(5, Some("deu"), (ten, ten), 48_000),
    ];
    let plan = planned(&report(Some(steady(250)), tracks));
    let names: Vec<_> = plan.audio.iter().map(|audio| (audio.name.as_str(), audio.stream_index)).collect();
    assert_eq!(names, [("en", 1), ("en-2", 2), ("und", 3)]);
    assert_eq!(plan.audio[1].label.as_deref(), Some("Director"));
    let defaults: Vec<_> = plan.audio.iter().map(|audio| audio.roles.default).collect();
    assert_eq!((defaults, plan.audio[1].roles.commentary), (vec![true, false, false], true));
    let borders: Vec<_> = plan.audio.iter().map(|audio| audio.borders.clone()).collect();
    assert_eq!(borders, [[192_000, 384_000], [192_000, 384_000], [176_400, 352_800]]);
    let said = ["sound track 5 is empty and was left out", "sound track 4 lies outside the pictures and was left out"];
    assert_eq!(plan.warnings, said);
}

#[test]
fn tracks_of_sound_alone_begin_and_end_together() {
    let tracks = vec![track(0, Some("eng"), (480, 480 + 480_000), 48_000), track(1, Some("fra"), (0, 882_000), 44_100)];
    let [main, other] = <[_; 2]>::try_from(planned(&report(None, tracks)).audio).unwrap();
    assert_eq!((main.origin_pts, other.origin_pts), (480, 441));
    assert_eq!((main.sample_count, other.sample_count), (480_000, 441_000));
    assert_eq!((main.borders, other.borders), (vec![192_000, 384_000], vec![176_400, 352_800]));
}

#[test]
fn the_longest_sound_holds_the_last_picture_and_no_more_tracks_than_eight_are_planned() {
    let tracks: Vec<_> =
        (0..12).map(|n| track(n + 1, None, (0, 48_000 * (10 + i64::from(n % 3) * 5)), 48_000)).collect();
    let plan = planned(&report(Some(steady(250)), tracks));
    assert_eq!((plan.audio.len(), plan.duration_ms), (8, 20_000));
    assert!(plan.audio.iter().all(|audio| audio.sample_count == 20 * 48_000));
    assert_eq!(plan.audio[7].name, "und-8");
    let said = [
        "only the first 8 of 12 sound tracks are used",
        "sound track 6 goes on for 10.0 s after the last picture, which is held",
    ];
    assert_eq!(plan.warnings, said);
}

#[test]
fn a_last_picture_is_held_for_sound_that_goes_on() {
    let hour = 3600 * 48_000;
    let plan = planned(&report(Some(steady(1)), vec![sound(0, hour, 48_000)]));
    assert_eq!(plan.duration_ms, 3_600_000);
    assert_eq!(only(plan.audio).sample_count, hour as u64);
    assert!(plan.warnings[0].contains("which is held"), "{:?}", plan.warnings);
    // An encoder's padding is cut.
    let plan = planned(&report(Some(steady(250)), vec![sound(0, 10 * 48_000 + 2048, 48_000)]));
    assert_eq!((plan.duration_ms, plan.warnings.len()), (10_000, 0));
}

#[test]
fn sound_of_another_clock_is_left_out() {
    for span in [(-96_000, -48_000), (1_700_000_000 * 48_000, 1_700_000_010 * 48_000), (i64::MAX - 5, i64::MAX)] {
        let plan = planned(&report(Some(steady(250)), vec![sound(span.0, span.1, 48_000)]));
        assert!(plan.audio.is_empty() && plan.warnings.len() == 1, "{span:?}");
    }
}

#[test]
fn what_cannot_be_planned_has_a_code() {
    assert_eq!(code(&report(None, Vec::new())), "input.no_media");
    assert_eq!(code(&report(Some(video([], 25)), Vec::new())), "input.no_media");
    assert_eq!(code(&report(None, vec![sound(0, 0, 48_000)])), "input.no_media");
    let with = |change: fn(&mut VideoProbe)| {
        let mut pictures = steady(250);
        change(&mut pictures);
        report(Some(pictures), Vec::new())
    };
    assert_eq!(code(&with(|video| video.width = 0)), "input.dimensions");
    assert_eq!(code(&with(|video| video.height = 16_385)), "input.dimensions");
    assert_eq!(code(&with(|video| video.time_base.den = 0)), "input.timestamps");
    assert_eq!(code(&with(|video| video.packets[249].pts = i64::MAX)), "input.timestamps");
    assert_eq!(code(&with(|video| video.packets[0].pts = i64::MIN)), "input.timestamps");
    let long = |video: &mut VideoProbe| video.packets.iter_mut().for_each(|packet| packet.pts *= 25 * 180);
    assert_eq!(code(&with(long)), "input.too_long");
    assert_eq!(code(&report(None, vec![sound(0, 13 * 3600 * 48_000, 48_000)])), "input.too_long");
    let photo = |video: &mut VideoProbe| {
        video.packets.truncate(1);
        video.codec = "mjpeg".to_owned();
    };
    assert_eq!(code(&with(photo)), "input.image");
    let mut empty = builtin("lecture").unwrap();
    empty.rungs.clear();
    assert_eq!(plan(&with(|_| ()), &empty).unwrap_err().code, "ladder.empty");
}

#[test]
fn one_picture_of_a_real_video_is_a_plan() {
    let plan = planned(&report(Some(steady(1)), Vec::new()));
    let video = plan.video.unwrap();
    assert_eq!((video.frame_count(), video.segment_count(), plan.duration_ms), (1, 1, 40));
}

#[test]
fn four_hours_of_film_with_cd_sound_add_up_exactly() {
    let ntsc = rate(24_000, 1001);
    let frames = 4 * 3600 * 24_000 / 1001_i64;
    let mut pictures = video((0..frames).map(|i| rescale(i * 1001, 1000, 24_000)), 1000);
    pictures.stated_rate = Some(ntsc);
    let plan = planned(&report(Some(pictures), vec![sound(0, 4 * 3600 * 44_100, 44_100)]));
    let (video, audio) = (plan.video.unwrap(), only(plan.audio));
    assert_eq!((video.frame_rate, video.frame_count()), (ntsc, frames as u64));
    assert!(video.frame_map.0.iter().all(|shown| shown.frames == 1));
    assert_eq!(u64::from(video.segment_count()), video.frame_count().div_ceil(94));
    let exact = |frame: u64| rescale(frame as i64 * 1001, 44_100, 24_000) as u64;
    assert_eq!(audio.sample_count, exact(frames as u64));
    assert_eq!(audio.borders.len() + 1, video.segment_count() as usize);
    for (index, &border) in audio.borders.iter().enumerate() {
        assert_eq!(border, exact((index as u64 + 1) * 94));
    }
    let in_segments: u64 = (0..video.segment_count()).map(|index| u64::from(video.frames_in_segment(index))).sum();
    assert_eq!(in_segments, frames as u64);
}

#[test]
fn the_ladder_bounds_the_picture_rate() {
    let fast = report(Some(video(0..600, 60)), Vec::new());
    let low = plan(&fast, &builtin("low-bandwidth").unwrap()).unwrap();
    assert_eq!(low.video.unwrap().frame_rate, rate(30, 1));
    assert_eq!(planned(&fast).video.unwrap().frame_rate, rate(60, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_timestamps_give_a_plan_that_holds_together(
        origin in -1_000_000i64..1_000_000,
        gaps in prop::collection::vec(1i64..20_000, 0..600),
        den in prop::sample::select(vec![25, 1000, 12_800, 90_000, 1_000_000]),
        audio in prop::option::of((-200_000i64..200_000, 1i64..2_000_000)),
    ) {
        let pts: Vec<i64> = std::iter::once(0).chain(gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) })).map(|at| origin + at).collect();
        let audio = audio.map(|(start, length)| sound(start, start + length, 44_100));
        let report = report(Some(video(pts.clone(), den)), audio.into_iter().collect());
        let Ok(plan) = plan(&report, &builtin("film").unwrap()) else {
            // 20,000 ticks of 1/25 s 600 times are more than 12 hours.
            prop_assert!(den == 25);
            return Ok(());
        };
        let video = plan.video.unwrap();
        prop_assert_eq!(video.frame_map.frame_count(), video.frame_count());
        prop_assert!(video.frame_map.0.is_sorted_by(|a, b| a.source_pts < b.source_pts));
        prop_assert!(video.frame_map.0.iter().all(|shown| pts.binary_search(&shown.source_pts).is_ok()));
        prop_assert_eq!(video.segment_frames, 2 * video.gop_frames);
        for audio in plan.audio {
            prop_assert_eq!(audio.borders.len() + 1, video.segment_count() as usize);
            prop_assert!(audio.borders.is_sorted_by(|a, b| a < b));
            prop_assert!(audio.borders.last().is_none_or(|last| *last < audio.sample_count));
            let seconds = video.frame_count() as f64 / video.frame_rate.as_f64();
            prop_assert!((audio.sample_count as f64 / f64::from(audio.sample_rate) - seconds).abs() < 1e-4);
        }
        let stills = plan.stills.unwrap();
        prop_assert!(pts.binary_search(&stills.poster_pts).is_ok());
        let slices: u64 = video.ranges.iter().map(|range| RangeOrder::new(&video, range, &[0]).frame_count()).sum();
        prop_assert_eq!(slices, video.frame_count());
    }
}

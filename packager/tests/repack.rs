//! Existing media into segments: where they are cut, and that nothing is lost on the way.
#![allow(clippy::unwrap_used)]

use media_types::{FrameRate, Timescale};
use packager::repack::{Chunk, Chunker, Cuts, PacketTimes, SegmentGrid, Survey, TrackShape};
use packager::segment_header;
use proptest::prelude::*;

fn scale(ticks: u32) -> Timescale {
    Timescale::new(ticks).unwrap()
}

/// Pictures of `ticks` each, a keyframe every `gop`, decoded `delay` pictures before they are shown, in the order I P B.
fn pictures(count: i64, ticks: i64, gop: i64, delay: i64) -> Vec<PacketTimes> {
    (0..count)
        .map(|k| {
            let (in_gop, left) = (k % gop, (gop - k % gop).min(count - k));
            let shown = match in_gop {
                0 => k,
                odd if odd % 2 == 1 && left > 1 && delay > 0 => k + 1,
                even if even % 2 == 0 && delay > 0 => k - 1,
                _ => k,
            };
            PacketTimes { dts: (k - delay) * ticks, pts: shown * ticks, duration: None, keyframe: in_gop == 0 }
        })
        .collect()
}

fn frames(count: i64, ticks: i64, first: i64) -> Vec<PacketTimes> {
    let at = |k: i64| first + k * ticks;
    (0..count).map(|k| PacketTimes { dts: at(k), pts: at(k), duration: Some(ticks as u32), keyframe: true }).collect()
}

fn shape(packets: &[PacketTimes], video: bool, timescale: Timescale, end: Option<i64>) -> TrackShape {
    let mut survey = Survey::new(video);
    packets.iter().for_each(|&packet| survey.add(packet).unwrap());
    survey.finish(timescale, end, 0).unwrap().unwrap()
}

fn chunks(packets: &[PacketTimes], shape: &TrackShape, cuts: Cuts) -> Vec<Chunk<usize>> {
    let mut chunker = Chunker::new(shape.clone(), cuts);
    let mut all = Vec::new();
    for (number, &packet) in packets.iter().enumerate() {
        all.extend(chunker.push(packet, 10, number).unwrap());
    }
    all.extend(chunker.finish().unwrap());
    all
}

#[test]
fn a_constant_keyframe_distance_gives_segments_of_constant_length() {
    // 24000/1001 with a keyframe every 48 pictures: 2.002 s.
    let packets = pictures(576, 1001, 48, 2);
    let shape = shape(&packets, true, scale(24_000), None);
    assert_eq!((shape.shift, shape.hidden_ticks, shape.first_pts, shape.end_pts), (2002, 2002, 0, 576 * 1001));
    assert_eq!(shape.rate, FrameRate::new(24_000, 1001));
    let grid = SegmentGrid::new(&[(scale(24_000), &shape)], 4000, &[]);
    let expected: Vec<i64> = (1..6).map(|k| k * 96_096).collect();
    assert_eq!(grid.borders(scale(24_000)).collect::<Vec<_>>(), expected);
    let all = chunks(&packets, &shape, Cuts::Keyframes(grid.keyframes(scale(24_000), &shape)));
    assert_eq!(all.iter().map(|chunk| chunk.samples.len()).collect::<Vec<_>>(), [96; 6]);
    let shown: Vec<_> = all.iter().map(|chunk| chunk.shown).collect();
    assert_eq!(shown, (0..6).map(|k| (k * 96_096, 96_096)).collect::<Vec<_>>());
    // On the coded timeline a keyframe is decoded when it is shown, for what is hidden comes first.
    assert_eq!(all[3].samples[0].dts, 3 * 96_096);
}

#[test]
fn borders_are_where_all_renditions_have_a_keyframe() {
    let every_two = shape(&pictures(600, 512, 50, 2), true, scale(12_800), None);
    let every_three = shape(&pictures(600, 3600, 75, 0), true, scale(90_000), None);
    let grid = SegmentGrid::new(&[(scale(12_800), &every_two), (scale(90_000), &every_three)], 4000, &[]);
    assert_eq!(grid.borders(scale(1)).collect::<Vec<_>>(), [6, 12, 18]);
    assert_eq!(grid.keyframes(scale(90_000), &every_three), [540_000, 1_080_000, 1_620_000]);
    assert_eq!(grid.longest_ms(), 6000);
}

#[test]
fn keyframes_that_a_container_rounded_to_milliseconds_still_meet() {
    let exact = shape(&pictures(480, 1001, 48, 0), true, scale(24_000), None);
    let rounded: Vec<_> = pictures(480, 1001, 48, 0)
        .into_iter()
        .map(|packet| {
            let ms = |ticks: i64| (ticks * 1000 + 12_000) / 24_000;
            PacketTimes { dts: ms(packet.dts), pts: ms(packet.pts), ..packet }
        })
        .collect();
    let rounded = shape(&rounded, true, scale(1000), None);
    let grid = SegmentGrid::new(&[(scale(24_000), &exact), (scale(1000), &rounded)], 4000, &[]);
    assert_eq!(grid.keyframes(scale(1000), &rounded), [4004, 8008, 12_012, 16_016]);
    assert_eq!(grid.keyframes(scale(24_000), &exact).len(), 4);
}

#[test]
fn sound_is_cut_at_the_frame_nearest_to_the_picture() {
    let pictures = shape(&pictures(300, 512, 50, 0), true, scale(12_800), None);
    // 1024 samples of priming at 44.1 kHz.
    let packets = frames(520, 1024, -1024);
    let sound = shape(&packets, false, scale(44_100), None);
    assert_eq!((sound.hidden_ticks, sound.first_pts), (1024, -1024));
    let grid = SegmentGrid::new(&[(scale(12_800), &pictures), (scale(44_100), &sound)], 4000, &[]);
    let all = chunks(&packets, &sound, Cuts::Nearest(grid.borders(scale(44_100)).collect()));
    for (chunk, border) in all.iter().skip(1).zip(grid.borders(scale(44_100))) {
        assert!((chunk.samples[0].pts - border).abs() <= 512, "{} for {border}", chunk.samples[0].pts);
    }
    assert_eq!(all[0].samples[0].dts, 0);
    assert_eq!(all.iter().map(|chunk| chunk.samples.len()).sum::<usize>(), 520);
}

#[test]
fn what_an_edit_list_cuts_off_at_the_end_is_left_out() {
    let packets = frames(100, 1024, 0);
    let sound = shape(&packets, false, scale(48_000), Some(50 * 1024));
    let all = chunks(&packets, &sound, Cuts::Nearest(vec![20 * 1024]));
    assert_eq!(all.iter().map(|chunk| chunk.samples.len()).collect::<Vec<_>>(), [20, 30]);
}

#[test]
fn sound_that_an_edit_list_ends_inside_a_packet_ends_there() {
    let packets = frames(100, 1024, 0);
    let sound = shape(&packets, false, scale(48_000), Some(49 * 1024 + 600));
    let all = chunks(&packets, &sound, Cuts::Nearest(vec![20 * 1024]));
    let lengths: Vec<u32> = all[1].samples.iter().map(|sample| sample.duration).collect();
    assert_eq!((lengths.len(), lengths[28], lengths[29]), (30, 1024, 600));
    assert_eq!(all[1].shown, (20 * 1024, 29 * 1024 + 600));
}

#[test]
fn a_gap_makes_the_sample_before_it_longer() {
    let mut packets = frames(10, 1024, 0);
    for packet in &mut packets[5..] {
        packet.dts += 4096;
        packet.pts += 4096;
    }
    let sound = shape(&packets, false, scale(48_000), None);
    let all = chunks(&packets, &sound, Cuts::Nearest(Vec::new()));
    assert_eq!(all[0].samples[4].duration, 1024 + 4096);
    segment_header(0, &all[0].samples, sound.hidden_ticks, None).unwrap();
}

#[test]
fn packets_that_do_not_go_forwards_are_refused_with_their_number() {
    let mut survey = Survey::new(false);
    let packet = PacketTimes { dts: 5, pts: 5, duration: None, keyframe: true };
    survey.add(packet).unwrap();
    assert!(survey.add(packet).unwrap_err().to_string().starts_with("packet 1:"));
}

fn any_packets() -> impl Strategy<Value = Vec<PacketTimes>> {
    let packet = (1i64..3000, -2000i64..4000, any::<bool>(), prop::option::of(1u32..3000));
    (-5000i64..5000, prop::collection::vec(packet, 1..120)).prop_map(|(first, list)| {
        let mut at = first;
        let times = list.into_iter().enumerate().map(|(number, (step, offset, keyframe, duration))| {
            let packet = PacketTimes { dts: at, pts: at + offset, duration, keyframe: keyframe || number == 0 };
            at += step;
            packet
        });
        times.collect()
    })
}

proptest! {
    #[test]
    fn whatever_the_times_every_packet_shown_is_in_one_segment_and_its_boxes_can_be_written(
        packets in any_packets(), video in any::<bool>(), target in 1u32..2000,
    ) {
        let mut survey = Survey::new(video);
        packets.iter().for_each(|&packet| survey.add(packet).unwrap());
        let Some(found) = survey.finish(scale(1000), None, 0).unwrap() else {
            // All of it is hidden.
            prop_assert!(packets.iter().all(|packet| packet.pts <= 0));
            return Ok(());
        };
        let grid = SegmentGrid::new(&[(scale(1000), &found)], target, &[]);
        let cuts = if video {
            Cuts::Keyframes(grid.keyframes(scale(1000), &found))
        } else {
            Cuts::Nearest(grid.borders(scale(1000)).collect())
        };
        let all = chunks(&packets, &found, cuts);
        let numbers: Vec<usize> = all.iter().flat_map(|chunk| chunk.data.iter().copied()).collect();
        prop_assert_eq!(numbers, (0..packets.len()).collect::<Vec<_>>());
        let mut expected = None;
        for (index, chunk) in all.iter().enumerate() {
            prop_assert_eq!(chunk.index as usize, index);
            let header = segment_header(chunk.index, &chunk.samples, found.hidden_ticks, None).unwrap();
            prop_assert!(expected.is_none_or(|at| at == header.start_ticks));
            expected = Some(header.start_ticks + header.duration_ticks);
            for (sample, &number) in chunk.samples.iter().zip(&chunk.data) {
                prop_assert_eq!(sample.pts, packets[number].pts);
                prop_assert!(sample.pts - sample.dts + i64::from(found.hidden_ticks) >= 0);
            }
        }
    }
}

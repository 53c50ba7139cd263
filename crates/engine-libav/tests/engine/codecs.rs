//! What holds of every encoder.

use std::ops::Range;

use bitstream::{av1, hevc, vp9};
use engine_libav::LibavEngine;
use media_types::{CodecConfig, DynamicRange, GopRange, Sample, VideoCodec, VideoEncoding, VideoPlan};
use pipeline::{CollectingSink, RangeOrder};

use crate::decoding::{decode, encode, numbers};
use crate::media::{Folder, moving, planned};

/// Settings of each codec, quick ones.
fn encoding(codec: VideoCodec) -> VideoEncoding {
    let (preset, crf) = match codec {
        VideoCodec::H264 => ("fast", 23.0),
        VideoCodec::Hevc => ("fast", 24.0),
        VideoCodec::Av1 => ("9", 35.0),
        VideoCodec::Vp9 => ("6", 30.0),
    };
    let preset = preset.to_owned();
    VideoEncoding {
        codec,
        preset,
        crf,
        max_bitrate_bps: 600_000,
        buffer_bits: 900_000,
        tune: None,
        dynamic_range: DynamicRange::Sdr,
    }
}

/// The engine on a file, and its plan with one rendition of this codec.
fn planned_as(file: &std::path::Path, codec: VideoCodec) -> (LibavEngine, VideoPlan) {
    let (engine, _, plan) = planned(file);
    let mut video = plan.video.unwrap();
    video.renditions.truncate(1);
    video.renditions[0].encoding = encoding(codec);
    (engine, video)
}

fn order(video: &VideoPlan, segments: Range<u32>) -> RangeOrder {
    let range: GopRange = video.range_of(segments);
    RangeOrder::new(video, &range, &[0])
}

/// The track that ranges between these segments join to.
fn joined(engine: &mut LibavEngine, video: &VideoPlan, borders: &[u32]) -> (CodecConfig, Vec<Sample>) {
    let (mut config, mut samples) = (None, Vec::new());
    for pair in borders.windows(2) {
        let (mut sink, _) = encode(engine, &order(video, pair[0]..pair[1]));
        let (made, priming) = sink.configs.remove(&0).unwrap();
        assert_eq!((config.get_or_insert_with(|| made.clone()).clone(), priming), (made, 0), "one configuration");
        samples.append(&mut sink.samples.remove(&0).unwrap());
    }
    (config.unwrap(), samples)
}

fn key_times(samples: &[Sample]) -> Vec<i64> {
    samples.iter().filter(|sample| sample.keyframe).map(|sample| sample.pts).collect()
}

#[test]
fn ranges_join_to_one_track_that_is_exact_in_every_codec() {
    let folder = Folder::new();
    let film = folder.numbered(&moving("25", 230), "", "-c:v ffv1 -pix_fmt yuv420p film.mkv");
    let mut keys = Vec::new();
    for codec in VideoCodec::ALL {
        let (mut engine, video) = planned_as(&film, codec);
        assert_eq!((video.segment_count(), video.gop_frames, video.segment_frames), (3, 50, 100));
        let (config, samples) = joined(&mut engine, &video, &[0, 2, 3]);
        assert_eq!(samples.len(), 230, "{codec:?}");
        let ends = samples.iter().map(|sample| sample.dts + i64::from(sample.duration));
        assert!(samples.iter().skip(1).zip(ends).all(|(next, end)| next.dts == end), "{codec:?}: a gap");
        assert_eq!(samples[0].dts, 0);
        keys.push(key_times(&samples));
        let pictures = decode(&folder, &config, &samples);
        let (width, height) = (video.renditions[0].width as usize, video.renditions[0].height as usize);
        let expected: Vec<_> = (0..230).map(Some).collect();
        assert_eq!(numbers(&pictures, width, height), expected, "{codec:?}");
    }
    let frame = keys[0][1] / 50;
    assert_eq!(keys[0], [0, 50, 100, 150, 200].map(|at| at * frame));
    assert!(keys.iter().all(|times| *times == keys[0]), "{keys:?}");
}

#[test]
fn decoding_can_start_at_every_key_frame_in_every_codec() {
    let folder = Folder::new();
    let film = folder.numbered(&moving("25", 120), "", "-c:v ffv1 -pix_fmt yuv420p film.mkv");
    for codec in VideoCodec::ALL {
        let (mut engine, video) = planned_as(&film, codec);
        let (config, samples) = joined(&mut engine, &video, &[0, 2]);
        let whole = decode(&folder, &config, &samples);
        let picture = whole.len() / samples.len();
        for (at, _) in samples.iter().enumerate().filter(|(_, sample)| sample.keyframe) {
            assert!(decode(&folder, &config, &samples[at..]) == whole[at * picture..], "{codec:?} from sample {at}");
        }
    }
}

#[test]
fn equal_orders_give_equal_bytes_in_every_codec() {
    let folder = Folder::new();
    let film =
        folder.numbered(&moving("24000/1001", 130), "noise=alls=20:allf=t", "-c:v ffv1 -pix_fmt yuv420p film.mkv");
    for codec in VideoCodec::ALL {
        let made = || -> CollectingSink {
            let (mut engine, video) = planned_as(&film, codec);
            encode(&mut engine, &order(&video, 0..2)).0
        };
        assert!(made() == made(), "{codec:?}");
    }
}

#[test]
fn pictures_that_stand_still_are_held_in_every_codec() {
    let folder = Folder::new();
    // Slides of a second and a half, and two seconds that move between them.
    let slides = "setpts='if(lt(N,6),N*1.5,9+(N-6)/25)/TB'";
    let file =
        folder.numbered(&moving("25", 56), slides, "-fps_mode vfr -c:v libx264 -crf 4 -pix_fmt yuv420p screen.mkv");
    let mut shown = Vec::new();
    for codec in VideoCodec::ALL {
        let (mut engine, video) = planned_as(&file, codec);
        let frames = video.frame_count();
        let (config, samples) = joined(&mut engine, &video, &[0, video.segment_count()]);
        assert!(samples.len() < frames as usize / 2, "{codec:?}: {} pictures of {frames}", samples.len());
        assert!(samples.iter().any(|sample| sample.duration > 20 * video.frame_ticks), "{codec:?}");
        let mut order: Vec<_> = samples.iter().map(|sample| sample.pts).collect();
        order.sort_unstable();
        let pictures = decode(&folder, &config, &samples);
        let found = numbers(&pictures, video.renditions[0].width as usize, video.renditions[0].height as usize);
        assert_eq!(found.len(), order.len(), "{codec:?}");
        assert!(found.iter().all(Option::is_some), "{codec:?}: {found:?}");
        let keys = key_times(&samples);
        assert!(keys.len() > 4, "{codec:?}: {keys:?}");
        shown.push((order, found, keys));
    }
    assert!(shown.iter().all(|made| *made == shown[0]), "{shown:?}");
}

#[test]
fn no_codec_spends_much_more_than_its_cap_and_its_buffer() {
    let folder = Folder::new();
    let film = folder.numbered(&moving("25", 200), "noise=alls=30:allf=t", "-c:v ffv1 -pix_fmt yuv420p film.mkv");
    for codec in VideoCodec::ALL {
        let (mut engine, mut video) = planned_as(&film, codec);
        let encoding = &mut video.renditions[0].encoding;
        (encoding.max_bitrate_bps, encoding.buffer_bits) = (300_000, 450_000);
        let (_, samples) = joined(&mut engine, &video, &[0, 2]);
        let bits: usize = samples.iter().map(|sample| sample.data.len() * 8).sum();
        assert!(bits < (8 * 300_000 + 450_000) * 11 / 10, "{codec:?}: {bits} bits in 8 s");
    }
}

#[test]
fn samples_hold_pictures_alone_and_configurations_say_their_colours() {
    let folder = Folder::new();
    let colours = "-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv";
    let film =
        folder.numbered(&moving("25", 60), "", &format!("-c:v libx264 -crf 10 -pix_fmt yuv420p {colours} film.mp4"));
    for codec in [VideoCodec::Hevc, VideoCodec::Av1, VideoCodec::Vp9] {
        let (mut engine, video) = planned_as(&film, codec);
        let (config, samples) = joined(&mut engine, &video, &[0, 1]);
        match config {
            CodecConfig::Hevc(record) => {
                let read = hevc::Record::parse(&record).unwrap();
                assert_eq!(
                    (read.length_size, read.vps.len(), read.sps.len(), read.pps.len(), read.sei.len()),
                    (4, 1, 1, 1, 0)
                );
                let sps = read.first_sps().unwrap();
                let colour = sps.colour.unwrap();
                assert_eq!((sps.width, sps.height), (160, 96));
                assert_eq!((colour.primaries, colour.transfer, colour.matrix, colour.full_range), (1, 1, 1, false));
                let types = samples.iter().flat_map(|sample| bitstream::bits::length_prefixed(&sample.data));
                let types: Vec<_> = types.map(|unit| hevc::NalType::of(unit.unwrap()).unwrap()).collect();
                assert!(types.iter().all(|kind| kind.is_slice() && !kind.is_rasl() && !kind.is_cra()), "{types:?}");
                assert_eq!(types.iter().filter(|kind| kind.is_irap()).count(), 2);
            }
            CodecConfig::Av1(record) => {
                let read = av1::Record::parse(&record).unwrap();
                let stated = read.sequence_header().unwrap();
                assert_eq!((stated.max_width, stated.max_height, stated.bit_depth), (160, 96, 8));
                assert_eq!(stated.colour, Some(av1::Colour { primaries: 1, transfer: 1, matrix: 1 }));
                for sample in &samples {
                    assert_eq!(av1::is_keyframe(&sample.data), sample.keyframe);
                    let kinds: Vec<_> = av1::obus(&sample.data).map(|obu| obu.unwrap().kind).collect();
                    assert!(!kinds.contains(&av1::obu::TEMPORAL_DELIMITER), "{kinds:?}");
                    if sample.keyframe {
                        assert_eq!(av1::SequenceHeader::find(&sample.data).as_ref(), Some(&stated));
                    }
                }
            }
            CodecConfig::Vp9(record) => {
                let read = vp9::Record::parse(&record).unwrap();
                assert_eq!((read.profile, read.bit_depth, read.level), (0, 8, 10));
                assert_eq!((read.primaries, read.transfer, read.matrix, read.full_range), (1, 1, 1, false));
                let (mut frames, mut found) = (vp9::Frames::new(), Vec::new());
                for sample in &samples {
                    found.clear();
                    frames.headers(&sample.data, &mut found).unwrap();
                    assert_eq!(vp9::is_keyframe(&sample.data), sample.keyframe);
                    assert_eq!(found.iter().filter(|frame| frame.shown).count(), 1);
                    let stated = found[0].format.filter(|_| sample.keyframe);
                    assert!(stated.is_none_or(|format| vp9::Record::new(&format, 160, 96, Some((25, 1))) == read));
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn tunes_and_the_ends_of_the_scales_are_taken_by_every_encoder() {
    let folder = Folder::new();
    let film = folder.numbered(&moving("25", 12), "", "-c:v ffv1 -pix_fmt yuv420p film.mkv");
    let cases = [
        (VideoCodec::H264, "ultrafast", 51.0, Some("stillimage")),
        (VideoCodec::Hevc, "ultrafast", 51.0, Some("grain")),
        (VideoCodec::Hevc, "veryslow", 0.0, Some("animation")),
        (VideoCodec::Av1, "13", 63.0, Some("vq")),
        (VideoCodec::Av1, "4", 0.0, None),
        (VideoCodec::Vp9, "8", 63.0, Some("screen")),
        (VideoCodec::Vp9, "0", 0.0, Some("film")),
    ];
    for (codec, preset, crf, tune) in cases {
        let (mut engine, mut video) = planned_as(&film, codec);
        // As far as a poor source lowers them, and as far as a ladder raises them.
        for (max_bitrate_bps, buffer_bits) in [(1_000, 1_000), (30_000, 1_200_000), (200_000_000, 800_000_000)] {
            let (preset, tune) = (preset.to_owned(), tune.map(str::to_owned));
            let dynamic_range = DynamicRange::Sdr;
            video.renditions[0].encoding =
                VideoEncoding { codec, preset, crf, max_bitrate_bps, buffer_bits, tune, dynamic_range };
            let (config, samples) = joined(&mut engine, &video, &[0, 1]);
            assert_eq!(decode(&folder, &config, &samples).len(), 12 * 160 * 96, "{codec:?} {crf}");
        }
    }
}

#[test]
fn a_range_of_every_codec_is_decoded_once() {
    let folder = Folder::new();
    let film = folder.numbered(&moving("25", 110), "", "-c:v libx264 -pix_fmt yuv420p film.mp4");
    let (mut engine, mut video) = planned_as(&film, VideoCodec::H264);
    let lowest = video.renditions.remove(0);
    for codec in VideoCodec::ALL {
        let name = codec.name().to_owned();
        video.renditions.push(media_types::Rendition { name, encoding: encoding(codec), ..lowest.clone() });
    }
    let order = RangeOrder::new(&video, &video.ranges[0], &[0, 1, 2, 3]);
    let (sink, summary) = encode(&mut engine, &order);
    assert_eq!(summary.frames_per_track, [110; 4]);
    assert!((1..4).all(|track| key_times(&sink.samples[&track]) == key_times(&sink.samples[&0])));
}

#![allow(clippy::unwrap_used)]

use std::fmt::Debug;

use bytes::Bytes;
use media_types::segment::{CaptionChannel, Roles};
use media_types::{
    AudioPlan, ChapterProbe, ContentLight, DynamicRange, Fields, FilmGrid, FrameMap, FrameRate, HdrTransfer, HdrVideo,
    Loss, LossKind, LoudnessTarget, MasteringDisplay, PacketTime, Rational, Rendition, Rotation, Shown, TeletextPage,
    TextForm, TextPlace, TextPlan, TextProbe, Timescale, VideoCodec, VideoEncoding, VideoProbe,
};
use pipeline::{Judge, PosterOrder, Quality, RangeScenes, Scene, SceneKind, SheetOrder, SlideChange, VideoSetup, Vmaf};
use proptest::prelude::*;

use super::*;

fn round_trip<M: Message + PartialEq + Debug>(message: &M, limits: Limits) -> Result<(), TestCaseError> {
    let payload = if message.carries_payload() { 9 } else { 0 };
    let frame = encode(message, payload, limits).unwrap();
    let prefix = Prefix::decode(frame[..Prefix::SIZE].try_into().unwrap(), limits).unwrap();
    prop_assert_eq!(prefix.payload_bytes as usize, payload);
    prop_assert_eq!(prefix.header_bytes as usize, frame.len() - Prefix::SIZE);
    prop_assert_eq!(&decode::<M>(&frame[Prefix::SIZE..], payload).unwrap(), message);
    Ok(())
}

fn rotation() -> impl Strategy<Value = Rotation> {
    let mirrored = [Rotation::Mirrored, Rotation::RightMirrored, Rotation::HalfMirrored, Rotation::LeftMirrored];
    let turned = [Rotation::None, Rotation::Right, Rotation::Half, Rotation::Left];
    prop::sample::select([turned, mirrored].concat())
}

fn rational() -> impl Strategy<Value = Rational> {
    any::<(i32, i32)>().prop_map(|(num, den)| Rational { num, den })
}

fn rendition() -> impl Strategy<Value = Rendition> {
    let codec = prop::sample::select(VideoCodec::ALL.to_vec());
    (".{0,8}", any::<(u32, u32, u64, u64, u32)>(), codec, 0.0f32..51.0, prop::option::of(".{0,8}")).prop_map(
        |(name, (width, height, max_bitrate_bps, buffer_bits, frame_step), codec, crf, tune)| Rendition {
            name,
            width,
            height,
            encoding: VideoEncoding {
                codec,
                preset: "veryfast".into(),
                crf,
                max_bitrate_bps,
                buffer_bits,
                tune,
                dynamic_range: DynamicRange::ALL[usize::from(codec == VideoCodec::Hevc)],
            },
            frame_step,
        },
    )
}

fn fields() -> impl Strategy<Value = Fields> {
    let film = any::<i64>().prop_map(|repeated_pts| Fields::Film { repeated_pts });
    prop_oneof![Just(Fields::Interlaced), Just(Fields::Whole), film]
}

fn film() -> impl Strategy<Value = Option<FilmGrid>> {
    let grid = |(origin_pts, num)| FilmGrid { origin_pts, rate: FrameRate::new(num, 1001).unwrap() };
    prop::option::of((any::<i64>(), 1u32..99_999).prop_map(grid))
}

fn hdr() -> impl Strategy<Value = Option<HdrVideo>> {
    let mastering = any::<([(u16, u16); 3], (u16, u16), u32, u32)>().prop_map(
        |(primaries, white, max_luminance, min_luminance)| MasteringDisplay {
            primaries,
            white,
            max_luminance,
            min_luminance,
        },
    );
    let light = any::<(u16, u16)>().prop_map(|(max_content, max_average)| ContentLight { max_content, max_average });
    let transfer = prop::sample::select(vec![HdrTransfer::Pq, HdrTransfer::Hlg]);
    let video = (transfer, prop::option::of(mastering), prop::option::of(light));
    prop::option::of(video.prop_map(|(transfer, mastering, content_light)| HdrVideo {
        transfer,
        mastering,
        content_light,
    }))
}

fn judge() -> impl Strategy<Value = Judge> {
    any::<(Vec<u64>, u32, u32, u32, u32, bool, bool)>().prop_map(
        |(first_frames, frame_count, every, width, height, may_be_left_out, by_vmaf)| Judge {
            may_be_left_out,
            by_vmaf,
            first_frames,
            frame_count,
            every,
            width,
            height,
        },
    )
}

prop_compose! {
    fn range_order()(
        rotation in rotation(), source_time_base in rational(), deinterlace in any::<bool>(), hdr in hdr(), film in film(),
        (num, den, ticks) in (1u32..99_999, 1u32..2000, 1u32..u32::MAX),
        (stream_index, frame_ticks, gop_frames, first_frame) in any::<(u32, u32, u32, u64)>(),
        pictures in prop::collection::vec(any::<(i64, u32)>(), 0..50),
        renditions in prop::collection::vec(rendition(), 0..4), judge in prop::option::of(judge()),
        careful in any::<bool>(),
    ) -> RangeOrder {
        let pictures = pictures.into_iter().map(|(source_pts, frames)| Shown { source_pts, frames }).collect();
        RangeOrder {
            video: VideoSetup {
                clock: Default::default(),
                stream_index, source_time_base, rotation, deinterlace, film, hdr, frame_ticks, gop_frames,
                frame_rate: FrameRate::new(num, den).unwrap(),
                timescale: Timescale::new(ticks).unwrap(),
            },
            first_frame, pictures: FrameMap(pictures), renditions, judge, careful,
        }
    }
}

prop_compose! {
    fn scenes()(
        changes in prop::collection::vec(any::<(u64, u8)>(), 0..5), kinds in prop::collection::vec(any::<(u64, u64)>(), 0..5),
        (opening, closing) in any::<(Vec<u8>, Vec<u8>)>(),
    ) -> RangeScenes {
        let change = |(frame, sure_percent)| SlideChange { frame, sure_percent };
        let scene = |(first_frame, frame_count)| Scene { first_frame, frame_count, kind: SceneKind::Screencast };
        RangeScenes {
            changes: changes.into_iter().map(change).collect(),
            kinds: kinds.into_iter().map(scene).collect(),
            opening, closing,
        }
    }
}

prop_compose! {
    fn audio_order()(
        source_time_base in rational(), language in ".{0,8}", borders in prop::collection::vec(any::<u64>(), 0..50),
        (stream_index, sample_rate, channels, bitrate_bps, origin_pts, sample_count) in any::<(u32, u32, u32, u32, i64, u64)>(),
        loudness in prop::option::of((-30.0..-10.0, -9.0..0.0)), opus_bitrate_bps in any::<Option<u32>>(), gain_db in -30.0..20.0,
    ) -> AudioOrder {
        let target = |(integrated_lufs, max_true_peak_dbtp)| LoudnessTarget { integrated_lufs, max_true_peak_dbtp };
        let plan = AudioPlan {
            name: "und".to_owned(),
            label: None,
            roles: Default::default(),
            clock: Default::default(),
            stream_index, source_time_base, origin_pts, sample_rate, channels, bitrate_bps, opus_bitrate_bps,
            sample_count, borders, language,
            loudness: loudness.map(target),
        };
        AudioOrder { plan, gain_db }
    }
}

prop_compose! {
    fn stills_order()(
        rotation in rotation(), tile_pts in prop::collection::vec(any::<i64>(), 0..50), (stream_index, poster_pts) in any::<(u32, i64)>(),
        (poster_width, poster_height, tile_width, tile_height, columns, made) in any::<(u32, u32, u32, u32, u32, u32)>(),
    ) -> StillsOrder {
        let poster = PosterOrder { pts: poster_pts, width: poster_width, height: poster_height };
        let sheet = SheetOrder { tile_pts, tile_width, tile_height, columns };
        StillsOrder {
            stream_index, clock: Default::default(), rotation, poster: (made != 1).then_some(poster), sheet: (made != 0).then_some(sheet),
        }
    }
}

prop_compose! {
    fn text_order()(
        source_time_base in rational(), words in prop::collection::vec(".{0,8}", 3), flags in any::<[bool; 5]>(),
        (stream_index, origin_pts) in any::<(u32, i64)>(),
    ) -> TextOrder {
        let [default, forced, hearing_impaired, visual_impaired, commentary] = flags;
        let plan = TextPlan {
            name: words[0].clone(), stream_index, source_time_base, origin_pts, language: words[1].clone(),
            label: flags[0].then(|| words[2].clone()),
            roles: Roles { default, forced, hearing_impaired, visual_impaired, commentary },
            channel: flags[1].then_some(CaptionChannel::Line21(origin_pts as u8)),
            page: flags[2].then_some(TeletextPage(origin_pts as u16)), clock: Default::default(),
        };
        TextOrder { tracks: vec![plan; words[2].len() % 3] }
    }
}

fn to_child() -> impl Strategy<Value = ToChild> {
    prop_oneof![
        any::<u64>().prop_map(|size| ToChild::Open { protocol_version: PROTOCOL_VERSION, size }),
        Just(ToChild::Probe),
        Just(ToChild::Stop),
        range_order().prop_map(|order| ToChild::EncodeRange(Box::new(order))),
        audio_order().prop_map(|order| ToChild::MeasureAudio(Box::new(order.plan))),
        audio_order().prop_map(|order| ToChild::EncodeAudio(Box::new(order))),
        stills_order().prop_map(|order| ToChild::Stills(Box::new(order))),
        text_order().prop_map(|order| ToChild::ReadText(Box::new(order))),
        (any::<u64>(), prop::option::of(".{0,20}")).prop_map(|(offset, error)| ToChild::ReadReply { offset, error }),
    ]
}

prop_compose! {
    fn probe_report()(
        packets in prop::collection::vec(any::<(i64, bool)>(), 0..50), time_base in rational(), rotation in rotation(),
        (width, height, size_bytes) in any::<(u32, u32, u64)>(), texts in prop::collection::vec(".{0,20}", 3),
        stated_rate in prop::option::of((1u32..99_999, 1u32..2000)), silent in any::<bool>(), hdr in hdr(),
        fields in fields(),
    ) -> ProbeReport {
        let video = VideoProbe {
            clock: Default::default(),
            stream_index: 0, codec: texts[0].clone(), width, height, rotation, time_base, pixel_format: texts[1].clone(),
            sample_aspect: time_base, interlaced: silent, fields, hdr, bitrate_bps: None, keyframe_bytes: silent.then_some(size_bytes),
            stated_rate: stated_rate.and_then(|(num, den)| FrameRate::new(num, den)),
            packets: packets.into_iter().map(|(pts, keyframe)| PacketTime { pts, keyframe }).collect(), captions: silent,
        };
        let video = silent.then_some(video);
        let text = TextProbe {
            stream_index: width, codec: texts[0].clone(), language: silent.then(|| texts[1].clone()), title: None,
            roles: Roles::default(), time_base, page: silent.then_some(TeletextPage(0x888)),
        };
        let chapter = ChapterProbe { start_us: 0, end_us: i64::from(height), title: texts[1].clone() };
        ProbeReport {
            container: texts[2].clone(), size_bytes, video, audio: Vec::new(), text: vec![text], chapters: vec![chapter],
            warnings: texts, stated_end_us: silent.then_some(i64::from(height)),
        }
    }
}

fn lost(from_ms: u64) -> Loss {
    Loss { kind: LossKind::SoundSilent, track: Some("en".to_owned()), from_ms, to_ms: from_ms }
}

fn loudness() -> impl Strategy<Value = Loudness> {
    prop::array::uniform2(prop::option::of(-100.0..100.0))
        .prop_map(|[integrated_lufs, true_peak_dbtp]| Loudness { integrated_lufs, true_peak_dbtp })
}

fn from_child() -> impl Strategy<Value = FromChild> {
    let codec = |avc: bool, bytes: Vec<u8>| match avc {
        true => CodecConfig::Avc(Bytes::from(bytes)),
        false => CodecConfig::Aac(Bytes::from(bytes)),
    };
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        (
            ".{0,20}",
            prop::sample::select(vec![
                Confinement::None,
                Confinement::SystemCalls,
                Confinement::Full,
                Confinement::Device
            ])
        )
            .prop_map(|(identity, confinement)| FromChild::Ready {
                protocol_version: PROTOCOL_VERSION,
                identity,
                confinement
            }),
        any::<(u64, u32, bool)>().prop_map(|(offset, length, ahead)| FromChild::Read { offset, length, ahead }),
        (any::<(u32, u32, bool)>(), bytes()).prop_map(move |((track, priming_samples, avc), bytes)| {
            FromChild::Config { track, config: codec(avc, bytes), priming_samples }
        }),
        any::<(u32, i64, i64, u32, bool)>().prop_map(|(track, dts, pts, duration, keyframe)| FromChild::Sample {
            track,
            dts,
            pts,
            duration,
            keyframe
        }),
        ".{0,20}".prop_map(|name| FromChild::Image { name }),
        any::<(u64, u64)>().prop_map(|(done, total)| FromChild::Progress { done, total }),
        (any::<(u32, i64, Option<i64>)>(), ".{0,20}", any::<Option<(Option<u8>, Option<u8>)>>()).prop_map(
            |((track, start_us, end_us), event, place)| {
                let form = match place {
                    Some((None, None)) => TextForm::WebVtt("line:0".to_owned()),
                    Some((top_percent, left_percent)) => TextForm::Placed(TextPlace { top_percent, left_percent }),
                    None => TextForm::Event,
                };
                FromChild::Cue { track, cue: TextCue { start_us, end_us, event, form } }
            }
        ),
        (prop::collection::vec(any::<u64>(), 0..5), any::<u64>()).prop_map(|(cues_per_track, lost_packets)| {
            FromChild::TextDone(TextSummary { cues_per_track, lost_packets })
        }),
        probe_report().prop_map(|report| FromChild::Probed(Box::new(report))),
        (prop::collection::vec(any::<u64>(), 0..5), any::<u64>(), any::<Option<i64>>(), scenes()).prop_map(
            |(frames_per_track, missing_pictures, first_missing_pts, scenes)| {
                let vmaf = Vmaf { pictures: missing_pictures, score: 91.5 };
                let quality = Quality { pictures: missing_pictures, root_error: 1.5, vmaf };
                let quality = vec![quality; frames_per_track.len()];
                let summary = RangeSummary {
                    frames_per_track,
                    missing_pictures,
                    first_missing_pts,
                    quality,
                    scenes,
                    losses: vec![lost(missing_pictures)],
                };
                FromChild::RangeDone(summary)
            }
        ),
        loudness().prop_map(FromChild::AudioMeasured),
        (any::<(u64, u64, u64)>(), loudness(), loudness()).prop_map(
            |((samples, filled_samples, damaged_packets), source, coded)| {
                FromChild::AudioDone(AudioSummary {
                    samples,
                    filled_samples,
                    damaged_packets,
                    source,
                    coded,
                    losses: vec![lost(samples)],
                })
            }
        ),
        any::<(u32, u32, u32)>().prop_map(|(tiles, sheet_columns, sheet_rows)| {
            FromChild::StillsDone(StillsSummary { tiles, sheet_columns, sheet_rows })
        }),
        (".{0,20}", ".{0,20}").prop_map(|(code, detail)| FromChild::Failed(EngineError::Input { code, detail })),
        ".{0,20}".prop_map(|detail| FromChild::Failed(EngineError::Engine { detail })),
        Just(FromChild::Failed(EngineError::Stopped)),
    ]
}

proptest! {
    #[test]
    fn what_the_parent_says_is_what_the_child_hears(message in to_child()) {
        round_trip(&message, Limits::TO_CHILD)?;
    }

    #[test]
    fn what_the_child_says_is_what_the_parent_hears(message in from_child()) {
        round_trip(&message, Limits { payload_bytes: 9, ..Limits::PROBE })?;
    }

    #[test]
    fn a_damaged_message_gives_another_message_or_an_error(
        message in from_child(), at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let mut header = encode(&message, 0, Limits::PROBE).unwrap().split_off(Prefix::SIZE);
        let at = at.index(header.len());
        header[at] = value;
        let _ = decode::<FromChild>(&header, 0);
        header.truncate(cut.index(header.len()));
        let _ = decode::<FromChild>(&header, 0);
    }
}

#[test]
fn the_version_can_be_read_by_every_release() {
    // Variant 0, then the version as a varint: what must never move.
    let open = encode(&ToChild::Open { protocol_version: 1, size: 7 }, 0, Limits::TO_CHILD).unwrap();
    assert_eq!(open[Prefix::SIZE..], [0, 1, 7]);
    let ready = FromChild::Ready { protocol_version: 1, identity: String::new(), confinement: Confinement::Full };
    assert_eq!(encode(&ready, 0, Limits::FROM_CHILD).unwrap()[Prefix::SIZE..], [0, 1, 0, 2]);

    let of_a_later_release = [0, 100, 1, 2, 3, 0xff];
    assert_eq!(decode::<ToChild>(&of_a_later_release, 0).unwrap_err(), ProtocolError::Version { theirs: 100 });
    assert_eq!(decode::<FromChild>(&of_a_later_release, 0).unwrap_err(), ProtocolError::Version { theirs: 100 });
}

#[test]
fn a_message_larger_than_the_other_end_accepts_is_not_sent() {
    let sample = FromChild::Sample { track: 0, dts: 0, pts: 0, duration: 1, keyframe: true };
    let refused = encode(&sample, (16 << 20) + 1, Limits::FROM_CHILD);
    assert_eq!(refused, Err(ProtocolError::Oversized { length: (16 << 20) + 1, limit: 16 << 20 }));
    let long = FromChild::Image { name: "x".repeat(70_000) };
    assert!(matches!(encode(&long, 0, Limits::FROM_CHILD), Err(ProtocolError::Oversized { .. })));
}

#[test]
fn bytes_to_spare_and_payloads_without_a_place_are_refused() {
    let mut header = encode(&FromChild::Progress { done: 1, total: 2 }, 0, Limits::FROM_CHILD).unwrap();
    let header_with_rest = {
        header.push(0);
        &header[Prefix::SIZE..]
    };
    assert!(decode::<FromChild>(header_with_rest, 0).is_err());
    assert!(decode::<FromChild>(&header_with_rest[..header_with_rest.len() - 1], 0).is_ok());
    assert!(decode::<FromChild>(&header_with_rest[..header_with_rest.len() - 1], 1).is_err());
}

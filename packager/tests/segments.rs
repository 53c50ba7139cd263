//! Init and media segments, read back by `mp4-atom`.
#![allow(clippy::unwrap_used)]

mod common;

use common::{aac, audio_samples, avc, bare, scale, video_samples};
use drm::{ContentKey, KeyId, ProtectionScheme, SegmentEncryptor};
use media_types::{CodecConfig, Sample, SegmentRecord, TrackKind, TrackRecord};
use mp4_atom::{Atom, Codec, Colr, Decode, Ftyp, Header, Mdat, Moof, Moov, Styp};
use packager::{PackageError, init_segment, media_segment, protected_segment};
use proptest::prelude::*;

const VIDEO: TrackKind =
    TrackKind::Video { width: 1920, height: 1080, rate_num: 25, rate_den: 1, sample_aspect: (1, 1) };
const AUDIO: TrackKind = TrackKind::Audio { sample_rate: 44_100, channels: 2 };

fn video_track(width: u32, height: u32, config: CodecConfig) -> TrackRecord {
    let kind = TrackKind::Video { width, height, rate_num: 25, rate_den: 1, sample_aspect: (1, 1) };
    bare("video", kind, scale(12_800), config)
}

fn audio_track(language: &str, priming: u32, config: CodecConfig) -> TrackRecord {
    let kind = TrackKind::Audio { sample_rate: 48_000, channels: 2 };
    TrackRecord { language: language.into(), hidden_ticks: priming, ..bare("audio", kind, scale(48_000), config) }
}

fn read_init(bytes: &[u8]) -> (Ftyp, Moov) {
    let mut rest = bytes;
    let boxes = (Ftyp::decode(&mut rest).unwrap(), Moov::decode(&mut rest).unwrap());
    assert!(rest.is_empty());
    boxes
}

#[test]
fn a_video_init_segment_carries_the_avcc_byte_for_byte() {
    let init = init_segment(&video_track(1920, 1080, avc()), None).unwrap();
    let record = hex::decode(common::AVCC).unwrap();
    assert!(init.windows(record.len()).any(|window| window == record));
    let (ftyp, moov) = read_init(&init);
    assert_eq!(ftyp.compatible_brands, [b"iso6".into(), b"cmfc".into()]);
    let trak = &moov.trak[0];
    // Two frames of reordering at 25 frames a second.
    let edit = &trak.edts.as_ref().unwrap().elst.as_ref().unwrap().entries[0];
    assert_eq!((edit.media_time, edit.segment_duration), (Some(2 * 512), 0));
    assert_eq!((trak.tkhd.width.integer(), trak.tkhd.height.integer()), (1920, 1080));
    assert_eq!(trak.mdia.mdhd.timescale, 12_800);
    let Codec::Avc1(entry) = &trak.mdia.minf.stbl.stsd.codecs[0] else { panic!("not avc1") };
    assert_eq!((entry.visual.width, entry.visual.height), (1920, 1080));
    assert_eq!(entry.avcc.ext.as_ref().unwrap().chroma_format, 1);
    assert_eq!((&entry.pasp, &entry.colr), (&None, &None));
    assert_eq!(moov.mvex.unwrap().trex[0].default_sample_flags, 0);
}

#[test]
fn shape_and_colour_are_told_when_the_parameter_set_tells_them() {
    let record = "0164001effe1001d6764001eacd940b4126c11a808080a000003000200000300641e2c5b2c01000668ebe3cb22c0fdf8f800";
    let config = CodecConfig::Avc(hex::decode(record).unwrap().into());
    let kind = TrackKind::Video { width: 720, height: 576, rate_num: 25, rate_den: 1, sample_aspect: (16, 11) };
    let track = bare("video", kind, scale(12_800), config);
    let (_, moov) = read_init(&init_segment(&track, None).unwrap());
    let Codec::Avc1(entry) = &moov.trak[0].mdia.minf.stbl.stsd.codecs[0] else { panic!("not avc1") };
    assert_eq!(entry.pasp.as_ref().map(|pasp| (pasp.h_spacing, pasp.v_spacing)), Some((16, 11)));
    let told =
        Colr::Nclx { colour_primaries: 1, transfer_characteristics: 1, matrix_coefficients: 1, full_range_flag: false };
    assert_eq!(entry.colr, Some(told));
    assert_eq!(moov.trak[0].tkhd.width.integer(), 720 * 16 / 11);
}

#[test]
fn an_audio_init_segment_hides_the_priming_and_names_the_language() {
    let init = init_segment(&audio_track("de-CH", 1024, aac(48_000)), None).unwrap();
    let (_, moov) = read_init(&init);
    let trak = &moov.trak[0];
    let edit = &trak.edts.as_ref().unwrap().elst.as_ref().unwrap().entries[0];
    assert_eq!((edit.media_time, edit.segment_duration), (Some(1024), 0));
    assert_eq!(trak.mdia.mdhd.language, "deu");
    assert!(init.windows(10).any(|window| window == b"elng\0\0\0\0de"));
    let Codec::Mp4a(entry) = &trak.mdia.minf.stbl.stsd.codecs[0] else { panic!("not mp4a") };
    assert_eq!((entry.audio.channel_count, entry.audio.sample_rate.integer()), (2, 48_000));
    assert_eq!(entry.esds.es_desc.dec_config.dec_specific.as_ref().unwrap().raw, [0x11, 0x90]);

    let plain = init_segment(&audio_track("und", 0, aac(48_000)), None).unwrap();
    assert!(read_init(&plain).1.trak[0].edts.is_none());
}

#[test]
fn an_init_segment_of_opus_says_what_decoders_skip() {
    let config = CodecConfig::Opus(vec![0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0].into());
    let track = audio_track("en", 312, config);
    let entry = |init: &[u8]| {
        let at = init.windows(4).position(|window| window == b"dOps").unwrap();
        (init[at + 4..at + 15].to_vec(), u16::from_be_bytes([init[at - 8], init[at - 7]]))
    };
    let init = init_segment(&track, None).unwrap();
    assert_eq!(entry(&init), (vec![0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0], 48_000));
    let (_, moov) = read_init(&init);
    let edit = &moov.trak[0].edts.as_ref().unwrap().elst.as_ref().unwrap().entries[0];
    assert_eq!(edit.media_time, Some(312));
}

#[test]
fn configurations_that_contradict_their_track_are_refused() {
    for result in [
        init_segment(&video_track(1920, 1080, aac(48_000)), None),
        init_segment(&audio_track("en", 0, avc()), None),
        init_segment(&audio_track("en", 0, aac(44_100)), None),
    ] {
        assert!(matches!(result, Err(PackageError::Config(_) | PackageError::Track(_))), "{result:?}");
    }
}

#[test]
fn sync_points_address_a_whole_opening_and_a_bare_later_keyframe() {
    let samples = video_samples(0, 96, 1001, 48, |frame| 100 + frame as usize);
    let packed = media_segment(&VIDEO, 0, &samples, 0).unwrap();
    let [first, later] = packed.record.sync_points.as_slice() else { panic!("two keyframes") };
    assert_eq!((first.pts, first.bytes.offset, later.pts), (0, 0, 48 * 1001));
    let opening = &packed.bytes[..first.bytes.length as usize];
    assert!(opening.ends_with(&samples[0].data));
    let range = later.bytes.offset as usize..(later.bytes.offset + later.bytes.length) as usize;
    assert_eq!(packed.bytes[range], samples[48].data);
}

#[test]
fn an_audio_segment_costs_four_bytes_a_frame_and_lists_no_sync_points() {
    let samples = audio_samples(1316, 188, 1024, |frame| 200 + frame as usize % 2);
    let packed = media_segment(&AUDIO, 7, &samples, 1024).unwrap();
    let media: u64 = (1316..1504).map(|frame| 200 + frame % 2).sum();
    assert!(packed.record.sync_points.is_empty());
    assert_eq!(packed.record.start_ticks, 1315 * 1024);
    assert!(packed.record.size_bytes - media <= 4 * 188 + 140, "{}", packed.record.size_bytes - media);
}

#[test]
fn what_an_edit_list_hides_counts_in_no_record() {
    let record = |priming| media_segment(&AUDIO, 0, &audio_samples(0, 4, priming, |_| 9), 1024).unwrap().record;
    assert_eq!((record(1024).start_ticks, record(1024).duration_ticks), (0, 3 * 1024));
    assert_eq!((record(1500).start_ticks, record(1500).duration_ticks), (0, 4 * 1024 - 1500));
}

#[test]
fn a_stored_segment_is_encrypted_without_its_samples_being_packed_again() {
    let (key_id, key) = (KeyId([1; 16]), ContentKey::new([2; 16]));
    let samples = audio_samples(40, 30, 1024, |frame| 200 + frame as usize % 2);
    let clear = media_segment(&AUDIO, 2, &samples, 1024).unwrap();
    for scheme in ProtectionScheme::ALL {
        let encrypt = || {
            let mut encryptor = SegmentEncryptor::new(scheme, key_id, &key, "audio-en", &aac(44_100)).unwrap();
            protected_segment(&clear.record, 1024, &clear.bytes, &mut encryptor).unwrap()
        };
        let packed = encrypt();
        assert_eq!(packed, encrypt());
        let SegmentRecord { start_ticks, duration_ticks, sample_count, size_bytes, .. } = packed.record;
        let before = &clear.record;
        assert_eq!((start_ticks, duration_ticks), (before.start_ticks, before.duration_ticks));
        assert_eq!((sample_count, size_bytes), (before.sample_count, packed.bytes.len() as u64));
        let data: usize = samples.iter().map(|sample| sample.data.len()).sum();
        assert!(packed.bytes[packed.bytes.len() - data..] != clear.bytes[clear.bytes.len() - data..]);
    }
}

#[test]
fn what_is_no_segment_of_ours_is_not_encrypted() {
    let mut encryptor =
        SegmentEncryptor::new(ProtectionScheme::Cenc, KeyId([1; 16]), &ContentKey::new([2; 16]), "a", &aac(44_100))
            .unwrap();
    let clear = media_segment(&AUDIO, 2, &audio_samples(0, 3, 0, |_| 50), 0).unwrap();
    for bytes in [&clear.bytes[..clear.bytes.len() - 1], &clear.bytes[8..], b""] {
        let refused = protected_segment(&clear.record, 0, bytes, &mut encryptor);
        assert!(matches!(refused, Err(PackageError::Unreadable { index: 2, .. })), "{refused:?}");
    }
}

#[test]
fn bad_runs_are_refused_with_the_sample_that_breaks_them() {
    let good = video_samples(0, 8, 1001, 48, |_| 10);
    let pack = |edit: &dyn Fn(&mut Vec<Sample>)| {
        let mut samples = good.clone();
        edit(&mut samples);
        media_segment(&VIDEO, 3, &samples, 0).unwrap_err()
    };
    assert_eq!(pack(&|samples| samples.clear()), PackageError::EmptySegment { index: 3 });
    assert_eq!(pack(&|samples| samples[0].keyframe = false), PackageError::NotSync { index: 3 });
    let gap = PackageError::Gap { index: 3, sample: 4, expected: 4004, actual: 4005 };
    assert_eq!(pack(&|samples| samples[4].dts += 1), gap);
    assert_eq!(pack(&|samples| samples[2].pts = -1), PackageError::LeadingSample { index: 3, sample: 2 });
    let far = PackageError::OutOfRange { index: 3, what: "a composition offset" };
    assert_eq!(pack(&|samples| samples[2].pts = i64::MAX), far);
    assert!(matches!(pack(&|samples| samples[0].dts = -5), PackageError::OutOfRange { .. }));
    let endless = |samples: &mut Vec<Sample>| {
        samples.truncate(1);
        (samples[0].dts, samples[0].pts) = (i64::MAX - 1, i64::MAX - 1);
    };
    assert!(matches!(pack(&endless), PackageError::OutOfRange { .. }));
}

fn runs() -> impl Strategy<Value = Vec<Sample>> {
    let sample = (1u32..5000, 0i64..9000, any::<bool>(), prop::collection::vec(any::<u8>(), 0..40));
    (0i64..1 << 40, any::<bool>(), prop::collection::vec(sample, 1..40)).prop_map(|(start, even, list)| {
        let mut at = start;
        let mut samples: Vec<Sample> = Vec::new();
        for (position, (duration, offset, keyframe, data)) in list.into_iter().enumerate() {
            let duration = if even { 512 } else { duration };
            let pts = if position == 0 { at } else { start + offset };
            samples.push(Sample { dts: at, pts, duration, keyframe: keyframe || position == 0, data: data.into() });
            at += i64::from(duration);
        }
        samples
    })
}

proptest! {
    #[test]
    fn any_run_of_samples_reads_back_as_it_was(samples in runs(), index in any::<u32>()) {
        let packed = media_segment(&VIDEO, index, &samples, 0).unwrap();
        let mut rest: &[u8] = &packed.bytes;
        Styp::decode(&mut rest).unwrap();
        let moof_start = packed.bytes.len() - rest.len();
        let moof = Moof::decode(&mut rest).unwrap();
        let header = Header::decode(&mut rest).unwrap();
        prop_assert_eq!((header.kind, header.size), (Mdat::KIND, Some(rest.len())));
        let traf = &moof.traf[0];
        prop_assert_eq!(moof.mfhd.sequence_number, index.wrapping_add(1));
        prop_assert_eq!(traf.tfdt.as_ref().unwrap().base_media_decode_time, samples[0].dts as u64);
        let data_start = packed.bytes.len() - rest.len();
        prop_assert_eq!(traf.trun[0].data_offset, Some((data_start - moof_start) as i32));
        prop_assert_eq!(traf.trun[0].samples.len(), samples.len());
        let mut dts = samples[0].dts;
        for (entry, sample) in traf.trun[0].samples.iter().zip(&samples) {
            let size = entry.size.or(traf.tfhd.default_sample_size).unwrap() as usize;
            let flags = entry.flags.or(traf.tfhd.default_sample_flags).unwrap();
            prop_assert_eq!(&rest[..size], &sample.data[..]);
            prop_assert_eq!(flags & 0x1_0000 == 0, sample.keyframe);
            prop_assert_eq!(dts + entry.cts.unwrap_or(0), sample.pts);
            dts += i64::from(entry.duration.or(traf.tfhd.default_sample_duration).unwrap());
            rest = &rest[size..];
        }
        prop_assert!(rest.is_empty());
        prop_assert_eq!(packed.record.duration_ticks as i64, dts - samples[0].dts);
        prop_assert_eq!(packed.record.size_bytes, packed.bytes.len() as u64);
    }
}

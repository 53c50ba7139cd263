//! The file of keyframes that is made from a track's own segments.
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use common::{Packed, audio, avc, bare, video, video_samples};
use drm::signal::{Licensed, System};
use drm::{ContentKey, KeyId, ProtectionScheme, SegmentEncryptor};
use media_types::{CodecConfig, Sample, TrackRecord};
use packager::{
    FilePlan, FinishedTrick, PackageError, Presentation, Protection, TrackSignal, TrickFile, TrickTrack, init_segment,
    multivariant_playlist, segment_index, text_files, trick_sources,
};
use proptest::prelude::*;

fn made(packed: &Packed, protection: Option<(SegmentEncryptor, &TrackSignal)>) -> FinishedTrick {
    let mut file = TrickFile::new(&packed.track, protection).unwrap().unwrap();
    for (record, bytes) in packed.track.segments.iter().zip(&packed.segments) {
        file.take(record, bytes).unwrap();
    }
    file.finish().unwrap()
}

/// The keyframes of a track as its records name them: behind the boxes of a segment, or alone.
fn keyframes(packed: &Packed) -> Vec<Bytes> {
    let mut all = Vec::new();
    for (record, bytes) in packed.track.segments.iter().zip(&packed.segments) {
        for point in &record.sync_points {
            let named = bytes.slice(point.bytes.offset as usize..(point.bytes.offset + point.bytes.length) as usize);
            let boxes = named.windows(4).position(|window| window == b"mdat").map_or(0, |at| at + 4);
            all.push(named.slice(boxes..));
        }
    }
    all
}

/// Six groups of pictures, each of which opens with an IDR slice whose header can be read.
fn coded() -> Packed {
    let track = video(360, 288).track;
    let header = [0x65, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let segment = |index: u64| -> Vec<Sample> {
        let mut samples = video_samples(96 * index, 96, 1001, 48, |_| 300);
        for sample in samples.iter_mut().filter(|sample| sample.keyframe) {
            sample.data = [&sample.data[..4], &header, &sample.data[12..]].concat().into();
        }
        samples
    };
    Packed::new(TrackRecord { segments: Vec::new(), ..track }, (0..3).map(segment))
}

/// A key of the name's own, and what is told of it.
fn protection(scheme: ProtectionScheme, track: &TrackRecord) -> (SegmentEncryptor, TrackSignal) {
    let (id, key) = (KeyId([7; 16]), ContentKey::new([9; 16]));
    let encryptor = SegmentEncryptor::new(scheme, id, &key, &track.name, &track.config).unwrap();
    let (protection, key_ids) = (encryptor.protection(), &[id][..]);
    let licensed = Licensed { protection, key: &key, key_ids, licence_url: None, skd_uri: None };
    let signal = TrackSignal::new(&licensed, &[System::ClearKey]);
    (encryptor, signal)
}

#[test]
fn each_keyframe_is_a_fragment_behind_an_exact_index() {
    let packed = video(360, 288);
    let FinishedTrick { track, file, samples_blake3 } = made(&packed, None);
    assert_eq!((file.path.as_str(), file.media_type), ("video-360p/trick.mp4", "video/mp4"));
    let tracks = [packed.track.clone()];
    let tricks = [track];
    let presentation = Presentation { tracks: &tracks, tricks: &tricks, ..Presentation::default() };
    let record = &tricks[0].record;
    let plan = FilePlan::single(&presentation, record).unwrap();
    let head = [init_segment(record, None).unwrap(), segment_index(record).unwrap()].concat();
    assert_eq!(file.bytes[..plan.segment_start(0) as usize], head);
    let wanted = keyframes(&packed);
    assert_eq!((wanted.len(), record.segments.len()), (6, 6));
    for (position, (segment, wanted)) in record.segments.iter().zip(&wanted).enumerate() {
        let start = plan.segment_start(position) as usize;
        let fragment = &file.bytes[start..start + segment.size_bytes as usize];
        assert_eq!(&fragment[4..8], b"styp");
        assert!(fragment.ends_with(wanted), "picture {position}");
        // 48 pictures of 1001/24000 s from one to the next.
        assert_eq!((segment.start_ticks, segment.duration_ticks), (48_048 * position as u64, 48_048));
        assert_eq!((segment.sample_count, segment.sync_points.len()), (1, 1));
        assert_eq!(segment.blake3, blake3::hash(fragment).to_hex().to_string());
    }
    let end = plan.segment_start(5) + record.segments[5].size_bytes;
    assert_eq!(end, file.bytes.len() as u64, "nothing is behind the last one");
    assert_eq!(samples_blake3, blake3::hash(&wanted.concat()).to_hex().to_string());
    assert!(text_files(&presentation).is_ok());
}

#[test]
fn keyframes_are_encrypted_under_a_name_of_their_own() {
    let packed = coded();
    let name = TrickTrack::new(&packed.track).record;
    let clear = made(&packed, None);
    for scheme in ProtectionScheme::ALL {
        let again = || {
            let (encryptor, signal) = protection(scheme, &name);
            (made(&packed, Some((encryptor, &signal))), signal)
        };
        let (found, signal) = again();
        assert_eq!(found, again().0, "the same again is the same");
        let told = Protection::from([(name.name.clone(), signal)]);
        let tracks = [packed.track.clone()];
        let presentation = Presentation { tracks: &tracks, protection: Some(&told), ..Presentation::default() };
        let init = presentation.init_segment(&found.track.record).unwrap();
        assert!(file_starts_with(&found, &init) && !file_starts_with(&clear, &init));
        assert_eq!(found.samples_blake3, clear.samples_blake3, "of the samples in clear");
        let count = |file: &FinishedTrick, kind: &[u8]| file.file.bytes.windows(4).filter(|part| *part == kind).count();
        assert_eq!((count(&found, b"senc"), count(&clear, b"senc")), (6, 0), "{scheme}");
        let whole = |picture: &Bytes| found.file.bytes.windows(picture.len()).any(|part| part == picture);
        assert!(!keyframes(&packed).iter().any(whole), "{scheme}: a picture is in clear");
    }
}

fn file_starts_with(made: &FinishedTrick, init: &[u8]) -> bool {
    made.file.bytes.starts_with(init)
}

#[test]
fn a_track_of_one_keyframe_has_no_file_and_one_that_lacks_some_is_refused() {
    assert!(TrickFile::new(&video(360, 40).track, None).unwrap().is_none());
    let packed = video(360, 288);
    let mut file = TrickFile::new(&packed.track, None).unwrap().unwrap();
    file.take(&packed.track.segments[0], &packed.segments[0]).unwrap();
    file.take(&packed.track.segments[2], &packed.segments[2]).unwrap();
    assert!(matches!(file.finish(), Err(PackageError::Track(_))));
}

#[test]
fn the_smallest_pictures_of_each_codec_have_their_keyframes_written() {
    let hevc = |height: u32| {
        let TrackRecord { kind, timescale, name, .. } = video(height, 48).track;
        TrackRecord { config: CodecConfig::Hevc(Bytes::new()), ..bare(&name, kind, timescale, avc()) }
    };
    let avc = |height: u32| video(height, 48).track;
    let sound = audio("audio-en", "en", 48).track;
    let ladder = [avc(720), hevc(540), avc(360), sound.clone(), avc(360), hevc(1080)];
    assert_eq!(trick_sources(&ladder), [2, 1]);
    assert_eq!(trick_sources([&sound]), [0; 0]);
}

#[test]
fn encrypted_segments_are_never_listed_in_part() {
    let tracks = [360, 720].map(|height| video(height, 288).track);
    let told: Protection =
        tracks.iter().map(|track| (track.name.clone(), protection(ProtectionScheme::Cbcs, track).1)).collect();
    let listed = |protection, tricks: &[TrickTrack]| {
        let presentation = Presentation { tracks: &tracks, protection, tricks, ..Presentation::default() };
        let lists =
            text_files(&presentation).unwrap().iter().filter(|file| file.path.ends_with("iframes.m3u8")).count();
        (lists, multivariant_playlist(&presentation).unwrap().matches("#EXT-X-I-FRAME-STREAM-INF").count())
    };
    let tricks = [made(&video(360, 288), None).track];
    assert_eq!(listed(None, &[]), (2, 2));
    assert_eq!(listed(None, &tricks), (2, 2));
    assert_eq!(listed(Some(&told), &[]), (0, 0));
    assert_eq!(listed(Some(&told), &tricks), (1, 1));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(cut in 0usize..6000, at in 0usize..6000, value in any::<u8>(), any in any::<bool>()) {
        let packed = video(90, 96);
        let mut bytes = packed.segments[0].to_vec();
        bytes.truncate(bytes.len().saturating_sub(cut * usize::from(any)));
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
        let mut file = TrickFile::new(&packed.track, None).unwrap().unwrap();
        let _ = file.take(&packed.track.segments[0], &bytes.into());
        let _ = file.finish();
    }
}

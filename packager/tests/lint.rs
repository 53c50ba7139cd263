//! Every rule of the linter finds what it is there for.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use bytes::Bytes;
use common::{Packed, audio, audio_samples, video, video_samples};
use media_types::{Sample, TrackKind, TrackRecord};
use packager::lint::{Finding, MAX_FINDINGS, verify, verify_presentation, verify_segment};
use packager::{OutputFile, Presentation, init_segment, media_segment, text_files};
use proptest::prelude::*;

fn rules(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().map(|finding| finding.rule).collect()
}

fn judge(packed: &Packed, edit: impl Fn(&mut TrackRecord, &mut Vec<u8>, &mut Vec<u8>)) -> BTreeSet<&'static str> {
    let mut track = packed.track.clone();
    let (mut init, mut segment) = (packed.init.to_vec(), packed.segments[1].to_vec());
    edit(&mut track, &mut init, &mut segment);
    rules(&verify(&track, &init, Some((1, &segment))))
}

/// Overwrites the bytes `offset` past the box of this kind's name.
fn poke(bytes: &mut [u8], kind: &[u8; 4], offset: usize, value: &[u8]) {
    let at = bytes.windows(4).position(|window| window == kind).unwrap() + 4 + offset;
    bytes[at..at + value.len()].copy_from_slice(value);
}

#[test]
fn damage_to_a_segment_breaks_the_rule_that_names_it() {
    let video = video(1080, 288);
    assert_eq!(judge(&video, |_, _, _| {}), BTreeSet::new());
    type Edit = fn(&mut Vec<u8>);
    let cases: [(&'static str, Edit); 16] = [
        ("cmaf.size", |bytes| bytes.truncate(9000)),
        ("cmaf.structure", |bytes| bytes.push(0)),
        ("cmaf.blake3", |bytes| *bytes.last_mut().unwrap() ^= 1),
        ("cmaf.tfdt", |bytes| poke(bytes, b"tfdt", 11, &[7])),
        ("cmaf.sequence", |bytes| poke(bytes, b"mfhd", 7, &[9])),
        ("cmaf.tracks", |bytes| poke(bytes, b"tfhd", 7, &[9])),
        ("cmaf.tfhd", |bytes| poke(bytes, b"tfhd", 1, &[0])),
        ("cmaf.duration", |bytes| poke(bytes, b"tfhd", 8, &[0, 0, 3, 0])),
        ("cmaf.data-offset", |bytes| poke(bytes, b"trun", 11, &[0])),
        ("cmaf.mdat", |bytes| poke(bytes, b"trun", 12, &[0xff, 0, 0, 0])),
        ("cmaf.sync", |bytes| poke(bytes, b"trun", 16, &[1, 1, 0, 0])),
        // The second picture where the third one is due, off the grid, and before it is decoded.
        ("cmaf.composition", |bytes| poke(bytes, b"trun", 32, &2002u32.to_be_bytes())),
        ("cmaf.composition", |bytes| poke(bytes, b"trun", 32, &3004u32.to_be_bytes())),
        ("cmaf.composition", |bytes| poke(bytes, b"trun", 32, &(-1001i32).to_be_bytes())),
        ("avc.nal", |bytes| poke(bytes, b"mdat", 0, &[0xff])),
        // An access unit delimiter alone is no picture.
        ("avc.nal", |bytes| poke(bytes, b"mdat", 4, &[0x09])),
    ];
    for (rule, edit) in cases {
        let found = judge(&video, |_, _, bytes| edit(bytes));
        assert!(found.contains(rule), "{rule} is not among {found:?}");
    }
}

#[test]
fn damage_to_a_record_breaks_the_rule_that_names_it() {
    let video = video(1080, 288);
    type Edit = fn(&mut TrackRecord);
    let cases: [(&'static str, Edit); 9] = [
        ("record.index", |track| track.segments[2].index = 5),
        ("record.contiguous", |track| track.segments[2].start_ticks += 1),
        ("record.empty", |track| track.segments[2].size_bytes = 0),
        ("record.sync", |track| track.segments[2].sync_points.clear()),
        ("record.origin", |track| track.segments[0].sync_points[0].pts += 1),
        ("record.origin", |track| track.segments[2].sync_points[0].pts += 1),
        ("cmaf.sample-count", |track| track.segments[1].sample_count -= 1),
        ("cmaf.sync", |track| track.segments[1].sync_points[1].bytes.offset += 1),
        ("cmaf.timescale", |track| track.timescale = common::scale(90_000)),
    ];
    for (rule, edit) in cases {
        let found = judge(&video, |track, _, _| edit(track));
        assert!(found.contains(rule), "{rule} is not among {found:?}");
    }
    let sound = audio("audio-en", "en", 288);
    assert_eq!(judge(&sound, |_, _, _| {}), BTreeSet::new());
    let short = judge(&sound, |track, _, _| {
        track.shown_ticks -= 1024;
    });
    assert!(short.contains("record.audio-length"));
}

#[test]
fn a_segment_is_judged_by_its_own_record_and_without_its_hash() {
    for packed in [video(360, 288), audio("audio-en", "en", 288)] {
        let mut track = packed.track.clone();
        track.segments[0].size_bytes = 0;
        let mut bytes = packed.segments[1].to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(verify_segment(&track, &track.segments[1], &bytes), []);
        let found = rules(&verify_segment(&track, &track.segments[2], &bytes));
        assert!(["cmaf.tfdt", "cmaf.sequence"].iter().all(|rule| found.contains(rule)), "{found:?}");
        bytes.truncate(bytes.len() - 1);
        let found = rules(&verify_segment(&track, &track.segments[1], &bytes));
        assert!(["cmaf.size", "cmaf.structure"].iter().all(|rule| found.contains(rule)), "{found:?}");
    }
}

/// What is found in a segment of these samples, whose record says just what they are.
fn packed_from(like: &Packed, samples: &[Sample]) -> BTreeSet<&'static str> {
    let delay = matches!(like.track.kind, TrackKind::Video { .. }).then_some(like.track.hidden_ticks);
    let packed = media_segment(0, samples, delay).unwrap();
    rules(&verify_segment(&like.track, &packed.record, &packed.bytes))
}

#[test]
fn samples_that_no_track_has_are_found_whatever_the_record_says() {
    let pictures = video(360, 96);
    let mut samples = video_samples(0, 96, 1001, 48, |_| 10);
    assert_eq!(packed_from(&pictures, &samples), BTreeSet::new());
    // One picture is a tick longer, the next one a tick shorter.
    (samples[90].duration, samples[91].duration) = (1002, 1000);
    samples[91].dts += 1;
    assert_eq!(packed_from(&pictures, &samples), BTreeSet::from(["cmaf.duration"]));

    let mut samples = video_samples(0, 96, 1001, 48, |_| 10);
    samples[95].data = [&9u32.to_be_bytes()[..], &[0x09; 9]].concat().into();
    assert_eq!(packed_from(&pictures, &samples), BTreeSet::from(["avc.nal"]));

    let sound = audio("audio-en", "en", 96);
    let mut samples = audio_samples(0, 20, |_| 300);
    assert_eq!(packed_from(&sound, &samples), BTreeSet::new());
    samples[7].data = Bytes::new();
    assert_eq!(packed_from(&sound, &samples), BTreeSet::from(["cmaf.mdat"]));
}

#[test]
fn damage_to_an_init_segment_breaks_the_rule_that_names_it() {
    let (video, sound) = (video(1080, 288), audio("audio-en", "en", 288));
    let found = |packed: &Packed, edit: &dyn Fn(&mut Vec<u8>)| judge(packed, |_, init, _| edit(init));
    assert!(found(&video, &|init| init.truncate(100)).contains("cmaf.init"));
    assert!(found(&video, &|init| poke(init, b"ftyp", 12, b"abcd")).contains("cmaf.brand"));
    assert!(found(&video, &|init| poke(init, b"tkhd", 15, &[2])).contains("cmaf.tracks"));
    assert!(found(&video, &|init| poke(init, b"trex", 7, &[2])).contains("cmaf.mvex"));
    assert!(found(&video, &|init| poke(init, b"avc1", 24, &[1, 2])).contains("cmaf.resolution"));
    assert!(found(&video, &|init| poke(init, b"avcC", 1, &[77])).contains("cmaf.config"));
    assert!(found(&sound, &|init| poke(init, b"elst", 16, &[9])).contains("cmaf.edit-list"));
    assert!(found(&sound, &|init| poke(init, b"mdhd", 20, &[0x55, 0xc4])).contains("cmaf.language"));
    assert!(found(&sound, &|init| poke(init, b"mp4a", 16, &[0, 6])).contains("cmaf.channels"));
    let other = init_segment(&sound.track, None).unwrap();
    assert!(judge(&video, |_, init, _| *init = other.to_vec()).contains("cmaf.config"));
}

fn files(tracks: &[TrackRecord]) -> (Presentation<'_>, Vec<OutputFile>) {
    let presentation = Presentation { tracks, uri_prefix: "g2/", storyboard: None, ..Presentation::default() };
    (presentation, text_files(&presentation).unwrap())
}

#[test]
fn damage_to_a_manifest_breaks_the_rule_that_names_it() {
    let tracks = [video(360, 288).track, video(720, 288).track, audio("audio-en", "en", 288).track];
    let (presentation, good) = files(&tracks);
    assert_eq!(verify_presentation(&presentation, &good), []);
    let cases = [
        ("files.missing", "video-360p/media.m3u8", "", ""),
        ("hls.extinf-sum", "video-360p/media.m3u8", "EXTINF:4.004000", "EXTINF:4.003999"),
        ("hls.extinf", "video-360p/media.m3u8", "EXTINF:4.004000", "EXTINF:4.004"),
        ("hls.segments", "video-360p/media.m3u8", "00002.m4s", "00003.m4s"),
        ("hls.vod", "audio-en/media.m3u8", "#EXT-X-ENDLIST\n", ""),
        ("hls.map", "audio-en/media.m3u8", "init.mp4", "other.mp4"),
        ("hls.version", "audio-en/media.m3u8", "VERSION:7", "VERSION:3"),
        ("hls.target-duration", "audio-en/media.m3u8", "TARGETDURATION:4", "TARGETDURATION:3"),
        ("hls.iframes-only", "video-720p/iframes.m3u8", "#EXT-X-I-FRAMES-ONLY\n", ""),
        ("hls.iframes", "video-720p/iframes.m3u8", "@0", "@1"),
        ("hls.bandwidth", "master.m3u8", "STREAM-INF:BANDWIDTH=", "STREAM-INF:BANDWIDTH=1,X-WAS="),
        ("hls.average-bandwidth", "master.m3u8", "AVERAGE-BANDWIDTH=", "AVERAGE-BANDWIDTH=9"),
        ("hls.codecs", "master.m3u8", "avc1.640028", "avc1.42E01E"),
        ("hls.resolution", "master.m3u8", "1280x720", "1280x700"),
        ("hls.variant", "master.m3u8", "g2/video-720p/media", "g2/video-720q/media"),
        ("hls.audio-group", "master.m3u8", "g2/audio-en/media", "g2/audio-fr/media"),
        ("hls.independent", "master.m3u8", "#EXT-X-INDEPENDENT-SEGMENTS\n", ""),
        ("dash.syntax", "manifest.mpd", "</Period>", ""),
        ("dash.type", "manifest.mpd", "static", "dynamic"),
        ("dash.duration", "manifest.mpd", "mediaPresentationDuration=\"PT12", "mediaPresentationDuration=\"PT13"),
        ("dash.timeline", "manifest.mpd", "r=\"2\"", "r=\"1\""),
        ("dash.timescale", "manifest.mpd", "timescale=\"44100\"", "timescale=\"48000\""),
        ("dash.codecs", "manifest.mpd", "mp4a.40.2", "mp4a.40.5"),
        ("dash.bandwidth", "manifest.mpd", "bandwidth=\"", "bandwidth=\"1\" tag=\""),
        ("dash.template", "manifest.mpd", "g2/$Rep", "g3/$Rep"),
        ("dash.representation", "manifest.mpd", "id=\"video-720p\"", "id=\"video-700p\""),
    ];
    for (rule, path, from, to) in cases {
        let mut files = good.clone();
        let position = files.iter().position(|file| file.path == path).unwrap();
        let text = std::str::from_utf8(&files[position].bytes).unwrap();
        assert!(text.contains(from), "{path} has no {from}");
        if from.is_empty() {
            files.remove(position);
        } else {
            let broken = text.replacen(from, to, 1);
            files[position].bytes = broken.into();
        }
        let found = rules(&verify_presentation(&presentation, &files));
        assert!(found.contains(rule), "{rule} is not among {found:?} for {from} -> {to}");
    }
    let with = |path: &str, bytes: &[u8]| {
        let mut files = good.clone();
        files.push(OutputFile { path: path.into(), media_type: "", bytes: bytes.to_vec().into() });
        rules(&verify_presentation(&presentation, &files))
    };
    assert!(with("stray.m3u8", b"\xff").contains("files.text"));
    assert!(with("stray.m3u8", b"#EXTM3U").contains("files.extra"));
    assert!(with("video-720p/init.mp4", b"").contains("cmaf.init"));
    assert_eq!(with("storyboard.jpg", b"\xff"), BTreeSet::new());
}

#[test]
fn a_track_that_is_broken_everywhere_makes_a_bounded_report() {
    let mut track = video(360, 96 * 300).track;
    track.segments.iter_mut().for_each(|segment| segment.size_bytes = 0);
    assert_eq!(verify(&track, b"", None).len(), MAX_FINDINGS);
}

proptest! {
    #[test]
    fn no_bytes_make_the_linter_panic(
        at in 0usize..4000, byte in any::<u8>(), cut in 0usize..4000, noise in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let packed = video(360, 120);
        let mut segment = packed.segments[1].to_vec();
        let mut init = packed.init.to_vec();
        let (in_segment, in_init) = (at % segment.len(), at % init.len());
        segment[in_segment] = byte;
        init[in_init] = byte;
        verify(&packed.track, &init, Some((1, &segment)));
        segment.truncate(cut);
        verify(&packed.track, &noise, Some((1, &segment)));
        verify(&packed.track, &init, Some((1, &noise)));
    }

    #[test]
    fn no_text_makes_the_linter_panic(text in "(#EXT(M3U|INF:|-X-MAP:URI=|-X-BYTERANGE:)?[0-9a-z.,\"@\n]{0,20}){0,8}") {
        let tracks = [video(360, 120).track];
        let (presentation, mut files) = files(&tracks);
        for file in &mut files {
            file.bytes = text.clone().into();
        }
        verify_presentation(&presentation, &files);
    }
}

//! What the standard allows and ffmpeg does not write.

use demux::{Data, Demux, MediaKind, MkvDemuxer, Step};
use media_types::CodecConfig;
use proptest::prelude::*;

use crate::driver::{Output, bytes_of, run};
use crate::writer::*;

/// AAC LC, 48 kHz, mono.
const ASC: [u8; 2] = [0x11, 0x88];
/// 640x360 High profile with B-pictures, as x264 writes it.
const AVCC: &str = "0164001effe1001a6764001eacd940a02ff97011000003000100000300320f162d9601000468ef8fcbfdf8f800";

fn aac(number: u64) -> Vec<u8> {
    let sampling = element(0xB5, &48_000f32.to_be_bytes());
    track(number, 2, "A_AAC", &ASC, &[master(0xE1, &[sampling, vec![0x9F, 0x81, 1]])])
}

fn picture() -> Vec<u8> {
    master(0xE0, &[number(0xB0, 640), number(0xBA, 360)])
}

fn whole(file: &[u8]) -> Output {
    let out = run(file, Some(file.len() as u64));
    let unknown = run(file, None);
    assert_eq!(out.packets, unknown.packets);
    assert_eq!(out.error, unknown.error);
    out
}

fn frames(file: &[u8], out: &Output) -> Vec<(i64, Vec<u8>)> {
    out.packets.iter().map(|packet| (packet.pts, bytes_of(file, packet).to_vec())).collect()
}

#[test]
fn all_lacings_give_their_frames_where_they_lie() {
    let (one, two, three) = (vec![1u8; 300], vec![2u8; 100], vec![3u8; 5]);
    let xiph = [&[2, 255, 45, 100][..], &one, &two, &three].concat();
    // 300, then a difference of -200 in two bytes: 0x1FFF - 200.
    let ebml = [&[2, 0x41, 0x2C, 0x40 | 0x1F, 0x37][..], &one, &two, &three].concat();
    let fixed = [&[1][..], &two, &[9; 100]].concat();
    let file = file(
        &[aac(1)],
        &[
            cluster(0, &[simple(1, 0, 0x82, &xiph), simple(1, 64, 0x86, &ebml)]),
            cluster(128, &[group(&block(1, 0, 0x04, &fixed), &[])]),
        ],
    );
    let out = whole(&file);
    let three = [(one.clone(), 0), (two.clone(), 1), (three, 2)];
    let mut want: Vec<_> = three.iter().map(|(frame, at)| (at * 1024, frame.clone())).collect();
    want.extend(three.iter().map(|(frame, at)| ((at + 3) * 1024, frame.clone())));
    want.extend([(6 * 1024, two), (7 * 1024, vec![9; 100])]);
    assert_eq!(frames(&file, &out), want);
    assert!(out.packets.iter().all(|packet| matches!(packet.data, Data::At(_)) && packet.keyframe));
    assert_eq!(out.warnings, [""; 0]);
}

#[test]
fn stripped_headers_are_restored_and_other_encodings_passed_over() {
    let encoding = |children: &[Vec<u8>]| master(0x6D80, &[master(0x6240, children)]);
    let strip = encoding(&[master(0x5034, &[number(0x4254, 3), element(0x4255, &[0xAB, 0xCD])])]);
    let deflate = encoding(&[element(0x5034, &[])]);
    let encrypt = encoding(&[number(0x5033, 1), master(0x5035, &[number(0x47E1, 5)])]);
    let tracks = [
        track(1, 2, "A_AAC", &ASC, &[strip]),
        track(2, 2, "A_AAC", &ASC, &[deflate]),
        track(3, 2, "A_AAC", &ASC, &[encrypt]),
    ];
    let file = file(
        &tracks,
        &[cluster(0, &[simple(1, 0, 0x80, &[1, 2]), simple(2, 0, 0x80, &[3]), simple(1, 21, 0x80, &[4])])],
    );
    let out = whole(&file);
    assert_eq!(frames(&file, &out), [(0, vec![0xAB, 0xCD, 1, 2]), (1024, vec![0xAB, 0xCD, 4])]);
    assert_eq!(out.tracks.len(), 1);
    assert!(out.warnings[0].contains("track 2") && out.warnings[0].contains("zlib"), "{:?}", out.warnings);
    assert!(out.warnings[1].contains("track 3") && out.warnings[1].contains("encrypted"), "{:?}", out.warnings);
}

#[test]
fn short_nal_lengths_are_written_anew() {
    let mut record = hex::decode(AVCC).unwrap();
    record[4] = 0xFD;
    let file = file(
        &[track(1, 1, "V_MPEG4/ISO/AVC", &record, &[picture()])],
        &[cluster(0, &[simple(1, 0, 0x80, &[0, 2, 0x65, 7, 0, 1, 0x0C]), simple(1, 33, 0, &[0, 9, 0x41])])],
    );
    let out = whole(&file);
    assert_eq!(frames(&file, &out).len(), 1, "the second one's units do not fit");
    assert_eq!(frames(&file, &out)[0].1, [0, 0, 0, 2, 0x65, 7, 0, 0, 0, 1, 0x0C]);
    let CodecConfig::Avc(config) = &out.tracks[0].config else { panic!("{:?}", out.tracks) };
    assert_eq!((config[4], &config[5..]), (0xFF, &record[5..]));
    assert_eq!(out.warnings.len(), 1);
}

#[test]
fn a_byte_stream_without_a_configuration_becomes_samples() {
    let record = hex::decode(AVCC).unwrap();
    // The sets of the record, behind its counts and lengths.
    let (sps, pps) = (&record[8..34], &record[37..41]);
    let units = |units: &[&[u8]]| units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect::<Vec<u8>>();
    let key = units(&[&[9, 0xF0], sps, pps, &[0x65, 0x88, 7]]);
    let other = units(&[sps, &[0x68, 0xEE, 1], &[0x65, 0x88, 8]]);
    let next = |byte| units(&[&[0x41, 0x9A, byte]]);
    let pictures = [next(1), key.clone(), next(2), other, next(3), key, next(4)];
    let blocks: Vec<Vec<u8>> = (0i16..)
        .zip(&pictures)
        .map(|(at, picture)| simple(1, at * 40, if picture.len() > 10 { 0x80 } else { 0 }, picture))
        .collect();
    let file = file(&[track(1, 1, "V_MPEG4/ISO/AVC", &[], &[picture()])], &[cluster(0, &blocks)]);
    let out = whole(&file);
    let samples: Vec<Vec<u8>> = frames(&file, &out).into_iter().map(|(_, sample)| sample).collect();
    let sample = |unit: [u8; 3]| [&[0, 0, 0, 3][..], &unit].concat();
    // What comes before the first sets, and what other sets are for, is left out.
    let wanted = [[0x65, 0x88, 7], [0x41, 0x9A, 2], [0x65, 0x88, 7], [0x41, 0x9A, 4]];
    assert_eq!(samples, wanted.map(sample));
    assert!(matches!(out.tracks[0].kind, MediaKind::Video { width: 640, height: 360, .. }), "{:?}", out.tracks);
    let CodecConfig::Avc(config) = &out.tracks[0].config else { panic!("{:?}", out.tracks) };
    assert_eq!(config[..41], [&record[..4], &[0xFF], &record[5..41]].concat());
    assert!(out.warnings.iter().any(|warning| warning.contains("other parameter sets")), "{:?}", out.warnings);
}

#[test]
fn clusters_of_unknown_size_end_where_the_next_begins() {
    let clusters = [
        open(0x1F43_B675, &[number(0xE7, 0), simple(1, 0, 0x80, &[1])].concat()),
        element(0xEC, &[0; 40]),
        open(0x1F43_B675, &[element(0xBF, &[1, 2, 3, 4]), number(0xE7, 21), simple(1, 0, 0x80, &[2])].concat()),
        master(0x1254_C367, &[element(0x7373, &[0; 200])]),
        open(0x1F43_B675, &[number(0xE7, 43), element(0xEC, &[]), simple(1, 0, 0x80, &[3])].concat()),
    ];
    let file = file(&[aac(1)], &clusters);
    let out = whole(&file);
    assert_eq!(frames(&file, &out), [(0, vec![1]), (1024, vec![2]), (2048, vec![3])]);
    assert_eq!(out.warnings, [""; 0]);
}

#[test]
fn a_gap_in_the_sound_keeps_its_length_and_is_told() {
    let blocks = [0i16, 21, 43, 200, 221].map(|at| simple(1, at, 0x80, &[1]));
    let file = file(&[aac(1)], &[cluster(0, &blocks)]);
    let out = whole(&file);
    assert_eq!(out.packets.iter().map(|packet| packet.pts).collect::<Vec<_>>(), [0, 1024, 2048, 9600, 10_624]);
    assert!(out.warnings[0].contains("136 ms of sound are missing"), "{:?}", out.warnings);
}

#[test]
fn what_the_track_says_of_itself_is_carried() {
    let video = master(
        0xE0,
        &[number(0xB0, 720), number(0xBA, 576), number(0x54B0, 1024), number(0x54BA, 576), number(0x54BB, 8)],
    );
    let flags = [(0x88, 0u64), (0x55AA, 1), (0x55AB, 1), (0x55AC, 1)].map(|(id, value)| element(id, &[value as u8]));
    let more = [vec![video, text(0x22_B59D, "pt-BR"), text(0x22_B59C, "por"), text(0x536E, "Câmara")], flags.to_vec()]
        .concat();
    let portuguese = [text(0x85, "Um"), text(0x437C, "por"), text(0x437D, "pt-BR")];
    let names = [master(0x80, &[text(0x85, "One")]), master(0x80, &portuguese), master(0x80, &[])];
    let chapter = master(0xB6, &[vec![number(0x91, 0), number(0x92, 5_000_000_000)], names.to_vec()].concat());
    let file = file(
        &[track(7, 1, "V_MPEG4/ISO/AVC", &hex::decode(AVCC).unwrap(), &more)],
        &[master(0x1043_A770, &[master(0x45B9, &[chapter])]), cluster(0, &[simple(7, 0, 0x80, &[0, 0, 0, 1, 0x65])])],
    );
    let out = whole(&file);
    let track = &out.tracks[0];
    assert_eq!((track.id, track.language.as_str(), track.label.as_deref()), (7, "pt-BR", Some("Câmara")));
    assert!(!track.roles.default && track.roles.forced && track.roles.hearing_impaired && track.roles.visual_impaired);
    // The decoder's size; 568 lines of 720 pixels shown as 1024x576.
    assert!(
        matches!(
            track.kind,
            MediaKind::Video { width: 640, height: 360, sample_aspect: (4544, 3240) | (568, 405), .. }
        ),
        "{:?}",
        track.kind
    );
    assert!(out.warnings[0].contains("crops"), "{:?}", out.warnings);
    let mut demuxer = MkvDemuxer::new(Some(file.len() as u64));
    while let Step::Read(range) = demuxer.poll().unwrap() {
        let end = file.len().min((range.offset + range.length) as usize);
        demuxer.give(file[range.offset as usize..end].to_vec().into());
    }
    let chapters = demuxer.chapters();
    assert_eq!((chapters.len(), chapters[0].end_ns), (1, Some(5_000_000_000)));
    let titles: Vec<_> = chapters[0].titles.iter().map(|title| (&title.language[..], &title.text[..])).collect();
    assert_eq!(titles, [("en", "One"), ("pt-BR", "Um")]);
}

#[test]
fn webvtt_blocks_have_additions_and_a_header() {
    let cue = |at, text: &[u8], settings: &[u8]| {
        let more = master(0x75A1, &[master(0xA6, &[number(0xEE, 1), element(0xA5, settings)])]);
        group(&block(1, at, 0, text), &[number(0x9B, 500), more])
    };
    let private = b"WEBVTT\r\n\r\nSTYLE\r\n::cue { color: red }\r\n";
    let file = file(
        &[track(1, 17, "S_TEXT/WEBVTT", private, &[])],
        &[cluster(0, &[cue(0, b"Hi", b"line:0\nfirst"), cue(500, b"<b>there</b>", b"")])],
    );
    let out = whole(&file);
    assert_eq!(out.tracks[0].config, CodecConfig::Wvtt("WEBVTT\n\nSTYLE\n::cue { color: red }".into()));
    let want: &[u8] = b"\0\0\0\x2fvttc\0\0\0\x0didenfirst\0\0\0\x0esttgline:0\0\0\0\x0apaylHi";
    let first = bytes_of(&file, &out.packets[0]);
    assert_eq!(&first[4..8], b"vttc");
    assert_eq!(first[8..], want[8..]);
    assert_eq!(first[..4], (first.len() as u32).to_be_bytes());
    assert_eq!((out.packets[1].pts, out.packets[1].duration), (500, Some(500)));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let vorbis = file(&[track(1, 2, "A_VORBIS", &[], &[])], &[]);
    let no_tracks = [header(), open(0x1853_8067, &cluster(0, &[]))].concat();
    let other = [master(0x1A45_DFA3, &[text(0x4282, "thing")])].concat();
    for (file, want) in [
        (vorbis, "Vorbis"),
        (no_tracks, "lost its beginning"),
        (other, "\"thing\""),
        (header(), "ends before its list of tracks"),
        (header()[..20].to_vec(), "inside its EBML header"),
        (b"RIFF".to_vec(), "EBML header"),
        (Vec::new(), "EBML header"),
        (
            file(&[track(1, 2, "A_AC3", &[], &[])], &[cluster(0, &[simple(1, 0, 0x80, &[1, 2, 3])])]),
            "no track has a frame",
        ),
    ] {
        let out = run(&file, Some(file.len() as u64));
        let error = out.error.expect(want);
        assert!(error.reason.contains(want), "{want}: {error}");
    }
}

fn sample() -> Vec<u8> {
    let blocks = |from: i16| {
        let cue = group(&block(3, from, 0, b"Hello"), &[number(0x9B, 30)]);
        let lace = [&[1, 2][..], &[7; 8]].concat();
        vec![
            simple(1, from, 0x80, &[0, 0, 0, 2, 0x65, 7]),
            simple(2, from, 0x82, &lace),
            cue,
            group(&block(1, from + 40, 0, &[0, 0, 0, 2, 0x41, 7]), &[element(0xFB, &[0xD8]), number(0x9B, 40)]),
            simple(4, from, 0x80, &[0xFC, 1, 2]),
        ]
    };
    let head = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";
    file(
        &[
            track(1, 1, "V_MPEG4/ISO/AVC", &hex::decode(AVCC).unwrap(), &[picture(), number(0x23_E383, 40_000_000)]),
            aac(2),
            track(3, 17, "S_TEXT/UTF8", &[], &[]),
            track(4, 2, "A_OPUS", head, &[number(0x56AA, 6_500_000)]),
        ],
        &[
            cluster(0, &blocks(0)),
            cluster(80, &blocks(0)),
            open(0x1F43_B675, &[vec![number(0xE7, 160)], blocks(0)].concat().concat()),
        ],
    )
}

#[test]
fn the_sample_that_is_broken_below_is_sound() {
    let out = whole(&sample());
    assert_eq!((out.tracks.len(), out.error), (4, None));
    assert!(out.packets.len() > 15);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12), cut in any::<prop::sample::Index>(), whole in any::<bool>(), known in any::<bool>(),
    ) {
        let mut bytes = sample();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        run(&bytes, known.then_some(bytes.len() as u64));
    }

    #[test]
    fn no_elements_make_it_panic(parts in prop::collection::vec((0usize..24, prop::collection::vec(any::<u8>(), 0..12), any::<bool>()), 0..30)) {
        let ids = [
            0x1F43_B675, 0xE7, 0xA3, 0xA0, 0xA1, 0x9B, 0xFB, 0x75A2, 0x75A1, 0xEC, 0xBF, 0x1C53_BB6B, 0x1254_C367, 0x1043_A770,
            0x1549_A966, 0x1654_AE6B, 0xA7, 0xAB, 0x5854, 0xAF, 0x1A45_DFA3, 0x1853_8067, 0xFF, 0x4FFF,
        ];
        let rest: Vec<_> = parts.iter().map(|(id, content, whole)| {
            if *whole { element(ids[*id], content) } else { open(ids[*id], content) }
        }).collect();
        let file = file(&[aac(1), track(3, 17, "S_TEXT/UTF8", &[], &[])], &rest);
        run(&file, Some(file.len() as u64));
        run(&file, None);
    }
}

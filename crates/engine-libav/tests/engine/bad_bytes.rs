//! Sources that are not what they should be: typed errors, and no panic.

use std::io;

use engine_libav::LibavEngine;
use pipeline::{AudioOrder, CollectingSink, Engine, EngineError, RangeOrder, SourceRead, StillsOrder};
use proptest::prelude::*;

use crate::media::{Folder, moving, planned};

struct Bytes(Vec<u8>);

impl SourceRead for Bytes {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.0.get(offset..)).unwrap_or_default();
        let length = rest.len().min(buf.len());
        buf[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

fn opened(bytes: &[u8]) -> LibavEngine {
    LibavEngine::open(Box::new(Bytes(bytes.to_vec()))).unwrap()
}

fn code(bytes: &[u8]) -> String {
    match opened(bytes).probe() {
        Err(EngineError::Input { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_kind_of_wrong_file_has_its_own_code() {
    let folder = Folder::new();
    assert_eq!(code(b""), "input.empty");
    assert_eq!(code(&b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:4,\nfile:///etc/passwd\n".repeat(4)), "input.not_media");
    assert_eq!(code(&[0x5a; 5000]), "input.not_media");
    assert_eq!(code(&[0xfe; 5000]), "input.unreadable");
    for name in ["a.png", "a.jpg", "a.gif", "a.bmp", "a.tiff", "a.webp"] {
        let image = folder.make(&format!("-f lavfi -i testsrc2=s=64x64:d=1:r=1 -frames:v 1 {name}"));
        assert_eq!(code(&std::fs::read(image).unwrap()), "input.image", "{name}");
    }
    let film = folder.numbered(&moving("25", 25), "", "-c:v libx264 -pix_fmt yuv420p a.mp4");
    let film = std::fs::read(film).unwrap();
    assert_eq!(code(&film[..film.len() / 2]), "input.index_missing");
}

/// Writes `bytes` at `offset` behind every `mark`.
fn patch(file: &mut [u8], mark: &[u8], offset: usize, bytes: &[u8]) {
    let marks: Vec<usize> = (0..file.len() - mark.len()).filter(|&at| file[at..].starts_with(mark)).collect();
    assert!(!marks.is_empty(), "{mark:?} is not there");
    for at in marks {
        file[at + mark.len() + offset..][..bytes.len()].copy_from_slice(bytes);
    }
}

#[test]
fn an_index_that_cannot_be_read_is_named() {
    let folder = Folder::new();
    let film = folder.numbered(&moving("25", 25), "", "-c:v libx264 -pix_fmt yuv420p a.mp4");
    let film = std::fs::read(film).unwrap();
    let mut many_samples = film.clone();
    patch(&mut many_samples, b"stsz", 4, &[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]);
    patch(&mut many_samples, b"stts", 8, &[0xff; 4]);
    assert_eq!(code(&many_samples), "input.damaged_index");
    let mut endless_box = film.clone();
    patch(&mut endless_box, b"moov", 0, &[0, 0, 0, 1]);
    patch(&mut endless_box, b"moov", 8, &[0xff; 8]);
    assert_eq!(code(&endless_box), "input.damaged_index");

    // A recorder that was stopped at once wrote a good index of nothing.
    let nothing = folder.make("-f lavfi -i testsrc2=d=1 -frames:v 0 -c:v libx264 -movflags +empty_moov none.mp4");
    let report = opened(&std::fs::read(nothing).unwrap()).probe().unwrap();
    assert!(report.video.is_none_or(|video| video.packets.is_empty()));
}

#[test]
fn a_language_that_is_no_text_is_left_out() {
    let folder = Folder::new();
    let both = "-f lavfi -i testsrc2=s=64x64:r=25:d=1 -f lavfi -i sine=d=1 -pix_fmt yuv420p";
    let file = folder.make(&format!("{both} -metadata:s:a:0 language=fre a.mkv"));
    let mut bytes = std::fs::read(file).unwrap();
    assert_eq!(opened(&bytes).probe().unwrap().audio[0].language.as_deref(), Some("fre"));
    patch(&mut bytes, b"\x22\xb5\x9c\x83", 0, b"fr\xe9");
    assert_eq!(opened(&bytes).probe().unwrap().audio[0].language, None);
}

#[test]
fn colour_numbers_of_no_standard_are_left_out() {
    let folder = Folder::new();
    let colours = "-colorspace bt709 -color_primaries bt709 -color_trc bt709";
    let file = folder.numbered(&moving("25", 10), "", &format!("-c:v ffv1 -pix_fmt yuv420p {colours} a.mkv"));
    let mut bytes = std::fs::read(file).unwrap();
    // Matroska's MatrixCoefficients, TransferCharacteristics and Primaries.
    for element in [b"\x55\xb1\x81", b"\x55\xba\x81", b"\x55\xbb\x81"] {
        patch(&mut bytes, element, 0, &[200]);
    }
    let mut engine = opened(&bytes);
    let plan = pipeline::plan(&engine.probe().unwrap(), &ladders::builtin("film").unwrap()).unwrap();
    let (video, stills) = (plan.video.unwrap(), plan.stills.unwrap());
    let order = RangeOrder::new(&video, &video.ranges[0], &[0]);
    let mut sink = CollectingSink::new(1000);
    engine.encode_range(&order, &mut sink).unwrap();
    assert_eq!(sink.samples[&0].len(), 10);
    engine.stills(&StillsOrder::poster(&video, &stills), &mut CollectingSink::new(0)).unwrap();
}

#[test]
fn a_list_of_other_files_is_not_followed() {
    let folder = Folder::new();
    let film = folder.numbered(&moving("25", 25), "", "-c:v libx264 -pix_fmt yuv420p a.ts");
    let list = format!("ffconcat version 1.0\nfile {}\n", film.display());
    assert_eq!(code(list.as_bytes()), "input.not_media");
}

/// Does everything with a source; only that it comes back counts.
fn do_everything(bytes: Vec<u8>) {
    let mut engine = LibavEngine::open(Box::new(Bytes(bytes))).unwrap();
    let Ok(report) = engine.probe() else { return };
    let Ok(plan) = pipeline::plan(&report, &ladders::builtin("film").unwrap()) else { return };
    let typed = |result: Result<(), EngineError>| match result {
        Ok(()) | Err(EngineError::Input { .. } | EngineError::Stopped) => {}
        Err(EngineError::Engine { detail }) => panic!("blamed on the engine: {detail}"),
    };
    if let Some(video) = &plan.video
        && video.renditions[0].width <= 320
    {
        let order = RangeOrder::new(video, &video.ranges[0], &[0]);
        typed(engine.encode_range(&order, &mut CollectingSink::new(40)).map(|_| ()));
        if let Some(stills) = &plan.stills {
            typed(engine.stills(&StillsOrder::poster(video, stills), &mut CollectingSink::new(0)).map(|_| ()));
        }
    }
    for audio in plan.audio {
        typed(engine.measure_audio(&audio).map(|_| ()));
        typed(
            engine.encode_audio(&AudioOrder { plan: audio, gain_db: 0.0 }, &mut CollectingSink::new(200)).map(|_| ()),
        );
    }
}

#[test]
fn damaged_files_give_a_result_or_a_typed_error() {
    let folder = Folder::new();
    let video = folder.numbered(&moving("25", 30), "", "-c:v libx264 -preset veryfast -pix_fmt yuv420p v.mkv");
    let both = |output: &str| {
        let sound = "-f lavfi -i sine=d=1.2";
        let file = folder.make(&format!("-i {} {sound} -c:v copy {output}", video.display()));
        std::fs::read(file).unwrap()
    };
    let sources = [
        both("-c:a aac -movflags +faststart a.mp4"),
        both("-c:a aac a.mkv"),
        both("-c:a mp2 a.ts"),
        both("-bsf:v h264_mp4toannexb -c:a mp2 a.avi"),
        both("-c:a aac a.flv"),
    ];
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..24);
    let strategy = (0..sources.len(), damage, prop::option::of(any::<prop::sample::Index>()), any::<bool>());
    proptest!(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() }, |(input in strategy)| {
        let (which, damage, cut, head_only) = input;
        let mut bytes = sources[which].clone();
        let reach = if head_only { bytes.len().min(600) } else { bytes.len() };
        for (at, value) in damage {
            bytes[at.index(reach)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(sources[which].len()).max(1));
        }
        do_everything(bytes);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_the_sources_fault(head in 0usize..6, noise in prop::collection::vec(any::<u8>(), 1..3000)) {
        let heads: [&[u8]; 6] = [b"", b"\0\0\0\x20ftypisom", b"\x1a\x45\xdf\xa3", b"RIFF\0\x10\0\0AVI LIST", b"FLV\x01", b"OggS"];
        let bytes = [heads[head], &noise].concat();
        if let Err(error) = LibavEngine::open(Box::new(Bytes(bytes.clone()))).unwrap().probe() {
            prop_assert!(matches!(error, EngineError::Input { .. }), "{error:?}");
        }
        do_everything(bytes);
    }
}

/// A source whose bytes cannot be had from some offset on.
struct Broken(Bytes, u64);

impl SourceRead for Broken {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        if offset + buf.len() as u64 > self.1 {
            return Err(io::Error::other("the store is gone"));
        }
        self.0.read_at(offset, buf)
    }
}

#[test]
fn bytes_that_cannot_be_had_are_not_the_sources_fault() {
    let folder = Folder::new();
    let file = folder.numbered(&moving("25", 400), "", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p a.mkv");
    let (_, _, plan) = planned(&file);
    let video = plan.video.unwrap();
    let bytes = std::fs::read(&file).unwrap();
    for end in [0, 100, bytes.len() as u64 / 2] {
        let mut engine = LibavEngine::open(Box::new(Broken(Bytes(bytes.clone()), end))).unwrap();
        let order = RangeOrder::new(&video, &video.ranges[0], &[0]);
        let results =
            [engine.probe().map(|_| ()), engine.encode_range(&order, &mut CollectingSink::new(10_000)).map(|_| ())];
        for result in results {
            assert!(matches!(result, Err(EngineError::Engine { .. })), "{end}: {result:?}");
        }
    }
}

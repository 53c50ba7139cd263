//! Ending early, and saying why.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use engine_libav::LibavEngine;
use media_types::{CodecConfig, Sample};
use pipeline::{
    AudioOrder, CollectingSink, Engine, EngineError, EngineSink, RangeOrder, SourceRead, StillsOrder, Stop,
};

use crate::media::{FileSource, Folder, planned};

/// Takes nothing at all.
struct Closed;

impl EngineSink for Closed {
    fn config(&mut self, _: u32, _: CodecConfig, _: u32) -> Result<(), Stop> {
        Err(Stop)
    }
    fn sample(&mut self, _: u32, _: Sample) -> Result<(), Stop> {
        Err(Stop)
    }
    fn image(&mut self, _: &str, _: Bytes) -> Result<(), Stop> {
        Err(Stop)
    }
    fn cue(&mut self, _: u32, _: pipeline::TextCue) -> Result<(), Stop> {
        Err(Stop)
    }

    fn progress(&mut self, _: u64, _: u64) -> Result<(), Stop> {
        Err(Stop)
    }
}

#[test]
fn a_stop_ends_everything_soon() {
    let folder = Folder::new();
    let source = "-f lavfi -i testsrc2=s=640x360:r=25:d=24 -f lavfi -i sine=d=24";
    let file = folder.make(&format!("{source} -c:v libx264 -preset ultrafast -qp 12 -pix_fmt yuv420p -c:a aac a.mkv"));
    let (_, _, plan) = planned(&file);
    let source = FileSource::new(&file);
    let (size, read) = (source.size(), source.read.clone());
    let mut engine = LibavEngine::open(Box::new(source)).unwrap();
    let video = plan.video.unwrap();
    let order = RangeOrder::new(&video, &video.ranges[0], &[0]);
    for samples in [0, 1, 40] {
        read.store(0, Ordering::Relaxed);
        let mut sink = CollectingSink::new(samples);
        assert_eq!(engine.encode_range(&order, &mut sink), Err(EngineError::Stopped));
        assert_eq!(sink.samples.values().map(Vec::len).sum::<usize>(), samples);
        let read = read.load(Ordering::Relaxed);
        assert!(read < size / 2, "{read} of {size} bytes were read after all");
    }
    assert_eq!(engine.encode_range(&order, &mut Closed), Err(EngineError::Stopped));
    let audio = AudioOrder { plan: plan.audio[0].clone(), gain_db: 0.0 };
    assert_eq!(engine.encode_audio(&audio, &mut CollectingSink::new(3)), Err(EngineError::Stopped));
    assert_eq!(engine.encode_audio(&audio, &mut Closed), Err(EngineError::Stopped));
    let stills = StillsOrder::poster(&video, &plan.stills.unwrap());
    assert_eq!(engine.stills(&stills, &mut Closed), Err(EngineError::Stopped));
}

#[test]
fn what_an_encoder_says_is_the_cause() {
    let folder = Folder::new();
    let file = folder.make("-f lavfi -i testsrc2=s=640x360:r=25:d=4 -c:v libx264 -preset ultrafast a.mp4");
    let (mut engine, _, plan) = planned(&file);
    let video = plan.video.unwrap();
    let mut order = RangeOrder::new(&video, &video.ranges[0], &[0, 0]);
    order.renditions[1].encoding.preset = "no such preset".to_owned();
    match engine.encode_range(&order, &mut CollectingSink::new(10_000)) {
        Err(EngineError::Engine { detail }) => assert!(detail.contains("opening the encoder"), "{detail}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn orders_for_streams_that_are_not_there_are_refused() {
    let folder = Folder::new();
    let file = folder.make("-f lavfi -i testsrc2=s=64x64:r=25:d=1 -f lavfi -i sine=d=1 -pix_fmt yuv420p a.mkv");
    let (mut engine, _, plan) = planned(&file);
    let video = plan.video.unwrap();
    let mut order = RangeOrder::new(&video, &video.ranges[0], &[0]);
    let mut audio = AudioOrder { plan: plan.audio[0].clone(), gain_db: 0.0 };
    for wrong in [7, u32::MAX] {
        (order.video.stream_index, audio.plan.stream_index) = (wrong, wrong);
        let results = [
            engine.encode_range(&order, &mut CollectingSink::new(100)).map(|_| ()),
            engine.measure_audio(&audio.plan).map(|_| ()),
            engine.encode_audio(&audio, &mut CollectingSink::new(100)).map(|_| ()),
        ];
        for result in results {
            assert!(matches!(result, Err(EngineError::Input { .. })), "{result:?}");
        }
    }
}

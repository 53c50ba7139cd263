//! Engines that do one thing, sources in memory, and orders.

#![allow(clippy::unwrap_used, dead_code)]

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use engine_host::child::{self, ServeError};
use engine_host::protocol::Confinement;
use engine_host::{EngineEvent, EngineHostError, EngineSession, ReadAt};
use futures::future::BoxFuture;
use media_types::segment::Roles;
use media_types::{
    AudioPlan, CodecConfig, FrameMap, FrameRate, PacketTime, ProbeReport, Rational, Rendition, Rotation, Sample, Shown,
    TextForm, TextPlan, Timescale, VideoCodec, VideoEncoding, VideoProbe,
};
use pipeline::{
    AudioOrder, AudioSummary, Engine, EngineError, EngineSink, Loudness, POSTER, PosterOrder, RangeOrder, RangeSummary,
    STORYBOARD, SheetOrder, SourceRead, StillsOrder, StillsSummary, TextCue, TextOrder, TextSummary, VideoSetup,
};
use tokio::net::UnixStream;

pub(crate) mod liar;

/// Everything here is over in seconds; more is a hang.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it hangs")
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    Encode { samples: u64 },
    FailInput,
    RefuseToOpen,
    ReadAll,
    SwallowReadErrors,
    Block,
    Panic,
    HugeSample,
}

#[derive(Default)]
pub(crate) struct Gate(Mutex<bool>, Condvar);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn pass(&self) {
        let (_open, late) =
            self.1.wait_timeout_while(self.0.lock().unwrap(), Duration::from_secs(60), |open| !*open).unwrap();
        assert!(!late.timed_out(), "nobody opened the gate");
    }
}

struct TestEngine {
    does: Does,
    source: Box<dyn SourceRead>,
    gate: Arc<Gate>,
    made: Arc<AtomicU64>,
}

impl TestEngine {
    fn read_all(&mut self) -> io::Result<()> {
        let size = self.source.size();
        let mut buf = vec![0; 70_000];
        let mut at = 0;
        while at < size {
            let count = self.source.read_at(at, &mut buf)?;
            assert!(count > 0 && (0..count).all(|i| buf[i] == byte_at(at + i as u64)), "wrong bytes at {at}");
            at += count as u64;
        }
        assert_eq!(self.source.read_at(size, &mut buf)?, 0);
        assert_eq!(self.source.read_at(u64::MAX, &mut buf)?, 0);
        for turn in 0..200 {
            let offset = (turn % 8) * (1 << 20) + turn * 1001;
            let count = self.source.read_at(offset, &mut buf[..100])?;
            assert!(count > 0 && (0..count).all(|i| buf[i] == byte_at(offset + i as u64)), "wrong bytes at {offset}");
        }
        Ok(())
    }
}

impl Engine for TestEngine {
    fn identity(&self) -> String {
        "test engine 1".into()
    }

    fn probe(&mut self) -> Result<ProbeReport, EngineError> {
        match self.does {
            Does::ReadAll => {
                self.read_all().map_err(|error| EngineError::Engine { detail: error.to_string() })?;
            }
            Does::SwallowReadErrors => {
                let mut buf = vec![0; 1 << 16];
                let mut at = 0;
                while let Ok(count @ 1..) = self.source.read_at(at, &mut buf) {
                    at += count as u64;
                }
            }
            _ => {}
        }
        Ok(ProbeReport { size_bytes: self.source.size(), ..probe_report() })
    }

    fn encode_range(&mut self, order: &RangeOrder, sink: &mut dyn EngineSink) -> Result<RangeSummary, EngineError> {
        let samples = match self.does {
            Does::Encode { samples } => samples,
            Does::FailInput => {
                return Err(EngineError::Input { code: "input.test".into(), detail: "no good".into() });
            }
            Does::Panic => panic!("as asked"),
            Does::Block => {
                self.gate.pass();
                0
            }
            Does::HugeSample => {
                sink.config(0, config(0), 0)?;
                sink.sample(0, Sample { data: Bytes::from(vec![0; 17 << 20]), ..sample(0) })?;
                1
            }
            _ => 0,
        };
        let tracks = order.renditions.len() as u32;
        for track in 0..tracks {
            sink.config(track, config(track), 0)?;
        }
        for index in 0..samples {
            for track in 0..tracks {
                sink.sample(track, sample(index))?;
                self.made.fetch_add(1, Ordering::SeqCst);
            }
            sink.progress(index + 1, samples)?;
        }
        Ok(RangeSummary { frames_per_track: vec![samples; tracks as usize], ..RangeSummary::default() })
    }

    fn measure_audio(&mut self, _: &AudioPlan) -> Result<Loudness, EngineError> {
        Ok(LOUDNESS)
    }

    fn encode_audio(&mut self, order: &AudioOrder, sink: &mut dyn EngineSink) -> Result<AudioSummary, EngineError> {
        sink.config(0, CodecConfig::Aac(Bytes::from_static(&[0x11, 0x90])), 1024)?;
        // 3072 samples and the priming.
        for index in 0..4 {
            sink.sample(0, Sample { data: Bytes::from(vec![0; 300]), ..sample(index) })?;
        }
        Ok(AudioSummary { samples: order.plan.sample_count, ..AudioSummary::default() })
    }

    fn stills(&mut self, order: &StillsOrder, sink: &mut dyn EngineSink) -> Result<StillsSummary, EngineError> {
        if order.poster.is_some() {
            sink.image(POSTER, Bytes::from_static(b"poster"))?;
        }
        let Some(sheet) = &order.sheet else { return Ok(StillsSummary::default()) };
        sink.image(STORYBOARD, Bytes::from_static(b"storyboard"))?;
        Ok(StillsSummary { tiles: sheet.tile_pts.len() as u32, sheet_columns: 3, sheet_rows: 1 })
    }

    fn read_text(&mut self, order: &TextOrder, sink: &mut dyn EngineSink) -> Result<TextSummary, EngineError> {
        for track in 0..order.tracks.len() as u32 {
            sink.cue(track, cue("a word"))?;
        }
        sink.progress(1000, 1000)?;
        Ok(TextSummary { cues_per_track: vec![1; order.tracks.len()], lost_packets: 0 })
    }
}

/// What the test engine's sound measures.
pub(crate) const LOUDNESS: Loudness = Loudness { integrated_lufs: Some(-31.5), true_peak_dbtp: Some(-12.25) };

/// An engine that is served on a thread.
pub(crate) struct Bench {
    pub(crate) gate: Arc<Gate>,
    /// Samples the engine has handed over.
    pub(crate) made: Arc<AtomicU64>,
    thread: JoinHandle<Result<(), ServeError>>,
}

impl Bench {
    pub(crate) fn serve(does: Does) -> (Self, UnixStream) {
        let (ours, theirs) = StdUnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let (gate, made) = (Arc::new(Gate::default()), Arc::new(AtomicU64::new(0)));
        let engine_parts = (Arc::clone(&gate), Arc::clone(&made));
        let thread = std::thread::spawn(move || {
            child::serve(OwnedFd::from(theirs), Confinement::None, |source| {
                if let Does::RefuseToOpen = does {
                    return Err(EngineError::Input { code: "input.not_media".into(), detail: "no media".into() });
                }
                let (gate, made) = engine_parts;
                Ok(Box::new(TestEngine { does, source, gate, made }))
            })
        });
        (Self { gate, made, thread }, UnixStream::from_std(ours).unwrap())
    }

    pub(crate) async fn start(does: Does, stall: Duration) -> (EngineSession, Self) {
        let (bench, stream) = Self::serve(does);
        (session(stream, MemorySource::new(1000), stall).await.unwrap(), bench)
    }

    /// Waits until the child's end is through, without complaint.
    pub(crate) fn ended(self) {
        self.thread.join().unwrap().unwrap();
    }

    pub(crate) fn panicked(self) {
        assert!(self.thread.join().is_err());
    }
}

pub(crate) async fn session(
    stream: UnixStream,
    source: Arc<MemorySource>,
    stall: Duration,
) -> Result<EngineSession, EngineHostError> {
    within(EngineSession::over(stream, source, stall)).await
}

pub(crate) fn byte_at(offset: u64) -> u8 {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// A source of [`byte_at`], counting what is asked of it.
pub(crate) struct MemorySource {
    size: u64,
    fails_from: u64,
    pub(crate) reads: AtomicUsize,
    pub(crate) longest: AtomicUsize,
    at_once: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
}

impl MemorySource {
    pub(crate) fn new(size: u64) -> Arc<Self> {
        Self::failing_from(size, u64::MAX)
    }

    pub(crate) fn failing_from(size: u64, fails_from: u64) -> Arc<Self> {
        let [reads, longest, at_once, most_at_once] = [const { AtomicUsize::new(0) }; 4];
        Arc::new(Self { size, fails_from, reads, longest, at_once, most_at_once })
    }
}

impl ReadAt for MemorySource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, length: usize) -> BoxFuture<'_, io::Result<Bytes>> {
        Box::pin(async move {
            self.reads.fetch_add(1, Ordering::SeqCst);
            self.longest.fetch_max(length, Ordering::SeqCst);
            self.most_at_once.fetch_max(self.at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            assert!(offset + length as u64 <= self.size, "a read past the end reached the source");
            if offset + length as u64 > self.fails_from {
                return Err(io::Error::other("the disk is gone"));
            }
            Ok((offset..offset + length as u64).map(byte_at).collect())
        })
    }
}

pub(crate) fn probe_report() -> ProbeReport {
    let packets = (0..500_000).map(|i| PacketTime { pts: i * 1001, keyframe: i % 48 == 0 }).collect();
    let video = VideoProbe {
        stated_rate: FrameRate::new(24_000, 1001),
        bitrate_bps: Some(5_000_000),
        keyframe_bytes: Some(100_000),
        ..VideoProbe::plain("h264", (1920, 1080), Rational { num: 1, den: 24_000 }, packets)
    };
    ProbeReport { size_bytes: 1000, ..ProbeReport::of_pictures("mov", video) }
}

fn config(track: u32) -> CodecConfig {
    CodecConfig::Avc(Bytes::from(vec![1, track as u8]))
}

fn sample(index: u64) -> Sample {
    let data = Bytes::from(vec![index as u8; 64 << 10]);
    Sample { dts: index as i64 * 1001, pts: index as i64 * 1001, duration: 1001, keyframe: index == 0, data }
}

pub(crate) fn expected_range(tracks: u32, samples: u64) -> Vec<EngineEvent> {
    let mut all = Vec::new();
    for track in 0..tracks {
        all.push(EngineEvent::Config { track, config: config(track), priming_samples: 0 });
    }
    for index in 0..samples {
        for track in 0..tracks {
            all.push(EngineEvent::Sample { track, sample: sample(index) });
        }
        all.push(EngineEvent::Progress { done: index + 1, total: samples });
    }
    all
}

/// Cap on the bitrate of every rendition: room for the 64 KiB of each sample.
pub(crate) const MAX_BITRATE_BPS: u64 = 20_000_000;

pub(crate) fn range_order(tracks: usize, frames: u32) -> RangeOrder {
    let encoding = VideoEncoding {
        codec: VideoCodec::H264,
        preset: "veryfast".into(),
        crf: 23.0,
        max_bitrate_bps: MAX_BITRATE_BPS,
        buffer_bits: 2 * MAX_BITRATE_BPS,
        tune: None,
        dynamic_range: Default::default(),
    };
    let rendition = Rendition { name: "240p".into(), width: 426, height: 240, encoding, frame_step: 1 };
    RangeOrder {
        video: VideoSetup {
            clock: Default::default(),
            stream_index: 0,
            source_time_base: Rational { num: 1, den: 24_000 },
            rotation: Rotation::None,
            deinterlace: false,
            film: None,
            hdr: None,
            frame_rate: FrameRate::new(24_000, 1001).unwrap(),
            timescale: Timescale::new(24_000).unwrap(),
            frame_ticks: 1001,
            gop_frames: 48,
        },
        first_frame: 0,
        pictures: FrameMap(vec![Shown { source_pts: 0, frames }]),
        renditions: vec![rendition; tracks],
        judge: None,
        careful: false,
    }
}

pub(crate) fn audio_order() -> AudioOrder {
    AudioOrder {
        plan: AudioPlan {
            name: "und".to_owned(),
            label: None,
            roles: Default::default(),
            clock: Default::default(),
            stream_index: 1,
            source_time_base: Rational { num: 1, den: 48_000 },
            origin_pts: 0,
            sample_rate: 48_000,
            channels: 2,
            bitrate_bps: 128_000,
            opus_bitrate_bps: None,
            sample_count: 3072,
            borders: vec![],
            language: "und".into(),
            loudness: None,
        },
        gain_db: 0.0,
    }
}

pub(crate) fn cue(event: &str) -> TextCue {
    TextCue { start_us: 0, end_us: Some(1_000_000), event: event.to_owned(), form: TextForm::Event }
}

/// Two tracks of text.
pub(crate) fn text_order() -> TextOrder {
    let plan = TextPlan {
        name: "en".to_owned(),
        stream_index: 3,
        source_time_base: Rational { num: 1, den: 1000 },
        origin_pts: 0,
        language: "en".to_owned(),
        label: None,
        roles: Roles::default(),
        channel: None,
        page: None,
        clock: Default::default(),
    };
    TextOrder { tracks: vec![plan.clone(), plan] }
}

pub(crate) fn stills_order() -> StillsOrder {
    StillsOrder {
        clock: Default::default(),
        stream_index: 0,
        rotation: Rotation::None,
        poster: Some(PosterOrder { pts: 0, width: 640, height: 360 }),
        sheet: Some(SheetOrder { tile_pts: vec![0, 1, 2], tile_width: 160, tile_height: 90, columns: 10 }),
    }
}

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use engine_host::ReadAt;
use engine_host::child::{self, ServeError};
use engine_host::protocol::Confinement;
use futures::FutureExt;
use futures::future::BoxFuture;
use media_types::{AudioCodec, CodecConfig, LoudnessTarget, ProbeReport, Rational, Sample};
use pipeline::{
    Engine, EngineError, EngineSink, RangeOrder, RangeSummary, StillsOrder, StillsSummary, TextOrder, TextSummary,
};
use tokio::net::UnixStream;

use super::*;

/// Says one thing of the windows and another of the whole; each sample holds the gain it was encoded with.
struct Deceived {
    windows: Option<f64>,
    whole: Option<f64>,
}

fn loudness(lufs: Option<f64>) -> Loudness {
    Loudness { integrated_lufs: lufs, true_peak_dbtp: lufs.map(|lufs| lufs + 10.0) }
}

impl Engine for Deceived {
    fn identity(&self) -> String {
        "deceived 1".to_owned()
    }

    fn probe(&mut self) -> Result<ProbeReport, EngineError> {
        unreachable!("nobody probes")
    }

    fn encode_range(&mut self, _: &RangeOrder, _: &mut dyn EngineSink) -> Result<RangeSummary, EngineError> {
        unreachable!("there are no pictures")
    }

    fn measure_audio(&mut self, _: &AudioPlan) -> Result<Loudness, EngineError> {
        Ok(loudness(self.windows))
    }

    fn encode_audio(&mut self, order: &AudioOrder, sink: &mut dyn EngineSink) -> Result<AudioSummary, EngineError> {
        let samples = order.plan.sample_count;
        for (track, coding) in (0..).zip(order.plan.codings()) {
            // 48 kHz, stereo.
            let (config, priming) = match coding.codec {
                AudioCodec::Aac => (CodecConfig::Aac(Bytes::from_static(&[0x11, 0x90])), 1024),
                AudioCodec::Opus => {
                    (CodecConfig::Opus(Bytes::from_static(&[0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0])), 312)
                }
            };
            sink.config(track, config, priming)?;
            let duration = coding.codec.frame_samples();
            for index in 0..(samples + u64::from(priming)).div_ceil(duration.into()) {
                let (time, data) = (index as i64 * i64::from(duration), Bytes::from(order.gain_db.to_string()));
                sink.sample(track, Sample { dts: time, pts: time, duration, keyframe: true, data })?;
                if track == 0 {
                    sink.progress((index * u64::from(duration)).min(samples), samples)?;
                }
            }
        }
        let source = loudness(self.whole);
        let coded = loudness(self.whole.map(|lufs| lufs + order.gain_db));
        Ok(AudioSummary { samples, source, coded, ..AudioSummary::default() })
    }

    fn stills(&mut self, _: &StillsOrder, _: &mut dyn EngineSink) -> Result<StillsSummary, EngineError> {
        unreachable!("there are no pictures")
    }

    fn read_text(&mut self, _: &TextOrder, _: &mut dyn EngineSink) -> Result<TextSummary, EngineError> {
        unreachable!("there is no text")
    }
}

struct Nothing;

impl ReadAt for Nothing {
    fn size(&self) -> u64 {
        0
    }

    fn read_at(&self, _: u64, _: usize) -> BoxFuture<'_, std::io::Result<Bytes>> {
        async { unreachable!("nobody reads") }.boxed()
    }
}

#[derive(Default)]
struct Kept(Mutex<BTreeMap<String, Bytes>>);

impl ObjectSink for Kept {
    fn put(&self, path: String, bytes: Bytes) -> BoxFuture<'_, Result<(), WorkError>> {
        assert!(self.0.lock().unwrap().insert(path, bytes).is_none(), "written twice");
        async { Ok(()) }.boxed()
    }
}

impl Kept {
    fn is_of_gain(&self, gain: &str) -> bool {
        let kept = self.0.lock().unwrap();
        kept.len().is_multiple_of(3)
            && kept.values().all(|bytes| bytes.windows(gain.len()).any(|part| part == gain.as_bytes()))
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

fn serve(engine: Deceived) -> (UnixStream, JoinHandle<Result<(), ServeError>>) {
    let (ours, theirs) = StdUnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let thread = std::thread::spawn(|| {
        child::serve(OwnedFd::from(theirs), Confinement::None, |_| Ok(Box::new(engine) as Box<dyn Engine>))
    });
    (UnixStream::from_std(ours).unwrap(), thread)
}

/// Encodes ten seconds in AAC alone; answers what came of it, both sinks and the shares of progress.
async fn encode(engine: Deceived, loudness: Option<LoudnessTarget>) -> (EncodedSound, Kept, Kept, Vec<f64>) {
    encode_as(engine, loudness, None).await
}

async fn encode_as(
    engine: Deceived,
    loudness: Option<LoudnessTarget>,
    opus_bitrate_bps: Option<u32>,
) -> (EncodedSound, Kept, Kept, Vec<f64>) {
    let plan = AudioPlan {
        name: "und".to_owned(),
        label: None,
        roles: Default::default(),
        clock: Default::default(),
        stream_index: 0,
        source_time_base: Rational { num: 1, den: 48_000 },
        origin_pts: 0,
        sample_rate: 48_000,
        channels: 2,
        bitrate_bps: 128_000,
        opus_bitrate_bps,
        sample_count: 480_000,
        borders: vec![192_000, 384_000],
        language: "und".to_owned(),
        loudness,
    };
    let (stream, thread) = serve(engine);
    let mut session = EngineSession::over(stream, Arc::new(Nothing), Duration::from_secs(60)).await.unwrap();
    let (first, again, shares) = (Kept::default(), Kept::default(), Arc::new(Mutex::new(Vec::new())));
    let seen = shares.clone();
    let on_progress: OnProgress = Arc::new(move |share| seen.lock().unwrap().push(share));
    let made = encode_audio(&mut session, &plan, &first, &again, on_progress).await.unwrap();
    session.close().await;
    thread.join().unwrap().unwrap();
    let shares = shares.lock().unwrap().clone();
    (made, first, again, shares)
}

const TARGET: Option<LoudnessTarget> = Some(LoudnessTarget { integrated_lufs: -16.0, max_true_peak_dbtp: -1.0 });

#[tokio::test]
async fn a_gain_within_one_loudness_unit_of_the_exact_one_stays() {
    let (made, first, again, _) = encode(Deceived { windows: Some(-23.5), whole: Some(-22.5) }, TARGET).await;
    assert_eq!((made.again, made.level.gain_db, made.level.source), (false, 7.5, loudness(Some(-22.5))));
    assert!(first.is_of_gain("7.5") && again.is_empty());
}

#[tokio::test]
async fn sound_unlike_its_windows_is_encoded_once_more_with_the_exact_gain() {
    for (windows, whole, gain) in [(Some(-23.5), -22.25, "6.25"), (None, -20.5, "4.5"), (Some(-30.5), -6.5, "-9.5")] {
        let (made, first, again, shares) = encode(Deceived { windows, whole: Some(whole) }, TARGET).await;
        assert_eq!((made.again, made.level.gain_db.to_string().as_str()), (true, gain));
        assert_eq!(made.level.coded.integrated_lufs, Some(-16.0));
        assert_eq!(made.parts.first.segments.len(), 3);
        assert!(!first.is_of_gain(gain) && again.is_of_gain(gain));
        assert!(shares.is_sorted(), "{shares:?}");
    }
}

#[tokio::test]
async fn opus_is_made_with_aac_of_one_measurement_and_cut_on_the_same_grid() {
    let deceived = Deceived { windows: Some(-23.5), whole: Some(-22.25) };
    let (made, first, again, shares) = encode_as(deceived, TARGET, Some(48_000)).await;
    assert!(made.again && first.is_of_gain("7.5") && again.is_of_gain("6.25") && shares.is_sorted());
    let paths: Vec<String> = again.0.lock().unwrap().keys().cloned().collect();
    assert_eq!(paths.len(), 6);
    let [aac, opus] = made.parts.iter().collect::<Vec<_>>()[..] else { panic!("two parts") };
    assert_eq!((aac.track.as_str(), opus.track.as_str(), opus.priming_samples), ("audio-und", "audio-opus-und", 312));
    for (part, frame) in [(aac, 1024), (opus, 960)] {
        let starts: Vec<u64> = part.segments.iter().map(|segment| segment.start_ticks).collect();
        let near = starts.iter().zip([0, 192_000, 384_000]).all(|(start, border)| start.abs_diff(border) <= frame / 2);
        let end = part.segments.last().map(|segment| segment.start_ticks + segment.duration_ticks);
        assert!(near && end == Some(480_000), "{}: {starts:?} to {end:?}", part.track);
    }
}

#[test]
fn results_of_before_there_was_opus_are_read() {
    let part = TrackPart {
        track: "audio-en".to_owned(),
        config: CodecConfig::Aac(Bytes::from_static(&[0x11, 0x90])),
        priming_samples: 1024,
        segments: Vec::new(),
    };
    let stored = serde_json::to_value(&part).unwrap();
    let read: SoundParts = serde_json::from_value(stored).unwrap();
    assert_eq!(read.iter().collect::<Vec<_>>(), [&part]);
    let both = SoundParts { also: vec![part], ..read };
    assert_eq!(serde_json::from_value::<SoundParts>(serde_json::to_value(&both).unwrap()).unwrap(), both);
}

#[tokio::test]
async fn sound_that_no_gain_can_help_is_encoded_once() {
    for (windows, whole) in [(Some(-60.0), Some(-50.0)), (None, None)] {
        let (made, _, again, _) = encode(Deceived { windows, whole }, TARGET).await;
        assert!(!made.again && again.is_empty());
    }
}

#[tokio::test]
async fn without_a_target_nothing_is_changed() {
    let (made, first, again, _) = encode(Deceived { windows: Some(-40.0), whole: Some(-40.0) }, None).await;
    assert_eq!((made.again, made.level.gain_db), (false, 0.0));
    assert!(first.is_of_gain("0") && again.is_empty());
}

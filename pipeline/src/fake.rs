//! An engine without media, for tests of whatever drives one.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use media_types::{AudioCodec, AudioPlan, CodecConfig, ProbeReport, Rendition, Sample, TextForm};

use crate::engine::{
    AudioOrder, AudioSummary, Engine, EngineError, EngineSink, Judge, POSTER, RangeOrder, RangeSummary, STORYBOARD,
    StillsOrder, StillsSummary, Stop, TextCue, TextOrder, TextSummary,
};
use crate::{Loudness, Quality};

const PROGRESS_EVERY: u64 = 25;

/// `AVCDecoderConfigurationRecord` of x264 for High profile at level 1, 64x64.
const AVCC: [u8; 45] = [
    0x01, 0x64, 0x00, 0x0a, 0xff, 0xe1, 0x00, 0x18, 0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x44, 0x26, 0xc0, 0x44, 0x00,
    0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x48, 0x96, 0x58, 0x01, 0x00, 0x06, 0x68, 0xeb, 0xe3,
    0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00,
];

/// Hands out samples that are a function of the order alone: right in number, times and key frames, with bytes that
/// decode to nothing but differ wherever rendition, frame or source picture do.
#[derive(Clone, Debug)]
pub struct FakeEngine {
    report: ProbeReport,
    missing: BTreeSet<i64>,
}

impl FakeEngine {
    /// An engine whose source is what `report` says.
    pub fn new(report: ProbeReport) -> Self {
        Self { report, missing: BTreeSet::new() }
    }

    /// Makes the pictures at these source times undecodable: they are counted, and shown as the one before.
    #[must_use]
    pub fn with_missing_pictures(mut self, source_pts: impl IntoIterator<Item = i64>) -> Self {
        self.missing.extend(source_pts);
        self
    }

    /// The source picture each frame of the order really shows, and what is missing.
    fn decode(&self, order: &RangeOrder) -> (Vec<i64>, RangeSummary) {
        let mut summary = RangeSummary { frames_per_track: vec![0; order.renditions.len()], ..RangeSummary::default() };
        let first_good = order.pictures.0.iter().map(|shown| shown.source_pts).find(|pts| !self.missing.contains(pts));
        let mut last_good = first_good.unwrap_or_default();
        let mut frames = Vec::new();
        for shown in &order.pictures.0 {
            if self.missing.contains(&shown.source_pts) {
                summary.missing_pictures += 1;
                summary.first_missing_pts.get_or_insert(shown.source_pts);
            } else {
                last_good = shown.source_pts;
            }
            frames.extend((0..shown.frames).map(|_| last_good));
        }
        (frames, summary)
    }

    fn check_stream(&self, stream_index: u32, known: Option<u32>) -> Result<(), EngineError> {
        if known == Some(stream_index) {
            return Ok(());
        }
        let detail = format!("the source has no such stream: {stream_index}");
        Err(EngineError::Input { code: "input.no_stream".to_owned(), detail })
    }

    fn check_sound(&self, plan: &AudioPlan) -> Result<(), EngineError> {
        let known = self.report.audio.iter().map(|audio| audio.stream_index).find(|index| *index == plan.stream_index);
        self.check_stream(plan.stream_index, known)
    }

    fn video_index(&self) -> Option<u32> {
        self.report.video.as_ref().map(|video| video.stream_index)
    }
}

/// Better the finer and the larger: 60 dB less the rate factor, and less 1 dB for each 20 lines that are lacking.
fn quality(judge: &Judge, rendition: &Rendition) -> Quality {
    let lacking = f64::from(judge.height.saturating_sub(rendition.height));
    let db = 60.0 - f64::from(rendition.encoding.crf) - lacking / 20.0;
    let squared = f64::from(judge.width) * f64::from(judge.height) * 255.0 * 255.0 / 10f64.powf(db / 10.0);
    let mut quality = Quality::default();
    judge.frames().for_each(|_| quality.add(squared));
    quality
}

impl Engine for FakeEngine {
    fn identity(&self) -> String {
        "fake 1".to_owned()
    }

    fn probe(&mut self) -> Result<ProbeReport, EngineError> {
        Ok(self.report.clone())
    }

    fn encode_range(&mut self, order: &RangeOrder, sink: &mut dyn EngineSink) -> Result<RangeSummary, EngineError> {
        self.check_stream(order.video.stream_index, self.video_index())?;
        let (pictures, mut summary) = self.decode(order);
        for track in 0..order.renditions.len() {
            sink.config(track as u32, CodecConfig::Avc(Bytes::from_static(&AVCC)), 0)?;
        }
        let total = pictures.len() as u64;
        let ticks = i64::from(order.video.frame_ticks);
        let mut left = &pictures[..];
        while let Some(&source_pts) = left.first() {
            let index = total - left.len() as u64;
            let most = order.video.longest_hold(index) as usize;
            let held = left.iter().take(most).take_while(|pts| **pts == source_pts).count();
            left = &left[held..];
            let (held, next) = (held as u32, total - left.len() as u64);
            let frame = order.first_frame + index;
            let time = i64::try_from(frame).unwrap_or(i64::MAX).saturating_mul(ticks);
            let keyframe = index.is_multiple_of(u64::from(order.video.gop_frames.max(1)));
            for (track, rendition) in order.renditions.iter().enumerate() {
                let seed = [rendition.name.as_bytes(), &frame.to_be_bytes(), &source_pts.to_be_bytes()].concat();
                let data = nal(keyframe, &seed);
                let duration = order.video.frame_ticks.saturating_mul(held);
                sink.sample(track as u32, Sample { dts: time, pts: time, duration, keyframe, data })?;
                summary.frames_per_track[track] += u64::from(held);
            }
            if next / PROGRESS_EVERY > index / PROGRESS_EVERY || next == total {
                sink.progress(next, total)?;
            }
        }
        if let Some(judge) = &order.judge {
            summary.quality = order.renditions.iter().map(|rendition| quality(judge, rendition)).collect();
        }
        Ok(summary)
    }

    fn measure_audio(&mut self, plan: &AudioPlan) -> Result<Loudness, EngineError> {
        self.check_sound(plan)?;
        Ok(Loudness::default())
    }

    fn encode_audio(&mut self, order: &AudioOrder, sink: &mut dyn EngineSink) -> Result<AudioSummary, EngineError> {
        let plan = &order.plan;
        self.check_sound(plan)?;
        for (track, coding) in (0..).zip(plan.codings()) {
            let (config, priming) = sound_config(coding.codec, plan);
            sink.config(track, config, priming)?;
            let duration = coding.codec.frame_samples();
            let frames = (plan.sample_count + u64::from(priming)).div_ceil(duration.into());
            for index in 0..frames {
                let time = i64::try_from(index * u64::from(duration)).unwrap_or(i64::MAX);
                let data = Bytes::copy_from_slice(&mix(&index.to_be_bytes()).to_be_bytes());
                sink.sample(track, Sample { dts: time, pts: time, duration, keyframe: true, data })?;
                let done = (index * u64::from(duration)).min(plan.sample_count);
                if track == 0 && (index.is_multiple_of(PROGRESS_EVERY) || index + 1 == frames) {
                    sink.progress(done, plan.sample_count)?;
                }
            }
        }
        Ok(AudioSummary { samples: plan.sample_count, ..AudioSummary::default() })
    }

    fn stills(&mut self, order: &StillsOrder, sink: &mut dyn EngineSink) -> Result<StillsSummary, EngineError> {
        self.check_stream(order.stream_index, self.video_index())?;
        let total = order.pictures();
        if let Some(poster) = &order.poster {
            sink.image(POSTER, jpeg(&poster.pts.to_be_bytes()))?;
            sink.progress(1, total)?;
        }
        let Some(sheet) = &order.sheet else { return Ok(StillsSummary::default()) };
        let seed: Vec<u8> = sheet.tile_pts.iter().flat_map(|pts| pts.to_be_bytes()).collect();
        sink.image(STORYBOARD, jpeg(&seed))?;
        sink.progress(total, total)?;
        let tiles = u32::try_from(sheet.tile_pts.len()).unwrap_or(u32::MAX);
        let columns = sheet.columns.max(1);
        Ok(StillsSummary { tiles, sheet_columns: columns, sheet_rows: tiles.div_ceil(columns) })
    }

    /// Each track says its name for the first second.
    fn read_text(&mut self, order: &TextOrder, sink: &mut dyn EngineSink) -> Result<TextSummary, EngineError> {
        for (track, plan) in (0..).zip(&order.tracks) {
            let known = self.report.text.iter().map(|text| text.stream_index).find(|&index| index == plan.stream_index);
            self.check_stream(plan.stream_index, known)?;
            let event = format!("0,0,Default,,0,0,0,,{}", plan.name);
            sink.cue(track, TextCue { start_us: 0, end_us: Some(1_000_000), event, form: TextForm::Event })?;
        }
        Ok(TextSummary { cues_per_track: vec![1; order.tracks.len()], lost_packets: 0 })
    }
}

/// A slice NAL unit behind its length: IDR (type 5) or not (type 1). Never holds a start code.
fn nal(idr: bool, seed: &[u8]) -> Bytes {
    let header = if idr { 0x65 } else { 0x41 };
    let body = mix(seed).to_be_bytes().map(|byte| byte | 0x10);
    let mut data = (1 + body.len() as u32).to_be_bytes().to_vec();
    data.push(header);
    data.extend(body);
    data.into()
}

/// Start and end of a JPEG around eight bytes.
fn jpeg(seed: &[u8]) -> Bytes {
    let mut data = vec![0xff, 0xd8];
    data.extend(mix(seed).to_be_bytes().map(|byte| byte & 0x7f));
    data.extend([0xff, 0xd9]);
    data.into()
}

/// ISO/IEC 14496-3 §1.6.2.1: object type 2 (AAC-LC), frequency index, channel configuration.
/// What a decoder needs, and the encoder's delay.
fn sound_config(codec: AudioCodec, plan: &AudioPlan) -> (CodecConfig, u32) {
    let frequency = if plan.sample_rate == 44_100 { 4_u8 } else { 3 };
    let channels = u8::try_from(plan.channels.min(2)).unwrap_or(2);
    match codec {
        AudioCodec::Aac => {
            (CodecConfig::Aac(vec![2 << 3 | frequency >> 1, frequency << 7 | channels << 3].into()), 1024)
        }
        AudioCodec::Opus => (CodecConfig::Opus(vec![0, channels, 1, 56, 0, 0, 187, 128, 0, 0, 0].into()), 312),
    }
}

/// FNV-1a.
fn mix(seed: &[u8]) -> u64 {
    seed.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Keeps everything an engine makes, up to a limit of samples: for tests and other small results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectingSink {
    /// Per track, what a decoder needs first, and the priming in samples.
    pub configs: BTreeMap<u32, (CodecConfig, u32)>,
    /// Per track, in decode order.
    pub samples: BTreeMap<u32, Vec<Sample>>,
    /// Per track, as it came.
    pub cues: BTreeMap<u32, Vec<TextCue>>,
    /// By name.
    pub images: BTreeMap<String, Bytes>,
    /// The last progress, `(done, total)`.
    pub progress: (u64, u64),
    left: usize,
}

impl CollectingSink {
    /// A sink that answers [`Stop`] instead of taking more than `max_samples` samples.
    pub fn new(max_samples: usize) -> Self {
        let (configs, samples, cues, images) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { configs, samples, cues, images, progress: (0, 0), left: max_samples }
    }
}

impl EngineSink for CollectingSink {
    fn config(&mut self, track: u32, config: CodecConfig, priming_samples: u32) -> Result<(), Stop> {
        self.configs.insert(track, (config, priming_samples));
        Ok(())
    }

    fn sample(&mut self, track: u32, sample: Sample) -> Result<(), Stop> {
        self.left = self.left.checked_sub(1).ok_or(Stop)?;
        self.samples.entry(track).or_default().push(sample);
        Ok(())
    }

    fn image(&mut self, name: &str, jpeg: Bytes) -> Result<(), Stop> {
        self.images.insert(name.to_owned(), jpeg);
        Ok(())
    }

    fn cue(&mut self, track: u32, cue: TextCue) -> Result<(), Stop> {
        self.left = self.left.checked_sub(1).ok_or(Stop)?;
        self.cues.entry(track).or_default().push(cue);
        Ok(())
    }

    fn progress(&mut self, done: u64, total: u64) -> Result<(), Stop> {
        self.progress = (done, total);
        Ok(())
    }
}

//! The engine port: what a decoder and encoder is asked for, and what it hands back.
//!
//! The port is synchronous. An engine runs in a confined child process and is driven through [`Engine`]; what it makes
//! leaves through an [`EngineSink`], whose every call may block (back-pressure) or answer [`Stop`] (cancel).

use std::ops::Range;

use bytes::Bytes;
use media_types::{
    AudioPlan, CodecConfig, DynamicRange, FilmGrid, FrameMap, FrameRate, GopRange, HdrVideo, Loss, ProbeReport,
    Rational, Rendition, Rotation, Sample, StillsPlan, StreamClock, TextForm, TextPlan, Timescale, VideoPlan,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Loudness, Quality, RangeScenes, is_vmaf_for};

/// File name of the poster given to [`EngineSink::image`].
pub const POSTER: &str = "poster.jpg";
/// File name of the storyboard sheet given to [`EngineSink::image`].
pub const STORYBOARD: &str = "storyboard.jpg";
/// Most cues of one text track that reach a sink; what a source has beyond them is left out.
pub const MAX_CUES: u64 = 50_000;
/// Longest [`TextCue::length`].
pub const MAX_CUE_BYTES: usize = 8 << 10;
/// Most bytes of all events of one [`TextOrder`] together; what a source has beyond them is left out.
pub const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Random access to a source's bytes, wherever they lie.
pub trait SourceRead: Send {
    /// Size in bytes.
    fn size(&self) -> u64;

    /// Reads at most `buf.len()` bytes from `offset` on and answers how many; 0 only at or past the end.
    ///
    /// # Errors
    /// When the bytes cannot be had.
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize>;
}

/// What every range of one video stream shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoSetup {
    /// Index of the stream in its container.
    pub stream_index: u32,
    /// Seconds per source tick.
    pub source_time_base: Rational,
    /// How source times come from those in the file, where those jump.
    #[serde(default)]
    pub clock: StreamClock,
    /// Turn applied to every picture before scaling.
    pub rotation: Rotation,
    /// Whether pictures are deinterlaced before scaling.
    pub deinterlace: bool,
    /// How film lies in the source's fields, when it is made film again.
    #[serde(default)]
    pub film: Option<FilmGrid>,
    /// What renditions of high dynamic range say of their light.
    #[serde(default)]
    pub hdr: Option<HdrVideo>,
    /// Constant output rate.
    pub frame_rate: FrameRate,
    /// Output ticks per second.
    pub timescale: Timescale,
    /// Ticks each output frame lasts.
    pub frame_ticks: u32,
    /// An IDR picture opens every run of this many frames, counted from the range's first; there may be more of them.
    pub gop_frames: u32,
}

impl From<&VideoPlan> for VideoSetup {
    fn from(plan: &VideoPlan) -> Self {
        Self {
            stream_index: plan.stream_index,
            source_time_base: plan.source_time_base,
            clock: plan.clock.clone(),
            rotation: plan.rotation,
            deinterlace: plan.deinterlace,
            film: plan.film,
            hdr: plan.hdr,
            frame_rate: plan.frame_rate,
            timescale: plan.timescale,
            frame_ticks: plan.frame_ticks,
            gop_frames: plan.gop_frames,
        }
    }
}

impl VideoSetup {
    /// How many frames, from `frame` of a range on, one sample may show: those of a second, and none beyond the next IDR
    /// picture. At least one.
    pub fn longest_hold(&self, frame: u64) -> u32 {
        let gop = u64::from(self.gop_frames.max(1));
        let to_keyframe = u32::try_from(gop - frame % gop).unwrap_or(u32::MAX);
        (self.frame_rate.num() / self.frame_rate.den()).max(1).min(to_keyframe)
    }
}

/// Decode one range once and encode it for every rendition.
///
/// Output frame `first_frame + i` has presentation time `(first_frame + i) * frame_ticks` in every rendition, unless the
/// frame before it shows the same: then that one is held ([`VideoSetup::longest_hold`]), as it is in a rendition that is to
/// show fewer ([`Rendition::frame_step`]). Where slides begin there are key
/// frames beside the planned ones, the same in every rendition ([`SceneWatch`](crate::SceneWatch)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RangeOrder {
    /// What every range of the stream shares.
    pub video: VideoSetup,
    /// Position of the range's first frame in the presentation, in frames; a multiple of the segment length.
    pub first_frame: u64,
    /// Which source picture each frame of this range shows.
    pub pictures: FrameMap,
    /// What is encoded; a sink's `track` is the position in this list.
    pub renditions: Vec<Rendition>,
    /// Where their quality is measured, if it is.
    #[serde(default)]
    pub judge: Option<Judge>,
    /// Whether as little as possible is done at a time, since the range has failed before.
    #[serde(default)]
    pub careful: bool,
}

/// Width and height at which renditions are compared with their source: those of the largest of standard dynamic range.
pub fn compared_at(renditions: &[Rendition]) -> (u32, u32) {
    let standard = renditions.iter().filter(|rendition| rendition.encoding.dynamic_range == DynamicRange::Sdr);
    standard.map(|rendition| (rendition.width, rendition.height)).max().unwrap_or_default()
}

/// Some pictures of a range by which every rendition of standard dynamic range is judged: decoded again, brought to one size, and
/// compared with the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judge {
    /// The first frame of each run of pictures, counted from the range's; one that is to be a key frame. Ascending.
    pub first_frames: Vec<u64>,
    /// Frames of a run, up to where another key frame is due. Runs do not overlap.
    pub frame_count: u32,
    /// One in so many is looked at, the first one first.
    pub every: u32,
    /// Size at which pictures are compared.
    pub width: u32,
    /// Size at which pictures are compared.
    pub height: u32,
    /// Whether an engine that cannot judge may make the range all the same, and answer that nothing was measured.
    pub may_be_left_out: bool,
    /// Whether an engine that has VMAF measures that too, of the same pictures.
    #[serde(default)]
    pub by_vmaf: bool,
}

impl Judge {
    /// The runs, as frames of the range.
    pub fn runs(&self) -> impl Iterator<Item = Range<u64>> {
        self.first_frames.iter().map(|first| *first..first.saturating_add(self.frame_count.into()))
    }

    /// The frames that are looked at, ascending.
    pub fn frames(&self) -> impl Iterator<Item = u64> {
        self.runs().flat_map(|run| run.step_by(self.every.max(1) as usize))
    }
}

impl RangeOrder {
    /// The order for `range`, for the renditions of `plan` at `rendition_indexes` (those past the end are ignored).
    pub fn new(plan: &VideoPlan, range: &GopRange, rendition_indexes: &[usize]) -> Self {
        Self {
            video: VideoSetup::from(plan),
            first_frame: range.first_frame,
            pictures: plan.frame_map.slice(range.first_frame, range.frame_count),
            renditions: rendition_indexes.iter().filter_map(|&index| plan.renditions.get(index).cloned()).collect(),
            judge: None,
            careful: false,
        }
    }

    /// The same order, with its renditions judged where it says: in runs of pictures from these frames, which are to be key
    /// frames, to the next planned ones; by about so many pictures of each, at the size of the largest rendition.
    #[must_use]
    pub fn judged(mut self, first_frames: Vec<u64>, pictures: u32, may_be_left_out: bool) -> Self {
        let (width, height) = compared_at(&self.renditions);
        let (frame_count, every) = (self.video.gop_frames, (self.video.gop_frames / pictures.max(1)).max(1));
        let judge = Judge { first_frames, frame_count, every, width, height, may_be_left_out, by_vmaf: false };
        self.judge = Some(judge).filter(|judge| !judge.first_frames.is_empty());
        self
    }

    /// The same order, judged by VMAF besides wherever it is judged, if its largest rendition is one that the model is for.
    #[must_use]
    pub fn by_vmaf(mut self) -> Self {
        self.judge.iter_mut().for_each(|judge| judge.by_vmaf = is_vmaf_for(judge.width, judge.height));
        self
    }

    /// Output frames of the range, per rendition.
    pub fn frame_count(&self) -> u64 {
        self.pictures.frame_count()
    }
}

/// Encode one audio track from its first sample to its last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AudioOrder {
    /// What is encoded.
    pub plan: AudioPlan,
    /// What every sample is amplified by, in decibels, before its true peak is held to the plan's; nothing is done to the
    /// sound of a plan without a loudness.
    pub gain_db: f64,
}

/// Make a poster, or the sheet of a storyboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillsOrder {
    /// Index of the video stream in its container.
    pub stream_index: u32,
    /// How source times come from those in the file, where those jump.
    #[serde(default)]
    pub clock: StreamClock,
    /// Turn applied to every picture before scaling.
    pub rotation: Rotation,
    /// The poster, if that is made.
    pub poster: Option<PosterOrder>,
    /// The storyboard's sheet, if that is made.
    pub sheet: Option<SheetOrder>,
}

/// One picture of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PosterOrder {
    /// Its presentation time, in source ticks.
    pub pts: i64,
    /// Size in pixels.
    pub width: u32,
    /// Size in pixels.
    pub height: u32,
}

/// Key frames of a video, small, side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetOrder {
    /// Their presentation times, one a tile, ascending, in source ticks. Where there is no key frame the one before is taken.
    pub tile_pts: Vec<i64>,
    /// Size in pixels.
    pub tile_width: u32,
    /// Size in pixels.
    pub tile_height: u32,
    /// Tiles in a row at most.
    pub columns: u32,
}

impl StillsOrder {
    /// The order for the poster of a recording.
    pub fn poster(video: &VideoPlan, plan: &StillsPlan) -> Self {
        let poster = PosterOrder { pts: plan.poster_pts, width: plan.poster_width, height: plan.poster_height };
        Self {
            stream_index: video.stream_index,
            clock: video.clock.clone(),
            rotation: video.rotation,
            poster: Some(poster),
            sheet: None,
        }
    }

    /// The order for the sheet of a file that has nothing but key frames, of these times, of what was encoded: upright.
    pub fn sheet(plan: &StillsPlan, tile_pts: Vec<i64>) -> Self {
        let StillsPlan { tile_width, tile_height, columns, .. } = *plan;
        Self {
            stream_index: 0,
            clock: StreamClock::default(),
            rotation: Rotation::None,
            poster: None,
            sheet: Some(SheetOrder { tile_pts, tile_width, tile_height, columns }),
        }
    }

    /// Pictures of the video that it takes.
    pub fn pictures(&self) -> u64 {
        u64::from(self.poster.is_some()) + self.sheet.as_ref().map_or(0, |sheet| sheet.tile_pts.len() as u64)
    }
}

/// Read text tracks, all in one pass over the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextOrder {
    /// What is read; a sink's `track` is the position in this list.
    pub tracks: Vec<TextPlan>,
}

/// Some text of a track, as decoders of subtitles hand it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextCue {
    /// When it appears, in microseconds of the presentation; before 0 if the source has it so.
    pub start_us: i64,
    /// When it disappears; `None` when the next one of its track replaces it.
    pub end_us: Option<i64>,
    /// The fields of an event of Advanced SubStation Alpha behind its times: `ReadOrder,Layer,Style,Name,MarginL,MarginR,
    /// MarginV,Effect,Text`, at most [`MAX_CUE_BYTES`] long. Empty for one that only ends the one before it.
    pub event: String,
    /// How `event` is to be read: in place of an event it may be cue text of WebVTT.
    pub form: TextForm,
}

impl TextCue {
    /// Bytes that count against [`MAX_CUE_BYTES`] and [`MAX_TEXT_BYTES`].
    pub fn length(&self) -> usize {
        let settings = if let TextForm::WebVtt(settings) = &self.form { settings.len() } else { 0 };
        self.event.len() + settings
    }
}

/// The caller no longer wants the result: the engine ends its work and answers [`EngineError::Stopped`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the caller no longer wants the result")]
pub struct Stop;

/// Where an engine puts what it makes.
///
/// `track` is the position in [`RangeOrder::renditions`], and in [`AudioPlan::codings`]. A track's configuration comes before its
/// first sample; its samples come in decode order; tracks may interleave.
pub trait EngineSink {
    /// What a decoder needs first, once per track. `priming_samples` is the encoder's delay, 0 for video.
    ///
    /// # Errors
    /// [`Stop`] when the caller no longer wants the result.
    fn config(&mut self, track: u32, config: CodecConfig, priming_samples: u32) -> Result<(), Stop>;

    /// One access unit.
    ///
    /// Times are on the presentation's clock and its grid of frames, so a range's first video sample has
    /// `dts == pts == first_frame * frame_ticks`; each further `dts` is where the sample before it ends, and a reordered
    /// picture's `pts` may lie before its `dts`; one that is held for several frames has both at the same. Audio
    /// coded frame `k` has `dts == pts == k * frame_samples`, counted in coded samples from the start of the priming; the last
    /// one counts as whole.
    ///
    /// # Errors
    /// [`Stop`] when the caller no longer wants the result.
    fn sample(&mut self, track: u32, sample: Sample) -> Result<(), Stop>;

    /// A whole JPEG, named [`POSTER`] or [`STORYBOARD`].
    ///
    /// # Errors
    /// [`Stop`] when the caller no longer wants the result.
    fn image(&mut self, name: &str, jpeg: Bytes) -> Result<(), Stop>;

    /// Text of a track, in the order of the source.
    ///
    /// # Errors
    /// [`Stop`] when the caller no longer wants the result.
    fn cue(&mut self, track: u32, cue: TextCue) -> Result<(), Stop>;

    /// Work moves: `done` of `total`, in frames (video, per range), samples (audio), pictures (stills)
    /// or bytes of the source (text).
    ///
    /// # Errors
    /// [`Stop`] when the caller no longer wants the result.
    fn progress(&mut self, done: u64, total: u64) -> Result<(), Stop>;
}

/// What encoding a range came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RangeSummary {
    /// Frames that the samples handed to the sink last, one number per rendition of the order.
    pub frames_per_track: Vec<u64>,
    /// Planned pictures that could not be decoded; each was replaced by the nearest one before it, or after it.
    pub missing_pictures: u64,
    /// Presentation time of the first missing one, in source ticks.
    pub first_missing_pts: Option<i64>,
    /// How good each rendition of the order is where it was judged, with nothing measured of those of high dynamic range; empty
    /// when nobody judged.
    #[serde(default)]
    pub quality: Vec<Quality>,
    /// What the pictures show.
    #[serde(default)]
    pub scenes: RangeScenes,
    /// Pictures that are missing or damaged, at most [`MAX_LOSSES`](media_types::loss::MAX_LOSSES).
    #[serde(default)]
    pub losses: Vec<Loss>,
}

/// What encoding a sound track came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AudioSummary {
    /// Presentation samples encoded: the order's `sample_count`.
    pub samples: u64,
    /// Of these, silence that stands for absent source samples.
    pub filled_samples: u64,
    /// Source packets that could not be decoded.
    pub damaged_packets: u64,
    /// The source's sound, at the planned rate and channels.
    pub source: Loudness,
    /// What went into the encoder.
    pub coded: Loudness,
    /// Silence for what is absent or cannot be decoded, at most [`MAX_LOSSES`](media_types::loss::MAX_LOSSES).
    #[serde(default)]
    pub losses: Vec<Loss>,
}

/// What making the stills came to: all 0 without a sheet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillsSummary {
    /// Tiles in the sheet.
    pub tiles: u32,
    /// Tiles per row.
    pub sheet_columns: u32,
    /// Rows.
    pub sheet_rows: u32,
}

/// What reading text tracks came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSummary {
    /// Cues handed to the sink, one number per track of the order.
    pub cues_per_track: Vec<u64>,
    /// Source packets that could not be read, and cues that were too many.
    pub lost_packets: u64,
}

/// Why an engine gave no result.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineError {
    /// The sink answered [`Stop`].
    #[error("stopped by the caller")]
    Stopped,
    /// The source is at fault; trying again gives the same.
    #[error("{code}: {detail}")]
    Input {
        /// Stable and dotted, such as `input.unreadable`.
        code: String,
        /// One clause for a person.
        detail: String,
    },
    /// The engine or its machine is at fault.
    #[error("engine: {detail}")]
    Engine {
        /// One clause for an operator.
        detail: String,
    },
}

impl From<Stop> for EngineError {
    fn from(_: Stop) -> Self {
        EngineError::Stopped
    }
}

/// Decodes and encodes one source. Implemented by the adapters of foreign libraries, and by
/// [`FakeEngine`](crate::FakeEngine).
///
/// Every method may be called again, in any order; equal orders give equal results.
pub trait Engine {
    /// The engine's name and the versions of its libraries; equal only when equal orders give equal bytes.
    fn identity(&self) -> String;

    /// Reads what the source contains, decoding no more than its container forces it to, and some windows of what is
    /// interlaced.
    ///
    /// # Errors
    /// [`EngineError::Input`] when the source cannot be read as media.
    fn probe(&mut self) -> Result<ProbeReport, EngineError>;

    /// Encodes one range. Every planned frame reaches the sink exactly once per rendition; see
    /// [`check_range`](crate::check_range).
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when the sink says so, otherwise whose fault it is.
    fn encode_range(&mut self, order: &RangeOrder, sink: &mut dyn EngineSink) -> Result<RangeSummary, EngineError>;

    /// Measures how loud the source's sound is, at the planned rate and channels, in the plan's
    /// [`loudness_windows`](crate::loudness_windows).
    ///
    /// # Errors
    /// Whose fault it is.
    fn measure_audio(&mut self, plan: &AudioPlan) -> Result<Loudness, EngineError>;

    /// Encodes one sound track, whole, once for each of its codings, all of them from the same samples.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when the sink says so, otherwise whose fault it is.
    fn encode_audio(&mut self, order: &AudioOrder, sink: &mut dyn EngineSink) -> Result<AudioSummary, EngineError>;

    /// Makes [`POSTER`], [`STORYBOARD`], or both, as ordered.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when the sink says so, otherwise whose fault it is.
    fn stills(&mut self, order: &StillsOrder, sink: &mut dyn EngineSink) -> Result<StillsSummary, EngineError>;

    /// Reads the text of tracks; of one that cannot be decoded there is none.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when the sink says so, otherwise whose fault it is.
    fn read_text(&mut self, order: &TextOrder, sink: &mut dyn EngineSink) -> Result<TextSummary, EngineError>;
}

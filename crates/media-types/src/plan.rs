//! What will be encoded: made once from a [`ProbeReport`](crate::ProbeReport) and a pinned ladder, then never changed.

mod rendition;
mod sound;

use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize};

use crate::segment::{CaptionChannel, Roles};
use crate::{
    FilmGrid, FrameRate, HdrVideo, LadderDecision, Loss, PerTitle, Rational, Rotation, StreamClock, TeletextPage,
    Timescale,
};

pub use rendition::{Rendition, SkippedRung, VideoCodec, VideoEncoding};
pub use sound::{AudioCodec, AudioCoding, AudioPlan, LoudnessTarget};

/// The ladder a plan was made with; a later edit of the file does not change the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LadderPin {
    /// The ladder's name.
    pub name: String,
    /// Lower-case hex SHA-256 of the ladder file's bytes.
    pub sha256: String,
}

/// One source picture and for how many output frames it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The source picture's presentation time, in ticks of the source stream's time base; where film is made of the source's
    /// fields, that of the film's picture ([`FilmGrid`]).
    pub source_pts: i64,
    /// Consecutive output frames that show it, at least 1.
    pub frames: u32,
}

/// Which source picture each output frame shows, in presentation order. Pictures that no frame shows are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrameMap(pub Vec<Shown>);

impl FrameMap {
    /// Number of output frames.
    pub fn frame_count(&self) -> u64 {
        self.0.iter().map(|shown| u64::from(shown.frames)).sum()
    }

    /// The part of the map that covers output frames `first .. first + count`.
    pub fn slice(&self, first: u64, count: u64) -> FrameMap {
        let (mut at, end, mut out) = (0u64, first + count, Vec::new());
        for shown in &self.0 {
            let next = at + u64::from(shown.frames);
            let (from, to) = (at.max(first), next.min(end));
            if from < to {
                let frames = u32::try_from(to - from).unwrap_or(u32::MAX);
                out.push(Shown { source_pts: shown.source_pts, frames });
            }
            if next >= end {
                break;
            }
            at = next;
        }
        FrameMap(out)
    }
}

/// The unit of parallel encoding: whole segments, independently decodable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GopRange {
    /// 0-based position.
    pub index: u32,
    /// First output frame.
    pub first_frame: u64,
    /// Output frames in the range.
    pub frame_count: u64,
    /// First segment, 0-based.
    pub first_segment: u32,
    /// Segments in the range.
    pub segment_count: u32,
}

/// The video half of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoPlan {
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
    /// How film lies in the source's fields, when it is made film again; then nothing is deinterlaced beside it.
    #[serde(default)]
    pub film: Option<FilmGrid>,
    /// What renditions of high dynamic range say of their light; `None` when the source has none to give.
    #[serde(default)]
    pub hdr: Option<HdrVideo>,
    /// Constant output rate.
    pub frame_rate: FrameRate,
    /// Output ticks per second.
    pub timescale: Timescale,
    /// Ticks each output frame lasts.
    pub frame_ticks: u32,
    /// An IDR picture opens every run of this many frames, counted from each segment's start.
    pub gop_frames: u32,
    /// Frames of every segment but the last, a multiple of `gop_frames`.
    pub segment_frames: u32,
    /// Which source picture each output frame shows.
    pub frame_map: FrameMap,
    /// The ranges, in order, covering every frame exactly once.
    pub ranges: Vec<GopRange>,
    /// What is encoded: H.264 lowest first, then the other codecs, each lowest first; behind these, in the same order, what is
    /// of high dynamic range. The first one is the rung an asset is first playable with.
    pub renditions: Vec<Rendition>,
}

impl VideoPlan {
    /// Number of output frames.
    pub fn frame_count(&self) -> u64 {
        self.ranges.last().map_or(0, |range| range.first_frame + range.frame_count)
    }

    /// Number of segments.
    pub fn segment_count(&self) -> u32 {
        self.ranges.last().map_or(0, |range| range.first_segment + range.segment_count)
    }

    /// Some of the segments as a range of their own, cut at the end. Its `index` is that of no planned range.
    pub fn range_of(&self, segments: Range<u32>) -> GopRange {
        let (first_segment, end) = (segments.start, segments.end.min(self.segment_count()).max(segments.start));
        let first_frame = u64::from(first_segment) * u64::from(self.segment_frames);
        let end_frame = (u64::from(end) * u64::from(self.segment_frames)).min(self.frame_count());
        GopRange {
            index: u32::MAX,
            first_frame,
            frame_count: end_frame.saturating_sub(first_frame),
            first_segment,
            segment_count: end - first_segment,
        }
    }

    /// Frames of segment `index`, 0-based; 0 past the end.
    pub fn frames_in_segment(&self, index: u32) -> u32 {
        let first = u64::from(index) * u64::from(self.segment_frames);
        let left = self.frame_count().saturating_sub(first);
        u32::try_from(left.min(self.segment_frames.into())).unwrap_or(u32::MAX)
    }
}

/// One text track of a plan: subtitles or captions of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPlan {
    /// Unique among the plan's text tracks and safe in a URL, such as `en`.
    pub name: String,
    /// Index of the stream in its container.
    pub stream_index: u32,
    /// Seconds per source tick.
    pub source_time_base: Rational,
    /// Source time that becomes presentation time 0, in source ticks.
    pub origin_pts: i64,
    /// BCP 47 language, `und` when unknown.
    pub language: String,
    /// What people call it, when the source says.
    pub label: Option<String>,
    /// What it is for.
    pub roles: Roles,
    /// The channel of closed captions inside the pictures that `stream_index` then names; `None` for a stream of text.
    #[serde(default)]
    pub channel: Option<CaptionChannel>,
    /// The page of teletext that is read; `None` for other text.
    #[serde(default)]
    pub page: Option<TeletextPage>,
    /// How source times come from those in the file, where those jump.
    #[serde(default)]
    pub clock: StreamClock,
}

/// A named part of the presentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChapter {
    /// Its first instant, in microseconds of the presentation.
    pub start_us: u64,
    /// The first instant behind it.
    pub end_us: u64,
    /// Its name; empty when it has none.
    pub title: String,
}

/// Still pictures: a poster and a storyboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillsPlan {
    /// Source presentation time of the poster, in source ticks.
    pub poster_pts: i64,
    /// Poster size in pixels.
    pub poster_width: u32,
    /// Poster height in pixels.
    pub poster_height: u32,
    /// Milliseconds each tile of the storyboard stands for.
    pub tile_interval_ms: u32,
    /// Tile size in pixels.
    pub tile_width: u32,
    /// Tile height in pixels.
    pub tile_height: u32,
    /// Tiles per row of the sheet.
    pub columns: u32,
}

/// Everything the engine is asked to do for one asset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncodePlan {
    /// The ladder it was made with.
    pub ladder: LadderPin,
    /// `None` for audio-only sources.
    pub video: Option<VideoPlan>,
    /// The sound tracks, the one that is played unless another is chosen first; none for silent sources. Pictures or
    /// sound are present. All have equally many segments.
    #[serde(deserialize_with = "one_or_many")]
    pub audio: Vec<AudioPlan>,
    /// Subtitles and captions.
    #[serde(default)]
    pub text: Vec<TextPlan>,
    /// Named parts, in no particular order.
    #[serde(default)]
    pub chapters: Vec<PlannedChapter>,
    /// `None` for audio-only sources.
    pub stills: Option<StillsPlan>,
    /// Rungs left out, each with its reason.
    pub skipped: Vec<SkippedRung>,
    /// How the renditions are decided by the recording's own pictures; `None` when they are as they stand here.
    #[serde(default)]
    pub per_title: Option<PerTitle>,
    /// What the best rendition has to reach to be published complete: XPSNR of the luma in decibels, at its own size.
    #[serde(default)]
    pub floor_db: Option<f64>,
    /// The same by VMAF, from 0 to 100, where that is measured.
    #[serde(default)]
    pub least_vmaf: Option<f64>,
    /// What was decided; its renditions stand here.
    #[serde(default)]
    pub decision: Option<LadderDecision>,
    /// Name of the rendition that is encoded though one that is made the same is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// Length of the presentation in milliseconds.
    pub duration_ms: i64,
    /// What a person should know about the result, one sentence each.
    pub warnings: Vec<String>,
    /// What the source lacks, as far as its packets tell.
    #[serde(default)]
    pub losses: Vec<Loss>,
}

impl EncodePlan {
    /// What is published complete: all renditions, but for a first one that is only there for who plays before the rest is made.
    pub fn complete_renditions(&self) -> impl Iterator<Item = (usize, &Rendition)> {
        let early_only = self.decision.as_ref().is_some_and(|decision| decision.first_is_early_only);
        let renditions = self.video.iter().flat_map(|video| video.renditions.iter().enumerate());
        renditions.skip(usize::from(early_only))
    }

    /// Whether both make the same media: they differ in the ladder's hash, in what a person is told, in what they wanted made
    /// again, and in nothing else.
    pub fn makes_the_same(&self, other: &Self) -> bool {
        let told = |plan: &Self| Self {
            ladder: LadderPin { name: String::new(), sha256: String::new() },
            again: None,
            skipped: Vec::new(),
            warnings: Vec::new(),
            ..plan.clone()
        };
        told(self) == told(other)
    }

    /// The same where nobody plays before all is made.
    #[must_use]
    pub fn without_early_only(mut self) -> Self {
        let complete = self.complete_renditions().map(|(_, rendition)| rendition.clone()).collect();
        if let (Some(decision), Some(video)) = (&mut self.decision, &mut self.video) {
            video.renditions = complete;
            decision.first_is_early_only = false;
        }
        self
    }
}

/// Plans used to have one sound track or `null`, and no name for it.
fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<AudioPlan>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Many(Vec<AudioPlan>),
        One(Option<Box<AudioPlan>>),
    }
    Ok(match Stored::deserialize(from)? {
        Stored::Many(tracks) => tracks,
        Stored::One(track) => {
            track.map(|track| AudioPlan { name: track.language.clone(), ..*track }).into_iter().collect()
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::DynamicRange;

    #[test]
    fn plans_of_one_sound_track_or_none_are_read_as_they_used_to_be_stored() {
        let read = |audio: &str| {
            let plan = r#"{"ladder":{"name":"film","sha256":""},"video":null,"audio":AUDIO,"stills":null,"skipped":[],
                "duration_ms":10000,"warnings":[]}"#;
            serde_json::from_str::<EncodePlan>(&plan.replace("AUDIO", audio)).unwrap().audio
        };
        let one = r#"{"stream_index":1,"source_time_base":{"num":1,"den":48000},"origin_pts":0,"sample_rate":48000,
            "channels":2,"bitrate_bps":96000,"sample_count":480000,"borders":[192000,384000],"language":"en","loudness":null}"#;
        let tracks = read(one);
        assert_eq!((tracks.len(), tracks[0].name.as_str(), tracks[0].label.as_ref()), (1, "en", None));
        assert!(read("null").is_empty() && read("[]").is_empty());
        let again = serde_json::to_string(&tracks).unwrap();
        assert_eq!(read(&again), tracks);
    }

    #[test]
    fn plans_that_differ_in_the_hash_of_their_ladder_and_in_what_is_told_make_the_same() {
        let plan = |sha256: &str, bitrate_bps: u32, warning: &str| {
            let audio = format!(
                r#"{{"stream_index":1,"source_time_base":{{"num":1,"den":48000}},"origin_pts":0,"sample_rate":48000,"channels":2,
                "bitrate_bps":{bitrate_bps},"sample_count":480000,"borders":[192000],"language":"en","loudness":null}}"#
            );
            let plan = r#"{"ladder":{"name":"film","sha256":"SHA"},"video":null,"audio":AUDIO,"stills":null,"skipped":[],
                "duration_ms":10000,"warnings":["WARNING"]}"#;
            let plan = plan.replace("SHA", sha256).replace("AUDIO", &audio).replace("WARNING", warning);
            serde_json::from_str::<EncodePlan>(&plan).unwrap()
        };
        let served = plan("ab", 96_000, "mono");
        assert!(served.makes_the_same(&plan("cd", 96_000, "in one channel")));
        assert!(!served.makes_the_same(&plan("cd", 64_000, "mono")));
        let repaired = EncodePlan { again: Some("720p".to_owned()), ..served.clone() };
        assert!(repaired.makes_the_same(&served), "what was made again before is not made again for ever");
    }

    #[test]
    fn a_plan_of_before_there_was_a_choice_of_codecs_is_of_h264() {
        let stored = r#"{"preset":"veryfast","crf":23.0,"max_bitrate_bps":800000,"buffer_bits":1200000,"tune":null}"#;
        let read: VideoEncoding = serde_json::from_str(stored).expect("it is read");
        assert_eq!(read.group(), (DynamicRange::Sdr, VideoCodec::H264));
    }

    proptest! {
        #[test]
        fn slices_of_a_frame_map_join_to_the_whole(runs in prop::collection::vec(1u32..5, 1..60), cut in 0u64..200) {
            let map = FrameMap(runs.iter().enumerate().map(|(i, &frames)| Shown { source_pts: i as i64, frames }).collect());
            let total = map.frame_count();
            let cut = cut.min(total);
            let (left, right) = (map.slice(0, cut), map.slice(cut, total - cut));
            prop_assert_eq!(left.frame_count(), cut);
            prop_assert_eq!(right.frame_count(), total - cut);
            let flat = |map: &FrameMap| map.0.iter().flat_map(|s| std::iter::repeat_n(s.source_pts, s.frames as usize)).collect::<Vec<_>>();
            prop_assert_eq!([flat(&left), flat(&right)].concat(), flat(&map));
        }
    }
}

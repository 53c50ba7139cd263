//! What a source contains, as read from its container before any picture is decoded.

use serde::{Deserialize, Serialize};

use crate::segment::Roles;
use crate::{Fields, FrameRate, HdrVideo, StreamClock, TeletextPage};

/// A fraction as containers state it; unlike [`FrameRate`] it may be zero or unreduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rational {
    /// Numerator.
    pub num: i32,
    /// Denominator; 0 when the container states nonsense.
    pub den: i32,
}

/// What brings the stored picture upright: a clockwise turn, after which some are mirrored (left and right change places).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// Upright as stored.
    #[default]
    None,
    /// A quarter turn clockwise.
    Right,
    /// Upside down.
    Half,
    /// A quarter turn counter-clockwise.
    Left,
    /// Mirrored as stored.
    Mirrored,
    /// A quarter turn clockwise, then mirrored.
    RightMirrored,
    /// Upside down, then mirrored.
    HalfMirrored,
    /// A quarter turn counter-clockwise, then mirrored.
    LeftMirrored,
}

impl Rotation {
    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        matches!(self, Self::Right | Self::Left | Self::RightMirrored | Self::LeftMirrored)
    }
}

/// One coded picture's times, in ticks of its stream's time base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketTime {
    /// Presentation time.
    pub pts: i64,
    /// Whether decoding can start here.
    pub keyframe: bool,
}

/// The chosen video stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoProbe {
    /// Index of the stream in its container.
    pub stream_index: u32,
    /// The codec's short name, such as `h264`.
    pub codec: String,
    /// Coded size in pixels, before rotation and aspect correction.
    pub width: u32,
    /// Coded height in pixels.
    pub height: u32,
    /// Shape of one pixel; 0/1 or 0/0 when unstated (square).
    pub sample_aspect: Rational,
    /// Turn needed to show pictures upright.
    pub rotation: Rotation,
    /// Pixel format's short name, such as `yuv420p`.
    pub pixel_format: String,
    /// Whether the stream states it is interlaced.
    pub interlaced: bool,
    /// What its fields show, when it does.
    #[serde(default)]
    pub fields: Fields,
    /// Its light, when it is of high dynamic range and renditions can have it so.
    #[serde(default)]
    pub hdr: Option<HdrVideo>,
    /// Seconds per tick.
    pub time_base: Rational,
    /// The rate the container states, if any.
    pub stated_rate: Option<FrameRate>,
    /// The stream's own average bitrate, measured over its packets, if its duration is known.
    pub bitrate_bps: Option<u64>,
    /// Mean size of the key frames in bytes; `None` when there is none.
    pub keyframe_bytes: Option<u64>,
    /// Every packet that has a presentation time, sorted by it, duplicates removed. Times are those of `clock`.
    pub packets: Vec<PacketTime>,
    /// How they come from the times in the file, where those jump.
    #[serde(default)]
    pub clock: StreamClock,
    /// Whether pictures were seen that have room for closed captions (ATSC A/53), with or without any in it.
    #[serde(default)]
    pub captions: bool,
}

impl VideoProbe {
    /// A stream of upright, progressive pictures of 8 bits that says nothing more of itself.
    pub fn plain(codec: &str, (width, height): (u32, u32), time_base: Rational, packets: Vec<PacketTime>) -> Self {
        Self {
            stream_index: 0,
            codec: codec.to_owned(),
            width,
            height,
            sample_aspect: Rational { num: 0, den: 1 },
            rotation: Rotation::None,
            pixel_format: "yuv420p".to_owned(),
            interlaced: false,
            fields: Fields::default(),
            hdr: None,
            time_base,
            clock: StreamClock::default(),
            stated_rate: None,
            bitrate_bps: None,
            keyframe_bytes: None,
            packets,
            captions: false,
        }
    }
}

/// One audio stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AudioProbe {
    /// Index of the stream in its container.
    pub stream_index: u32,
    /// The codec's short name, such as `aac`.
    pub codec: String,
    /// Samples per second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// BCP 47 or ISO 639 language as stated.
    pub language: Option<String>,
    /// What people call it ([`language::label`](crate::language::label)), when the container says.
    #[serde(default)]
    pub title: Option<String>,
    /// What the container says it is for.
    #[serde(default)]
    pub roles: Roles,
    /// Seconds per tick.
    pub time_base: Rational,
    /// First presentation time and the end of the last packet, in ticks; `None` when there is no packet.
    pub span: Option<(i64, i64)>,
    /// How times come from those in the file, where those jump.
    #[serde(default)]
    pub clock: StreamClock,
}

/// One stream of subtitles or captions that can be read as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextProbe {
    /// Index of the stream in its container.
    pub stream_index: u32,
    /// The codec's short name, such as `mov_text`.
    pub codec: String,
    /// BCP 47 or ISO 639 language as stated.
    pub language: Option<String>,
    /// What people call it ([`language::label`](crate::language::label)), when the container says.
    pub title: Option<String>,
    /// What the container says it is for.
    pub roles: Roles,
    /// Seconds per tick.
    pub time_base: Rational,
    /// The page of teletext that it is; `None` for a stream of text.
    #[serde(default)]
    pub page: Option<TeletextPage>,
}

/// A named part, as the container has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChapterProbe {
    /// Its first instant in microseconds of the container's clock.
    pub start_us: i64,
    /// The first instant behind it, of the same clock.
    pub end_us: i64,
    /// Its name; empty when it has none.
    pub title: String,
}

/// What a source contains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// The demuxer's short name, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// The video stream that will be encoded, if any. Attached pictures do not count.
    pub video: Option<VideoProbe>,
    /// All audio streams that can be decoded, in container order, the default one first.
    pub audio: Vec<AudioProbe>,
    /// All streams of subtitles and captions that can be read as text, in container order.
    #[serde(default)]
    pub text: Vec<TextProbe>,
    /// Named parts, in container order.
    #[serde(default)]
    pub chapters: Vec<ChapterProbe>,
    /// What was odd about the source, one sentence each, at most 16.
    pub warnings: Vec<String>,
    /// Where the recording ends by what its container says of it, in microseconds of the container's clock, when the file ends
    /// before that; `None` when it is whole, or nobody knows.
    #[serde(default)]
    pub stated_end_us: Option<i64>,
}

impl ProbeReport {
    /// Of a whole file in which there are these pictures and nothing else.
    pub fn of_pictures(container: &str, video: VideoProbe) -> Self {
        Self {
            container: container.to_owned(),
            size_bytes: 1,
            video: Some(video),
            audio: Vec::new(),
            text: Vec::new(),
            chapters: Vec::new(),
            warnings: Vec::new(),
            stated_end_us: None,
        }
    }
}

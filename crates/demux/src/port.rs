//! What every demuxer offers, and the values that cross its edge.

use bytes::Bytes;
use drm::{SampleEncryption, TrackProtection};
use media_types::{CodecConfig, FrameRate, Timescale};

pub use media_types::ByteRange;
pub use media_types::segment::Roles;

use crate::{DemuxError, Warning};

/// A demuxer of one file. Call [`poll`](Demux::poll) until it says [`Step::End`] or fails; after every
/// [`Step::Read`] call [`give`](Demux::give) once.
pub trait Demux {
    /// The next thing it wants or gives.
    ///
    /// # Errors
    /// The file, or the rest of it, cannot be read. Every later call fails the same way.
    fn poll(&mut self) -> Result<Step, DemuxError>;

    /// The bytes that the last [`Step::Read`] asked for. Fewer than asked for mean that the file ends there.
    fn give(&mut self, bytes: Bytes);

    /// The streams of the file, complete once [`Step::Ready`] was given.
    fn tracks(&self) -> &[Track];

    /// What was passed over or mended since the last call, at most 100 in all.
    fn take_warnings(&mut self) -> Vec<Warning>;
}

/// What a demuxer wants or gives next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It needs these bytes of the file: at least 1 and at most [`Step::MAX_READ`].
    Read(ByteRange),
    /// All tracks are known. Comes once, before the first packet.
    Ready,
    /// A sample. Those of one track come in decode order; tracks are interleaved as in the file.
    Packet(Packet),
    /// There is nothing more.
    End,
}

impl Step {
    /// The most bytes asked for at once.
    pub const MAX_READ: u64 = 4 << 20;
}

/// One sample of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Position of its track in [`Demux::tracks`].
    pub track: usize,
    /// Decode time in ticks, strictly growing within a track.
    pub dts: i64,
    /// Presentation time in ticks.
    pub pts: i64,
    /// Length in ticks where the container or the codec states it.
    pub duration: Option<u32>,
    /// Whether decoding can start here.
    pub keyframe: bool,
    /// Its bytes, formed as the track's [`CodecConfig`] says.
    pub data: Data,
    /// How it is encrypted, in a protected track.
    pub encryption: Option<SampleEncryption>,
}

/// The bytes of a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// As they lie in the file; the caller reads them.
    At(ByteRange),
    /// Put together from several places, or changed.
    Here(Bytes),
}

/// One elementary stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// The container's own number: `track_ID`, PID or `TrackNumber`.
    pub id: u64,
    /// What it holds.
    pub kind: MediaKind,
    /// What a decoder needs first, and how samples are formed.
    pub config: CodecConfig,
    /// Ticks per second of its packets.
    pub timescale: Timescale,
    /// Where presentation ends, in ticks, when an edit list says so: what lies behind is hidden.
    pub end: Option<i64>,
    /// BCP 47 language, `und` when unknown.
    pub language: String,
    /// A name for people.
    pub label: Option<String>,
    /// What it is for.
    pub roles: Roles,
    /// How its samples are encrypted, when they are.
    pub protection: Option<TrackProtection>,
}

/// A named place in the presentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// Nanoseconds from the presentation's start.
    pub start_ns: u64,
    /// Nanoseconds from the presentation's start, when stated.
    pub end_ns: Option<u64>,
    /// Its names in the order of the file; none of them is empty.
    pub titles: Vec<ChapterTitle>,
}

/// A name of a chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChapterTitle {
    /// BCP 47 language, `und` when unknown.
    pub language: String,
    /// At most 1,000 characters.
    pub text: String,
}

impl Chapter {
    /// The most chapters that are read from a file.
    pub const MOST: usize = 1000;
}

/// What a track shows or sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// Pictures.
    Video {
        /// Coded width in pixels after cropping.
        width: u32,
        /// Coded height in pixels after cropping.
        height: u32,
        /// Shape of a pixel, reduced; (1, 1) when nothing is stated.
        sample_aspect: (u32, u32),
        /// When the container or the codec states a constant one.
        frame_rate: Option<FrameRate>,
    },
    /// Sound.
    Audio {
        /// Samples per second of what is heard (HE-AAC: after SBR).
        sample_rate: u32,
        /// Channels of what is heard.
        channels: u32,
    },
    /// Subtitles or captions.
    Text,
}

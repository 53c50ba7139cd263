//! The coded pictures of a source, for an engine that decodes them by other means than the one which reads its container.
//!
//! There is one reader of containers, so that pictures have the times that the plan was made of whatever decodes them.

use bytes::Bytes;
use media_types::Rational;

use crate::{EngineError, VideoSetup};

/// What a source's pictures are coded as, where more than one engine can decode it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceCodec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    Hevc,
    /// VP9.
    Vp9,
    /// AV1.
    Av1,
}

/// What pictures say of their colours, as ISO/IEC 23091-2 numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours {
    /// Of the three lights.
    pub primaries: u8,
    /// From numbers to light.
    pub transfer: u8,
    /// From colours to luma and chroma.
    pub matrix: u8,
}

/// What is known of a stream before one of its pictures is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedStream {
    /// What its pictures are coded as.
    pub codec: SourceCodec,
    /// What the container has for the decoder: a configuration record of ISO/IEC 14496-15 or of the codec's own binding,
    /// parameter sets behind start codes, or nothing.
    pub setup: Bytes,
    /// Width as coded, in pixels.
    pub width: u32,
    /// Height as coded, in pixels.
    pub height: u32,
    /// Seconds per source tick.
    pub time_base: Rational,
    /// What its pictures say of their colours, or what is assumed where they say nothing.
    pub colours: Colours,
    /// In what its pictures differ from the plain ones (8-bit 4:2:0 in video range, of standard dynamic range and colours),
    /// as one clause.
    pub unusual: Option<&'static str>,
}

/// One access unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedPicture {
    /// When it is shown, in source ticks.
    pub pts: i64,
    /// Whether decoding can start with it.
    pub keyframe: bool,
    /// As the container has it.
    pub data: Bytes,
}

/// The coded pictures of one stream, in the order of decoding.
pub trait CodedPictures: Send {
    /// What they are.
    fn stream(&self) -> &CodedStream;

    /// Goes to a key frame from which the picture of time `pts` can be decoded, as near as the container allows.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn seek_before(&mut self, pts: i64) -> Result<(), EngineError>;

    /// The next one; `None` at the end, which may be where the source is damaged.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn next(&mut self) -> Result<Option<CodedPicture>, EngineError>;
}

/// A source that can be asked for them.
pub trait CodedSource {
    /// The coded pictures of the stream that `video` names, opened anew; `None` when its codec is no [`SourceCodec`], or
    /// its container does not say when pictures are shown.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn coded_pictures(&mut self, video: &VideoSetup) -> Result<Option<Box<dyn CodedPictures>>, EngineError>;
}

//! The port, implemented.

use std::sync::Once;

use ffmpeg_next as ff;
use pipeline::{
    AudioOrder, AudioSummary, Engine, EngineError, EngineSink, RangeOrder, RangeSummary, SourceRead, StillsOrder,
    StillsSummary,
};

use crate::open::{SharedSource, open};

/// One source behind FFmpeg's libraries.
pub struct LibavEngine {
    source: SharedSource,
}

impl LibavEngine {
    /// Takes the source; nothing is read before the first call.
    ///
    /// # Errors
    /// When the libraries cannot be initialised.
    pub fn open(source: Box<dyn SourceRead>) -> Result<Self, EngineError> {
        static INIT: Once = Once::new();
        INIT.call_once(|| ff::util::log::set_level(ff::util::log::Level::Error));
        Ok(Self { source: SharedSource::new(source) })
    }
}

/// The engine's name and the versions of its libraries, such as `libav 59.37.100 x264 164`.
pub fn identity() -> String {
    let version = |packed: u32| format!("{}.{}.{}", packed >> 16, (packed >> 8) & 0xff, packed & 0xff);
    format!(
        "libav avcodec-{} avformat-{} swscale-{}",
        version(ff::codec::version()),
        version(ff::format::version()),
        version(ff::software::scaling::version())
    )
}

impl Engine for LibavEngine {
    fn identity(&self) -> String {
        identity()
    }

    fn probe(&mut self) -> Result<media_types::ProbeReport, EngineError> {
        crate::probe::probe(&mut open(&self.source)?, self.source.size())
    }

    fn encode_range(&mut self, order: &RangeOrder, sink: &mut dyn EngineSink) -> Result<RangeSummary, EngineError> {
        crate::range::encode_range(open(&self.source)?, order, sink)
    }

    fn encode_audio(&mut self, order: &AudioOrder, sink: &mut dyn EngineSink) -> Result<AudioSummary, EngineError> {
        crate::audio::encode_audio(open(&self.source)?, order, sink)
    }

    fn stills(&mut self, order: &StillsOrder, sink: &mut dyn EngineSink) -> Result<StillsSummary, EngineError> {
        crate::stills::stills(open(&self.source)?, order, sink)
    }
}

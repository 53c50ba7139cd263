//! The port, implemented.

use std::sync::{Once, OnceLock};

use ff::format::context::Input;
use ffmpeg_next as ff;
use media_types::AudioPlan;
use pipeline::{
    AudioOrder, AudioSummary, CodedPictures, CodedSource, Engine, EngineError, EngineSink, Loudness, RangeOrder,
    RangeSummary, SourceRead, StillsOrder, StillsSummary, TextOrder, TextSummary, VideoSetup,
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
        INIT.call_once(|| {
            // A damaged source has something to say about each of its pictures; what matters of it is counted.
            ff::util::log::set_level(ff::util::log::Level::Fatal);
            // Until then FFmpeg's own errors are shown as nothing at all.
            ff::util::error::register_all();
            fill_memory();
        });
        Ok(Self { source: SharedSource::new(source) })
    }

    /// Does one thing with the source, opened anew; what was made of a source that could not be read does not count.
    fn work<T>(&self, work: impl FnOnce(Input) -> Result<T, EngineError>) -> Result<T, EngineError> {
        self.source.take_failure();
        let result = open(&self.source).and_then(work);
        match (result, self.source.take_failure()) {
            (Ok(_) | Err(EngineError::Input { .. }), Some(failure)) => Err(failure),
            (result, _) => result,
        }
    }
}

/// Has memory filled with zeros when it is handed out. x264 plans ahead with what lies beside its rows of blocks when their
/// number is no multiple of eight: with what other encoders have left there, equal orders would not give equal bytes.
fn fill_memory() {
    /// Freed memory is filled with it, new memory with its complement.
    const FREED: libc::c_int = 0xff;
    // SAFETY: two plain numbers, and the allocator takes its own lock. A refusal changes nothing.
    unsafe { libc::mallopt(libc::M_PERTURB, FREED) };
}

/// The engine's name and the versions of all libraries that have a say in its bytes, such as
/// `libav avcodec-59.37.100 avfilter-8.44.100 ... x264-164-r3095-baee400 x265-3.5 svt-av1-v1.4.1 libvpx-v1.12.0 libopus-1.3.1`.
pub fn identity() -> String {
    static IDENTITY: OnceLock<String> = OnceLock::new();
    let version = |packed: u32| format!("{}.{}.{}", packed >> 16, (packed >> 8) & 0xff, packed & 0xff);
    let made = || {
        format!(
            "libav avcodec-{} avfilter-{} avformat-{} swresample-{} swscale-{} {}",
            version(ff::codec::version()),
            version(ff::filter::version()),
            version(ff::format::version()),
            version(ff::software::resampling::version()),
            version(ff::software::scaling::version()),
            crate::codecs::builds()
        )
    };
    IDENTITY.get_or_init(made).clone()
}

impl CodedSource for LibavEngine {
    fn coded_pictures(&mut self, video: &VideoSetup) -> Result<Option<Box<dyn CodedPictures>>, EngineError> {
        self.work(|source| crate::coded::coded_pictures(source, self.source.clone(), video))
    }
}

impl Engine for LibavEngine {
    fn identity(&self) -> String {
        identity()
    }

    fn probe(&mut self) -> Result<media_types::ProbeReport, EngineError> {
        self.work(|mut source| crate::probe::probe(&mut source, &self.source))
    }

    fn encode_range(&mut self, order: &RangeOrder, sink: &mut dyn EngineSink) -> Result<RangeSummary, EngineError> {
        self.work(|source| crate::range::encode_range(source, order, sink))
    }

    fn measure_audio(&mut self, plan: &AudioPlan) -> Result<Loudness, EngineError> {
        self.work(|source| crate::loudness::measure_audio(source, plan))
    }

    fn encode_audio(&mut self, order: &AudioOrder, sink: &mut dyn EngineSink) -> Result<AudioSummary, EngineError> {
        self.work(|source| crate::audio::encode_audio(source, order, sink))
    }

    fn stills(&mut self, order: &StillsOrder, sink: &mut dyn EngineSink) -> Result<StillsSummary, EngineError> {
        self.work(|source| crate::stills::stills(source, order, sink))
    }

    fn read_text(&mut self, order: &TextOrder, sink: &mut dyn EngineSink) -> Result<TextSummary, EngineError> {
        let size_bytes = self.source.size();
        self.work(|source| crate::text::read_text(source, size_bytes, order, sink))
    }
}

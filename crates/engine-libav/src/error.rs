//! From FFmpeg's error numbers to whose fault it is.

use pipeline::EngineError;

/// The machine or this program is at fault.
pub(crate) fn engine(what: &'static str) -> impl FnOnce(ffmpeg_next::Error) -> EngineError {
    move |error| EngineError::Engine { detail: format!("{what}: {error}") }
}

/// The source is at fault.
pub(crate) fn input(code: &str, detail: impl Into<String>) -> EngineError {
    EngineError::Input { code: code.to_owned(), detail: detail.into() }
}

/// Whether a codec or demuxer only says "nothing now": more input is wanted, or the end is reached.
pub(crate) fn is_again_or_end(error: &ffmpeg_next::Error) -> bool {
    matches!(error, ffmpeg_next::Error::Eof)
        || matches!(error, ffmpeg_next::Error::Other { errno } if *errno == ffmpeg_next::util::error::EAGAIN)
}

/// Whether the machine, and not the data, is what failed.
pub(crate) fn is_out_of_memory(error: &ffmpeg_next::Error) -> bool {
    matches!(error, ffmpeg_next::Error::Other { errno } if *errno == ffmpeg_next::util::error::ENOMEM)
}

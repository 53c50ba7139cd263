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

/// Why there is no decoder for `what`: its codec, unless the machine has no memory or no thread to spare for one.
pub(crate) fn no_decoder(what: &'static str) -> impl FnOnce(ffmpeg_next::Error) -> EngineError {
    move |error| {
        if is_out_of_memory(&error) || is_again_or_end(&error) {
            return EngineError::Engine { detail: format!("opening the decoder of {what}: {error}") };
        }
        input("input.unsupported_codec", format!("{what} cannot be decoded: {error}"))
    }
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

#[cfg(test)]
mod tests {
    use ffmpeg_next::util::error::{EAGAIN, ENOMEM, ENOSYS};

    use super::*;

    struct NoSource;

    impl pipeline::SourceRead for NoSource {
        fn size(&self) -> u64 {
            0
        }

        fn read_at(&mut self, _: u64, _: &mut [u8]) -> std::io::Result<usize> {
            Ok(0)
        }
    }

    #[test]
    fn an_error_of_the_libraries_says_what_it_is() {
        assert!(crate::LibavEngine::open(Box::new(NoSource)).is_ok());
        let detail = engine("encoding")(ffmpeg_next::Error::External).to_string();
        assert!(detail.ends_with("encoding: Generic error in an external library"), "{detail}");
    }

    #[test]
    fn a_machine_without_room_for_a_decoder_is_not_the_sources_fault() {
        for (errno, is_input) in [(ENOMEM, false), (EAGAIN, false), (ENOSYS, true)] {
            let error = no_decoder("the video")(ffmpeg_next::Error::Other { errno });
            assert_eq!(matches!(error, EngineError::Input { .. }), is_input, "{error}");
        }
    }
}

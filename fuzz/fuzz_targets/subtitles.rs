//! See `parsers::subtitles`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::subtitles(data));

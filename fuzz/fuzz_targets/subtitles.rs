//! See `lectern_fuzz::subtitles`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::subtitles(data));

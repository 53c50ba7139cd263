//! See `lectern_fuzz::ladder_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::ladder_file(data));

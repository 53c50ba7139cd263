//! See `lectern_fuzz::avc`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::avc(data));

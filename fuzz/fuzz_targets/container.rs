//! See `lectern_fuzz::container`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::container(data));

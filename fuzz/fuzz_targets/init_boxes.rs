//! See `lectern_fuzz::init_boxes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::init_boxes(data));

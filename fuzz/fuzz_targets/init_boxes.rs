//! See `parsers::init_boxes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::init_boxes(data));

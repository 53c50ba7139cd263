//! See `parsers::cue_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::cue_message(data));

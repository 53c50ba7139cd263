//! See `lectern_fuzz::cue_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::cue_message(data));

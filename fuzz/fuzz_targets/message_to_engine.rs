//! See `lectern_fuzz::message_to_engine`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::message_to_engine(data));

//! See `parsers::message_to_engine`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::message_to_engine(data));

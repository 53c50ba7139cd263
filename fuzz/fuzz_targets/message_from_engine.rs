//! See `parsers::message_from_engine`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::message_from_engine(data));

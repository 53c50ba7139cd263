//! What crosses the pipe to the confined engine, and what an operator writes.

use engine_host::protocol::{FromChild, Limits, Message, Prefix, ToChild, decode, encode};

/// A frame that the confined child reads.
pub fn message_to_engine(data: &[u8]) {
    frame::<ToChild>(data, Limits::TO_CHILD);
}

/// A frame that the worker reads from a child that a hostile file may have taken over.
pub fn message_from_engine(data: &[u8]) {
    frame::<FromChild>(data, Limits::FROM_CHILD);
    frame::<FromChild>(data, Limits::PROBE);
}

fn frame<M: Message>(data: &[u8], limits: Limits) {
    let Some((start, body)) = data.split_first_chunk::<{ Prefix::SIZE }>() else { return };
    // The parser is reached whatever the prefix says; the reader only hands it whole headers.
    let header = match Prefix::decode(*start, limits) {
        Ok(prefix) => {
            assert!(prefix.header_bytes <= limits.header_bytes && prefix.payload_bytes <= limits.payload_bytes);
            body.get(..prefix.header_bytes as usize).unwrap_or(body)
        }
        Err(_) => body,
    };
    let Ok(message) = decode::<M>(header, 0) else { return };
    // An encoding that is not the shortest is read too, so bytes are compared from the second one on. Bytes and not
    // values, since NaN is not equal to itself.
    let Ok(once) = encode(&message, 0, limits) else { return };
    let again = decode::<M>(&once[Prefix::SIZE..], 0).expect("what was written is read");
    assert_eq!(encode(&again, 0, limits).expect("what was read is written"), once);
}

/// A ladder file of an operator.
pub fn ladder_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match ladders::parse("fuzz.toml", text) {
        Ok(ladder) => {
            assert!(!ladder.rungs.is_empty());
            let place = |rung: &ladders::Rung| (rung.encoding.codec, rung.height);
            assert!(ladder.rungs.is_sorted_by(|before, after| place(before) < place(after)), "by codec, then by size");
            assert_eq!(ladder.rungs[0].encoding.codec, media_types::VideoCodec::H264);
        }
        Err(report) => {
            assert!(!report.mistakes.is_empty(), "a refusal says why");
            assert!(report.mistakes.iter().all(|mistake| !mistake.cure.is_empty()), "and what to do");
        }
    }
}

//! AV1 frames as samples hold them.
//!
//! A block may have temporal delimiters, and its last OBU may lack a size field (Matroska's AV1 mapping §4.2); samples have
//! neither delimiters nor padding, and every OBU has its size (AV1 Codec ISO Media File Format Binding §2.4). The headers
//! of the OBUs are looked at where they lie, so that the payload of a usual frame is never read.

use bitstream::av1::{leb128, obu};
use bytes::Bytes;
use media_types::ByteRange;

use super::frames::LARGEST_READ;
use super::input::{Input, Stop};
use crate::Data;

/// A walk through the OBUs of one frame in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    /// What is kept so far.
    start: u64,
    at: u64,
    end: u64,
    rewrite: bool,
}

/// The head of an OBU: header, extension and size field.
struct ObuHead {
    kind: u8,
    has_size: bool,
    length: u64,
    payload: u64,
}

impl ObuHead {
    const MAX: usize = 10;

    fn read(bytes: &[u8], left: u64) -> Option<ObuHead> {
        let header = *bytes.first()?;
        let has_size = header & 2 != 0;
        let mut length = 1 + u64::from(header >> 2 & 1);
        let payload = if has_size {
            let (size, taken) = leb128(bytes.get(length as usize..)?)?;
            length += taken as u64;
            size.into()
        } else {
            left.checked_sub(length)?
        };
        (header & 0x80 == 0 && length + payload <= left).then_some(ObuHead {
            kind: header >> 3 & 0xf,
            has_size,
            length,
            payload,
        })
    }
}

fn is_dropped(kind: u8) -> bool {
    matches!(kind, obu::TEMPORAL_DELIMITER | obu::PADDING | obu::TILE_LIST)
}

impl Walk {
    pub(super) fn new(place: ByteRange) -> Walk {
        let end = place.offset + place.length;
        Walk { start: place.offset, at: place.offset, end, rewrite: false }
    }

    /// The frame as a sample holds it; `None` when it is damaged or nothing remains.
    pub(super) fn run(&mut self, input: &mut Input) -> Result<Option<Data>, Stop> {
        while self.at < self.end && !self.rewrite {
            let left = self.end - self.at;
            let bytes = input.peek(self.at, ObuHead::MAX.min(left as usize))?;
            let Some(head) = ObuHead::read(bytes, left) else { return Ok(None) };
            let next = self.at + head.length + head.payload;
            match is_dropped(head.kind) {
                // One at the front is passed by, without a copy.
                true if self.at == self.start => self.start = next,
                true => self.rewrite = true,
                false => self.rewrite = !head.has_size,
            }
            self.at = next;
        }
        let length = self.end - self.start;
        if length == 0 {
            return Ok(None);
        }
        if !self.rewrite {
            return Ok(Some(Data::At(ByteRange { offset: self.start, length })));
        }
        if length > LARGEST_READ {
            return Ok(None);
        }
        let bytes = input.bytes(self.start, length as usize)?;
        Ok(rewritten(&bytes).map(Data::Here))
    }
}

/// The frame without delimiters and padding, with all sizes. `None` when it is damaged or nothing remains.
pub(super) fn rewritten(frame: &[u8]) -> Option<Bytes> {
    let mut out = Vec::with_capacity(frame.len() + 4);
    let mut rest = frame;
    while !rest.is_empty() {
        let head = ObuHead::read(rest, rest.len() as u64)?;
        let (whole, tail) = rest.split_at_checked((head.length + head.payload) as usize)?;
        rest = tail;
        if is_dropped(head.kind) {
            continue;
        }
        if head.has_size {
            out.extend_from_slice(whole);
            continue;
        }
        let (header, payload) = whole.split_at_checked(head.length as usize)?;
        out.push(header[0] | 2);
        out.extend_from_slice(&header[1..]);
        let mut size = payload.len();
        while size >= 0x80 {
            out.push(size as u8 | 0x80);
            size >>= 7;
        }
        out.push(size as u8);
        out.extend_from_slice(payload);
    }
    (!out.is_empty()).then(|| out.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn walk(bytes: &[u8]) -> Option<Data> {
        let mut input = Input::new(Some(bytes.len() as u64));
        let mut walk = Walk::new(ByteRange { offset: 0, length: bytes.len() as u64 });
        loop {
            match walk.run(&mut input) {
                Ok(data) => return data,
                Err(Stop::Read(range)) => {
                    input.give(Bytes::copy_from_slice(&bytes[range.offset as usize..][..range.length as usize]));
                }
                Err(Stop::Fail(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn delimiters_go_and_sizes_come() {
        let here = |bytes: &[u8]| Some(Data::Here(Bytes::copy_from_slice(bytes)));
        // Temporal delimiter, then a frame of two bytes.
        assert_eq!(walk(&[0x12, 0, 0x32, 2, 7, 8]), Some(Data::At(ByteRange { offset: 2, length: 4 })));
        assert_eq!(walk(&[0x12, 0, 0x30, 7, 8]), here(&[0x32, 2, 7, 8]));
        assert_eq!(walk(&[0x32, 1, 9, 0x7A, 1, 0, 0x32, 1, 7]), here(&[0x32, 1, 9, 0x32, 1, 7]));
        assert_eq!(walk(&[0x32, 9, 9]), None);
        assert_eq!(walk(&[0x12, 0]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_through(bytes in prop::collection::vec(any::<u8>(), 1..60)) {
            let walked = walk(&bytes);
            if let Some(Data::At(place)) = &walked {
                prop_assert_eq!(place.offset + place.length, bytes.len() as u64);
            }
            prop_assert_eq!(walked.is_some(), rewritten(&bytes).is_some());
        }
    }
}

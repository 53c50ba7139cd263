//! The codecs' own bytes: parameter sets, headers, configuration records.

mod av1;
mod avc;
mod captions;
mod hevc;
mod sound;
mod vp9;

use std::ops::Range;

pub use av1::av1;
pub use avc::avc;
pub use captions::captions;
pub use hevc::hevc;
pub use sound::audio;
pub use vp9::vp9;

/// Ranges that follow one another within `length` bytes; none is empty.
fn in_order<'a>(ranges: impl IntoIterator<Item = &'a Range<usize>>, length: usize) {
    let mut at = 0;
    for range in ranges {
        assert!(
            at <= range.start && range.start < range.end && range.end <= length,
            "{range:?} after {at} of {length}"
        );
        at = range.end;
    }
}

/// The NAL units of a track's samples, and of an input that is a byte stream.
fn nal_units(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (_, samples) = crate::pieces::split(data);
    let units = samples.into_iter().flat_map(bitstream::bits::length_prefixed);
    units.flatten().chain(bitstream::annex_b::units(data))
}

/// Bytes without emulation prevention, counted both ways.
fn escapes(nal: &[u8]) {
    let whole = bitstream::bits::unescape(nal, usize::MAX);
    for count in [0, 1, whole.len() / 2, whole.len(), whole.len() + 1] {
        match bitstream::bits::escaped_length(nal, count) {
            Some(length) => assert_eq!(bitstream::bits::unescape(&nal[..length], usize::MAX), whole[..count]),
            None => assert!(count > whole.len()),
        }
    }
}

//! NAL units in the two ways in which encoders put them.

use bitstream::annex_b;
use bitstream::bits::length_prefixed;

/// The NAL units of headers in which each is behind a start code, or each behind a 4-byte length.
pub(super) fn units(headers: &[u8]) -> Option<Vec<&[u8]>> {
    if headers.starts_with(&[0, 0, 0, 1]) || headers.starts_with(&[0, 0, 1]) {
        Some(annex_b::units(headers).collect())
    } else {
        length_prefixed(headers).collect()
    }
}

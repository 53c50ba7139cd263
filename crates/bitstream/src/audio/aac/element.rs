//! `program_config_element` (ISO/IEC 14496-3 §4.4.1.1).

use crate::bits::Bits;

/// Reads one: how many channels its elements have. Byte alignment counts from the start of `bits`.
pub(super) fn program_config(bits: &mut Bits<'_>) -> Option<u8> {
    // element_instance_tag, object_type, sampling_frequency_index
    bits.skip(10)?;
    let [front, side, back] = [bits.take(4)?, bits.take(4)?, bits.take(4)?];
    let (low, data, coupling) = (bits.take(2)?, bits.take(3)? as usize, bits.take(4)? as usize);
    // mono_mixdown, stereo_mixdown, matrix_mixdown
    for width in [4, 4, 3] {
        if bits.flag()? {
            bits.skip(width)?;
        }
    }
    let mut channels = low;
    for _ in 0..front + side + back {
        // A pair, or one channel; then its tag.
        channels += 1 + bits.take(1)?;
        bits.skip(4)?;
    }
    bits.skip(4 * low as usize + 4 * data + 5 * coupling)?;
    bits.skip((8 - bits.position() % 8) % 8)?;
    let comment = bits.take(8)? as usize;
    bits.skip(8 * comment)?;
    u8::try_from(channels).ok()
}

//! CRC-32/MPEG-2 (ISO/IEC 13818-1 annex A).

/// Polynomial `0x04c11db7`, most significant bit first, from all ones.
pub fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    })
}

//! CRC-32/MPEG-2 (ISO/IEC 13818-1 annex A).

/// Polynomial `0x04c11db7`, most significant bit first, from all ones. Over a section with its own CRC at the end it is 0
/// when nothing is damaged.
pub fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| crc << 8 ^ TABLE[usize::from((crc >> 24) as u8 ^ byte)])
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let (mut value, mut bit) = ((index as u32) << 24, 0);
        while bit < 8 {
            value = if value & 0x8000_0000 != 0 { value << 1 ^ 0x04c1_1db7 } else { value << 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_crc_is_the_published_one() {
        assert_eq!(super::crc32(b"123456789"), 0x0376_e6e7);
    }
}

//! The little of CTA-708-E that makes a caption: packets, service blocks, and one window with one row of text.

use super::Entry;

/// DisplayWindows and DeleteWindows of window 0 (8.10.5).
pub const DISPLAY: [u8; 2] = [0x89, 0x01];
pub const DELETE: [u8; 2] = [0x8c, 0x01];

/// A service block (6.2) of a standard service, 1 to 6.
pub fn block(service: u8, codes: &[u8]) -> Vec<u8> {
    assert!((1..=6).contains(&service) && codes.len() < 32);
    let mut block = vec![service << 5 | codes.len() as u8];
    block.extend(codes);
    block
}

/// DefineWindow of window 0 (8.10.5.2), hidden, and text in it, ended by ETX.
pub fn window(text: &str) -> Vec<u8> {
    assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "G0 is ASCII but for its last code");
    let columns = text.len() as u8 - 1;
    // Rows and columns locked; its lower middle at 80 % and 50 % of the picture; one row; window and pen style 1.
    let mut codes = vec![0x98, 0x18, 0x80 | 80, 50, 7 << 4, columns, 1 << 3 | 1];
    codes.extend(text.bytes());
    codes.push(0x03);
    codes
}

/// A packet (5) as entries of `cc_data`: the first starts it, the others continue it.
pub fn packet(sequence: u8, blocks: &[u8]) -> Vec<Entry> {
    let mut bytes = vec![0];
    bytes.extend(blocks);
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    assert!(bytes.len() < 128);
    bytes[0] = (sequence & 3) << 6 | (bytes.len() / 2) as u8;
    let pairs = bytes.chunks(2).enumerate();
    pairs.map(|(index, pair)| (if index == 0 { 3 } else { 2 }, [pair[0], pair[1]])).collect()
}

//! The head of a PES packet (§2.4.3.6).

use super::clock::stamp;

/// The longest head.
const LONGEST: usize = 19;
/// Of what follows the fixed 6 bytes.
const MOST: usize = u16::MAX as usize;
/// Bytes of a sample or a run of them that leave room for the head in a packet that states its length.
pub(super) const BODY: usize = MOST - LONGEST;

/// `stream_id` of video, MPEG audio and private data (table 2-22).
pub(super) const VIDEO: u8 = 0xe0;
pub(super) const AUDIO: u8 = 0xc0;
pub(super) const PRIVATE: u8 = 0xbd;

/// A head and how much of it is used.
pub(super) struct Head {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Head {
    /// Of a unit that begins with a sample, presented and decoded at these times in 90 kHz, `body` bytes long. Its length
    /// is left open when it is longer than can be said, which video may be.
    pub(super) fn new(stream_id: u8, pts: i64, dts: i64, body: usize) -> Self {
        let (flags, length) = if pts == dts { (0x80, 14) } else { (0xc0, 19) };
        let packet = u16::try_from(length - 6 + body).unwrap_or(0).to_be_bytes();
        // data_alignment_indicator
        let mut bytes = [0; LONGEST];
        bytes[..9].copy_from_slice(&[0, 0, 1, stream_id, packet[0], packet[1], 0x84, flags, (length - 9) as u8]);
        bytes[9..14].copy_from_slice(&coded(flags >> 2, pts));
        if length == LONGEST {
            bytes[14..].copy_from_slice(&coded(0x10, dts));
        }
        Self { bytes, length }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// A stamp in three parts with marker bits behind them, the first behind the 4 bits `prefix`.
fn coded(prefix: u8, time: i64) -> [u8; 5] {
    let ticks = stamp(time);
    let [.., b0, b1, b2, b3] = ((ticks >> 15 & 0x7fff) << 17 | 1 << 16 | (ticks & 0x7fff) << 1 | 1).to_be_bytes();
    [prefix | (ticks >> 30 << 1) as u8 | 1, b0, b1, b2, b3]
}

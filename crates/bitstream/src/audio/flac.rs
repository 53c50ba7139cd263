//! FLAC (RFC 9639; Encapsulation of FLAC in ISO Base Media File Format).

use crate::bits::Bits;

/// What the STREAMINFO block says (RFC 9639 §8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// Fewest samples per channel of a frame, the last one aside.
    pub min_block: u16,
    /// Most samples per channel of a frame.
    pub max_block: u16,
    /// Samples per second.
    pub rate: u32,
    /// Channels.
    pub channels: u8,
    /// Bits per sample.
    pub bits: u8,
    /// Samples per channel of the stream; 0 when unknown.
    pub samples: u64,
}

impl StreamInfo {
    /// From metadata blocks as `dfLa` carries them after version and flags: STREAMINFO is the first.
    pub fn parse(blocks: &[u8]) -> Option<Self> {
        let (kind, body, _) = block(blocks)?;
        if kind & 0x7f != 0 {
            return None;
        }
        let mut bits = Bits::new(body.get(..34)?);
        let (min_block, max_block) = (bits.take(16)? as u16, bits.take(16)? as u16);
        // Smallest and largest frame in bytes.
        bits.skip(48)?;
        let (rate, channels, depth) = (bits.take(20)?, bits.take(3)? as u8 + 1, bits.take(5)? as u8 + 1);
        let samples = u64::from(bits.take(4)?) << 32 | u64::from(bits.take(32)?);
        let sound = rate > 0 && max_block >= 16 && min_block <= max_block && depth >= 4;
        sound.then_some(Self { min_block, max_block, rate, channels, bits: depth, samples })
    }
}

/// The metadata blocks for `dfLa` from the start of a native stream, or from Matroska's private data, with or without the
/// `fLaC` marker: STREAMINFO alone, since all that playback needs is in it.
pub fn metadata(native: &[u8]) -> Option<Vec<u8>> {
    let blocks = native.strip_prefix(b"fLaC").unwrap_or(native);
    StreamInfo::parse(blocks)?;
    let (_, body, _) = block(blocks)?;
    // The last block has its highest bit set.
    let mut out = vec![0x80, 0, 0, 34];
    out.extend_from_slice(&body[..34]);
    Some(out)
}

/// Samples per channel of a frame, by its header (RFC 9639 §9.1); `None` when there is none.
pub fn block_size(frame: &[u8]) -> Option<u32> {
    let &[0xff, second, codes, _, ref rest @ ..] = frame else { return None };
    if second & 0xfe != 0xf8 {
        return None;
    }
    // The frame or sample number, coded like UTF-8 in up to 7 bytes.
    let number = match rest.first()?.leading_ones() {
        0 => 1,
        1 | 8 => return None,
        length => length as usize,
    };
    let after = rest.get(number..)?;
    match codes >> 4 {
        0 => None,
        1 => Some(192),
        code @ 2..=5 => Some(144 << code),
        6 => Some(u32::from(*after.first()?) + 1),
        7 => Some(u32::from(u16::from_be_bytes([*after.first()?, *after.get(1)?])) + 1),
        code => Some(1 << code),
    }
}

/// The codecs string for the metadata blocks of a `dfLa` box: `fLaC`.
pub fn codec_string(config: &[u8]) -> Option<String> {
    StreamInfo::parse(config).map(|_| "fLaC".to_owned())
}

/// The first metadata block: its type with the bit for the last one, its body, and what follows.
fn block(blocks: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[kind, l0, l1, l2], rest) = blocks.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes([0, l0, l1, l2])).ok()?;
    let (body, rest) = rest.split_at_checked(length)?;
    Some((kind, body, rest))
}

#[cfg(test)]
mod tests;

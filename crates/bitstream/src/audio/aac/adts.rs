//! Audio Data Transport Stream (ISO/IEC 14496-3 §1.A.2.2).

use std::ops::Range;

use super::config::{Config, rate_of_index};
use crate::bits::Bits;

/// The fixed and variable header of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// `audioObjectType` of the frame: 1 to 4.
    pub object_type: u8,
    /// Samples per second of the core coder.
    pub rate: u32,
    /// `channel_configuration`; 0 when a program config element in the frame lists the channels.
    pub channel_config: u8,
    /// Bytes of the header, with its check.
    pub header_length: usize,
    /// Bytes of the frame, header included.
    pub frame_length: usize,
    /// Raw data blocks in the frame, 1024 samples each: nearly always 1.
    pub blocks: u32,
}

impl Header {
    /// Bytes that [`parse`](Self::parse) looks at.
    pub const LENGTH: usize = 7;

    /// From the first bytes of a frame; `None` when they are not its header.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(bytes.get(..Self::LENGTH)?);
        if bits.take(12)? != 0xfff {
            return None;
        }
        // ID, and layer, which is always 0
        bits.skip(1)?;
        if bits.take(2)? != 0 {
            return None;
        }
        let header_length = if bits.flag()? { 7 } else { 9 };
        let object_type = bits.take(2)? as u8 + 1;
        let rate = rate_of_index(bits.take(4)?)?;
        bits.skip(1)?;
        let channel_config = bits.take(3)? as u8;
        bits.skip(4)?;
        let frame_length = bits.take(13)? as usize;
        // adts_buffer_fullness
        bits.skip(11)?;
        let blocks = bits.take(2)? + 1;
        // Each block but the first has its position in the header when there is a check.
        let header_length = if header_length == 9 { 9 + 2 * (blocks as usize - 1) } else { 7 };
        (frame_length > header_length).then_some(Self {
            object_type,
            rate,
            channel_config,
            header_length,
            frame_length,
            blocks,
        })
    }

    /// What an AudioSpecificConfig would say of the stream: spectral band replication is not announced in ADTS, see
    /// [`Config::may_hide_sbr`]. `None` without a channel configuration.
    pub fn config(&self) -> Option<Config> {
        Config::new(self.object_type, self.rate, self.channel_config)
    }

    /// Whether both are of one stream: all that the fixed header says.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.object_type, self.rate, self.channel_config) == (other.object_type, other.rate, other.channel_config)
    }
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What its header says.
    pub header: Header,
    /// All of it.
    pub whole: Range<usize>,
    /// Its raw data block, which is what a sample holds. With several blocks this cannot become one sample.
    pub payload: Range<usize>,
    /// Bytes passed over before it because they were no frame.
    pub skipped: usize,
}

/// The whole frames in a piece of a stream. After the last one [`position`](Frames::position) says where an unfinished one
/// begins, which belongs before the next piece.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    /// From the first byte of `bytes`, whether or not a frame begins there.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes that are done with.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether a frame begins at `at`: a header which another follows where it should, as far as bytes are there.
    fn begins(&self, at: usize) -> Option<Header> {
        let header = Header::parse(&self.bytes[at..])?;
        let next = self.bytes.get(at + header.frame_length..).unwrap_or(&[]);
        let sound = match next.len() {
            0 => true,
            1 => next[0] == 0xff,
            2..Header::LENGTH => next[0] == 0xff && next[1] & 0xf6 == 0xf0,
            _ => Header::parse(next).is_some(),
        };
        sound.then_some(header)
    }
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let start = self.at;
        while self.bytes.len() - self.at >= Header::LENGTH {
            // A frame in step is believed even when garbage follows it.
            let header = match self.at == start && start > 0 {
                true => Header::parse(&self.bytes[self.at..]),
                false => self.begins(self.at),
            };
            let Some(header) = header else {
                self.at += 1;
                continue;
            };
            let whole = self.at..self.at + header.frame_length;
            if whole.end > self.bytes.len() {
                return None;
            }
            let skipped = self.at - start;
            self.at = whole.end;
            return Some(Frame { header, payload: whole.start + header.header_length..whole.end, whole, skipped });
        }
        None
    }
}

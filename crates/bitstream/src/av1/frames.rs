//! Where the tiles of each frame lie (AV1 specification §5.9 to §5.11), for common encryption.

use std::ops::Range;

use super::header::{self, FrameHeader, References};
use super::obu::{self, Obu};
use super::record::Record;
use super::sequence::SequenceHeader;
use crate::bits::Bits;

/// Follows a stream, since headers depend on the frames before them.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    sequence: Option<Box<SequenceHeader>>,
    references: References,
    current: Option<Current>,
}

/// A frame whose tiles are not all seen.
#[derive(Clone, Copy, Debug)]
struct Current {
    header: FrameHeader,
    next_tile: u32,
}

impl Frames {
    /// Before the first temporal unit of a stream that begins with a sequence header.
    pub fn new() -> Self {
        Self::default()
    }

    /// Before the first sample of a track with this `AV1CodecConfigurationRecord`.
    pub fn with_record(config: &[u8]) -> Self {
        let sequence = Record::parse(config).and_then(|record| record.sequence_header()).map(Box::new);
        Self { sequence, ..Self::default() }
    }

    /// Appends where each `decode_tile()` of the next temporal unit lies, in order; trailing bits are part of it. Tile
    /// sizes, tile group headers, frame headers and all other OBUs lie outside.
    ///
    /// `None` when the unit does not conform or refers to frames not seen; what was appended then means nothing, and it
    /// goes on at the next key frame.
    pub fn tiles(&mut self, unit: &[u8], out: &mut Vec<Range<usize>>) -> Option<()> {
        self.current = None;
        for obu in obu::obus(unit) {
            self.obu(unit, &obu?, out)?;
        }
        self.current.is_none().then_some(())
    }

    fn obu(&mut self, unit: &[u8], obu: &Obu, out: &mut Vec<Range<usize>>) -> Option<()> {
        let payload = &unit[obu.payload.clone()];
        match obu.kind {
            obu::SEQUENCE_HEADER => {
                let header = SequenceHeader::parse(payload)?;
                if self.sequence.as_deref() != Some(&header) {
                    self.sequence = Some(Box::new(header));
                }
                Some(())
            }
            obu::TEMPORAL_DELIMITER => {
                self.current = None;
                Some(())
            }
            obu::FRAME_HEADER | obu::REDUNDANT_FRAME_HEADER => self.header(payload, obu).map(|_| ()),
            obu::FRAME => {
                // A frame OBU never repeats a header, nor shows a frame only.
                if self.current.is_some() {
                    return None;
                }
                let bits = self.header(payload, obu)?;
                self.current?;
                self.tile_group(unit, obu.payload.start + bits.div_ceil(8)..obu.payload.end, out)
            }
            obu::TILE_GROUP => self.tile_group(unit, obu.payload.clone(), out),
            obu::TILE_LIST => None,
            _ => Some(()),
        }
    }

    /// `frame_header_obu`: how many bits the header has.
    fn header(&mut self, payload: &[u8], obu: &Obu) -> Option<usize> {
        if let Some(current) = &self.current {
            return Some(current.header.bits);
        }
        let sequence = self.sequence.as_deref()?;
        let header = header::parse(payload, sequence, &mut self.references, obu.temporal_id, obu.spatial_id)?;
        if header.show_existing.is_some() {
            self.references.update(&header);
        } else {
            self.current = Some(Current { header, next_tile: 0 });
        }
        Some(header.bits)
    }

    /// `tile_group_obu` over `range` of the unit.
    fn tile_group(&mut self, unit: &[u8], range: Range<usize>, out: &mut Vec<Range<usize>>) -> Option<()> {
        let current = self.current.as_mut()?;
        let tiles = current.header.tiles;
        let mut bits = Bits::new(unit.get(range.clone())?);
        let (mut first, mut last) = (0, tiles.count - 1);
        if tiles.count > 1 && bits.flag()? {
            (first, last) = (bits.take(tiles.number_bits)?, bits.take(tiles.number_bits)?);
        }
        if first != current.next_tile || last < first || last >= tiles.count {
            return None;
        }
        let mut at = range.start + bits.position().div_ceil(8);
        for number in first..=last {
            let end = if number == last {
                range.end
            } else {
                let stated = unit.get(at..at.checked_add(tiles.size_bytes)?)?;
                at += tiles.size_bytes;
                let size = stated.iter().rev().fold(0usize, |value, byte| value << 8 | usize::from(*byte));
                at.checked_add(size)?.checked_add(1)?
            };
            if end > range.end || end <= at {
                return None;
            }
            out.push(at..end);
            at = end;
        }
        current.next_tile = last + 1;
        if current.next_tile == tiles.count {
            let header = current.header;
            self.references.update(&header);
            self.current = None;
        }
        Some(())
    }
}

/// The part of a tile that common encryption protects (ISO BMFF binding §4.2): all whole blocks of 16 bytes, counted
/// from its end; empty for tiles below 16 bytes.
pub fn protected(tile: &Range<usize>) -> Range<usize> {
    tile.end - tile.len() / 16 * 16..tile.end
}

#[cfg(test)]
mod tests;

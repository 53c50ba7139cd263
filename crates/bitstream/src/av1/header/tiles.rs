//! `tile_info` (§5.9.15).

use super::size::FrameSize;
use crate::av1::sequence::SequenceHeader;
use crate::bits::Bits;

/// `MAX_TILE_COLS`, `MAX_TILE_ROWS`.
const MAX_COUNT: u32 = 64;

/// How a frame is cut into tiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::av1) struct Tiles {
    /// `NumTiles`.
    pub(in crate::av1) count: u32,
    /// `TileColsLog2 + TileRowsLog2`: bits of a tile number.
    pub(in crate::av1) number_bits: u32,
    /// `TileSizeBytes`.
    pub(in crate::av1) size_bytes: usize,
}

pub(super) fn read(bits: &mut Bits<'_>, sequence: &SequenceHeader, size: &FrameSize) -> Option<Tiles> {
    // Superblocks are 128 or 64 pixels wide; mode info units count in pairs of 4.
    let shift = if sequence.superblock_128 { 7 } else { 6 };
    let blocks = |pixels: u32| (pixels.div_ceil(8) * 8).div_ceil(1 << shift);
    let (columns, rows) = (blocks(size.width), blocks(size.height));
    let max_width = 4096 >> shift;
    let mut max_area = (4096 * 2304) >> (2 * shift);
    let min_columns_log2 = log2(max_width, columns);
    let min_log2 = min_columns_log2.max(log2(max_area, rows * columns));
    let (tile_columns, columns_log2, tile_rows, rows_log2);
    if bits.flag()? {
        columns_log2 = increments(bits, min_columns_log2, log2(1, columns.min(MAX_COUNT)))?;
        tile_columns = columns.div_ceil(columns.div_ceil(1 << columns_log2));
        rows_log2 = increments(bits, min_log2.saturating_sub(columns_log2), log2(1, rows.min(MAX_COUNT)))?;
        tile_rows = rows.div_ceil(rows.div_ceil(1 << rows_log2));
    } else {
        let widest;
        (tile_columns, widest) = spans(bits, columns, max_width)?;
        columns_log2 = log2(1, tile_columns);
        max_area = if min_log2 > 0 { (rows * columns) >> (min_log2 + 1) } else { rows * columns };
        (tile_rows, _) = spans(bits, rows, (max_area / widest).max(1))?;
        rows_log2 = log2(1, tile_rows);
    }
    let number_bits = columns_log2 + rows_log2;
    let mut size_bytes = 0;
    if number_bits > 0 {
        // context_update_tile_id
        bits.take(number_bits)?;
        size_bytes = bits.take(2)? as usize + 1;
    }
    Some(Tiles { count: tile_columns * tile_rows, number_bits, size_bytes })
}

/// `increment_tile_cols_log2` and `increment_tile_rows_log2`.
fn increments(bits: &mut Bits<'_>, from: u32, max: u32) -> Option<u32> {
    let mut value = from;
    while value < max && bits.flag()? {
        value += 1;
    }
    Some(value)
}

/// Tiles of stated widths or heights: how many they are and the largest.
fn spans(bits: &mut Bits<'_>, total: u32, max: u32) -> Option<(u32, u32)> {
    let (mut at, mut count, mut largest) = (0, 0, 1);
    while at < total {
        let length = non_symmetric(bits, (total - at).min(max))? + 1;
        at += length;
        count += 1;
        largest = largest.max(length);
        if count > MAX_COUNT {
            return None;
        }
    }
    Some((count, largest))
}

/// `tile_log2`.
fn log2(block: u32, target: u32) -> u32 {
    (0..32).find(|k| u64::from(block) << k >= u64::from(target)).unwrap_or(31)
}

/// `ns(n)` (§4.10.7), `count` at least 1.
pub(super) fn non_symmetric(bits: &mut Bits<'_>, count: u32) -> Option<u32> {
    let width = u32::BITS - count.leading_zeros();
    let short = ((1u64 << width) - u64::from(count)) as u32;
    let value = bits.take(width - 1)?;
    if value < short {
        return Some(value);
    }
    Some((value << 1) - short + bits.take(1)?)
}

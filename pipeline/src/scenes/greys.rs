//! Where a picture has its greys, and their means.

use super::{GLANCE_COLUMNS, GLANCE_ROWS, Glance};
use crate::Levels;

/// Lines that are read of each part of a picture: all of them would cost more than a glance should.
const LINES: usize = 4;

/// The greys of a picture, or its greens, in rows from the top down.
#[derive(Clone, Copy, Debug)]
pub struct Greys<'a> {
    /// The rows.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Greys in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes of a row before its first grey.
    pub offset: usize,
    /// Bytes from one grey to the next.
    pub step: usize,
    /// What brings one of more than 8 bits, which has two little-endian bytes, to 8.
    pub shift: Option<u32>,
}

impl Greys<'_> {
    /// The picture at a glance; `None` when there is less of it than its size says.
    pub fn glance(&self) -> Option<Glance> {
        if [self.stride, self.width, self.height, self.step].contains(&0) {
            return None;
        }
        let mut sums = vec![0_u16; self.width];
        let mut cells = Vec::with_capacity(GLANCE_COLUMNS * GLANCE_ROWS);
        for row in 0..GLANCE_ROWS {
            sums.fill(0);
            let (top, bottom) = part(row, GLANCE_ROWS, self.height);
            for line in 0..LINES {
                let start = (top + (bottom - top) * line / LINES) * self.stride;
                self.add(self.data.get(start..)?.get(..self.stride.min(self.data.len() - start))?, &mut sums);
            }
            for column in 0..GLANCE_COLUMNS {
                let (left, right) = part(column, GLANCE_COLUMNS, self.width);
                let sum: u32 = sums.get(left..right)?.iter().map(|sum| u32::from(*sum)).sum();
                let mean = sum / ((right - left) * LINES) as u32;
                cells.push(u8::try_from(mean).unwrap_or(u8::MAX));
            }
        }
        Glance::new(&cells)
    }

    /// All of them at 8 bits; `None` when there are fewer than the picture's size says.
    pub fn levels(&self) -> Option<Levels> {
        let mut samples = Vec::with_capacity(self.width.checked_mul(self.height)?);
        for y in 0..self.height {
            let start = y.checked_mul(self.stride)?.checked_add(self.offset)?;
            let line = self.data.get(start..)?.chunks(self.step.max(1)).take(self.width);
            match self.shift {
                None => samples.extend(line.filter_map(|sample| sample.first())),
                Some(shift) => samples.extend(
                    line.filter_map(|sample| sample.first_chunk::<2>())
                        .map(|sample| u16::from_le_bytes(*sample).checked_shr(shift).unwrap_or(0).min(255) as u8),
                ),
            }
        }
        (samples.len() == self.width * self.height).then(|| Levels::new(self.width, samples))?
    }

    /// Adds a line to the sums of its columns.
    fn add(&self, line: &[u8], sums: &mut [u16]) {
        let line = line.get(self.offset..).unwrap_or_default();
        match self.shift {
            None if self.step == 1 => sums.iter_mut().zip(line).for_each(|(sum, grey)| *sum += u16::from(*grey)),
            None => {
                sums.iter_mut().zip(line.iter().step_by(self.step)).for_each(|(sum, grey)| *sum += u16::from(*grey))
            }
            Some(shift) => {
                let samples = line.chunks(self.step).filter_map(|sample| sample.first_chunk::<2>());
                let greys = samples.map(|sample| u16::from_le_bytes(*sample).checked_shr(shift).unwrap_or(0).min(255));
                sums.iter_mut().zip(greys).for_each(|(sum, grey)| *sum += grey);
            }
        }
    }
}

/// The `at`th of so many parts of a length, at least one long.
fn part(at: usize, parts: usize, length: usize) -> (usize, usize) {
    let start = at * length / parts;
    (start, ((at + 1) * length / parts).max(start + 1))
}

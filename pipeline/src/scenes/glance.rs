//! A picture at a glance, and what differs between two.

use std::sync::Arc;

/// Cells of a [`Glance`] from left to right.
pub const GLANCE_COLUMNS: usize = 64;
/// Cells of a [`Glance`] from top to bottom.
pub const GLANCE_ROWS: usize = 36;
/// All of them.
pub(super) const CELLS: usize = GLANCE_COLUMNS * GLANCE_ROWS;

/// What coding alone does to a cell's grey from one picture to the next, at most.
pub(super) const SAME: u8 = 3;
/// Neighbours on one plain ground differ by no more.
const PLAIN: u8 = 1;
/// Percent of the cells on plain ground from which on a picture was drawn and not filmed.
const DRAWN_PERCENT: u32 = 60;
/// Percent of the cells below which nothing was replaced.
const LEAST_PERCENT: usize = 3;
/// Percent of the cells from which on it is enough that they showed something else before.
const MUCH_PERCENT: usize = 8;

/// The mean greys (0 to 255) of a picture's [`GLANCE_COLUMNS`] by [`GLANCE_ROWS`] parts, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance(Arc<[u8; CELLS]>);

impl Glance {
    /// Of the greys, row by row; `None` unless there is one for each cell.
    pub fn new(greys: &[u8]) -> Option<Self> {
        greys.try_into().ok().map(|greys: [u8; CELLS]| Self(Arc::new(greys)))
    }

    /// Where another picture looks different.
    pub(super) fn differs(&self, other: &Self) -> Cells {
        self.differs_by(SAME, other)
    }

    /// Where the greys of another picture are further than `slack` away.
    pub(super) fn differs_by(&self, slack: u8, other: &Self) -> Cells {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Cells::default();
        }
        let mut cells = Cells::default();
        let rows = self.0.as_chunks::<GLANCE_COLUMNS>().0.iter().zip(other.0.as_chunks::<GLANCE_COLUMNS>().0);
        for (bits, (left, right)) in cells.0.iter_mut().zip(rows) {
            let mut apart = [0_u8; GLANCE_COLUMNS];
            for (apart, (left, right)) in apart.iter_mut().zip(left.iter().zip(right)) {
                *apart = u8::from(left.abs_diff(*right) > slack);
            }
            *bits = packed(&apart);
        }
        cells
    }

    /// Whether it was drawn, as slides and screens are: much of it is plain.
    pub(super) fn is_drawn(&self) -> bool {
        let mut plain = 0;
        for row in 0..GLANCE_ROWS - 1 {
            for column in 0..GLANCE_COLUMNS - 1 {
                let at = row * GLANCE_COLUMNS + column;
                let like = |other: usize| self.0[at].abs_diff(self.0[other]) <= PLAIN;
                plain += u32::from(like(at + 1) || like(at + GLANCE_COLUMNS));
            }
        }
        plain * 100 >= DRAWN_PERCENT * CELLS as u32
    }

    /// How surely `after` has replaced this picture, in percent; 0 when it has not. Cells that are `moving` say nothing, and
    /// those within `slack` have not changed.
    pub(super) fn replaced_by(&self, after: &Self, slack: u8, moving: &Cells) -> u32 {
        replaced(&self.0[..], &after.0[..], slack, |at| !moving.has(at))
    }

    /// The picture in cells of 4 by 4, 0 where one of them is `moving`.
    pub(super) fn coarse(&self, moving: &Cells) -> Vec<u8> {
        let (columns, rows) = (GLANCE_COLUMNS / 4, GLANCE_ROWS / 4);
        let cell = |at: usize| {
            let (top, left) = (at / columns * 4, at % columns * 4);
            let mut parts = (0..16).map(|part| (top + part / 4) * GLANCE_COLUMNS + left + part % 4);
            let sum: u32 = parts.clone().map(|part| u32::from(self.0[part])).sum();
            if parts.any(|part| moving.has(part)) { 0 } else { u8::try_from(sum / 16).unwrap_or(u8::MAX).max(1) }
        };
        (0..columns * rows).map(cell).collect()
    }
}

/// How surely one picture has replaced another, in percent, as far as their cells are `still`.
///
/// Of what stood out from the ground before, a part must be gone: where something is only added, as with the next point of
/// a list, nothing is replaced. What all slides have in common does not count where enough else has changed.
pub(super) fn replaced(before: &[u8], after: &[u8], slack: u8, still: impl Fn(usize) -> bool) -> u32 {
    let cells = before.len().min(after.len());
    let ground = ground(before);
    let (mut ink, mut changed, mut gone) = (0, 0, 0);
    for at in (0..cells).filter(|&at| still(at)) {
        let stood_out = before[at].abs_diff(ground) > SAME;
        let differs = before[at].abs_diff(after[at]) > slack;
        ink += usize::from(stood_out);
        changed += usize::from(differs);
        gone += usize::from(stood_out && differs);
    }
    let percent = |part: usize, of: usize| u32::try_from(part * 100 / of.max(1)).unwrap_or(0);
    let share = |percent: usize| cells * percent / 100;
    match (changed, ink) {
        (changed, _) if changed == 0 || changed < share(LEAST_PERCENT) => 0,
        (_, ink) if ink < share(LEAST_PERCENT) => 100,
        (changed, ink) if changed >= share(MUCH_PERCENT) => percent(gone, ink).max(percent(gone, changed)),
        (_, ink) => percent(gone, ink),
    }
}

/// The most frequent grey.
fn ground(greys: &[u8]) -> u8 {
    let mut counts = [0_u32; 256];
    greys.iter().for_each(|grey| counts[usize::from(*grey)] += 1);
    let most = (0..=u8::MAX).max_by_key(|grey| counts[usize::from(*grey)]);
    most.unwrap_or_default()
}

/// One bit for each byte, which is 0 or 1; the first is the lowest.
fn packed(bytes: &[u8; GLANCE_COLUMNS]) -> u64 {
    /// Brings the lowest bit of each byte to the highest byte, in their order.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut bits = 0;
    for (at, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
        bits |= (u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56) << (8 * at);
    }
    bits
}

/// Some of a glance's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cells([u64; GLANCE_ROWS]);

impl Default for Cells {
    fn default() -> Self {
        Self([0; GLANCE_ROWS])
    }
}

impl Cells {
    pub(super) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(row, other)| *row |= other);
    }

    #[must_use]
    pub(super) fn without(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(row, other)| *row &= !other);
        self
    }

    #[must_use]
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(row, other)| *row &= other);
        self
    }

    /// They, and all that touch them.
    #[must_use]
    pub(super) fn grown(&self) -> Self {
        let wide = self.0.map(|row| row | row << 1 | row >> 1);
        let mut grown = Self(wide);
        for at in 0..GLANCE_ROWS {
            let above = at.checked_sub(1).map_or(0, |above| wide[above]);
            grown.0[at] |= above | wide.get(at + 1).copied().unwrap_or(0);
        }
        grown
    }

    pub(super) fn set(&mut self, at: usize) {
        self.0[at / GLANCE_COLUMNS] |= 1 << (at % GLANCE_COLUMNS);
    }

    pub(super) fn has(&self, at: usize) -> bool {
        self.0[at / GLANCE_COLUMNS] >> (at % GLANCE_COLUMNS) & 1 == 1
    }

    pub(super) fn count(&self) -> u32 {
        self.0.iter().map(|row| row.count_ones()).sum()
    }

    /// Whether they are more than so many percent of all.
    pub(super) fn exceed(&self, percent: u32) -> bool {
        self.count() * 100 > percent * CELLS as u32
    }

    pub(super) fn each(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(row, &bits)| {
            let left = std::iter::successors(Some(bits), |bits| Some(bits & bits.wrapping_sub(1)));
            let places = left.take_while(|bits| *bits != 0).map(|bits| bits.trailing_zeros() as usize);
            places.map(move |column| row * GLANCE_COLUMNS + column)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cells_that_differ_are_those_that_are_told(at in prop::collection::btree_set(0..CELLS, 0..60), by in 0u8..9) {
            let plain = Glance::new(&[100; CELLS]).unwrap();
            let mut greys = [100; CELLS];
            at.iter().for_each(|&at| greys[at] += by);
            let cells = plain.differs(&Glance::new(&greys).unwrap());
            let expected: Vec<usize> = if by > SAME { at.into_iter().collect() } else { Vec::new() };
            prop_assert_eq!(cells.count() as usize, expected.len());
            prop_assert!(expected.iter().all(|&at| cells.has(at)));
            prop_assert_eq!(cells.each().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn what_is_added_replaces_nothing_and_what_is_gone_does() {
        let mut title = [250; CELLS];
        title[..300].fill(40);
        let mut more = title;
        more[900..1300].fill(60);
        let mut other = [250; CELLS];
        other[1500..2000].fill(90);
        let replaced = |left: &[u8], right: &[u8]| replaced(left, right, SAME, |_| true);
        assert_eq!(replaced(&title, &more), 0, "a point was added");
        assert_eq!(replaced(&more, &other), 100);
        assert_eq!(replaced(&[250; CELLS], &title), 100, "from nothing");
        assert_eq!(replaced(&title, &title), 0);
        // A ground that all slides share, and other words on it.
        let (mut one, mut next) = ([250; CELLS], [250; CELLS]);
        one[..1200].fill(40);
        next[..1200].fill(40);
        one[1300..1600].fill(90);
        next[1300..1600].fill(120);
        assert_eq!(replaced(&one, &next), 100);
        assert_eq!(replaced(&[], &[]), 0);
    }
}

//! The superframe index (Annex B).

use std::ops::Range;

/// Where the frames of a sample lie, in order; the superframe index at the end belongs to none. `None` when an index is
/// there and the sizes in it do not fit.
pub fn frames(sample: &[u8]) -> Option<impl Iterator<Item = Range<usize>> + '_> {
    let (count, width, index) = match index(sample) {
        Some((count, width)) => (count, width, sample.len() - 1 - count * width),
        None => (0, 0, 0),
    };
    let sizes = &sample[index..];
    let size = move |at: usize| {
        sizes[at * width..(at + 1) * width].iter().rev().fold(0usize, |value, byte| value << 8 | usize::from(*byte))
    };
    let total = (0..count).try_fold(0usize, |total, at| total.checked_add(size(at)))?;
    if count > 0 && total > index - 1 {
        return None;
    }
    let mut at = 0;
    let several = (0..count).map(move |number| {
        let start = at;
        at += size(number);
        start..at
    });
    let alone = (count == 0 && !sample.is_empty()).then_some(0..sample.len());
    Some(several.filter(|range| !range.is_empty()).chain(alone))
}

/// `superframe_header`: how many frames, and how many bytes each size takes.
fn index(sample: &[u8]) -> Option<(usize, usize)> {
    let marker = *sample.last()?;
    if marker >> 5 != 0b110 {
        return None;
    }
    let count = usize::from(marker & 7) + 1;
    let width = usize::from(marker >> 3 & 3) + 1;
    let start = sample.len().checked_sub(2 + count * width)?;
    (sample[start] == marker).then_some((count, width))
}

//! From clear and protected runs of a sample to its subsamples.

use super::SegmentAux;
use crate::cipher::BLOCK;
use crate::types::Subsample;

/// Collects the runs of one sample in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    /// Clear bytes, then protected ones; all but the last have protected ones.
    runs: Vec<(usize, usize)>,
    /// Clear bytes since the last protected ones.
    clear: usize,
    /// Protected runs become multiples of 16 bytes: what is left over stays clear, before the run (§9.5.2).
    align: bool,
}

impl Runs {
    pub(super) fn begin(&mut self, align: bool) {
        self.runs.clear();
        self.clear = 0;
        self.align = align;
    }

    /// Adds `clear` bytes, then `protected` ones.
    pub(super) fn add(&mut self, clear: usize, protected: usize) {
        let left_over = if self.align { protected % BLOCK } else { 0 };
        self.clear += clear + left_over;
        if protected > left_over {
            self.runs.push((self.clear, protected - left_over));
            self.clear = 0;
        }
    }

    /// Appends the subsamples, at most `most`: beyond that the shortest protected runs stay clear, the later first of those
    /// equally long. `None` when even the clear bytes alone need more.
    pub(super) fn write(&mut self, most: usize, out: &mut Vec<Subsample>) -> Option<()> {
        if self.clear > 0 {
            self.runs.push((self.clear, 0));
            self.clear = 0;
        }
        loop {
            let needed: usize = self.runs.iter().map(|&(clear, _)| pieces(clear)).sum();
            if needed <= most {
                break;
            }
            let protected = self.runs.iter().filter(|run| run.1 > 0).count();
            if protected == 0 {
                return None;
            }
            self.drop_shortest((needed - most).min(protected));
        }
        for &(mut clear, protected) in &self.runs {
            while clear > usize::from(u16::MAX) {
                out.push(Subsample { clear: u16::MAX, protected: 0 });
                clear -= usize::from(u16::MAX);
            }
            out.push(Subsample { clear: clear as u16, protected: u32::try_from(protected).ok()? });
        }
        Some(())
    }

    /// Leaves the `count` shortest protected runs clear; at least that many are there.
    fn drop_shortest(&mut self, count: usize) {
        let mut order: Vec<(usize, std::cmp::Reverse<usize>)> = self
            .runs
            .iter()
            .enumerate()
            .filter(|(_, run)| run.1 > 0)
            .map(|(at, run)| (run.1, std::cmp::Reverse(at)))
            .collect();
        order.sort_unstable();
        for (_, at) in &order[..count] {
            let run = &mut self.runs[at.0];
            *run = (run.0 + run.1, 0);
        }
        let mut clear = 0;
        self.runs.retain_mut(|run| {
            clear += run.0;
            let kept = run.1 > 0;
            if kept {
                run.0 = clear;
                clear = 0;
            }
            kept
        });
        if clear > 0 {
            self.runs.push((clear, 0));
        }
    }
}

/// Subsamples that a run takes, given that each holds at most 65535 clear bytes.
fn pieces(clear: usize) -> usize {
    clear.div_ceil(usize::from(u16::MAX)).max(1)
}

/// The most subsamples under an initialisation vector of this size.
pub(super) const fn most(iv_size: u8) -> usize {
    SegmentAux::most_subsamples(iv_size)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn map(align: bool, most: usize, added: &[(usize, usize)]) -> Option<Vec<(u16, u32)>> {
        let (mut runs, mut out) = (Runs::default(), Vec::new());
        runs.begin(align);
        added.iter().for_each(|&(clear, protected)| runs.add(clear, protected));
        runs.write(most, &mut out)?;
        Some(out.into_iter().map(|subsample| (subsample.clear, subsample.protected)).collect())
    }

    #[test]
    fn runs_become_subsamples() {
        for (align, added, found) in [
            (true, vec![(5, 100), (9, 0), (6, 15), (2, 32)], vec![(9, 96), (32, 32)]),
            (false, vec![(5, 100), (9, 0), (6, 15)], vec![(5, 100), (15, 15)]),
            (true, vec![(65_535, 16)], vec![(65_535, 16)]),
            (
                true,
                vec![(65_536, 16), (200_000, 0)],
                vec![(65_535, 0), (1, 16), (65_535, 0), (65_535, 0), (65_535, 0), (3_395, 0)],
            ),
            (true, vec![(3, 15)], vec![(18, 0)]),
            (true, vec![], vec![]),
        ] {
            assert_eq!(map(align, 40, &added).unwrap(), found, "{added:?}");
        }
    }

    #[test]
    fn of_too_many_runs_the_shortest_stay_clear() {
        let added = [(4, 160), (4, 32), (4, 320), (4, 32), (4, 64)];
        assert_eq!(map(true, 5, &added).unwrap().len(), 5);
        assert_eq!(map(true, 4, &added).unwrap(), [(4, 160), (4, 32), (4, 320), (40, 64)]);
        assert_eq!(map(true, 2, &added).unwrap(), [(204, 320), (104, 0)]);
    }

    #[test]
    fn a_sample_that_cannot_be_described_is_refused() {
        assert_eq!(map(true, 2, &[(200_000, 16)]), None);
    }

    proptest! {
        #[test]
        fn every_byte_is_described_within_the_limit(
            added in prop::collection::vec((0usize..100_000, 0usize..3000), 0..60), align in any::<bool>(),
        ) {
            let total: usize = added.iter().map(|run| run.0 + run.1).sum();
            if let Some(found) = map(align, 40, &added) {
                prop_assert!(found.len() <= 40);
                prop_assert_eq!(found.iter().map(|&(clear, protected)| clear as usize + protected as usize).sum::<usize>(), total);
                prop_assert!(!align || found.iter().all(|run| run.1 % 16 == 0));
            } else {
                prop_assert!(total > 39 * 65_535);
            }
        }
    }
}

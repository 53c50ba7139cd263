//! Block chaining over many runs side by side.
//!
//! Each block of a chain waits for the one before it to have gone through all rounds of the cipher. Chains that do not
//! depend on one another fill that wait: eight of them take hardly longer than one.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser};
use aes::{Aes128Enc, Block};

use super::{BLOCK, Pattern, xor};

/// Chains at a time: a processor's AES unit has about as many rounds under way at once.
const LANES: usize = 8;

/// What is to be encrypted in a buffer: chains, each over one or several of its runs. The blocks that a pattern says
/// are chained each to the one encrypted before it; the pattern begins anew in every run. A part of a block at the end
/// of a run stays clear.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    runs: Vec<Run>,
    chains: Vec<Chain>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Run {
    at: usize,
    /// Of the pattern, those cut off before their last encrypted block not counted.
    turns: usize,
}

#[derive(Clone, Copy, Debug)]
struct Chain {
    iv: [u8; BLOCK],
    /// Its first run.
    first: usize,
}

/// A chain under way.
#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    now: Run,
    last: Block,
    next_run: usize,
    end: usize,
}

impl Chains {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.chains.clear();
    }

    /// Begins a chain with its initialisation vector.
    pub(crate) fn begin(&mut self, iv: [u8; BLOCK]) {
        self.chains.push(Chain { iv, first: self.runs.len() });
    }

    /// The chain begun last goes on in the run of `length` bytes at `at`.
    pub(crate) fn add(&mut self, pattern: Pattern, at: usize, length: usize) {
        let turns = pattern.count(length);
        if turns > 0 {
            self.runs.push(Run { at, turns });
        }
    }

    /// Encrypts them all.
    ///
    /// # Panics
    /// When a run reaches beyond the end of `buffer`, or `pattern` is not the one that the runs were added with.
    pub(crate) fn encrypt(&self, cipher: &Aes128Enc, pattern: Pattern, buffer: &mut [u8]) {
        cipher.encrypt_with_backend(Work { chains: self, pattern, buffer });
    }

    /// The chains that have something to encrypt, at their beginning.
    fn lanes(&self) -> impl Iterator<Item = Lane> {
        let ends = self.chains.iter().skip(1).map(|chain| chain.first).chain([self.runs.len()]);
        self.chains.iter().zip(ends).filter_map(|(chain, end)| {
            let lane = Lane { now: Run::default(), last: chain.iv.into(), next_run: chain.first, end };
            lane.advanced(&self.runs)
        })
    }
}

impl Lane {
    /// In its next run; `None` at its end.
    fn advanced(mut self, runs: &[Run]) -> Option<Self> {
        self.now = *runs[..self.end].get(self.next_run)?;
        self.next_run += 1;
        Some(self)
    }
}

struct Work<'a> {
    chains: &'a Chains,
    pattern: Pattern,
    buffer: &'a mut [u8],
}

impl BlockSizeUser for Work<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Work<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Self { chains, pattern, buffer } = self;
        let mut waiting = chains.lanes();
        let (mut lanes, mut active) = ([Lane::default(); LANES], 0);
        loop {
            let mut kept = 0;
            for at in 0..active {
                let lane = lanes[at];
                let going = if lane.now.turns > 0 { Some(lane) } else { lane.advanced(&chains.runs) };
                if let Some(lane) = going {
                    lanes[kept] = lane;
                    kept += 1;
                }
            }
            for lane in waiting.by_ref().take(LANES - kept) {
                lanes[kept] = lane;
                kept += 1;
            }
            active = kept;
            let lanes = &mut lanes[..active];
            let Some(turns) = lanes.iter().map(|lane| lane.now.turns).min() else { return };
            for _ in 0..turns {
                for block in 0..pattern.crypt {
                    for lane in &mut *lanes {
                        let at = lane.now.at + block * BLOCK;
                        let place = Block::slice_as_chunks_mut(&mut buffer[at..at + BLOCK]).0;
                        let place = place.first_mut().expect("as many bytes as a block has");
                        xor(&mut lane.last, place);
                        backend.encrypt_block((&mut lane.last).into());
                        *place = lane.last;
                    }
                }
                lanes.iter_mut().for_each(|lane| lane.now.at += (pattern.crypt + pattern.skip) * BLOCK);
            }
            lanes.iter_mut().for_each(|lane| lane.now.turns -= turns);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aes::cipher::{BlockModeEncrypt, KeyInit, KeyIvInit};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn chains_side_by_side_are_each_what_they_are_alone(
            lengths in prop::collection::vec(prop::collection::vec(0usize..700, 0..4), 0..30),
            key in any::<[u8; 16]>(), crypt in 1u8..4, skip in 0u8..10,
        ) {
            let pattern = Pattern::new(crypt, skip).unwrap();
            let total = lengths.iter().flatten().sum();
            let mut buffer: Vec<u8> = (0..total).map(|at: usize| ((at * at) >> 3) as u8).collect();
            let (mut expected, mut chains, mut at) = (buffer.clone(), Chains::default(), 0);
            for (number, runs) in lengths.iter().enumerate() {
                let iv = [number as u8; 16];
                chains.begin(iv);
                let mut alone = cbc::Encryptor::<aes::Aes128>::new(&key.into(), &iv.into());
                for &length in runs {
                    chains.add(pattern, at, length);
                    let (blocks, _) = Block::slice_as_chunks_mut(&mut expected[at..at + length]);
                    pattern.turns(blocks).for_each(|turn| alone.encrypt_blocks(turn));
                    at += length;
                }
            }
            chains.encrypt(&Aes128Enc::new(&key.into()), pattern, &mut buffer);
            prop_assert_eq!(&buffer, &expected);
        }
    }
}

//! AES over runs of bytes in place: counter mode, block chaining, and both in a pattern (ISO/IEC 23001-7 §9.6).

mod chains;

pub(crate) use chains::Chains;

use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend, BlockCipherEncClosure,
    BlockCipherEncrypt, BlockSizeUser, InnerIvInit, StreamCipher, StreamCipherCoreWrapper,
};
use aes::{Aes128Dec, Aes128Enc, Block};
use ctr::{CtrCore, flavors};

/// Bytes of an AES block.
pub(crate) const BLOCK: usize = 16;

/// Blocks that are decrypted together.
const BATCH: usize = 32;

/// Which whole blocks of a run are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    crypt: usize,
    skip: usize,
}

impl Pattern {
    /// Every whole block (§9.7).
    pub(crate) const ALL: Pattern = Pattern { crypt: 1, skip: 0 };

    /// Without skipped blocks every whole block is encrypted, however many make a turn; `None` if nothing ever is.
    pub(crate) fn new(crypt: u8, skip: u8) -> Option<Self> {
        match (crypt, skip) {
            (_, 0) => Some(Self::ALL),
            (0, _) => None,
            (crypt, skip) => Some(Self { crypt: crypt.into(), skip: skip.into() }),
        }
    }

    /// How many turns of a run of `length` bytes are encrypted.
    fn count(self, length: usize) -> usize {
        let (blocks, turn) = (length / BLOCK, self.crypt + self.skip);
        blocks / turn + usize::from(blocks % turn >= self.crypt)
    }

    /// The encrypted blocks of each turn; a turn cut off before its last encrypted block stays clear (§9.6.1).
    #[inline(always)]
    fn turns(self, blocks: &mut [Block]) -> impl Iterator<Item = &mut [Block]> {
        blocks.chunks_mut(self.crypt + self.skip).filter_map(move |turn| turn.get_mut(..self.crypt))
    }
}

/// The counter stream of one sample under `cenc`: it goes on from one protected run to the next (§9.4.2). The block
/// counter is the lower 8 bytes, which wrap by themselves (§9.3).
pub(crate) struct Counter<'a>(StreamCipherCoreWrapper<CtrCore<&'a Aes128Enc, flavors::Ctr64BE>>);

impl<'a> Counter<'a> {
    /// From the sample's first counter block.
    pub(crate) fn new(cipher: &'a Aes128Enc, first: &[u8; 16]) -> Self {
        Self(StreamCipherCoreWrapper::from_core(CtrCore::inner_iv_init(cipher, first.into())))
    }

    /// Encrypts or decrypts the next run.
    pub(crate) fn apply(&mut self, run: &mut [u8]) {
        self.0.unchecked_apply_keystream(run);
    }
}

/// The counter stream of one sample in a pattern of whole blocks: clear blocks use up no counter (§10.3).
pub(crate) struct PatternCounter<'a> {
    cipher: &'a Aes128Enc,
    upper: [u8; 8],
    next: u64,
    pattern: Pattern,
}

impl<'a> PatternCounter<'a> {
    /// From the sample's first counter block.
    pub(crate) fn new(cipher: &'a Aes128Enc, first: &[u8; 16], pattern: Pattern) -> Self {
        let (upper, lower) = first.split_at(8);
        let half = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).expect("a half of 16 bytes");
        Self { cipher, upper: half(upper), next: u64::from_be_bytes(half(lower)), pattern }
    }

    /// Encrypts or decrypts the next run, in which the pattern begins anew. A part of a block at its end stays clear.
    pub(crate) fn apply(&mut self, run: &mut [u8]) {
        let (blocks, _) = Block::slice_as_chunks_mut(run);
        let pattern = self.pattern;
        if pattern == Pattern::ALL {
            let count = blocks.len();
            Counter::new(self.cipher, &counter_block(self.upper, self.next)).apply(&mut run[..count * BLOCK]);
            self.next = self.next.wrapping_add(count as u64);
            return;
        }
        self.cipher.encrypt_with_backend(Stream { upper: self.upper, next: &mut self.next, pattern, blocks });
    }
}

/// A run of a [`PatternCounter`]. Its blocks go one by one, for the processor overlaps what does not depend on another.
struct Stream<'a> {
    upper: [u8; 8],
    next: &'a mut u64,
    pattern: Pattern,
    blocks: &'a mut [Block],
}

impl BlockSizeUser for Stream<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Stream<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        for block in self.pattern.turns(self.blocks).flatten() {
            let mut key = Block::from(counter_block(self.upper, *self.next));
            *self.next = self.next.wrapping_add(1);
            backend.encrypt_block((&mut key).into());
            xor(block, &key);
        }
    }
}

fn counter_block(upper: [u8; 8], lower: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..8].copy_from_slice(&upper);
    block[8..].copy_from_slice(&lower.to_be_bytes());
    block
}

/// Undoes one of [`Chains`] over one run: the blocks that `pattern` says are chained, the first to `chain`, which becomes
/// the last of them.
pub(crate) fn cbc_decrypt(cipher: &Aes128Dec, chain: &mut [u8; 16], pattern: Pattern, run: &mut [u8]) {
    struct Run<'a> {
        blocks: &'a mut [Block],
        chain: &'a mut [u8; 16],
        pattern: Pattern,
    }

    impl BlockSizeUser for Run<'_> {
        type BlockSize = U16;
    }

    impl BlockCipherDecClosure for Run<'_> {
        #[inline(always)]
        fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
            let mut chain = Block::from(*self.chain);
            for block in self.pattern.turns(self.blocks).flatten() {
                let coded = *block;
                backend.decrypt_block(block.into());
                xor(block, &chain);
                chain = coded;
            }
            *self.chain = chain.into();
        }
    }

    let (blocks, _) = Block::slice_as_chunks_mut(run);
    if pattern != Pattern::ALL {
        return cipher.decrypt_with_backend(Run { blocks, chain, pattern });
    }
    let mut last = Block::from(*chain);
    for batch in blocks.chunks_mut(BATCH) {
        let mut coded = [Block::default(); BATCH];
        coded[..batch.len()].copy_from_slice(batch);
        cipher.decrypt_blocks(batch);
        for (block, before) in batch.iter_mut().zip(std::iter::once(&last).chain(&coded)) {
            xor(block, before);
        }
        last = coded[batch.len() - 1];
    }
    *chain = last.into();
}

#[inline(always)]
fn xor(into: &mut Block, with: &Block) {
    let sum = u128::from_ne_bytes((*into).into()) ^ u128::from_ne_bytes((*with).into());
    *into = sum.to_ne_bytes().into();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aes::cipher::{BlockModeEncrypt, KeyInit, KeyIvInit};
    use proptest::prelude::*;

    use super::*;

    /// The blocks of a run that a pattern encrypts, said in the plainest way.
    fn picked(length: usize, crypt: usize, skip: usize) -> Vec<std::ops::Range<usize>> {
        let mut ranges = Vec::new();
        let mut at = 0;
        while at + crypt * BLOCK <= length {
            ranges.push(at..at + crypt * BLOCK);
            at += (crypt + skip) * BLOCK;
        }
        ranges
    }

    #[test]
    fn a_pattern_without_encrypted_blocks_is_none() {
        assert_eq!((Pattern::new(0, 9), Pattern::new(0, 0)), (None, Some(Pattern::ALL)));
        assert_eq!(
            (Pattern::new(10, 0), Pattern::new(1, 9)),
            (Some(Pattern::ALL), Some(Pattern { crypt: 1, skip: 9 }))
        );
    }

    #[test]
    fn a_pattern_stream_goes_on_over_runs() {
        let cipher = Aes128Enc::new(&[7; 16].into());
        for pattern in [Pattern::ALL, Pattern { crypt: 1, skip: 1 }] {
            let (mut whole, mut parts) = ([0; 96], [0; 96]);
            PatternCounter::new(&cipher, &[1; 16], pattern).apply(&mut whole);
            let mut counter = PatternCounter::new(&cipher, &[1; 16], pattern);
            counter.apply(&mut parts[..32]);
            counter.apply(&mut parts[32..]);
            assert_eq!(whole, parts);
        }
    }

    #[test]
    fn the_block_counter_wraps_without_touching_the_vector() {
        let cipher = Aes128Enc::new(&[7; 16].into());
        let mut run = [0; 32];
        Counter::new(&cipher, &[0xff; 16]).apply(&mut run);
        let mut second = Block::from([0xff; 16]);
        second[8..].fill(0);
        cipher.encrypt_block(&mut second);
        assert_eq!(run[16..], second[..]);
        let mut same = [0; 32];
        PatternCounter::new(&cipher, &[0xff; 16], Pattern::ALL).apply(&mut same);
        assert_eq!(run, same);
    }

    proptest! {
        #[test]
        fn patterns_are_the_modes_over_the_picked_blocks(
            data in prop::collection::vec(any::<u8>(), 0..2000), key in any::<[u8; 16]>(), iv in any::<[u8; 16]>(),
            crypt in 1u8..12, skip in 0u8..12,
        ) {
            let cipher = Aes128Enc::new(&key.into());
            let pattern = Pattern::new(crypt, skip).unwrap();
            let picked = picked(data.len(), if skip == 0 { 1 } else { crypt.into() }, skip.into());
            let gather = |from: &[u8]| picked.iter().flat_map(|range| from[range.clone()].to_vec()).collect::<Vec<u8>>();
            let clear = gather(&data);

            let mut chained = data.clone();
            let mut chains = Chains::default();
            chains.begin(iv);
            chains.add(pattern, 0, data.len());
            chains.encrypt(&cipher, pattern, &mut chained);
            let mut blocks: Vec<Block> = Block::slice_as_chunks(&clear).0.to_vec();
            cbc::Encryptor::<aes::Aes128>::new(&key.into(), &iv.into()).encrypt_blocks(&mut blocks);
            prop_assert_eq!(gather(&chained), blocks.concat());

            let mut counted = data.clone();
            PatternCounter::new(&cipher, &iv, pattern).apply(&mut counted);
            let mut stream = clear.clone();
            Counter::new(&cipher, &iv).apply(&mut stream);
            prop_assert_eq!(gather(&counted), stream);

            let untouched = |changed: &[u8]| (0..data.len()).filter(|at| !picked.iter().any(|range| range.contains(at))).all(|at| changed[at] == data[at]);
            prop_assert!(untouched(&chained) && untouched(&counted));
            let mut again = iv;
            cbc_decrypt(&Aes128Dec::new(&key.into()), &mut again, pattern, &mut chained);
            prop_assert_eq!(&again[..], blocks.last().map_or(&iv[..], |last| &last[..]));
            prop_assert_eq!(chained, data);
        }

        #[test]
        fn a_counter_stream_goes_on_over_runs_of_any_length(
            data in prop::collection::vec(any::<u8>(), 0..500), iv in any::<[u8; 16]>(), cut in any::<usize>(),
        ) {
            let cipher = Aes128Enc::new(&[9; 16].into());
            let (mut whole, mut parts) = (data.clone(), data.clone());
            Counter::new(&cipher, &iv).apply(&mut whole);
            let cut = cut % (data.len() + 1);
            let mut counter = Counter::new(&cipher, &iv);
            counter.apply(&mut parts[..cut]);
            counter.apply(&mut parts[cut..]);
            prop_assert_eq!(whole, parts);
        }
    }
}

//! A digest under a secret key, quick enough for every byte that is packaged.
//!
//! Blocks are first compressed by NH (Black, Halevi, Krawczyk, Krovetz and Rogaway, *UMAC: Fast and Secure Message
//! Authentication*, CRYPTO 1999, §4) with words of 64 bits: the sum, modulo 2^128, of the products of neighbouring
//! words after a word of the key was added to each. Two blocks of one length that differ have the same sum for at most
//! one key in 2^64. The sums and the length then go through BLAKE3, so that two texts have the same digest with a
//! probability of at most 2^-64 over the keys, for anyone who does not know the key.

use aes::Aes128Enc;
use zeroize::Zeroizing;

use crate::cipher::Counter;

/// Words of the key: 4 KiB, which stay in a processor's nearest cache beside the text.
const WORDS: usize = 512;

/// Bytes compressed to one sum.
const BLOCK: usize = 8 * WORDS;

/// Words whose products are summed side by side.
const STEP: usize = 8;

/// Digests under one key.
#[derive(Clone)]
pub(super) struct Digester {
    key: Zeroizing<Vec<u64>>,
}

impl Digester {
    /// With a key of the key stream that `cipher` gives from counter 0 on.
    pub(super) fn new(cipher: &Aes128Enc) -> Self {
        let mut stream = Zeroizing::new(vec![0; BLOCK]);
        Counter::new(cipher, &[0; 16]).apply(&mut stream);
        Self { key: Zeroizing::new(words(&stream).collect()) }
    }

    /// Of all bytes of `text`.
    pub(super) fn digest(&self, text: &[u8]) -> [u8; 32] {
        let mut sums = blake3::Hasher::new();
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        for block in blocks {
            sums.update(&self.sum(block).to_le_bytes());
        }
        if !rest.is_empty() {
            let whole = rest.len().next_multiple_of(8 * STEP);
            let mut padded = [0; BLOCK];
            padded[..rest.len()].copy_from_slice(rest);
            sums.update(&self.sum(&padded[..whole]).to_le_bytes());
        }
        sums.update(&(text.len() as u64).to_le_bytes());
        sums.finalize().into()
    }

    /// NH of at most a block, in whole steps.
    fn sum(&self, block: &[u8]) -> u128 {
        let (steps, _) = block.as_chunks::<{ 8 * STEP }>();
        let (keys, _) = self.key.as_chunks::<STEP>();
        let mut sums = [0u128; STEP / 2];
        for (step, key) in steps.iter().zip(keys) {
            let (texts, _) = step.as_chunks::<16>();
            let (keys, _) = key.as_chunks::<2>();
            for ((sum, pair), key) in sums.iter_mut().zip(texts).zip(keys) {
                let both = u128::from_le_bytes(*pair);
                let (first, second) = ((both as u64).wrapping_add(key[0]), ((both >> 64) as u64).wrapping_add(key[1]));
                *sum = sum.wrapping_add(u128::from(first) * u128::from(second));
            }
        }
        sums.into_iter().fold(0, u128::wrapping_add)
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use aes::cipher::KeyInit;
    use proptest::prelude::*;

    use super::*;

    fn digester(key: u8) -> Digester {
        Digester::new(&Aes128Enc::new(&[key; 16].into()))
    }

    /// The definition, said in the plainest way.
    fn nh(key: &[u64], block: &[u8]) -> u128 {
        let text: Vec<u64> = words(block).collect();
        text.chunks(2).zip(key.chunks(2)).fold(0u128, |sum, (text, key)| {
            let left = u128::from(text[0]) + u128::from(key[0]);
            let right = u128::from(text[1]) + u128::from(key[1]);
            sum.wrapping_add((left % (1 << 64)) * (right % (1 << 64)))
        })
    }

    #[test]
    fn texts_of_zeros_of_every_length_have_digests_of_their_own() {
        let zeros = vec![0; 3 * BLOCK];
        let all: HashSet<_> = (0..zeros.len()).step_by(7).map(|length| digester(1).digest(&zeros[..length])).collect();
        assert_eq!(all.len(), zeros.len().div_ceil(7));
    }

    #[test]
    fn the_key_is_part_of_it() {
        assert_ne!(digester(1).digest(b"text"), digester(2).digest(b"text"));
    }

    proptest! {
        #[test]
        fn sums_are_the_definition(text in prop::collection::vec(any::<u8>(), 0..600), key in any::<u8>()) {
            let mut whole = text.clone();
            whole.resize(text.len().next_multiple_of(64), 0);
            let digester = digester(key);
            prop_assert_eq!(digester.sum(&whole), nh(&digester.key, &whole));
        }

        #[test]
        fn a_changed_bit_anywhere_changes_it(
            length in 1usize..3 * BLOCK, at in any::<prop::sample::Index>(), bit in 0u8..8,
        ) {
            let mut text: Vec<u8> = (0..length).map(|at| (at * 7) as u8).collect();
            let before = digester(3).digest(&text);
            prop_assert_eq!(digester(3).digest(&text), before);
            text[at.index(length)] ^= 1 << bit;
            prop_assert_ne!(digester(3).digest(&text), before);
        }
    }
}

//! Initialisation vectors from the content: the same bytes get the same ones, other bytes never the same counters.

mod digest;

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use self::digest::Digester;
use crate::secret::ContentKey;
use crate::types::{Iv, KeyId};

/// What makes a segment's initialisation vectors its own: its position in its track, and a digest of its clear samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSeed {
    pub(crate) index: u64,
    pub(crate) clear_hash: [u8; 32],
}

/// A key for initialisation vectors alone, and the track they are for.
#[derive(Clone)]
pub(crate) struct IvDeriver {
    key: Zeroizing<[u8; 32]>,
    track: String,
    digester: Digester,
}

impl IvDeriver {
    pub(crate) fn new(key: &ContentKey, track: &str) -> Self {
        let key = Zeroizing::new(hmac(key.expose(), &[b"lectern iv v1"]));
        let digester = Digester::new(&cipher(&key, b"digest"));
        Self { key, track: track.to_owned(), digester }
    }

    /// Of a segment with these samples, one after the other.
    pub(crate) fn seed(&self, index: u64, clear: &[u8]) -> SegmentSeed {
        SegmentSeed { index, clear_hash: self.digester.digest(clear) }
    }

    /// Of the first sample of a segment.
    pub(crate) fn segment(&self, seed: &SegmentSeed) -> [u8; 16] {
        self.derive(b"segment", &[&seed.index.to_be_bytes(), &seed.clear_hash])
    }

    /// Of all samples of the track, under `cbcs`.
    pub(crate) fn constant(&self, key_id: KeyId) -> [u8; 16] {
        self.derive(b"constant", &[&key_id.0])
    }

    /// Under `cbc1` the vectors of a segment are the encryption of a counter, so that none can be foretold from another
    /// (NIST SP 800-38A, appendix C).
    pub(crate) fn block_cipher(&self) -> Aes128Enc {
        cipher(&self.key, b"block")
    }

    fn derive(&self, purpose: &[u8], parts: &[&[u8]]) -> [u8; 16] {
        let length = (self.track.len() as u64).to_be_bytes();
        let head: [&[u8]; 3] = [purpose, &length, self.track.as_bytes()];
        let all: Vec<&[u8]> = head.into_iter().chain(parts.iter().copied()).collect();
        *hmac(&self.key[..], &all).first_chunk().expect("a digest has 32 bytes")
    }
}

/// The initialisation vector of a segment's first sample, `size` 8 or 16 bytes; `None` for other sizes.
///
/// HMAC-SHA256 over the track's name, the segment's position and the hash of its clear samples, under a key that is itself
/// HMAC-SHA256 of `lectern iv v1` under the content key.
pub fn derive_iv(key: &ContentKey, track: &str, segment_index: u64, clear_hash: &[u8; 32], size: usize) -> Option<Iv> {
    let seed = SegmentSeed { index: segment_index, clear_hash: *clear_hash };
    Iv::new(IvDeriver::new(key, track).segment(&seed).get(..size)?)
}

/// The constant initialisation vector of a track under `cbcs` (ISO/IEC 23001-7 §9.1): 16 bytes.
pub fn constant_iv(key: &ContentKey, key_id: KeyId, track: &str) -> Iv {
    Iv::new(&IvDeriver::new(key, track).constant(key_id)).expect("16 bytes are an initialisation vector")
}

/// The `nth` after `first`, counting in its 8 bytes (ISO/IEC 23001-7 §9.3).
pub(crate) fn counted(first: [u8; 16], nth: u64) -> [u8; 16] {
    let mut iv = [0; 16];
    let start = u64::from_be_bytes(*first.first_chunk().expect("16 bytes hold 8"));
    iv[..8].copy_from_slice(&start.wrapping_add(nth).to_be_bytes());
    iv
}

/// The `nth` after `first`, encrypted so that it cannot be foretold.
pub(crate) fn scattered(cipher: &Aes128Enc, first: [u8; 16], nth: u64) -> [u8; 16] {
    let mut block = u128::from_be_bytes(first).wrapping_add(u128::from(nth)).to_be_bytes().into();
    cipher.encrypt_block(&mut block);
    block.into()
}

fn cipher(key: &[u8; 32], purpose: &[u8]) -> Aes128Enc {
    let key = Zeroizing::new(hmac(key, &[purpose]));
    Aes128Enc::new_from_slice(&key[..16]).expect("16 bytes are an AES-128 key")
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn key() -> ContentKey {
        ContentKey::new(*b"0123456789abcdef")
    }

    #[test]
    fn the_derivation_does_not_change() {
        let iv = |size| derive_iv(&key(), "video-1080p", 7, &[3; 32], size).unwrap();
        assert_eq!(hex::encode(iv(16).as_bytes()), GOLDEN_IV);
        assert_eq!(iv(8).as_bytes(), &iv(16).as_bytes()[..8]);
        assert_eq!(hex::encode(constant_iv(&key(), KeyId([9; 16]), "video-1080p").as_bytes()), GOLDEN_CONSTANT);
        assert!(derive_iv(&key(), "t", 0, &[0; 32], 12).is_none() && derive_iv(&key(), "t", 0, &[0; 32], 17).is_none());
    }

    /// By `openssl dgst -sha256 -mac HMAC` over the same parts.
    const GOLDEN_IV: &str = "46efcc9bc0f8d9e068aa09450bb505ea";
    const GOLDEN_CONSTANT: &str = "399898b12d71f50a2bc612ced0efe4b4";

    #[test]
    fn the_digest_does_not_change() {
        let text: Vec<u8> = (0..5000u32).map(|at| (at % 251) as u8).collect();
        let seed = IvDeriver::new(&key(), "any").seed(7, &text);
        assert_eq!((seed.index, hex::encode(seed.clear_hash)), (7, GOLDEN_DIGEST.to_owned()));
    }

    /// By a program in another language, from the definition.
    const GOLDEN_DIGEST: &str = "0b233caecfa96f8cb4d519100297705314bde6937925c249351e4379afd8179c";

    #[test]
    fn every_part_makes_another_vector() {
        let of = |key: &ContentKey, track: &str, index, byte| {
            hex::encode(derive_iv(key, track, index, &[byte; 32], 8).unwrap().as_bytes())
        };
        let all: HashSet<String> = [
            of(&key(), "a", 0, 0),
            of(&ContentKey::new([1; 16]), "a", 0, 0),
            of(&key(), "b", 0, 0),
            of(&key(), "a", 1, 0),
            of(&key(), "a", 0, 1),
        ]
        .into();
        assert_eq!(all.len(), 5);
        assert_ne!(constant_iv(&key(), KeyId([0; 16]), "a"), constant_iv(&key(), KeyId([0; 16]), "b"));
    }

    #[test]
    fn counters_of_all_samples_of_many_segments_are_disjoint() {
        // A counter block of `cenc` is the 8-byte vector and a block number, so vectors that differ never meet.
        let mut seen = HashSet::new();
        for track in ["video-360p", "video-720p", "audio-en"] {
            let deriver = IvDeriver::new(&key(), track);
            for index in 0..600u64 {
                let first = deriver.segment(&deriver.seed(index, &index.to_be_bytes()));
                for sample in 0..240 {
                    assert!(seen.insert(counted(first, sample)), "{track} {index} {sample}");
                }
            }
        }
    }

    #[test]
    fn counting_goes_around_within_eight_bytes() {
        let mut last = [0; 16];
        last[..8].fill(0xff);
        assert_eq!(counted(last, 1), [0; 16]);
        let cipher = IvDeriver::new(&key(), "a").block_cipher();
        assert_ne!(scattered(&cipher, [0xff; 16], 0), scattered(&cipher, [0xff; 16], 1));
    }

    proptest! {
        #[test]
        fn same_bytes_same_vector_and_other_bytes_another(a in prop::collection::vec(any::<u8>(), 0..50), b in prop::collection::vec(any::<u8>(), 0..50)) {
            let deriver = IvDeriver::new(&key(), "v");
            let of = |bytes: &[u8]| deriver.segment(&deriver.seed(3, bytes));
            prop_assert_eq!(of(&a) == of(&b), a == b);
        }
    }
}

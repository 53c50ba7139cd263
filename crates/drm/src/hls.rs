//! Encryption of MPEG-2 transport streams for HLS: whole segments (RFC 8216 §4.3.2.4, `AES-128`), and samples inside a
//! clear container (Apple, "MPEG-2 Stream Encryption Format for HTTP Live Streaming", `SAMPLE-AES`).

use std::fmt;

use aes::Aes128Enc;
use aes::cipher::KeyInit;
use bitstream::avc::NalType;

use crate::cipher::{BLOCK, Chains, Pattern};
use crate::iv::IvDeriver;
use crate::secret::ContentKey;
use crate::types::{Iv, KeyId};

/// Bytes at the front of a frame of sound that stay clear.
const FRAME_LEADER: usize = 16;
/// Bytes at the front of a NAL unit that stay clear, its type included.
const UNIT_LEADER: usize = 32;
/// NAL units up to this length stay clear as a whole.
const SHORT_UNIT: usize = 48;

/// How segments of MPEG-TS are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HlsMethod {
    /// Whole segments, by a [`SegmentCipher`].
    Aes128,
    /// Samples alone, by a [`SampleCipher`].
    SampleAes,
}

impl HlsMethod {
    /// `METHOD` of `EXT-X-KEY`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aes128 => "AES-128",
            Self::SampleAes => "SAMPLE-AES",
        }
    }

    /// The method of a name, whatever its case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Aes128, Self::SampleAes].into_iter().find(|method| method.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for HlsMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Encrypts whole segments under one key.
pub struct SegmentCipher {
    cipher: Aes128Enc,
    ivs: IvDeriver,
}

impl SegmentCipher {
    /// For the segments of `track`, a name that no other track under this key has.
    pub fn new(key: &ContentKey, track: &str) -> Self {
        Self { cipher: Aes128Enc::new(key.expose().into()), ivs: IvDeriver::new(key, track) }
    }

    /// Encrypts the segment at position `index` in place: CBC with PKCS #7 padding, of 1 to 16 bytes. Gives its
    /// initialisation vector, which follows from key, track, position and content: the same segment gets the same one,
    /// another segment never does.
    pub fn encrypt(&self, index: u64, segment: &mut Vec<u8>) -> Iv {
        let iv = self.ivs.segment(&self.ivs.seed(index, segment));
        let padding = BLOCK - segment.len() % BLOCK;
        segment.resize(segment.len() + padding, padding as u8);
        let mut chains = Chains::default();
        chains.begin(iv);
        chains.add(Pattern::ALL, 0, segment.len());
        chains.encrypt(&self.cipher, Pattern::ALL, segment);
        Iv::new(&iv).expect("16 bytes are an initialisation vector")
    }
}

/// Encrypts samples under one key and one initialisation vector, with which the chain begins anew in each of them.
pub struct SampleCipher {
    cipher: Aes128Enc,
    iv: [u8; 16],
    /// Of slices.
    pattern: Pattern,
    chains: Chains,
}

impl SampleCipher {
    /// For all samples of `track`, a name that no other track under this key has.
    pub fn new(key: &ContentKey, key_id: KeyId, track: &str) -> Self {
        Self {
            cipher: Aes128Enc::new(key.expose().into()),
            iv: IvDeriver::new(key, track).constant(key_id),
            pattern: Pattern::new(1, 9).expect("1:9 is a pattern"),
            chains: Chains::default(),
        }
    }

    /// What `EXT-X-KEY` states.
    pub fn iv(&self) -> Iv {
        Iv::new(&self.iv).expect("16 bytes are an initialisation vector")
    }

    /// Encrypts a frame of AAC without its ADTS header, or a sync frame of AC-3 or E-AC-3, in place: all whole blocks
    /// behind the first 16 bytes.
    pub fn frame(&mut self, frame: &mut [u8]) {
        self.chain(Pattern::ALL, frame.get_mut(FRAME_LEADER..).unwrap_or_default());
    }

    /// Encrypts a NAL unit of H.264 in place, as it stands in the stream: one block in ten behind the first 32 bytes of a
    /// slice. `false` when it stays clear; otherwise emulation prevention has to be applied to all of it once more.
    pub fn nal_unit(&mut self, unit: &mut [u8]) -> bool {
        if unit.len() <= SHORT_UNIT || !NalType::of(unit).is_some_and(NalType::is_slice) {
            return false;
        }
        // A block is encrypted only when something follows it.
        let end = unit.len() - 1;
        self.chain(self.pattern, &mut unit[UNIT_LEADER..end]);
        true
    }

    fn chain(&mut self, pattern: Pattern, run: &mut [u8]) {
        self.chains.clear();
        self.chains.begin(self.iv);
        self.chains.add(pattern, 0, run.len());
        self.chains.encrypt(&self.cipher, pattern, run);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aes::cipher::{BlockModeDecrypt, KeyIvInit};
    use proptest::prelude::*;

    use super::*;

    fn key() -> ContentKey {
        ContentKey::new(*b"0123456789abcdef")
    }

    /// Undoes whole blocks by another implementation of the mode.
    fn decrypted(iv: Iv, bytes: &[u8]) -> Vec<u8> {
        let mut blocks: Vec<aes::Block> = aes::Block::slice_as_chunks(bytes).0.to_vec();
        cbc::Decryptor::<aes::Aes128>::new(key().expose().into(), &iv.block().into()).decrypt_blocks(&mut blocks);
        blocks.concat()
    }

    fn sample_cipher() -> SampleCipher {
        SampleCipher::new(&key(), KeyId([7; 16]), "ts/video")
    }

    #[test]
    fn methods_have_the_names_that_playlists_use() {
        for method in [HlsMethod::Aes128, HlsMethod::SampleAes] {
            assert_eq!(HlsMethod::from_name(&method.to_string().to_lowercase()), Some(method));
        }
        assert_eq!(HlsMethod::from_name("sample-aes-ctr"), None);
    }

    #[test]
    fn vectors_differ_by_track_position_and_content() {
        let of = |track: &str, index, byte| SegmentCipher::new(&key(), track).encrypt(index, &mut vec![byte; 188]);
        let all = [of("a", 0, 0), of("b", 0, 0), of("a", 1, 0), of("a", 0, 1), sample_cipher().iv()];
        for (position, one) in all.iter().enumerate() {
            assert!(!all[..position].contains(one), "{position}");
        }
        assert_eq!(of("a", 0, 0), all[0]);
    }

    #[test]
    fn only_slices_of_more_than_48_bytes_are_encrypted_and_never_their_last_byte() {
        for (head, length, encrypted) in [(0x65, 48, false), (0x65, 49, true), (0x41, 49, true), (0x67, 500, false)] {
            let clear: Vec<u8> = std::iter::once(head).chain((1..length).map(|at| at as u8)).collect();
            let mut unit = clear.clone();
            assert_eq!(sample_cipher().nal_unit(&mut unit), encrypted, "{head:x} {length}");
            assert_eq!(unit != clear, encrypted);
            assert_eq!((&unit[..32], unit[length - 1]), (&clear[..32], clear[length - 1]));
        }
        assert!(!sample_cipher().nal_unit(&mut []));
    }

    proptest! {
        #[test]
        fn a_segment_decrypts_to_itself_and_its_padding(clear in prop::collection::vec(any::<u8>(), 0..400), index in any::<u64>()) {
            let mut segment = clear.clone();
            let iv = SegmentCipher::new(&key(), "ts/a").encrypt(index, &mut segment);
            prop_assert!(segment.len() % 16 == 0 && (1..=16).contains(&(segment.len() - clear.len())));
            let padding = segment.len() - clear.len();
            let mut wanted = clear;
            wanted.extend(vec![padding as u8; padding]);
            prop_assert_eq!(decrypted(iv, &segment), wanted);
        }

        #[test]
        fn a_frame_is_encrypted_in_all_whole_blocks_behind_16_bytes(clear in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut frame = clear.clone();
            sample_cipher().frame(&mut frame);
            let leader = clear.len().min(16);
            let end = leader + (clear.len() - leader) / 16 * 16;
            prop_assert_eq!(&frame[..leader], &clear[..leader]);
            prop_assert_eq!(decrypted(sample_cipher().iv(), &frame[leader..end]), &clear[leader..end]);
            prop_assert_eq!(&frame[end..], &clear[end..]);
        }

        /// The pseudo-code of the specification, step by step.
        #[test]
        fn a_slice_is_encrypted_in_one_block_of_ten(mut clear in prop::collection::vec(any::<u8>(), 49..700)) {
            clear[0] = 0x41;
            let mut unit = clear.clone();
            prop_assert!(sample_cipher().nal_unit(&mut unit));
            let (mut at, mut coded, mut wanted) = (32, Vec::new(), Vec::new());
            prop_assert_eq!(&unit[..at], &clear[..at]);
            while at < clear.len() {
                if clear.len() - at > 16 {
                    coded.extend_from_slice(&unit[at..at + 16]);
                    wanted.extend_from_slice(&clear[at..at + 16]);
                    at += 16;
                }
                let skipped = (clear.len() - at).min(144);
                prop_assert_eq!(&unit[at..at + skipped], &clear[at..at + skipped]);
                at += skipped;
            }
            prop_assert_eq!(decrypted(sample_cipher().iv(), &coded), wanted);
        }
    }
}

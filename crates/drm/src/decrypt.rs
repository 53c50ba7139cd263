//! Decrypting samples in place, whoever encrypted them.

use aes::cipher::KeyInit;
use aes::{Aes128Dec, Aes128Enc};

use crate::cipher::{Counter, Pattern, PatternCounter, cbc_decrypt};
use crate::encrypt::each_protected;
use crate::secret::ContentKey;
use crate::types::{ProtectionScheme, SampleEncryption, Subsample, TrackProtection};

/// A sample cannot be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// Neither the sample nor the track has an initialisation vector.
    #[error("the sample has no initialisation vector and the track no constant one")]
    NoIv,
    /// A pattern that never encrypts.
    #[error("the pattern encrypts 0 blocks and skips {skip}")]
    Pattern {
        /// Blocks left clear in each turn.
        skip: u8,
    },
    /// The subsamples do not make up the sample.
    #[error("the subsamples make up {described} bytes, the sample has {found}")]
    Subsamples {
        /// Sum over the subsamples.
        described: u64,
        /// Bytes of the sample.
        found: usize,
    },
}

/// Decrypts the samples of a track or sample group.
pub struct SampleDecryptor {
    forward: Aes128Enc,
    backward: Aes128Dec,
    protection: TrackProtection,
    pattern: Pattern,
}

impl SampleDecryptor {
    /// `protection` with its key.
    ///
    /// # Errors
    /// Its pattern encrypts nothing.
    pub fn new(key: &ContentKey, protection: &TrackProtection) -> Result<Self, DecryptError> {
        let (crypt, skip) =
            if protection.scheme.has_pattern() { (protection.crypt_blocks, protection.skip_blocks) } else { (0, 0) };
        Ok(Self {
            forward: Aes128Enc::new(key.expose().into()),
            backward: Aes128Dec::new(key.expose().into()),
            protection: protection.clone(),
            pattern: Pattern::new(crypt, skip).ok_or(DecryptError::Pattern { skip })?,
        })
    }

    /// Decrypts one sample.
    ///
    /// # Errors
    /// `encryption` does not fit the sample or the track; the sample is as it was.
    pub fn decrypt(&self, sample: &mut [u8], encryption: &SampleEncryption) -> Result<(), DecryptError> {
        let iv = encryption.iv.or(self.protection.constant_iv).ok_or(DecryptError::NoIv)?.block();
        let subsamples = &encryption.subsamples[..];
        if !subsamples.is_empty() {
            let described = subsamples.iter().map(bytes_of).fold(0, u64::saturating_add);
            if described != sample.len() as u64 {
                return Err(DecryptError::Subsamples { described, found: sample.len() });
            }
        }
        match self.protection.scheme {
            ProtectionScheme::Cenc => {
                let mut counter = Counter::new(&self.forward, &iv);
                each_protected(sample, subsamples, |run| counter.apply(run));
            }
            ProtectionScheme::Cens => {
                let mut counter = PatternCounter::new(&self.forward, &iv, self.pattern);
                each_protected(sample, subsamples, |run| counter.apply(run));
            }
            ProtectionScheme::Cbc1 => {
                let mut chain = iv;
                each_protected(sample, subsamples, |run| cbc_decrypt(&self.backward, &mut chain, Pattern::ALL, run));
            }
            ProtectionScheme::Cbcs => each_protected(sample, subsamples, |run| {
                cbc_decrypt(&self.backward, &mut iv.clone(), self.pattern, run);
            }),
        }
        Ok(())
    }
}

fn bytes_of(subsample: &Subsample) -> u64 {
    u64::from(subsample.clear) + u64::from(subsample.protected)
}

/// Decrypts one sample in place. For many of them a [`SampleDecryptor`] is quicker, since it keeps the key's schedule.
///
/// # Errors
/// As of [`SampleDecryptor`].
pub fn decrypt_sample(
    key: &ContentKey,
    protection: &TrackProtection,
    encryption: &SampleEncryption,
    sample: &mut [u8],
) -> Result<(), DecryptError> {
    SampleDecryptor::new(key, protection)?.decrypt(sample, encryption)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::types::{Iv, KeyId};

    fn track(scheme: ProtectionScheme, crypt: u8, skip: u8) -> TrackProtection {
        let (crypt_blocks, skip_blocks) = (crypt, skip);
        TrackProtection { scheme, key_id: KeyId([0; 16]), iv_size: 8, constant_iv: None, crypt_blocks, skip_blocks }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_the_sample_untouched() {
        let key = ContentKey::new([1; 16]);
        let mut sample = [5u8; 40];
        let protection = track(ProtectionScheme::Cenc, 0, 0);
        let map = |clear, protected| SampleEncryption {
            iv: Iv::new(&[0; 8]),
            subsamples: vec![Subsample { clear, protected }],
        };
        for (encryption, error) in [
            (SampleEncryption { iv: None, subsamples: vec![] }, DecryptError::NoIv),
            (map(8, 33), DecryptError::Subsamples { described: 41, found: 40 }),
            (map(8, 16), DecryptError::Subsamples { described: 24, found: 40 }),
            (map(u16::MAX, u32::MAX), DecryptError::Subsamples { described: 0x1_0000_fffe, found: 40 }),
        ] {
            assert_eq!(decrypt_sample(&key, &protection, &encryption, &mut sample), Err(error));
        }
        let never = track(ProtectionScheme::Cens, 0, 9);
        assert_eq!(SampleDecryptor::new(&key, &never).err(), Some(DecryptError::Pattern { skip: 9 }));
        assert_eq!(sample, [5; 40]);
    }

    /// NIST SP 800-38A, F.5.1 and F.2.1: the modes themselves.
    #[test]
    fn counter_and_chain_modes_are_those_of_the_standard() {
        let key = ContentKey::from_hex("2b7e151628aed2a6abf7158809cf4f3c").ok().unwrap();
        let clear = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";
        for (scheme, iv, coded) in [
            (
                ProtectionScheme::Cenc,
                "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
                "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff",
            ),
            (
                ProtectionScheme::Cens,
                "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
                "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff",
            ),
            (
                ProtectionScheme::Cbc1,
                "000102030405060708090a0b0c0d0e0f",
                "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
            ),
            (
                ProtectionScheme::Cbcs,
                "000102030405060708090a0b0c0d0e0f",
                "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
            ),
        ] {
            let mut sample = hex::decode(coded).unwrap();
            let encryption = SampleEncryption { iv: Iv::new(&hex::decode(iv).unwrap()), subsamples: vec![] };
            decrypt_sample(&key, &track(scheme, 0, 0), &encryption, &mut sample).unwrap();
            assert_eq!(hex::encode(sample), clear, "{scheme}");
        }
    }
}

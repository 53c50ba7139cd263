//! Encrypting the samples of a track in place (ISO/IEC 23001-7 §9, §10).

mod aux_info;
mod layout;
mod map;

use aes::Aes128Enc;
use aes::cipher::KeyInit;
use media_types::CodecConfig;

pub use aux_info::SegmentAux;

use crate::cipher::{BLOCK, Counter, Pattern, PatternCounter, cbc_encrypt};
use crate::iv::{self, IvDeriver, SegmentSeed};
use crate::secret::ContentKey;
use crate::types::{Iv, KeyId, ProtectionScheme, Subsample, TrackProtection};
use layout::Layout;
use map::Runs;

/// Samples cannot be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncryptError {
    /// Subtitles and captions stay clear: no player decrypts them.
    #[error("text tracks are not encrypted")]
    Text,
    /// The decoder configuration is malformed, so that slice headers cannot be read.
    #[error("the {codec} decoder configuration cannot be read")]
    Config {
        /// Name of the codec.
        codec: &'static str,
    },
    /// A sample does not conform to its codec.
    #[error("sample {sample} of the segment: {what} at byte {offset} of the sample")]
    Sample {
        /// 0-based position in the segment.
        sample: usize,
        /// Where in the sample.
        offset: usize,
        /// What was found there.
        what: &'static str,
    },
    /// More clear bytes than subsamples can describe.
    #[error("sample {sample} of the segment needs more subsamples than the format allows")]
    TooManySubsamples {
        /// 0-based position in the segment.
        sample: usize,
    },
    /// The sizes do not make up the payload.
    #[error("the sizes of the samples make up {stated} bytes, the payload has {found}")]
    Sizes {
        /// Sum of the sizes as far as they were read.
        stated: usize,
        /// Bytes of the payload.
        found: usize,
    },
}

/// Encrypts the segments of one track under one key.
///
/// Give it the segments in order: slice headers may refer to parameter sets and pictures of earlier ones. The same
/// samples give the same bytes.
pub struct SegmentEncryptor {
    cipher: Aes128Enc,
    iv_cipher: Aes128Enc,
    ivs: IvDeriver,
    protection: TrackProtection,
    pattern: Pattern,
    layout: Layout,
    runs: Runs,
}

impl SegmentEncryptor {
    /// For the track named `track`, unique in its presentation, with samples as `config` says.
    ///
    /// Video under a pattern scheme is encrypted 1:9, everything else whole (§10.3, §10.4).
    ///
    /// # Errors
    /// The track is text, or `config` is malformed.
    pub fn new(
        scheme: ProtectionScheme,
        key_id: KeyId,
        key: &ContentKey,
        track: &str,
        config: &CodecConfig,
    ) -> Result<Self, EncryptError> {
        let layout = Layout::of(config)?;
        let ivs = IvDeriver::new(key, track);
        let (crypt_blocks, skip_blocks) = if scheme.has_pattern() && layout.is_mapped() { (1, 9) } else { (0, 0) };
        let (iv_size, constant_iv) = match scheme {
            ProtectionScheme::Cenc | ProtectionScheme::Cens => (8, None),
            ProtectionScheme::Cbc1 => (16, None),
            ProtectionScheme::Cbcs => (0, Iv::new(&ivs.constant(key_id))),
        };
        Ok(Self {
            cipher: Aes128Enc::new(key.expose().into()),
            iv_cipher: ivs.block_cipher(),
            ivs,
            protection: TrackProtection { scheme, key_id, iv_size, constant_iv, crypt_blocks, skip_blocks },
            pattern: Pattern::new(crypt_blocks, skip_blocks).expect("1:9 and 0:0 are patterns"),
            layout,
            runs: Runs::default(),
        })
    }

    /// With another pattern for video under a pattern scheme, in blocks of 16 bytes; without effect on all else. `None`
    /// unless `crypt` is 1 to 15 and `skip` at most 15, which is what `tenc` holds.
    pub fn with_pattern(mut self, crypt: u8, skip: u8) -> Option<Self> {
        let pattern = Pattern::new(crypt, skip).filter(|_| (1..16).contains(&crypt) && skip < 16)?;
        if self.protection.crypt_blocks > 0 {
            (self.protection.crypt_blocks, self.protection.skip_blocks, self.pattern) = (crypt, skip, pattern);
        }
        Some(self)
    }

    /// What `tenc` and `schm` have to say.
    pub fn protection(&self) -> &TrackProtection {
        &self.protection
    }

    /// Passes over a segment that stays clear (a clear lead), so that later ones can be understood. Needed only where
    /// segments may rely on parameter sets or pictures of earlier ones.
    ///
    /// # Errors
    /// As of [`encrypt_segment`](Self::encrypt_segment).
    pub fn pass(&mut self, payload: &[u8], sizes: impl Iterator<Item = usize>) -> Result<(), EncryptError> {
        let mut rest = payload;
        for (index, size) in sizes.enumerate() {
            let Some((sample, tail)) = rest.split_at_checked(size) else {
                return Err(EncryptError::Sizes {
                    stated: (payload.len() - rest.len()).saturating_add(size),
                    found: payload.len(),
                });
            };
            rest = tail;
            self.runs.begin(false);
            self.layout.runs(sample, &mut self.runs).map_err(|fault| fault.in_sample(index))?;
        }
        match rest.len() {
            0 => Ok(()),
            left => Err(EncryptError::Sizes { stated: payload.len() - left, found: payload.len() }),
        }
    }

    /// Encrypts all samples of a segment in place. `payload` holds them one after the other, `sizes` their bytes; `out` is
    /// overwritten.
    ///
    /// # Errors
    /// A sample does not conform to its codec, or the sizes do not make up the payload. Samples before it are encrypted
    /// then: the payload is of no use any more.
    pub fn encrypt_segment(
        &mut self,
        payload: &mut [u8],
        sizes: impl Iterator<Item = usize>,
        seed: &SegmentSeed,
        out: &mut SegmentAux,
    ) -> Result<(), EncryptError> {
        let first = self.ivs.segment(seed);
        let found = payload.len();
        let iv_size = self.protection.iv_size;
        out.begin(iv_size, self.layout.is_mapped());
        let mut rest = payload;
        for (index, size) in sizes.enumerate() {
            let left = rest.len();
            let Some((sample, tail)) = rest.split_at_mut_checked(size) else {
                return Err(EncryptError::Sizes { stated: (found - left).saturating_add(size), found });
            };
            rest = tail;
            let iv = match self.protection.scheme {
                ProtectionScheme::Cbcs => [0; 16],
                ProtectionScheme::Cbc1 => iv::scattered(&self.iv_cipher, first, index as u64),
                ProtectionScheme::Cenc | ProtectionScheme::Cens => iv::counted(first, index as u64),
            };
            let subsamples = out.push(iv, |subsamples| {
                if !self.layout.is_mapped() {
                    return Ok(());
                }
                self.runs.begin(self.layout.aligned(self.protection.scheme));
                self.layout.runs(sample, &mut self.runs).map_err(|fault| fault.in_sample(index))?;
                self.runs.write(map::most(iv_size), subsamples).ok_or(EncryptError::TooManySubsamples { sample: index })
            })?;
            self.encrypt_sample(sample, &iv, subsamples);
        }
        match rest.len() {
            0 => Ok(()),
            left => Err(EncryptError::Sizes { stated: found - left, found }),
        }
    }

    /// `subsamples` cover the sample exactly, or there are none and the whole sample is protected.
    fn encrypt_sample(&self, sample: &mut [u8], iv: &[u8; 16], subsamples: &[Subsample]) {
        match self.protection.scheme {
            ProtectionScheme::Cenc => {
                let mut counter = Counter::new(&self.cipher, iv);
                each_protected(sample, subsamples, |run| counter.apply(run));
            }
            ProtectionScheme::Cens => {
                let mut counter = PatternCounter::new(&self.cipher, iv, self.pattern);
                each_protected(sample, subsamples, |run| counter.apply(run));
            }
            ProtectionScheme::Cbc1 => {
                let mut chain = *iv;
                each_protected(sample, subsamples, |run| cbc_encrypt(&self.cipher, &mut chain, Pattern::ALL, run));
            }
            ProtectionScheme::Cbcs => {
                let constant = self.protection.constant_iv.map_or([0; BLOCK], |iv| iv.block());
                each_protected(sample, subsamples, |run| {
                    cbc_encrypt(&self.cipher, &mut constant.clone(), self.pattern, run);
                });
            }
        }
    }
}

/// The protected runs of a sample; the whole sample when there are no subsamples. Stops where the sample ends.
pub(crate) fn each_protected(sample: &mut [u8], subsamples: &[Subsample], mut apply: impl FnMut(&mut [u8])) {
    if subsamples.is_empty() {
        return apply(sample);
    }
    let mut rest = sample;
    for subsample in subsamples {
        let Some((_, behind)) = rest.split_at_mut_checked(subsample.clear.into()) else { return };
        let Some((run, tail)) = behind.split_at_mut_checked(subsample.protected as usize) else { return };
        if !run.is_empty() {
            apply(run);
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests;

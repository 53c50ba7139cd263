//! Encrypting the samples of a track in place (ISO/IEC 23001-7 §9, §10).

mod aux_info;
mod layout;
mod map;

use aes::Aes128Enc;
use aes::cipher::KeyInit;
use media_types::CodecConfig;

pub use aux_info::SegmentAux;

use crate::cipher::{Chains, Counter, Pattern, PatternCounter};
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
    /// Bytes of the samples of the segment at hand.
    sizes: Vec<usize>,
    chains: Chains,
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
            sizes: Vec::new(),
            chains: Chains::default(),
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

    /// With a constant initialisation vector that somebody else has chosen, such as `explicitIV` of CPIX; without effect
    /// where each sample has one of its own.
    pub fn with_constant_iv(mut self, iv: Iv) -> Self {
        self.protection.constant_iv = self.protection.constant_iv.map(|_| iv);
        self
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

    /// What the vectors of the segment at position `index` of its track come from; `clear` are the bytes of its
    /// samples. Under a constant vector nothing does, and `clear` is not looked at.
    pub fn seed(&self, index: u64, clear: &[u8]) -> SegmentSeed {
        match self.protection.iv_size {
            0 => SegmentSeed { index, clear_hash: [0; 32] },
            _ => self.ivs.seed(index, clear),
        }
    }

    /// Encrypts all samples of a segment in place. `payload` holds them one after the other, `sizes` their bytes;
    /// `out` is overwritten.
    ///
    /// # Errors
    /// A sample does not conform to its codec, or the sizes do not make up the payload. The payload is as it was then.
    pub fn encrypt_segment(
        &mut self,
        payload: &mut [u8],
        sizes: impl Iterator<Item = usize>,
        seed: &SegmentSeed,
        out: &mut SegmentAux,
    ) -> Result<(), EncryptError> {
        self.map(payload, sizes, seed, out)?;
        match self.protection.scheme {
            ProtectionScheme::Cenc => self.each_sample(payload, out, |cipher, _, iv, sample, subsamples| {
                let mut counter = Counter::new(cipher, iv);
                each_protected(sample, subsamples, |run| counter.apply(run));
            }),
            ProtectionScheme::Cens => self.each_sample(payload, out, |cipher, pattern, iv, sample, subsamples| {
                let mut counter = PatternCounter::new(cipher, iv, pattern);
                each_protected(sample, subsamples, |run| counter.apply(run));
            }),
            ProtectionScheme::Cbc1 | ProtectionScheme::Cbcs => self.chain(payload, out),
        }
        Ok(())
    }

    /// Finds out what of each sample is protected, and with which initialisation vector.
    fn map(
        &mut self,
        payload: &[u8],
        sizes: impl Iterator<Item = usize>,
        seed: &SegmentSeed,
        out: &mut SegmentAux,
    ) -> Result<(), EncryptError> {
        let found = payload.len();
        let iv_size = self.protection.iv_size;
        let first = if iv_size == 0 { [0; 16] } else { self.ivs.segment(seed) };
        out.begin(iv_size, self.layout.is_mapped());
        self.sizes.clear();
        let mut rest = payload;
        for (index, size) in sizes.enumerate() {
            let left = rest.len();
            let Some((sample, tail)) = rest.split_at_checked(size) else {
                return Err(EncryptError::Sizes { stated: (found - left).saturating_add(size), found });
            };
            rest = tail;
            self.sizes.push(size);
            let iv = match self.protection.scheme {
                ProtectionScheme::Cbcs => [0; 16],
                ProtectionScheme::Cbc1 => iv::scattered(&self.iv_cipher, first, index as u64),
                ProtectionScheme::Cenc | ProtectionScheme::Cens => iv::counted(first, index as u64),
            };
            out.push(iv, |subsamples| {
                if !self.layout.is_mapped() {
                    return Ok(());
                }
                self.runs.begin(self.layout.aligned(self.protection.scheme));
                self.layout.runs(sample, &mut self.runs).map_err(|fault| fault.in_sample(index))?;
                self.runs.write(map::most(iv_size), subsamples).ok_or(EncryptError::TooManySubsamples { sample: index })
            })?;
        }
        match rest.len() {
            0 => Ok(()),
            left => Err(EncryptError::Sizes { stated: found - left, found }),
        }
    }

    /// Encrypts sample after sample, each with its own vector.
    fn each_sample(
        &self,
        payload: &mut [u8],
        out: &SegmentAux,
        encrypt: impl Fn(&Aes128Enc, Pattern, &[u8; 16], &mut [u8], &[Subsample]),
    ) {
        let mut rest = payload;
        for (&size, (iv, subsamples)) in self.sizes.iter().zip(out.vectors()) {
            let (sample, tail) = rest.split_at_mut(size);
            rest = tail;
            encrypt(&self.cipher, self.pattern, iv, sample, subsamples);
        }
    }

    /// Encrypts the blocks of each sample (`cbc1`) or of each protected run (`cbcs`, §9.5.1) as a chain of their own.
    fn chain(&mut self, payload: &mut [u8], out: &SegmentAux) {
        let constant = self.protection.constant_iv.map(|iv| iv.block());
        let pattern = self.pattern;
        self.chains.clear();
        let mut at = 0;
        for (&size, (iv, subsamples)) in self.sizes.iter().zip(out.vectors()) {
            if constant.is_none() {
                self.chains.begin(*iv);
            }
            for (clear, protected) in protected_runs(size, subsamples) {
                if let Some(constant) = constant {
                    self.chains.begin(constant);
                }
                self.chains.add(pattern, at + clear, protected);
                at += clear + protected;
            }
        }
        self.chains.encrypt(&self.cipher, pattern, payload);
    }
}

/// Of each subsample of a sample of `size` bytes the clear bytes and the protected ones; the whole sample is protected
/// when there are none.
fn protected_runs(size: usize, subsamples: &[Subsample]) -> impl Iterator<Item = (usize, usize)> {
    let whole = subsamples.is_empty().then_some((0, size));
    let parts = subsamples.iter().map(|subsample| (subsample.clear.into(), subsample.protected as usize));
    whole.into_iter().chain(parts)
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

//! Keys that change: when, and what encrypts a track meanwhile.

use drm::{ContentKey, EncryptError, Iv, KeyId, ProtectionScheme, SegmentEncryptor, TrackProtection};
use media_types::CodecConfig;

/// Keyframes of two renditions that are meant to be the same may be so far apart.
const SAME_US: u64 = 1000;

/// The crypto periods of a presentation, the same for all its tracks. Each begins at the first segment that starts at or
/// after a multiple of their length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Periods {
    /// From how many microseconds on segments are in which period, both ascending; the first is 0 from 0.
    starts: Vec<(u64, u32)>,
}

impl Periods {
    /// One period.
    pub(crate) fn one() -> Self {
        Self { starts: vec![(0, 0)] }
    }

    /// Of `period_ms`, for segments after the first that begin at `borders_us`, ascending.
    pub(crate) fn new(borders_us: impl IntoIterator<Item = u64>, period_ms: u32) -> Self {
        Self::along(borders_us, |at| at / (u64::from(period_ms.max(1)) * 1000))
    }

    /// Those that begin at `starts_us`, ascending, the first at 0.
    pub(crate) fn from_starts(borders_us: impl IntoIterator<Item = u64>, starts_us: &[u64]) -> Self {
        Self::along(borders_us, |at| starts_us.partition_point(|&start| start <= at).saturating_sub(1) as u64)
    }

    /// With the index of the period that a time is in.
    fn along(borders_us: impl IntoIterator<Item = u64>, period_at: impl Fn(u64) -> u64) -> Self {
        let mut periods = Self::one();
        let (mut last, mut current) = (0, 0);
        for border in borders_us {
            let index = u32::try_from(period_at(border.saturating_add(SAME_US))).unwrap_or(u32::MAX);
            if index > current {
                current = index;
                // Sound is cut near the border, not at it: a segment belongs to the border that is nearest to it.
                periods.starts.push((u64::midpoint(last, border), index));
            }
            last = border;
        }
        periods
    }

    /// From how many microseconds on segments are in which period.
    pub(crate) fn starts(&self) -> &[(u64, u32)] {
        &self.starts
    }
}

/// A key and the microseconds from which on segments are encrypted under it.
#[derive(Clone)]
pub(crate) struct Stretch {
    pub(crate) from_us: u64,
    pub(crate) id: KeyId,
    pub(crate) key: ContentKey,
    /// The constant initialisation vector that came with the key.
    pub(crate) iv: Option<Iv>,
}

/// Encrypts a track under one key after another.
pub(crate) struct TrackEncryptor {
    scheme: ProtectionScheme,
    name: String,
    config: CodecConfig,
    keys: Vec<Stretch>,
    /// What the init segment names.
    first: KeyId,
    current: usize,
    encryptor: SegmentEncryptor,
}

impl TrackEncryptor {
    /// Of the track called `name`. `keys` ascend, the first from 0; `None` without any.
    pub(crate) fn new(
        scheme: ProtectionScheme,
        name: &str,
        config: &CodecConfig,
        keys: Vec<Stretch>,
    ) -> Result<Option<Self>, EncryptError> {
        let Some(first) = keys.first() else { return Ok(None) };
        let encryptor = under(first, scheme, name, config)?;
        let (name, config, first) = (name.to_owned(), config.clone(), first.id);
        Ok(Some(Self { scheme, name, config, keys, first, current: 0, encryptor }))
    }

    /// What every key's samples say of themselves, in order.
    pub(crate) fn stretches(&self) -> Result<Vec<(&Stretch, TrackProtection)>, EncryptError> {
        self.keys.iter().map(|stretch| Ok((stretch, self.under(stretch)?.protection().clone()))).collect()
    }

    fn under(&self, stretch: &Stretch) -> Result<SegmentEncryptor, EncryptError> {
        under(stretch, self.scheme, &self.name, &self.config)
    }

    /// What encrypts the segment that starts at `start_us`. Segments begin with a keyframe and parameter sets are in the
    /// decoder configuration, so that one of a new key needs to know nothing of those before it.
    pub(crate) fn at(&mut self, start_us: u64) -> Result<&mut SegmentEncryptor, EncryptError> {
        let now = self.keys.partition_point(|stretch| stretch.from_us <= start_us).saturating_sub(1);
        if now != self.current {
            (self.current, self.encryptor) = (now, self.under(&self.keys[now])?);
        }
        Ok(&mut self.encryptor)
    }

    /// What the segment that was encrypted last must say of itself, when its key is not the one the init segment names.
    pub(crate) fn group(&self) -> Option<&TrackProtection> {
        Some(self.encryptor.protection()).filter(|protection| protection.key_id != self.first)
    }
}

fn under(
    stretch: &Stretch,
    scheme: ProtectionScheme,
    name: &str,
    config: &CodecConfig,
) -> Result<SegmentEncryptor, EncryptError> {
    let encryptor = SegmentEncryptor::new(scheme, stretch.id, &stretch.key, name, config)?;
    Ok(match stretch.iv {
        Some(iv) => encryptor.with_constant_iv(iv),
        None => encryptor,
    })
}

#[cfg(test)]
#[path = "rotation/tests.rs"]
mod tests;

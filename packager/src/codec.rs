//! Codec configurations: checked once, and named as RFC 6381 names them.

use media_types::{CodecConfig, FrameRate, Timescale, TrackKind};

use crate::PackageError;
use crate::audio_grid::FRAME_SAMPLES;
use crate::sps::Sps;

/// A checked `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1).
pub(crate) struct AvcConfig<'a> {
    /// Profile, compatibility flags and level: the `PPCCLL` of the codec string.
    pub(crate) profile: [u8; 3],
    /// The first sequence parameter set, a NAL unit.
    pub(crate) sps: &'a [u8],
}

impl<'a> AvcConfig<'a> {
    pub(crate) fn parse(record: &'a [u8]) -> Result<Self, PackageError> {
        let cut = PackageError::Config("the avcC record is cut short");
        let [1, profile, compatibility, level, lengths, sps_count, rest @ ..] = record else {
            return Err(PackageError::Config("not an avcC record of version 1"));
        };
        if lengths & 3 != 3 {
            return Err(PackageError::Config("NAL unit lengths must take 4 bytes"));
        }
        let mut rest = rest;
        let sps = take_sets(&mut rest, usize::from(sps_count & 0x1f)).ok_or(cut.clone())?;
        let (&pps_count, mut rest) = rest.split_first().ok_or(cut.clone())?;
        take_sets(&mut rest, usize::from(pps_count)).ok_or(cut)?;
        let sps = sps.ok_or(PackageError::Config("the avcC record has no sequence parameter set"))?;
        if pps_count == 0 {
            return Err(PackageError::Config("the avcC record has no picture parameter set"));
        }
        Ok(Self { profile: [*profile, *compatibility, *level], sps })
    }

    /// What the parameter set says; `None` when it cannot be read.
    pub(crate) fn sps(&self) -> Option<Sps> {
        Sps::parse(self.sps)
    }
}

/// Ticks by which a track's composition offsets are raised so that none is negative: as many frames as its pictures may
/// be reordered by. The edit list takes them back, so that presentation starts at 0. `None` for
/// sound, which is never reordered.
///
/// Signed offsets without an edit list (brand `cmf2`) would say the same, but FFmpeg and what is built on it show such
/// pictures late, out of step with the sound.
///
/// # Errors
/// [`PackageError::Config`] when the configuration cannot be read.
pub fn composition_delay(
    kind: &TrackKind,
    timescale: Timescale,
    config: &CodecConfig,
) -> Result<Option<u32>, PackageError> {
    let (TrackKind::Video { .. }, CodecConfig::Avc(record)) = (kind, config) else { return Ok(None) };
    let frames = AvcConfig::parse(record)?.sps().and_then(|sps| sps.reorder_frames).unwrap_or(0);
    let ticks = sample_ticks(kind, timescale).ok_or(PackageError::Track("a frame lasts a whole number of ticks"))?;
    frames.checked_mul(ticks).map(Some).ok_or(PackageError::Track("its frames are too long"))
}

/// Ticks that every sample of a track lasts; `None` when that is no whole number.
pub(crate) fn sample_ticks(kind: &TrackKind, timescale: Timescale) -> Option<u32> {
    match *kind {
        TrackKind::Video { rate_num, rate_den, .. } => FrameRate::new(rate_num, rate_den)?.frame_ticks(timescale),
        TrackKind::Audio { .. } => Some(FRAME_SAMPLES as u32),
    }
}

/// Skips `count` length-prefixed parameter sets and returns the first. `None` when they run past the end.
#[allow(clippy::option_option)]
fn take_sets<'a>(rest: &mut &'a [u8], count: usize) -> Option<Option<&'a [u8]>> {
    let mut first = None;
    for _ in 0..count {
        let (length, tail) = rest.split_first_chunk::<2>()?;
        let (set, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        first = first.or(Some(set));
        *rest = tail;
    }
    Some(first)
}

/// The head of an `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AacConfig {
    /// `audioObjectType`, 2 for AAC-LC.
    pub(crate) object_type: u8,
    /// Samples per second of the core coder.
    pub(crate) sample_rate: u32,
    /// `channelConfiguration`; 0 when a program config element follows.
    pub(crate) channels: u8,
}

const SAMPLE_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

impl AacConfig {
    pub(crate) fn parse(config: &[u8]) -> Result<Self, PackageError> {
        Self::read(config).ok_or(PackageError::Config("not an AudioSpecificConfig"))
    }

    fn read(config: &[u8]) -> Option<Self> {
        let mut word = [0u8; 8];
        let known = config.len().min(8);
        word[..known].copy_from_slice(&config[..known]);
        let (word, mut at) = (u64::from_be_bytes(word), 0u32);
        let mut take = |count: u32| {
            let value = word >> (64 - at - count) & ((1 << count) - 1);
            at += count;
            (at as usize <= known * 8).then_some(value as u32)
        };
        let mut object_type = take(5)?;
        if object_type == 31 {
            object_type = 32 + take(6)?;
        }
        let sample_rate = match take(4)? {
            15 => take(24)?,
            index => *SAMPLE_RATES.get(index as usize)?,
        };
        let channels = take(4)? as u8;
        (object_type > 0).then_some(Self { object_type: object_type as u8, sample_rate, channels })
    }
}

/// The RFC 6381 name, such as `avc1.64001F` or `mp4a.40.2`.
///
/// # Errors
/// [`PackageError::Config`] when the configuration cannot be read.
pub fn codec_string(config: &CodecConfig) -> Result<String, PackageError> {
    match config {
        CodecConfig::Avc(record) => {
            let [profile, compatibility, level] = AvcConfig::parse(record)?.profile;
            Ok(format!("avc1.{profile:02X}{compatibility:02X}{level:02X}"))
        }
        CodecConfig::Aac(config) => Ok(format!("mp4a.40.{}", AacConfig::parse(config)?.object_type)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codec_strings_name_profile_and_level_exactly() {
        let avc = "01640028ffe1001a67640028acd940780227e584000003000400000300f03c60c65801000568ebecb22c";
        let avc = CodecConfig::Avc(hex::decode(avc).unwrap().into());
        assert_eq!(codec_string(&avc).unwrap(), "avc1.640028");
        for (asc, name, rate) in
            [("1210", "mp4a.40.2", 44_100), ("1190", "mp4a.40.2", 48_000), ("2b118800", "mp4a.40.5", 24_000)]
        {
            let asc = hex::decode(asc).unwrap();
            assert_eq!(AacConfig::parse(&asc).unwrap().sample_rate, rate);
            assert_eq!(codec_string(&CodecConfig::Aac(asc.into())).unwrap(), name);
        }
    }

    #[test]
    fn records_without_parameter_sets_are_refused() {
        for bad in ["", "00", "01640028ff", "01640028ffe0", "01640028ffe000", "01640028ffe1001a67", "01640028fde0"] {
            let record = Bytes::from(hex::decode(bad).unwrap());
            assert!(codec_string(&CodecConfig::Avc(record)).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = AvcConfig::parse(&bytes).map(|config| config.sps());
            let _ = AacConfig::parse(&bytes);
        }
    }
}

//! AAC in ADTS (ISO/IEC 14496-3 §1.A.2.2), AC-3 and E-AC-3 (ETSI TS 102 366).

use bitstream::audio::aac::{self, Sbr};
use bitstream::audio::ac3::SyncFrame;
use drm::SampleCipher;
use media_types::CodecConfig;

use crate::PackageError;

/// Bytes of an ADTS header without a check.
pub(super) const ADTS: usize = 7;
/// `aac_frame_length` has 13 bits.
const LONGEST_FRAME: usize = 0x1fff;

/// How sound is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Aac {
        /// The fixed part of the header.
        fixed: [u8; ADTS],
        /// Apple's name of the profile (`audio_type`).
        profile: &'static [u8; 4],
    },
    Ac3,
    Eac3,
}

impl Coding {
    /// # Errors
    /// [`PackageError::Config`] for what a transport stream does not carry.
    pub(super) fn of(config: &CodecConfig) -> Result<Self, PackageError> {
        match config {
            CodecConfig::Aac(config) => adts(config),
            CodecConfig::Ac3(_) => Ok(Self::Ac3),
            CodecConfig::Eac3(_) => Ok(Self::Eac3),
            _ => Err(PackageError::Config("MPEG-TS for HLS carries H.264, AAC, AC-3 and E-AC-3 alone")),
        }
    }

    /// Appends a sample; `None` when it is longer than its header can say.
    pub(super) fn append(self, sample: &[u8], cipher: Option<&mut SampleCipher>, out: &mut Vec<u8>) -> Option<()> {
        if let Self::Aac { mut fixed, .. } = self {
            let length = Some(ADTS + sample.len()).filter(|&length| length <= LONGEST_FRAME)?;
            fixed[3] |= (length >> 11) as u8;
            fixed[4] = (length >> 3) as u8;
            fixed[5] |= (length << 5) as u8;
            out.extend_from_slice(&fixed);
        }
        let start = out.len();
        out.extend_from_slice(sample);
        let Some(cipher) = cipher else { return Some(()) };
        let mut rest = &mut out[start..];
        if self == Self::Eac3 {
            // A sample has the frames of all substreams.
            while let Some(length) = SyncFrame::parse(rest).map(|frame| frame.length) {
                let Some((frame, tail)) = rest.split_at_mut_checked(length) else { break };
                cipher.frame(frame);
                rest = tail;
            }
        } else {
            cipher.frame(rest);
        }
        Some(())
    }
}

/// ADTS names the core coder alone; a decoder finds spectral band replication in the frames.
fn adts(config: &[u8]) -> Result<Coding, PackageError> {
    let config = aac::Config::parse(config).ok_or(PackageError::Config("not an AudioSpecificConfig"))?;
    let plain = aac::Config::new(config.object_type, config.core_rate, config.channel_config);
    let plain = plain.filter(|plain| plain.channel_config < 8 && config.frame_length == plain.frame_length);
    // In its shortest form: object type (5 bits), index of the rate (4), channels (4).
    let Some(&[first, second, ..]) = plain.and_then(|plain| plain.to_bytes()).as_deref() else {
        return Err(PackageError::Config("ADTS cannot describe this AAC"));
    };
    let (object_type, rate, channels) = (first >> 3, (first & 7) << 1 | second >> 7, second >> 3 & 7);
    let profile = match config.sbr {
        _ if config.ps => b"zacp",
        Sbr::Hierarchical | Sbr::Compatible => b"zach",
        Sbr::Unsaid | Sbr::Absent => b"zaac",
    };
    // MPEG-4 without a check; a buffer fullness of all ones says that the rate varies.
    let fixed = [0xff, 0xf1, (object_type - 1) << 6 | rate << 2 | channels >> 2, channels << 6, 0, 0x1f, 0xfc];
    Ok(Coding::Aac { fixed, profile })
}

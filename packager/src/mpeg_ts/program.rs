//! What the program map says of each stream (§2.6; ATSC A/52 annex A; Apple, "MPEG-2 Stream Encryption Format for HTTP
//! Live Streaming").

use media_types::{CodecConfig, language};

use super::pes;
use super::section::Listed;
use super::sound::Coding;

const REGISTRATION: u8 = 5;
const LANGUAGE: u8 = 10;
const PRIVATE_DATA: u8 = 15;

/// Bytes of the first frame that stand for the configuration of AC-3.
const AC3_SETUP: usize = 10;

/// H.264.
pub(super) fn pictures(pid: u16, encrypted: bool) -> Listed {
    let mut descriptors = Vec::new();
    if encrypted {
        descriptor(&mut descriptors, PRIVATE_DATA, &[b"zavc"]);
    }
    Listed { stream_type: if encrypted { 0xdb } else { 0x1b }, pid, descriptors }
}

impl Coding {
    /// `stream_id` of its PES packets.
    pub(super) fn stream_id(self) -> u8 {
        match self {
            Self::Aac { .. } => pes::AUDIO,
            Self::Ac3 | Self::Eac3 => pes::PRIVATE,
        }
    }

    /// `first` is the stream's first sample.
    pub(super) fn listed(self, pid: u16, config: &CodecConfig, tag: &str, first: Option<&[u8]>) -> Listed {
        let mut descriptors = Vec::new();
        let stream_type = match first {
            None => match self {
                Self::Aac { .. } => 0x0f,
                Self::Ac3 => {
                    descriptor(&mut descriptors, REGISTRATION, &[b"AC-3"]);
                    0x81
                }
                Self::Eac3 => {
                    descriptor(&mut descriptors, REGISTRATION, &[b"EAC3"]);
                    0x87
                }
            },
            Some(first) => self.encrypted(&mut descriptors, config, first),
        };
        let code = language::iso639(tag);
        if code != *b"und" {
            descriptor(&mut descriptors, LANGUAGE, &[&code, &[0]]);
        }
        Listed { stream_type, pid, descriptors }
    }

    /// The stream type and what a decoder needs, since it cannot look into the frames.
    fn encrypted(self, descriptors: &mut Vec<u8>, config: &CodecConfig, first: &[u8]) -> u8 {
        let (stream_type, indicator, kind) = match self {
            Self::Aac { profile, .. } => (0xcf, b"aacd", profile),
            Self::Ac3 => (0xc1, b"ac3d", b"zac3"),
            Self::Eac3 => (0xc2, b"ec3d", b"zec3"),
        };
        let setup: &[u8] = match config {
            CodecConfig::Aac(config) | CodecConfig::Eac3(config) => config,
            _ => &first[..first.len().min(AC3_SETUP)],
        };
        // Longer ones do not fit the packet of the map either.
        let setup = &setup[..setup.len().min(200)];
        descriptor(descriptors, PRIVATE_DATA, &[indicator]);
        // No priming is left, and this is version 1.
        descriptor(descriptors, REGISTRATION, &[b"apad", kind, &[0, 0, 1, setup.len() as u8], setup]);
        stream_type
    }
}

/// A descriptor of at most 255 bytes.
fn descriptor(out: &mut Vec<u8>, tag: u8, content: &[&[u8]]) {
    let length: usize = content.iter().map(|piece| piece.len()).sum();
    out.extend([tag, length as u8]);
    content.iter().for_each(|piece| out.extend_from_slice(piece));
}

//! `AudioSpecificConfig` (§1.6.2.1).

use super::element;
use crate::bits::Bits;

/// Rates of `samplingFrequencyIndex` (§1.6.3.4).
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// Channels of `channelConfiguration` (§1.6.3.5); 0 where there is none.
const CHANNELS: [u8; 15] = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8];

/// How spectral band replication is announced (§1.6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sbr {
    /// Not at all. A decoder may still find it in the frames when [`Config::may_hide_sbr`].
    Unsaid,
    /// Stated to be absent, by a backward compatible extension.
    Absent,
    /// By an extension at the end that old decoders do not read.
    Compatible,
    /// By object type 5 or 29 at the start.
    Hierarchical,
}

/// What an AudioSpecificConfig says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// `audioObjectType` of the core: 2 for AAC-LC, 42 for xHE-AAC.
    pub object_type: u8,
    /// How spectral band replication is announced.
    pub sbr: Sbr,
    /// Whether parametric stereo is announced.
    pub ps: bool,
    /// Samples per second of the core coder.
    pub core_rate: u32,
    /// Samples per second of what is heard.
    pub output_rate: u32,
    /// `channelConfiguration`; 0 when a program config element lists the channels.
    pub channel_config: u8,
    /// Channels of the core coder; 0 when nothing says.
    pub core_channels: u8,
    /// Samples per channel of one frame, at [`core_rate`](Self::core_rate); at the output rate for xHE-AAC.
    pub frame_length: u32,
}

impl Config {
    /// AAC without extensions, such as ADTS announces it; `None` for a rate or channel configuration without an index, or
    /// an object type that ADTS cannot name.
    pub fn new(object_type: u8, rate: u32, channel_config: u8) -> Option<Self> {
        let core_channels = *CHANNELS.get(usize::from(channel_config)).filter(|count| **count > 0)?;
        (RATES.contains(&rate) && (1..=4).contains(&object_type)).then_some(Self {
            object_type,
            sbr: Sbr::Unsaid,
            ps: false,
            core_rate: rate,
            output_rate: rate,
            channel_config,
            core_channels,
            frame_length: 1024,
        })
    }

    /// From an AudioSpecificConfig.
    pub fn parse(config: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(config);
        let (first_type, first_rate, channel_config) = (object_type(&mut bits)?, rate(&mut bits)?, bits.take(4)? as u8);
        let mut out = Self {
            object_type: first_type,
            sbr: Sbr::Unsaid,
            ps: first_type == 29,
            core_rate: first_rate,
            output_rate: first_rate,
            channel_config,
            core_channels: CHANNELS.get(usize::from(channel_config)).copied().unwrap_or(0),
            frame_length: 1024,
        };
        if matches!(first_type, 5 | 29) {
            out.sbr = Sbr::Hierarchical;
            out.output_rate = rate(&mut bits)?;
            out.object_type = object_type(&mut bits)?;
            if out.object_type == 22 {
                bits.skip(4)?;
            }
        }
        match out.object_type {
            1..=4 | 6 | 7 | 17 | 19..=23 => out.general_audio(&mut bits)?,
            39 => out.frame_length = if bits.flag()? { 480 } else { 512 },
            42 => out.unified(&mut bits)?,
            // Speech coders and others are none of AAC's.
            _ => return None,
        }
        // What follows is optional, and often cut off or padding.
        if out.sbr == Sbr::Unsaid && matches!(out.object_type, 1..=4 | 6 | 7) {
            out.extension(&mut bits);
        }
        Some(out)
    }

    /// Channels of what is heard; 0 when nothing says.
    pub fn channels(&self) -> u32 {
        u32::from(if self.ps && self.core_channels == 1 { 2 } else { self.core_channels })
    }

    /// Samples per channel of one frame at the output rate.
    pub fn output_frame_length(&self) -> u32 {
        match self.object_type {
            42 => self.frame_length,
            _ if self.core_rate == 0 => self.frame_length,
            _ => (u64::from(self.frame_length) * u64::from(self.output_rate) / u64::from(self.core_rate)) as u32,
        }
    }

    /// Whether a decoder that knows spectral band replication has to look for it in the frames (§1.6.5.2, implicit
    /// signalling): the output rate may then be twice the stated one.
    pub fn may_hide_sbr(&self) -> bool {
        self.sbr == Sbr::Unsaid && matches!(self.object_type, 1..=4) && self.core_rate <= 24_000
    }

    /// As an AudioSpecificConfig of AAC with 1024 samples per frame, spectral band replication and parametric stereo as
    /// announced; `None` for what that does not cover.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let covered = (1..=4).contains(&self.object_type) && self.frame_length == 1024 && self.channel_config != 0;
        if !covered {
            return None;
        }
        let mut out = Writer::default();
        if self.sbr == Sbr::Hierarchical {
            out.put(if self.ps { 29 } else { 5 }, 5);
            out.rate(self.core_rate);
            out.put(u32::from(self.channel_config), 4);
            out.rate(self.output_rate);
            out.put(u32::from(self.object_type), 5);
        } else {
            out.put(u32::from(self.object_type), 5);
            out.rate(self.core_rate);
            out.put(u32::from(self.channel_config), 4);
        }
        // frameLengthFlag, dependsOnCoreCoder, extensionFlag
        out.put(0, 3);
        if matches!(self.sbr, Sbr::Absent | Sbr::Compatible) {
            out.put(0x2b7, 11);
            out.put(5, 5);
            out.put(u32::from(self.sbr == Sbr::Compatible), 1);
            if self.sbr == Sbr::Compatible {
                out.rate(self.output_rate);
                if self.ps {
                    out.put(0x548, 11);
                    out.put(1, 1);
                }
            }
        }
        Some(out.finish())
    }

    /// `GASpecificConfig` (§4.4.1).
    fn general_audio(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let short = bits.flag()?;
        self.frame_length = match (self.object_type, short) {
            (23, true) => 480,
            (23, false) => 512,
            (_, true) => 960,
            (_, false) => 1024,
        };
        // dependsOnCoreCoder, coreCoderDelay
        if bits.flag()? {
            bits.skip(14)?;
        }
        let extension = bits.flag()?;
        if self.channel_config == 0 {
            self.core_channels = element::program_config(bits)?;
        }
        if matches!(self.object_type, 6 | 20) {
            bits.skip(3)?;
        }
        if extension {
            match self.object_type {
                22 => bits.skip(16)?,
                17 | 19 | 20 | 23 => bits.skip(3)?,
                _ => {}
            }
            bits.skip(1)?;
        }
        Some(())
    }

    /// The start of `UsacConfig` (ISO/IEC 23003-3 §5.2).
    fn unified(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let index = bits.take(5)?;
        if index == 0x1f {
            bits.skip(24)?;
        }
        // coreSbrFrameLengthIndex: frames of the output.
        self.frame_length = match bits.take(3)? {
            0 => 768,
            1 => 1024,
            2 | 3 => 2048,
            4 => 4096,
            _ => return None,
        };
        // channelConfigurationIndex
        if let Some(count) = CHANNELS.get(bits.take(5)? as usize).filter(|count| **count > 0) {
            self.core_channels = *count;
        }
        Some(())
    }

    /// The backward compatible extension (§1.6.2.1, `syncExtensionType`).
    fn extension(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        if bits.left() < 16 || bits.take(11)? != 0x2b7 || object_type(bits)? != 5 {
            return None;
        }
        if !bits.flag()? {
            self.sbr = Sbr::Absent;
            return Some(());
        }
        self.output_rate = rate(bits)?;
        self.sbr = Sbr::Compatible;
        if bits.left() >= 12 && bits.take(11)? == 0x548 {
            self.ps = bits.flag()?;
        }
        Some(())
    }
}

/// The codecs string of RFC 6381 for an AudioSpecificConfig: `mp4a.40.` and the object type, which is 5 for HE-AAC and 29
/// for HE-AAC v2 however they are announced.
pub fn codec_string(config: &[u8]) -> Option<String> {
    let config = Config::parse(config)?;
    let object_type = match config.sbr {
        Sbr::Compatible | Sbr::Hierarchical if config.ps => 29,
        Sbr::Compatible | Sbr::Hierarchical => 5,
        Sbr::Unsaid | Sbr::Absent => config.object_type,
    };
    Some(format!("mp4a.40.{object_type}"))
}

/// Samples per second of a `samplingFrequencyIndex`.
pub(super) fn rate_of_index(index: u32) -> Option<u32> {
    RATES.get(index as usize).copied()
}

/// `GetAudioObjectType`.
fn object_type(bits: &mut Bits<'_>) -> Option<u8> {
    match bits.take(5)? {
        31 => Some(bits.take(6)? as u8 + 32),
        value => Some(value as u8),
    }
}

/// `samplingFrequencyIndex` and, behind its escape, `samplingFrequency`.
fn rate(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(4)? {
        15 => bits.take(24).filter(|rate| *rate > 0),
        index => rate_of_index(index),
    }
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    used: u32,
}

impl Writer {
    fn put(&mut self, value: u32, width: u32) {
        for at in (0..width).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> at & 1) as u8) << (7 - self.used % 8);
            }
            self.used += 1;
        }
    }

    fn rate(&mut self, rate: u32) {
        match RATES.iter().position(|known| *known == rate) {
            Some(index) => self.put(index as u32, 4),
            None => {
                self.put(15, 4);
                self.put(rate, 24);
            }
        }
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

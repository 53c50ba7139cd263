//! `AC3SpecificBox` and `EC3SpecificBox` (§F.4, §F.6).

use super::frame::{BITRATES, CHANNELS, Kind, RATES, SyncFrame};
use crate::bits::Bits;

/// What the payload of a `dac3` box says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ac3Config {
    /// Code of the sample rate.
    pub fscod: u8,
    /// 8 in standard streams.
    pub bsid: u8,
    /// What kind of service it is; 0 is the main one.
    pub bsmod: u8,
    /// Code of the full-bandwidth channels.
    pub acmod: u8,
    /// Whether there is a low-frequency channel.
    pub lfe: bool,
    /// Code of the bit rate.
    pub bit_rate_code: u8,
}

impl Ac3Config {
    /// For a stream of AC-3 with such frames; `None` for E-AC-3.
    pub fn new(frame: &SyncFrame) -> Option<Self> {
        let &SyncFrame { kind, fscod, bsid, bsmod, acmod, lfe, bit_rate_code, .. } = frame;
        (kind == Kind::Ac3).then_some(Self { fscod, bsid, bsmod, acmod, lfe, bit_rate_code })
    }

    /// From a `dac3` payload.
    pub fn parse(config: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(config);
        let (fscod, bsid, bsmod) = (bits.take(2)? as u8, bits.take(5)? as u8, bits.take(3)? as u8);
        let (acmod, lfe, bit_rate_code) = (bits.take(3)? as u8, bits.flag()?, bits.take(5)? as u8);
        let sound = usize::from(fscod) < RATES.len() && usize::from(bit_rate_code) < BITRATES.len();
        sound.then_some(Self { fscod, bsid, bsmod, acmod, lfe, bit_rate_code })
    }

    /// The 3 bytes of a `dac3` payload.
    pub fn to_bytes(&self) -> Vec<u8> {
        let packed = u32::from(self.fscod) << 22
            | u32::from(self.bsid & 0x1f) << 17
            | u32::from(self.bsmod & 7) << 14
            | u32::from(self.acmod & 7) << 11
            | u32::from(self.lfe) << 10
            | u32::from(self.bit_rate_code & 0x1f) << 5;
        packed.to_be_bytes()[1..].to_vec()
    }

    /// Samples per second.
    pub fn rate(&self) -> u32 {
        RATES.get(usize::from(self.fscod)).map_or(0, |rate| rate >> (self.bsid.clamp(8, 10) - 8))
    }

    /// Bits per second.
    pub fn bitrate_bps(&self) -> u32 {
        BITRATES.get(usize::from(self.bit_rate_code)).map_or(0, |kbps| u32::from(*kbps) * 1000)
    }

    /// Channels, the low-frequency one included.
    pub fn channels(&self) -> u32 {
        CHANNELS[usize::from(self.acmod & 7)] + u32::from(self.lfe)
    }
}

/// One independent substream in a `dec3` box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Independent {
    /// Code of the sample rate.
    pub fscod: u8,
    /// 16 in standard streams.
    pub bsid: u8,
    /// Whether it is an associated service.
    pub asvc: bool,
    /// What kind of service it is; 0 is the main one.
    pub bsmod: u8,
    /// Code of the full-bandwidth channels.
    pub acmod: u8,
    /// Whether there is a low-frequency channel.
    pub lfe: bool,
    /// Dependent substreams that add channels to it.
    pub dependent: u8,
    /// `chan_loc`: the channels they add; bits 0, 1, 4, 5 and 6 stand for pairs.
    pub locations: u16,
}

impl Independent {
    /// Channels with what dependent substreams add, the low-frequency ones included.
    pub fn channels(&self) -> u32 {
        const PAIRS: u16 = 0b0_0111_0011;
        let added = self.locations.count_ones() + (self.locations & PAIRS).count_ones();
        CHANNELS[usize::from(self.acmod & 7)] + u32::from(self.lfe) + added
    }
}

/// What the payload of a `dec3` box says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eac3Config {
    /// kbit/s of all substreams together.
    pub data_rate_kbps: u16,
    substreams: [Independent; 8],
    count: u8,
    /// `complexity_index_type_a` when there is joint object coding (ETSI TS 103 420 §C.3): the number of objects.
    pub joc_complexity: Option<u8>,
}

impl Eac3Config {
    /// For a stream of E-AC-3 in which this is a whole access unit; `None` when it begins with anything else.
    pub fn new(unit: &[u8]) -> Option<Self> {
        let mut out = Self { data_rate_kbps: 0, substreams: Default::default(), count: 0, joc_complexity: None };
        let (mut at, mut samples, mut rate) = (0, 0u64, 0u64);
        // A unit of single blocks has 6 frames of each substream.
        while let Some(frame) = unit.get(at..).and_then(SyncFrame::parse) {
            out.add(&frame)?;
            if frame.kind != Kind::Dependent && frame.substream == 0 {
                (samples, rate) = (samples + u64::from(frame.samples()), u64::from(frame.rate));
            }
            at += frame.length;
        }
        let kbps = (at as u64 * 8 * rate).checked_div(samples * 1000)?;
        // 13 bits.
        out.data_rate_kbps = kbps.min(0x1fff) as u16;
        Some(out)
    }

    fn add(&mut self, frame: &SyncFrame) -> Option<()> {
        match frame.kind {
            Kind::Ac3 => return None,
            Kind::Independent | Kind::Converted if frame.substream >= self.count => {
                *self.substreams.get_mut(usize::from(self.count))? = Independent {
                    fscod: frame.fscod,
                    bsid: frame.bsid,
                    bsmod: frame.bsmod,
                    acmod: frame.acmod,
                    lfe: frame.lfe,
                    ..Independent::default()
                };
                self.count += 1;
            }
            Kind::Independent | Kind::Converted => {}
            Kind::Dependent => {
                let parent = self.substreams.get_mut(usize::from(self.count.checked_sub(1)?))?;
                parent.dependent = parent.dependent.max(frame.substream + 1);
                // Both tables name the same channels, counted from opposite ends.
                let map = frame.channel_map.unwrap_or(0);
                let above = (0..8).fold(0, |out, bit| out | (map >> (10 - bit.min(10)) & 1) << bit);
                parent.locations |= above | (map >> 1 & 1) << 8;
            }
        }
        self.joc_complexity = self.joc_complexity.or(frame.joc_complexity);
        Some(())
    }

    /// From a `dec3` payload.
    pub fn parse(config: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(config);
        let (data_rate_kbps, count) = (bits.take(13)? as u16, bits.take(3)? as u8 + 1);
        let mut substreams = [Independent::default(); 8];
        for substream in &mut substreams[..usize::from(count)] {
            (substream.fscod, substream.bsid) = (bits.take(2)? as u8, bits.take(5)? as u8);
            bits.skip(1)?;
            (substream.asvc, substream.bsmod) = (bits.flag()?, bits.take(3)? as u8);
            (substream.acmod, substream.lfe) = (bits.take(3)? as u8, bits.flag()?);
            bits.skip(3)?;
            substream.dependent = bits.take(4)? as u8;
            if substream.dependent > 0 {
                substream.locations = bits.take(9)? as u16;
            } else {
                bits.skip(1)?;
            }
        }
        let mut joc_complexity = None;
        if bits.left() >= 16 {
            bits.skip(7)?;
            if bits.flag()? {
                joc_complexity = Some(bits.take(8)? as u8);
            }
        }
        Some(Self { data_rate_kbps, substreams, count, joc_complexity })
    }

    /// A `dec3` payload.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = (self.data_rate_kbps & 0x1fff) << 3 | u16::from(self.count.max(1) - 1);
        let mut out = head.to_be_bytes().to_vec();
        for substream in self.substreams() {
            let packed = u32::from(substream.fscod & 3) << 30
                | u32::from(substream.bsid & 0x1f) << 25
                | u32::from(substream.asvc) << 23
                | u32::from(substream.bsmod & 7) << 20
                | u32::from(substream.acmod & 7) << 17
                | u32::from(substream.lfe) << 16
                | u32::from(substream.dependent & 0xf) << 9
                | u32::from(substream.locations & 0x1ff);
            if substream.dependent > 0 {
                out.extend(packed.to_be_bytes());
            } else {
                // Without locations there is one reserved bit in their place.
                out.extend_from_slice(&(packed & !0x1ff).to_be_bytes()[..3]);
            }
        }
        if let Some(complexity) = self.joc_complexity {
            out.extend([1, complexity]);
        }
        out
    }

    /// Its independent substreams, the first of which is the main programme; never empty.
    pub fn substreams(&self) -> &[Independent] {
        &self.substreams[..usize::from(self.count.clamp(1, 8))]
    }

    /// Channels of the main programme, the low-frequency ones included.
    pub fn channels(&self) -> u32 {
        self.substreams[0].channels()
    }
}

/// The codecs string for a `dac3` payload: `ac-3`.
pub fn codec_string(config: &[u8]) -> Option<String> {
    Ac3Config::parse(config).map(|_| "ac-3".to_owned())
}

/// The codecs string for a `dec3` payload: `ec-3`.
pub fn codec_string_enhanced(config: &[u8]) -> Option<String> {
    Eac3Config::parse(config).map(|_| "ec-3".to_owned())
}

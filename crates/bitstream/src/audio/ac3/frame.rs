//! Sync frames (§4.3, §E.1.2).

use std::ops::Range;

use super::mixing;
use crate::bits::Bits;

/// Samples per second of `fscod`.
pub(super) const RATES: [u32; 3] = [48_000, 44_100, 32_000];
/// kbit/s of `frmsizecod >> 1` (Table 4.13), which `bit_rate_code` repeats.
pub(super) const BITRATES: [u16; 19] =
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
/// Full-bandwidth channels of `acmod` (Table 4.4).
pub(super) const CHANNELS: [u32; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

/// What a sync frame is part of (`strmtyp`, §E.1.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// AC-3.
    Ac3,
    /// E-AC-3: a programme of its own.
    Independent,
    /// E-AC-3: more channels of the independent substream before it.
    Dependent,
    /// E-AC-3: a programme made from AC-3.
    Converted,
}

/// What the start of a sync frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncFrame {
    /// What it is part of.
    pub kind: Kind,
    /// `substreamid`; 0 in AC-3.
    pub substream: u8,
    /// Bytes of the frame.
    pub length: usize,
    /// Samples per second.
    pub rate: u32,
    /// Blocks of 256 samples: 1, 2, 3 or 6.
    pub blocks: u32,
    /// `bsid`.
    pub bsid: u8,
    /// `bsmod`: what kind of service it is; 0 is the main one.
    pub bsmod: u8,
    /// `acmod`.
    pub acmod: u8,
    /// Whether there is a low-frequency channel.
    pub lfe: bool,
    /// `fscod`; 3 in E-AC-3 at half the rates.
    pub fscod: u8,
    /// `frmsizecod >> 1` in AC-3; 0 in E-AC-3.
    pub bit_rate_code: u8,
    /// `chanmap` of a dependent substream (Table E.1.4): the left channel is the highest bit.
    pub channel_map: Option<u16>,
    /// `complexity_index_type_a` when the stream carries joint object coding (ETSI TS 103 420 §8.3).
    pub joc_complexity: Option<u8>,
}

impl SyncFrame {
    /// Bytes that are enough to find its length.
    pub const LENGTH: usize = 7;

    /// From the first bytes of a frame, best all of it: what lies beyond their end is taken as not there.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(bytes);
        if bytes.len() < Self::LENGTH || bits.take(16)? != 0x0b77 {
            return None;
        }
        // bsid has the same place in both.
        match bytes[5] >> 3 {
            0..=10 => Self::plain(&mut bits),
            11..=16 => Self::enhanced(&mut bits),
            _ => None,
        }
    }

    /// Samples per channel.
    pub fn samples(&self) -> u32 {
        256 * self.blocks
    }

    /// Channels, the low-frequency one included; of a dependent substream those it carries.
    pub fn channels(&self) -> u32 {
        match self.channel_map {
            Some(map) => mapped_channels(map),
            None => CHANNELS[usize::from(self.acmod & 7)] + u32::from(self.lfe),
        }
    }

    /// `syncinfo` and `bsi` (§4.3.1, §4.3.2).
    fn plain(bits: &mut Bits<'_>) -> Option<Self> {
        bits.skip(16)?;
        let (fscod, size_code) = (bits.take(2)? as u8, bits.take(6)?);
        let bit_rate_code = (size_code >> 1) as u8;
        let kbps = u32::from(*BITRATES.get(usize::from(bit_rate_code))?);
        // 16-bit words of 1536 samples; at 44.1 kHz frames of two sizes make the rate come out.
        let words = match fscod {
            0 => 2 * kbps,
            1 => 320 * kbps / 147 + (size_code & 1),
            2 => 3 * kbps,
            _ => return None,
        };
        let (bsid, bsmod, acmod) = (bits.take(5)? as u8, bits.take(3)? as u8, bits.take(3)? as u8);
        // cmixlev, surmixlev, dsurmod
        if acmod & 1 == 1 && acmod != 1 {
            bits.skip(2)?;
        }
        if acmod & 4 == 4 {
            bits.skip(2)?;
        }
        if acmod == 2 {
            bits.skip(2)?;
        }
        Some(Self {
            kind: Kind::Ac3,
            substream: 0,
            length: 2 * words as usize,
            // bsid 9 and 10 halve the rate once and twice.
            rate: RATES[usize::from(fscod)] >> bsid.saturating_sub(8),
            blocks: 6,
            bsid,
            bsmod,
            acmod,
            lfe: bits.flag()?,
            fscod,
            bit_rate_code,
            channel_map: None,
            joc_complexity: None,
        })
    }

    /// `bsi` of E-AC-3 (§E.1.2.2).
    fn enhanced(bits: &mut Bits<'_>) -> Option<Self> {
        let kind = match bits.take(2)? {
            0 => Kind::Independent,
            1 => Kind::Dependent,
            2 => Kind::Converted,
            _ => return None,
        };
        let (substream, length) = (bits.take(3)? as u8, 2 * (bits.take(11)? as usize + 1));
        let (fscod, second) = (bits.take(2)? as u8, bits.take(2)?);
        let (rate, blocks) = match RATES.get(usize::from(fscod)) {
            Some(rate) => (*rate, [1, 2, 3, 6][second as usize]),
            None => (RATES.get(second as usize)? / 2, 6),
        };
        let mut frame = Self {
            kind,
            substream,
            length,
            rate,
            blocks,
            bsid: 0,
            bsmod: 0,
            acmod: bits.take(3)? as u8,
            lfe: bits.flag()?,
            fscod,
            bit_rate_code: 0,
            channel_map: None,
            joc_complexity: None,
        };
        frame.bsid = bits.take(5)? as u8;
        if length < Self::LENGTH {
            return None;
        }
        // All that follows is for information; a frame cut short still has its length.
        mixing::read(&mut frame, bits);
        Some(frame)
    }
}

/// Channels of a `chanmap` (Table E.1.4).
pub(super) fn mapped_channels(map: u16) -> u32 {
    // Lc/Rc, Lrs/Rrs, Lsd/Rsd, Lw/Rw, Lvh/Rvh and Lts/Rts are pairs.
    const PAIRS: u16 = 1 << 10 | 1 << 9 | 1 << 6 | 1 << 5 | 1 << 4 | 1 << 2;
    map.count_ones() + (map & PAIRS).count_ones()
}

/// The whole sync frames in a piece of a stream. After the last one [`position`](SyncFrames::position) says where an
/// unfinished one begins, which belongs before the next piece.
#[derive(Clone, Debug)]
pub struct SyncFrames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> SyncFrames<'a> {
    /// From the first byte of `bytes`, whether or not a frame begins there.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes that are done with.
    pub fn position(&self) -> usize {
        self.at
    }
}

impl Iterator for SyncFrames<'_> {
    type Item = (SyncFrame, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        while self.bytes.len() - self.at >= SyncFrame::LENGTH {
            let rest = &self.bytes[self.at..];
            let found = SyncFrame::parse(rest).filter(|frame| {
                // Out of step, a sync word counts when another follows where it should, as far as bytes are there.
                let next = rest.get(frame.length..).unwrap_or(&[]);
                self.at == start && start > 0 || [0x0b, 0x77].iter().zip(next).all(|(sync, byte)| sync == byte)
            });
            let Some(frame) = found else {
                self.at += 1;
                continue;
            };
            let range = self.at..self.at + frame.length;
            let whole = self.bytes.get(range.clone())?;
            self.at = range.end;
            // Again within its own bytes, so that nothing is read out of the next frame.
            return SyncFrame::parse(whole).map(|frame| (frame, range));
        }
        None
    }
}

/// The sync frames that make one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Bytes of all of them.
    pub length: usize,
    /// Samples per channel.
    pub samples: u32,
    /// Samples per second.
    pub rate: u32,
    /// Frames.
    pub frames: u32,
}

/// The sample at the start of `bytes`, which begin with a sync frame: one frame of AC-3, or of E-AC-3 the frames of all
/// substreams for 6 blocks (§F.6). `None` when that does not end within `bytes`: E-AC-3 ends where the next sample begins,
/// unless `last` says that nothing follows.
pub fn access_unit(bytes: &[u8], last: bool) -> Option<Unit> {
    let first = SyncFrame::parse(bytes)?;
    let mut unit = Unit { length: 0, samples: 0, rate: first.rate, frames: 0 };
    loop {
        let Some(frame) = bytes.get(unit.length..).and_then(SyncFrame::parse) else {
            return (last && unit.frames > 0 && unit.length <= bytes.len()).then_some(unit);
        };
        // The first independent substream carries the time.
        let leads = frame.kind != Kind::Dependent && frame.substream == 0;
        if unit.frames > 0 && leads && unit.samples >= 1536 || unit.frames >= 128 {
            return Some(unit);
        }
        if leads {
            unit.samples += frame.samples();
        }
        unit.length += frame.length;
        unit.frames += 1;
        if frame.kind == Kind::Ac3 {
            return (unit.length <= bytes.len()).then_some(unit);
        }
    }
}

//! Caption data of pictures (ATSC A/53 Part 4 §6.2.3; ANSI/CTA-708 §4.4), and the channels in it.

use super::Payload;
use super::dtvcc::Dtvcc;
use super::line21::Field;

/// `cc_data` of one picture.
#[derive(Clone, Debug)]
pub struct CaptionData<'a> {
    payload: Payload<'a>,
    count: u8,
}

/// One entry of `cc_data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptionPair {
    /// `cc_valid`.
    pub valid: bool,
    /// `cc_type`: 0 and 1 are line 21 of the first and second field (CTA-608), 2 and 3 continue and start a DTVCC packet
    /// (CTA-708).
    pub kind: u8,
    /// `cc_data_1` and `cc_data_2`.
    pub data: [u8; 2],
}

impl<'a> CaptionData<'a> {
    /// Of a payload that starts with `itu_t_t35_country_code`. `None` when it holds something else.
    pub(super) fn read(mut payload: Payload<'a>) -> Option<Self> {
        // United States, ATSC.
        let registered = payload.by_ref().take(3).eq([0xb5, 0x00, 0x31]);
        if registered { Self::of_atsc(payload) } else { None }
    }

    /// Of `user_data` of MPEG-2, behind its start code. It needs no emulation prevention, and looks as if it had none: two
    /// bytes of zero come before a marker only.
    pub(super) fn of_user_data(data: &'a [u8]) -> Option<Self> {
        Self::of_atsc(Payload::whole(data))
    }

    fn of_atsc(mut payload: Payload<'a>) -> Option<Self> {
        if !payload.by_ref().take(5).eq(*b"GA94\x03") {
            return None;
        }
        let flags = payload.next()?;
        payload.next()?; // em_data
        let process = flags & 0x40 != 0;
        Some(Self { payload, count: if process { flags & 0x1f } else { 0 } })
    }

    /// Its entries in order; ends early when they are cut short.
    pub fn pairs(&self) -> CaptionPairs<'a> {
        CaptionPairs { payload: self.payload.clone(), left: self.count }
    }
}

/// The entries of one picture's `cc_data`.
#[derive(Clone, Debug)]
pub struct CaptionPairs<'a> {
    payload: Payload<'a>,
    left: u8,
}

impl Iterator for CaptionPairs<'_> {
    type Item = CaptionPair;

    fn next(&mut self) -> Option<CaptionPair> {
        self.left = self.left.checked_sub(1)?;
        let flags = self.payload.next()?;
        let data = [self.payload.next()?, self.payload.next()?];
        Some(CaptionPair { valid: flags & 4 != 0, kind: flags & 3, data })
    }
}

/// Which caption channels carry real text: characters that can be seen, in a caption mode. Takes the caption data of
/// all pictures *in presentation order*; nothing is allocated.
#[derive(Clone, Debug, Default)]
pub struct CaptionChannels {
    fields: [Field; 2],
    dtvcc: Dtvcc,
}

impl CaptionChannels {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the caption data of the next picture.
    pub fn picture(&mut self, data: &CaptionData<'_>) {
        data.pairs().for_each(|pair| self.pair(pair));
    }

    /// Takes the next entry, from whatever carries it.
    pub fn pair(&mut self, pair: CaptionPair) {
        match pair.kind {
            0 | 1 if pair.valid => self.fields[usize::from(pair.kind)].pair(pair.data, pair.kind == 1),
            _ => self.dtvcc.pair(pair),
        }
    }

    /// Whether line 21 channel CC`number`, 1 to 4, carries text.
    pub fn has_line21(&self, number: u8) -> bool {
        let Some(at) = number.checked_sub(1).filter(|&at| at < 4) else { return false };
        self.fields[usize::from(at / 2)].has_text(at % 2)
    }

    /// The line 21 channels that carry text: 1 for CC1 to 4 for CC4, ascending.
    pub fn line21(&self) -> impl Iterator<Item = u8> {
        (1..=4).filter(|&number| self.has_line21(number))
    }

    /// The CTA-708 services that carry text, 1 to 63, ascending.
    pub fn services(&self) -> impl Iterator<Item = u8> {
        (1..=63).filter(|&number| self.dtvcc.has_text(number))
    }
}

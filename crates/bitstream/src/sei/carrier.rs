//! Where coded pictures carry captions.

use super::{CaptionData, CaptionPair, messages};
use crate::annex_b::start_code;
use crate::bits::length_prefixed_by;
use crate::{avc, hevc};

/// How the pictures of a stream carry captions (ATSC A/53 Part 4 §6.2; ITU-T H.264 and H.265 §D.2, H.262 §6.2.2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptionCarrier {
    /// ITU-T H.264. NAL units lie behind lengths of so many bytes, 1 to 4, or between start codes.
    Avc(Option<usize>),
    /// ITU-T H.265, as above.
    Hevc(Option<usize>),
    /// MPEG-2 video.
    Mpeg2,
}

/// `user_data_start_code`, and those of slices (ITU-T H.262 table 6-1).
const USER_DATA: u8 = 0xb2;
const SLICES: std::ops::RangeInclusive<u8> = 0x01..=0xaf;

impl CaptionCarrier {
    /// The entries of `cc_data` in a coded picture. With `head_alone` what lies behind the start of its first slice is not
    /// looked at: the captions of a second field are there.
    pub fn pairs(self, picture: &[u8], head_alone: bool) -> Vec<CaptionPair> {
        let mut found = Vec::new();
        match self {
            Self::Avc(Some(size)) | Self::Hevc(Some(size)) => {
                for nal in length_prefixed_by(picture, size) {
                    // Of a head that was cut off, the last unit is not whole.
                    let Some(nal) = nal.filter(|nal| !(head_alone && self.is_slice(nal))) else { break };
                    self.unit(nal, &mut found);
                }
            }
            _ => {
                let mut rest = picture;
                while let Some(at) = start_code(rest) {
                    rest = &rest[at + 3..];
                    if head_alone && self.is_slice(rest) {
                        break;
                    }
                    // A slice is long, and its end need not be known.
                    if !self.is_slice(rest) {
                        self.unit(&rest[..start_code(rest).unwrap_or(rest.len())], &mut found);
                    }
                }
            }
        }
        found
    }

    fn is_slice(self, unit: &[u8]) -> bool {
        match self {
            Self::Avc(_) => avc::NalType::of(unit).is_some_and(avc::NalType::is_vcl),
            Self::Hevc(_) => hevc::NalType::of(unit).is_some_and(hevc::NalType::is_vcl),
            Self::Mpeg2 => unit.first().is_some_and(|code| SLICES.contains(code)),
        }
    }

    fn unit(self, unit: &[u8], found: &mut Vec<CaptionPair>) {
        let hevc = matches!(self, Self::Hevc(_));
        match (self, unit) {
            (Self::Mpeg2, [USER_DATA, data @ ..]) => {
                found.extend(CaptionData::of_user_data(data).into_iter().flat_map(|data| data.pairs()));
            }
            (Self::Mpeg2, _) => {}
            _ => found.extend(
                messages(unit, hevc).filter_map(|message| message.captions()).flat_map(|captions| captions.pairs()),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &[u8] = b"GA94\x03\xc2\xff\xfc\x94\x20\xfd\x80\x80\xff";

    fn wanted() -> Vec<CaptionPair> {
        [(0, [0x94, 0x20]), (1, [0x80, 0x80])].map(|(kind, data)| CaptionPair { valid: true, kind, data }).to_vec()
    }

    /// An SEI NAL unit with [`DATA`].
    fn sei(header: &[u8]) -> Vec<u8> {
        let mut unit = [header, &[4, 3 + DATA.len() as u8, 0xb5, 0, 0x31]].concat();
        unit.extend_from_slice(DATA);
        unit.push(0x80);
        unit
    }

    #[test]
    fn captions_are_found_however_units_are_framed() {
        for (header, slice, carrier) in [
            (&[6][..], &[0x65, 9, 9][..], CaptionCarrier::Avc as fn(_) -> _),
            (&[0x4e, 1], &[2, 1, 9], CaptionCarrier::Hevc),
        ] {
            let units = [sei(header), slice.to_vec(), sei(header), slice.to_vec()];
            for size in 1..=4 {
                let framed = |unit: &Vec<u8>| [&(unit.len() as u32).to_be_bytes()[4 - size..], unit].concat();
                let picture: Vec<u8> = units.iter().flat_map(framed).collect();
                assert_eq!(carrier(Some(size)).pairs(&picture, false), [wanted(), wanted()].concat());
                assert_eq!(carrier(Some(size)).pairs(&picture, true), wanted());
            }
            let picture: Vec<u8> = units.iter().flat_map(|unit| [&[0, 0, 0, 1], &unit[..]].concat()).collect();
            assert_eq!(carrier(None).pairs(&picture, false), [wanted(), wanted()].concat());
            assert_eq!(carrier(None).pairs(&picture, true), wanted());
        }
    }

    #[test]
    fn captions_of_mpeg_2_lie_in_user_data_before_the_slices() {
        let user = [&[0, 0, 1, USER_DATA][..], DATA].concat();
        let picture = [&[0, 0, 1, 0, 1, 2][..], &user, &[0, 0, 1, 1, 9, 9], &[0, 0, 1, 0xaf, 7]].concat();
        assert_eq!(CaptionCarrier::Mpeg2.pairs(&picture, true), wanted());
        let other = [&[0, 0, 1, USER_DATA][..], b"DTG1\x41\xf8"].concat();
        assert_eq!(CaptionCarrier::Mpeg2.pairs(&other, false), []);
    }

    #[test]
    fn a_head_that_was_cut_off_gives_what_is_whole() {
        let unit = sei(&[6]);
        let picture = [&[0, 0, 0, unit.len() as u8][..], &unit, &[0, 0, 99, 99, 6, 4]].concat();
        assert_eq!(CaptionCarrier::Avc(Some(4)).pairs(&picture, true), wanted());
    }
}

//! SEI messages (ITU-T H.264 §7.3.2.3, H.265 §7.3.5; payloads of ITU-T H.264 §D.1, H.265 §D.2).

use super::CaptionData;
use crate::bits::{NalBits, RbspBytes};
use crate::light::{ContentLight, MasteringDisplay};
use crate::{avc, hevc};

/// The bytes of a payload, without emulation prevention.
#[derive(Clone, Debug)]
pub struct Payload<'a> {
    bytes: RbspBytes<'a>,
    left: usize,
}

impl<'a> Payload<'a> {
    pub(super) fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes: RbspBytes::new(bytes), left: bytes.len() }
    }

    /// Bytes that are left, as the message states; fewer come when it is cut short.
    pub fn left(&self) -> usize {
        self.left
    }
}

impl Iterator for Payload<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        self.bytes.next()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Avc,
    Hevc,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// `payloadType`.
    pub payload_type: u32,
    /// Its payload.
    pub payload: Payload<'a>,
    codec: Codec,
}

/// Where decoding can start without an IDR picture, and when its pictures are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryPoint {
    /// `recovery_frame_cnt` of H.264: frames in decode order until output is good. `recovery_poc_cnt` of H.265: the
    /// difference of picture order count to the first good picture.
    pub count: i32,
    /// `exact_match_flag`: from there on output is as if decoding had started earlier.
    pub exact: bool,
    /// `broken_link_flag`: what comes before the good pictures may look broken.
    pub broken_link: bool,
}

impl<'a> Message<'a> {
    /// `recovery_point` (payload type 6).
    pub fn recovery_point(&self) -> Option<RecoveryPoint> {
        if self.payload_type != 6 {
            return None;
        }
        let mut bits = NalBits::from_bytes(self.payload.bytes.clone());
        let count = match self.codec {
            Codec::Avc => bits.ue_up_to(65535)? as i32,
            Codec::Hevc => bits.se()?,
        };
        let (exact, broken_link) = (bits.flag()?, bits.flag()?);
        (bits.position() <= self.payload.left.saturating_mul(8)).then_some(RecoveryPoint { count, exact, broken_link })
    }

    /// `mastering_display_colour_volume` (payload type 137).
    pub fn mastering_display(&self) -> Option<MasteringDisplay> {
        let whole = self.payload_type == 137 && self.payload.left >= 24;
        if whole { MasteringDisplay::read(NalBits::from_bytes(self.payload.bytes.clone())) } else { None }
    }

    /// `content_light_level_info` (payload type 144).
    pub fn content_light(&self) -> Option<ContentLight> {
        let whole = self.payload_type == 144 && self.payload.left >= 4;
        if whole { ContentLight::read(NalBits::from_bytes(self.payload.bytes.clone())) } else { None }
    }

    /// Captions in `user_data_registered_itu_t_t35` (payload type 4).
    pub fn captions(&self) -> Option<CaptionData<'a>> {
        if self.payload_type == 4 { CaptionData::read(self.payload.clone()) } else { None }
    }
}

/// The messages of a NAL unit; ends early where they are cut short.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    bytes: RbspBytes<'a>,
    codec: Codec,
}

/// The messages of an SEI NAL unit with its header, of H.264 or, when `hevc`, of H.265; none for other NAL units.
pub fn messages(nal: &[u8], hevc: bool) -> Messages<'_> {
    let (is_sei, header, codec) = if hevc {
        (hevc::NalType::of(nal).is_some_and(|kind| kind.is_sei()), 2, Codec::Hevc)
    } else {
        (avc::NalType::of(nal).is_some_and(|kind| kind.is_sei()), 1, Codec::Avc)
    };
    let body = if is_sei { nal.get(header..).unwrap_or(&[]) } else { &[] };
    Messages { bytes: RbspBytes::new(body), codec }
}

impl<'a> Messages<'a> {
    /// `rbsp_trailing_bits` and the zeros that may follow: no message is left.
    fn ends(&self) -> bool {
        match self.bytes.rest() {
            [0x80, zeros @ ..] => zeros.iter().all(|&byte| matches!(byte, 0 | 3)),
            rest => rest.is_empty(),
        }
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = 0u32;
        loop {
            let byte = self.bytes.next()?;
            number = number.checked_add(byte.into())?;
            if byte != 0xff {
                return Some(number);
            }
        }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        if self.ends() {
            return None;
        }
        let (payload_type, size) = (self.number()?, self.number()? as usize);
        let payload = Payload { bytes: self.bytes.clone(), left: size };
        let mut left = size;
        while left > 0 && self.bytes.next().is_some() {
            left -= 1;
        }
        (left == 0).then_some(Message { payload_type, payload, codec: self.codec })
    }
}

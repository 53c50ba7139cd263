/// `nal_unit_type` (ITU-T H.265 §7.4.2.2, Table 7-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NalType(u8);

impl NalType {
    /// Video parameter set.
    pub const VPS: NalType = NalType(32);
    /// Sequence parameter set.
    pub const SPS: NalType = NalType(33);
    /// Picture parameter set.
    pub const PPS: NalType = NalType(34);
    /// Access unit delimiter.
    pub const AUD: NalType = NalType(35);
    /// Supplemental enhancement information before the slices.
    pub const PREFIX_SEI: NalType = NalType(39);
    /// Supplemental enhancement information behind the slices.
    pub const SUFFIX_SEI: NalType = NalType(40);

    /// Of a NAL unit with its two header bytes; `None` when it is shorter or its `forbidden_zero_bit` is set.
    pub fn of(nal: &[u8]) -> Option<Self> {
        match nal {
            [header, _, ..] if header & 0x80 == 0 => Some(Self(header >> 1)),
            _ => None,
        }
    }

    /// The number, 0 to 63.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// A slice segment of a type that is in use: 0 to 9 and 16 to 21.
    pub const fn is_slice(self) -> bool {
        matches!(self.0, 0..=9 | 16..=21)
    }

    /// Of the coded picture, reserved types included: 0 to 31, what Common Encryption protects.
    pub const fn is_vcl(self) -> bool {
        self.0 < 32
    }

    /// Of an intra random access point picture.
    pub const fn is_irap(self) -> bool {
        matches!(self.0, 16..=23)
    }

    /// Of an instantaneous decoding refresh picture.
    pub const fn is_idr(self) -> bool {
        matches!(self.0, 19 | 20)
    }

    /// Of a broken link access picture.
    pub const fn is_bla(self) -> bool {
        matches!(self.0, 16..=18)
    }

    /// Of a clean random access picture.
    pub const fn is_cra(self) -> bool {
        self.0 == 21
    }

    /// Of a random access decodable leading picture.
    pub const fn is_radl(self) -> bool {
        matches!(self.0, 6 | 7)
    }

    /// Of a random access skipped leading picture: not decodable when decoding starts at its intra picture.
    pub const fn is_rasl(self) -> bool {
        matches!(self.0, 8 | 9)
    }

    /// Of a picture to which no other of its temporal sublayer refers.
    pub const fn is_sublayer_non_reference(self) -> bool {
        self.0 < 16 && self.0.is_multiple_of(2)
    }

    /// A video parameter set.
    pub const fn is_vps(self) -> bool {
        self.0 == 32
    }

    /// A sequence parameter set.
    pub const fn is_sps(self) -> bool {
        self.0 == 33
    }

    /// A picture parameter set.
    pub const fn is_pps(self) -> bool {
        self.0 == 34
    }

    /// An access unit delimiter.
    pub const fn is_aud(self) -> bool {
        self.0 == 35
    }

    /// End of sequence or of bitstream.
    pub const fn is_end(self) -> bool {
        matches!(self.0, 36 | 37)
    }

    /// Filler data.
    pub const fn is_filler(self) -> bool {
        self.0 == 38
    }

    /// Supplemental enhancement information.
    pub const fn is_sei(self) -> bool {
        matches!(self.0, 39 | 40)
    }

    /// A unit that begins an access unit when it follows the last slice of a picture, by its type alone (§7.4.2.4.4).
    pub(crate) const fn opens_access_unit(self) -> bool {
        matches!(self.0, 32..=35 | 39 | 41..=44 | 48..=55)
    }
}

/// `nuh_layer_id`: 0 in the base layer.
pub(crate) fn layer(nal: &[u8]) -> Option<u8> {
    match nal {
        [first, second, ..] => Some((first & 1) << 5 | second >> 3),
        _ => None,
    }
}

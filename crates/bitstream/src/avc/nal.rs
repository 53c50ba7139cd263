/// `nal_unit_type` (ITU-T H.264 §7.4.1, Table 7-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NalType(u8);

impl NalType {
    /// Supplemental enhancement information.
    pub const SEI: NalType = NalType(6);
    /// Sequence parameter set.
    pub const SPS: NalType = NalType(7);
    /// Picture parameter set.
    pub const PPS: NalType = NalType(8);
    /// Access unit delimiter.
    pub const AUD: NalType = NalType(9);
    /// Filler data.
    pub const FILLER: NalType = NalType(12);

    /// Of a NAL unit with its header; `None` when it is empty or its `forbidden_zero_bit` is set.
    pub fn of(nal: &[u8]) -> Option<Self> {
        nal.first().filter(|&&header| header & 0x80 == 0).map(|&header| Self(header & 0x1f))
    }

    /// The number, 0 to 31.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// A whole slice of the base view: types 1 and 5.
    pub const fn is_slice(self) -> bool {
        matches!(self.0, 1 | 5)
    }

    /// A whole slice or its partition A, which begins with the slice header too (§7.3.2.9.1).
    pub(crate) const fn starts_slice(self) -> bool {
        matches!(self.0, 1 | 2 | 5)
    }

    /// A slice or a part of one: types 1 to 5, what Common Encryption protects.
    pub const fn is_vcl(self) -> bool {
        matches!(self.0, 1..=5)
    }

    /// A slice of an instantaneous decoding refresh picture.
    pub const fn is_idr(self) -> bool {
        self.0 == 5
    }

    /// Supplemental enhancement information.
    pub const fn is_sei(self) -> bool {
        self.0 == 6
    }

    /// A sequence parameter set.
    pub const fn is_sps(self) -> bool {
        self.0 == 7
    }

    /// A picture parameter set.
    pub const fn is_pps(self) -> bool {
        self.0 == 8
    }

    /// An access unit delimiter.
    pub const fn is_aud(self) -> bool {
        self.0 == 9
    }

    /// End of sequence or of stream.
    pub const fn is_end(self) -> bool {
        matches!(self.0, 10 | 11)
    }

    /// Filler data.
    pub const fn is_filler(self) -> bool {
        self.0 == 12
    }

    /// A unit that begins an access unit when it follows the last slice of a picture, by its type alone (§7.4.1.2.3).
    /// Prefix units (14) are left out: with several slices a picture one lies before each.
    pub(crate) const fn opens_access_unit(self) -> bool {
        matches!(self.0, 6..=9 | 15..=18)
    }
}

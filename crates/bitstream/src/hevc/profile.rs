//! `profile_tier_level` (ITU-T H.265 §7.3.3).

use crate::bits::NalBits;

/// What a decoder must be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileTierLevel {
    /// `general_profile_space`, 0 to 3.
    pub profile_space: u8,
    /// `general_tier_flag`: the high tier.
    pub high_tier: bool,
    /// `general_profile_idc`, 0 to 31.
    pub profile: u8,
    /// `general_profile_compatibility_flag[0]` (the highest bit) to `[31]`.
    pub compatibility: u32,
    /// The 48 bits from `general_progressive_source_flag` to `general_inbld_flag`.
    pub constraints: [u8; 6],
    /// `general_level_idc`: thirty times the level.
    pub level: u8,
}

impl ProfileTierLevel {
    /// `profile_tier_level( 1, sublayers_minus1 )`.
    pub(super) fn read(bits: &mut NalBits<'_>, sublayers_minus1: u8) -> Option<Self> {
        let profile_space = bits.byte(2)?;
        let high_tier = bits.flag()?;
        let profile = bits.byte(5)?;
        let compatibility = bits.take(32)?;
        let mut constraints = [0; 6];
        for byte in &mut constraints {
            *byte = bits.byte(8)?;
        }
        let level = bits.byte(8)?;
        let mut present = [(false, false); 8];
        for flags in present.iter_mut().take(sublayers_minus1.into()) {
            *flags = (bits.flag()?, bits.flag()?);
        }
        if sublayers_minus1 > 0 {
            bits.skip(2 * (8 - usize::from(sublayers_minus1)))?; // reserved_zero_2bits
        }
        for (profile, level) in present {
            bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
        }
        Some(Self { profile_space, high_tier, profile, compatibility, constraints, level })
    }
}

//! The video parameter set (ITU-T H.265 §7.3.2.1), up to its timing.

use super::ProfileTierLevel;
use super::vui::timing;
use crate::bits::NalBits;

/// A video parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vps {
    /// `vps_video_parameter_set_id`, 0 to 15.
    pub id: u8,
    /// `vps_max_sub_layers_minus1 + 1`: 1 to 7.
    pub sublayers: u8,
    /// `vps_temporal_id_nesting_flag`.
    pub temporal_nesting: bool,
    /// Profile, tier and level of the base layer.
    pub profile_tier_level: ProfileTierLevel,
    /// Coded pictures per second as a reduced fraction, when stated.
    pub frame_rate: Option<(u32, u32)>,
}

impl Vps {
    /// Reads a NAL unit with its header and emulation prevention. `None` when it is cut short or nonsensical.
    pub fn parse(nal: &[u8]) -> Option<Vps> {
        let mut bits = NalBits::new(nal);
        bits.skip(16)?;
        let id = bits.byte(4)?;
        bits.skip(2 + 6)?; // base layer flags, vps_max_layers_minus1
        let sublayers_minus1 = bits.byte(3).filter(|&count| count < 7)?;
        let temporal_nesting = bits.flag()?;
        bits.skip(16)?; // vps_reserved_0xffff_16bits
        let profile_tier_level = ProfileTierLevel::read(&mut bits, sublayers_minus1)?;
        let mut vps =
            Vps { id, sublayers: sublayers_minus1 + 1, temporal_nesting, profile_tier_level, frame_rate: None };
        let from = if bits.flag()? { 0 } else { sublayers_minus1 };
        for _ in from..=sublayers_minus1 {
            for _ in 0..3 {
                bits.ue()?; // buffering, reordering and latency
            }
        }
        let last_layer = bits.byte(6)?;
        let layer_sets = bits.ue_up_to(1023)?;
        bits.skip(layer_sets as usize * (usize::from(last_layer) + 1))?;
        if bits.flag()? {
            vps.frame_rate = timing(&mut bits, 1)?;
        }
        Some(vps)
    }
}

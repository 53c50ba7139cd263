//! Where access units begin (ITU-T H.265 §7.4.2.4.4).

use super::NalType;
use super::nal::layer;

/// Tells access units of a stream of NAL units apart. It needs no parameter sets.
#[derive(Clone, Debug, Default)]
pub struct AccessUnits {
    has_slice: bool,
    begun: bool,
}

impl AccessUnits {
    /// Before the first NAL unit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next NAL unit. `true` when an access unit begins with it, as one does with the first unit.
    pub fn begins(&mut self, nal: &[u8]) -> bool {
        let (Some(kind), Some(layer)) = (NalType::of(nal), layer(nal)) else { return false };
        let first = !std::mem::replace(&mut self.begun, true);
        if layer != 0 {
            return first;
        }
        // `first_slice_segment_in_pic_flag` is the first bit behind the header of every slice segment.
        let first_segment = kind.is_vcl() && nal.get(2).is_some_and(|byte| byte & 0x80 != 0);
        let begins = self.has_slice && (first_segment || kind.opens_access_unit());
        self.has_slice = kind.is_vcl() || self.has_slice && !begins;
        begins || first
    }
}

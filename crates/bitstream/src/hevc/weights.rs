//! `pred_weight_table` (ITU-T H.265 §7.3.6.3).

use crate::bits::NalBits;

/// Which entries of a reference picture list are the current picture itself; they have no weights.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OwnEntries(u32);

impl OwnEntries {
    /// Marks entry `at`, below 16.
    pub(super) fn mark(&mut self, at: u32) {
        self.0 |= 1 << (at & 15);
    }

    fn has(self, at: u32) -> bool {
        self.0 >> (at & 15) & 1 == 1
    }
}

/// Passes over the table of lists with these numbers of entries, at most 15 each; the second is 0 without a second list.
pub(super) fn skip_weights(bits: &mut NalBits<'_>, lists: [(u32, OwnEntries); 2], colour: bool) -> Option<()> {
    bits.ue_up_to(7)?; // luma_log2_weight_denom
    if colour {
        bits.se()?; // delta_chroma_log2_weight_denom
    }
    for (count, own) in lists {
        let (luma, chroma) = (flags(bits, count, own)?, if colour { flags(bits, count, own)? } else { 0 });
        for at in 0..count {
            let fields = 2 * (luma >> at & 1) + 4 * (chroma >> at & 1);
            for _ in 0..fields {
                bits.se()?;
            }
        }
    }
    Some(())
}

fn flags(bits: &mut NalBits<'_>, count: u32, own: OwnEntries) -> Option<u32> {
    let mut flags = 0;
    for at in (0..count).filter(|&at| !own.has(at)) {
        flags |= bits.take(1)? << at;
    }
    Some(flags)
}

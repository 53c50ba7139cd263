//! Which frames a frame refers to (§5.9.2, §5.9.22, §7.8).

use super::{REFERENCES, Reader, SLOTS};

impl Reader<'_, '_> {
    /// `ref_order_hint`: what each slot should hold. A slot that lost its frame gets what decoders put there, a frame
    /// with that hint.
    pub(super) fn reference_order_hints(&mut self, refresh: u8) -> Option<()> {
        let coded = self.error_resilient && self.sequence.order_hint_bits > 0;
        if !coded || self.is_intra() && refresh == 0xff {
            return Some(());
        }
        for at in 0..SLOTS {
            let hint = self.bits.take(self.sequence.order_hint_bits)?;
            if self.slots[at].order_hint != hint {
                (self.slots[at].order_hint, self.slots[at].valid) = (hint, false);
            }
        }
        Some(())
    }

    /// From `frame_refs_short_signaling` to `use_ref_frame_mvs`.
    pub(super) fn inter_references(&mut self) -> Option<()> {
        let short = self.sequence.order_hint_bits > 0 && self.bits.flag()?;
        if short {
            let [last, golden] = [self.bits.take(3)? as usize, self.bits.take(3)? as usize];
            self.chosen = self.set_frame_refs(last, golden);
        }
        for at in 0..REFERENCES {
            if !short {
                self.chosen[at] = self.bits.take(3)? as usize;
            }
            if let Some((length, _)) = self.sequence.frame_ids {
                self.bits.take(length)?;
            }
        }
        if self.size_override && !self.error_resilient {
            self.frame_size_with_refs()?;
        } else {
            self.frame_size()?;
            self.render_size()?;
        }
        self.high_precision_mv = !self.integer_mv && self.bits.flag()?;
        // is_filter_switchable, interpolation_filter
        if !self.bits.flag()? {
            self.bits.skip(2)?;
        }
        // is_motion_mode_switchable
        self.bits.skip(1)?;
        if !self.error_resilient && self.sequence.ref_frame_mvs {
            // use_ref_frame_mvs
            self.bits.skip(1)?;
        }
        Some(())
    }

    /// `get_relative_dist`.
    fn distance(&self, a: u32, b: u32) -> i32 {
        if self.sequence.order_hint_bits == 0 {
            return 0;
        }
        let difference = a as i32 - b as i32;
        let half = 1 << (self.sequence.order_hint_bits - 1);
        (difference & (half - 1)) - (difference & half)
    }

    /// The set frame refs process (§7.8).
    fn set_frame_refs(&self, last: usize, golden: usize) -> [usize; REFERENCES] {
        // Hints relative to this frame's: negative before it, 0 and above not before it.
        let hints: [i32; SLOTS] = std::array::from_fn(|at| self.distance(self.slots[at].order_hint, self.order_hint));
        let mut used = [false; SLOTS];
        (used[last], used[golden]) = (true, true);
        let mut chosen = [None; REFERENCES];
        (chosen[0], chosen[3]) = (Some(last), Some(golden));
        // ALTREF_FRAME, then BWDREF_FRAME, then ALTREF2_FRAME from the backward frames.
        chosen[6] = pick(&hints, &mut used, |hint, best| hint >= 0 && best.is_none_or(|best| hint >= best));
        for at in [4, 5] {
            chosen[at] = pick(&hints, &mut used, |hint, best| hint >= 0 && best.is_none_or(|best| hint < best));
        }
        for at in [1, 2, 4, 5, 6] {
            if chosen[at].is_none() {
                chosen[at] = pick(&hints, &mut used, |hint, best| hint < 0 && best.is_none_or(|best| hint >= best));
            }
        }
        let earliest = (0..SLOTS).min_by_key(|at| hints[*at]).unwrap_or(0);
        chosen.map(|slot| slot.unwrap_or(earliest))
    }

    /// `reference_select` and `skip_mode_present`.
    pub(super) fn reference_and_skip_mode(&mut self) -> Option<()> {
        if !self.is_intra() && self.bits.flag()? && self.skip_mode_allowed() {
            self.bits.skip(1)?;
        }
        Some(())
    }

    fn skip_mode_allowed(&self) -> bool {
        if self.sequence.order_hint_bits == 0 {
            return false;
        }
        let hints = self.chosen.map(|slot| self.slots[slot].order_hint);
        let mut forward: Option<u32> = None;
        let mut backward = false;
        for hint in hints {
            let distance = self.distance(hint, self.order_hint);
            if distance < 0 && forward.is_none_or(|nearest| self.distance(hint, nearest) > 0) {
                forward = Some(hint);
            }
            backward |= distance > 0;
        }
        // Two different frames before this one, or one before and one after.
        forward.is_some_and(|nearest| backward || hints.iter().any(|hint| self.distance(*hint, nearest) < 0))
    }
}

/// The slot that `better(hint, best so far)` leaves among those not used; marks it used.
fn pick(hints: &[i32; SLOTS], used: &mut [bool; SLOTS], better: impl Fn(i32, Option<i32>) -> bool) -> Option<usize> {
    let mut found = None;
    for at in 0..SLOTS {
        if !used[at] && better(hints[at], found.map(|at: usize| hints[at])) {
            found = Some(at);
        }
    }
    if let Some(at) = found {
        used[at] = true;
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::av1::SequenceHeader;
    use crate::av1::header::size::FrameSize;
    use crate::av1::header::{FrameType, Slot};
    use crate::bits::Bits;

    #[test]
    fn two_named_references_leave_the_others_to_their_distance() {
        let payload = hex::decode("000000043cfeccdaf90040").unwrap();
        let sequence = SequenceHeader::parse(&payload).unwrap();
        for (hints, now, (last, golden), expected) in [
            // Before and after; only before; all at once; none before but the last.
            ([10, 12, 14, 16, 20, 24, 28, 30], 18, (3, 0), [3, 2, 1, 0, 4, 5, 7]),
            ([1, 2, 3, 4, 5, 6, 7, 8], 9, (7, 0), [7, 6, 5, 0, 4, 3, 2]),
            ([5; 8], 6, (0, 1), [0, 7, 6, 1, 5, 4, 3]),
            ([1, 20, 21, 22, 23, 24, 25, 26], 10, (0, 0), [0, 0, 0, 0, 1, 2, 7]),
            // Hints of 7 bits come round: 126 and 127 are before 1.
            ([126, 127, 0, 2, 3, 4, 5, 6], 1, (2, 0), [2, 1, 0, 0, 3, 4, 7]),
        ] {
            let mut slots = hints.map(|order_hint| Slot { order_hint, ..Slot::default() });
            let reader = Reader {
                bits: Bits::new(&[]),
                sequence: &sequence,
                slots: &mut slots,
                frame_type: FrameType::Inter,
                error_resilient: false,
                shown: true,
                showable: true,
                size_override: false,
                order_hint: now,
                primary: None,
                chosen: [0; REFERENCES],
                allow_intrabc: false,
                integer_mv: false,
                high_precision_mv: false,
                size: FrameSize::default(),
            };
            assert_eq!(reader.set_frame_refs(last, golden), expected, "{hints:?} at {now}");
        }
    }
}

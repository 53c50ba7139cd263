//! Reading a NAL unit as it lies in the stream, without a copy of it.

use super::escaped_length;

/// The bytes of a NAL unit without its `emulation_prevention_three_byte`s (ITU-T H.264 §7.3.1, H.265 §7.3.1.1).
#[derive(Clone, Debug)]
pub struct RbspBytes<'a> {
    rest: &'a [u8],
    zeros: u8,
}

impl<'a> RbspBytes<'a> {
    /// From the first byte of `escaped`, which must not lie right behind two zero bytes of the unit.
    pub fn new(escaped: &'a [u8]) -> Self {
        Self { rest: escaped, zeros: 0 }
    }

    /// The escaped bytes that are left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next 8 bytes of the unit, when nothing among them can be emulation prevention.
    #[inline(always)]
    fn plain(&self) -> Option<[u8; 8]> {
        const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
        let next = *self.rest.first_chunk::<8>()?;
        let word = u64::from_be_bytes(next);
        // The top bit of each byte that is 0; only behind two of these is a byte dropped.
        let zeros = !(((word & LOW) + LOW) | word | LOW);
        let apart = zeros & zeros << 8 == 0 && (self.zeros == 0 || (self.zeros == 1 && next[0] != 0));
        apart.then_some(next)
    }

    /// Passes over the first `count`, 1 to 8, of [`plain`](Self::plain) bytes.
    #[inline(always)]
    fn advance(&mut self, plain: [u8; 8], count: usize) {
        self.zeros = u8::from(plain[count - 1] == 0);
        self.rest = &self.rest[count..];
    }
}

impl Iterator for RbspBytes<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        let mut byte = first;
        if self.zeros >= 2 && byte == 3 {
            self.zeros = 0;
            let (&second, rest) = self.rest.split_first()?;
            self.rest = rest;
            byte = second;
        }
        self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
        Some(byte)
    }
}

/// Bits of an escaped NAL unit, most significant first, unescaped on the fly: nothing is allocated. Reading past the
/// end gives `None`.
#[derive(Clone, Debug)]
pub struct NalBits<'a> {
    bytes: RbspBytes<'a>,
    /// Bits that were loaded and not yet read, from the top.
    cache: u64,
    cached: u32,
    taken: usize,
    /// Escaped bytes there were at first.
    given: usize,
}

impl<'a> NalBits<'a> {
    /// From the first bit of `nal`, its header included.
    pub fn new(nal: &'a [u8]) -> Self {
        Self::from_bytes(RbspBytes::new(nal))
    }

    /// From the next of `bytes`.
    pub fn from_bytes(bytes: RbspBytes<'a>) -> Self {
        Self { given: bytes.rest.len(), bytes, cache: 0, cached: 0, taken: 0 }
    }

    /// Bits read so far, emulation prevention not counted.
    pub fn position(&self) -> usize {
        self.taken
    }

    /// How many bytes of the escaped `nal`, which this reads from its first bit on, hold the bits read so far, rounded
    /// up to whole bytes.
    pub(crate) fn escaped_bytes(&self, nal: &[u8]) -> Option<usize> {
        let (read, loaded) = (self.taken.div_ceil(8), (self.taken + self.cached as usize) / 8);
        // When no more bytes were passed over than loaded, there was no emulation prevention among them.
        if self.given - self.bytes.rest.len() == loaded { Some(read) } else { escaped_length(nal, read) }
    }

    /// Loads as many whole bytes as fit, at least one if there is any and fewer than 57 bits are left.
    #[inline(always)]
    fn fill(&mut self) {
        let room = (64 - self.cached) / 8;
        if room == 0 {
            return;
        }
        if let Some(plain) = self.bytes.plain() {
            let unwanted = 64 - 8 * room;
            self.cache |= (u64::from_be_bytes(plain) >> unwanted << unwanted) >> self.cached;
            self.cached += 8 * room;
            self.bytes.advance(plain, room as usize);
        } else {
            // By value, so that the fields can stay in registers.
            *self = self.clone().filled();
        }
    }

    /// [`fill`](Self::fill), byte by byte.
    #[cold]
    fn filled(mut self) -> Self {
        while self.cached <= 56 {
            let Some(byte) = self.bytes.next() else { break };
            self.cache |= u64::from(byte) << (56 - self.cached);
            self.cached += 8;
        }
        self
    }

    #[inline(always)]
    fn drop_bits(&mut self, count: u32) {
        self.cache = self.cache.checked_shl(count).unwrap_or(0);
        self.cached -= count;
        self.taken += count as usize;
    }

    /// The next `count` bits, at most 32, as a number.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32);
        if self.cached < count {
            self.fill();
            if self.cached < count {
                return None;
            }
        }
        // In two steps, since a shift by all 64 bits is none at all.
        let value = (self.cache >> 1) >> (63 - count);
        self.drop_bits(count);
        Some(value as u32)
    }

    /// The next `count` bits, at most 8.
    #[inline(always)]
    pub fn byte(&mut self, count: u32) -> Option<u8> {
        debug_assert!(count <= 8);
        self.take(count).map(|value| value as u8)
    }

    /// One bit as a flag.
    #[inline(always)]
    pub fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// Passes over `count` bits.
    pub fn skip(&mut self, count: usize) -> Option<()> {
        let mut left = count;
        while left > 0 {
            let step = left.min(32);
            self.take(step as u32)?;
            left -= step;
        }
        Some(())
    }

    /// An unsigned Exp-Golomb code, `ue(v)` (ITU-T H.264 §9.1); `None` also for codes beyond 32 bits.
    #[inline(always)]
    pub fn ue(&mut self) -> Option<u32> {
        if self.cached < 32 {
            self.fill();
        }
        let zeros = self.cache.leading_zeros();
        if zeros > 31 || zeros >= self.cached {
            return None;
        }
        let length = 2 * zeros + 1;
        if length <= self.cached {
            let code = self.cache >> (64 - length);
            self.drop_bits(length);
            return Some((code - 1) as u32);
        }
        self.drop_bits(zeros + 1);
        let rest = self.take(zeros)?;
        Some(((1u64 << zeros) - 1) as u32 + rest)
    }

    /// An unsigned Exp-Golomb code; `None` when it is above `most`.
    #[inline(always)]
    pub fn ue_up_to(&mut self, most: u32) -> Option<u32> {
        self.ue().filter(|&value| value <= most)
    }

    /// A signed Exp-Golomb code, `se(v)` (ITU-T H.264 §9.1.1).
    #[inline(always)]
    pub fn se(&mut self) -> Option<i32> {
        let code = i64::from(self.ue()?);
        i32::try_from(if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) }).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Bits, unescape};
    use super::*;

    proptest! {
        #[test]
        fn bits_read_on_the_fly_are_those_of_the_unescaped_unit(
            nal in prop::collection::vec(prop_oneof![0u8..5, any::<u8>()], 0..60),
            steps in prop::collection::vec(0u32..36, 0..60),
        ) {
            let whole = unescape(&nal, usize::MAX);
            let (mut plain, mut flying) = (Bits::new(&whole), NalBits::new(&nal));
            for step in steps {
                let (left, right) = match step {
                    33 => (plain.ue(), flying.ue()),
                    34 => (plain.se().map(|value| value as u32), flying.se().map(|value| value as u32)),
                    35 => (plain.skip(70).map(|()| 0), flying.skip(70).map(|()| 0)),
                    count => (plain.take(count), flying.take(count)),
                };
                prop_assert_eq!(left, right);
                if left.is_none() {
                    break;
                }
                prop_assert_eq!(plain.position(), flying.position());
                prop_assert_eq!(flying.escaped_bytes(&nal), escaped_length(&nal, plain.position().div_ceil(8)));
            }
        }
    }
}

//! Reading bits, and NAL units without their emulation prevention (ITU-T H.264 §7.3.1, §9.1).

mod nal;

pub use nal::{NalBits, RbspBytes};

/// Bits of a slice, most significant first. Reading past the end gives `None` and stays there.
#[derive(Clone, Debug)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    /// From the first bit of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bits read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bits that are left.
    pub fn left(&self) -> usize {
        (self.bytes.len() * 8).saturating_sub(self.at)
    }

    /// The next `count` bits, at most 32, as a number.
    pub fn take(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32);
        if self.left() < count as usize {
            self.at = self.bytes.len() * 8;
            return None;
        }
        let mut value = 0u64;
        let mut wanted = count as usize;
        while wanted > 0 {
            let byte = self.bytes[self.at / 8];
            let here = (8 - self.at % 8).min(wanted);
            let shifted = byte >> (8 - self.at % 8 - here);
            value = value << here | u64::from(shifted & (0xff_u16 >> (8 - here)) as u8);
            self.at += here;
            wanted -= here;
        }
        Some(value as u32)
    }

    /// One bit as a flag.
    pub fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// Passes over `count` bits.
    pub fn skip(&mut self, count: usize) -> Option<()> {
        if self.left() < count {
            self.at = self.bytes.len() * 8;
            return None;
        }
        self.at += count;
        Some(())
    }

    /// An unsigned Exp-Golomb code, `ue(v)` (§9.1); `None` also for codes beyond 32 bits.
    pub fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.take(zeros)?;
        Some((1u32 << zeros) - 1 + rest)
    }

    /// A signed Exp-Golomb code, `se(v)` (§9.1.1).
    pub fn se(&mut self) -> Option<i32> {
        let code = i64::from(self.ue()?);
        i32::try_from(if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) }).ok()
    }
}

/// A NAL unit's bytes without `emulation_prevention_three_byte`s (ITU-T H.264 §7.3.1). At most `limit` bytes are made,
/// since headers are short and slices are long.
pub fn unescape(nal: &[u8], limit: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len().min(limit));
    let mut zeros = 0;
    for &byte in nal {
        if out.len() == limit {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// How many bytes of the escaped `nal` hold its first `count` unescaped bytes; `None` when it has fewer.
pub fn escaped_length(nal: &[u8], count: usize) -> Option<usize> {
    let (mut zeros, mut seen) = (0, 0);
    for (at, &byte) in nal.iter().enumerate() {
        if seen == count {
            return Some(at);
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        seen += 1;
    }
    (seen == count).then_some(nal.len())
}

/// The NAL units of a sample in which each follows its 4-byte big-endian length (ISO/IEC 14496-15 §5.3.4.2.1).
/// The last item is `None` when a length runs past the end.
pub fn length_prefixed(sample: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    length_prefixed_by(sample, 4)
}

/// The same for lengths of `size` bytes, at most 4 (`lengthSizeMinusOne` + 1).
pub fn length_prefixed_by(sample: &[u8], size: usize) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = sample;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let unit = rest.split_at_checked(size.clamp(1, 4)).and_then(|(length, tail)| {
            let length = length.iter().fold(0u32, |length, &byte| length << 8 | u32::from(byte));
            tail.split_at_checked(usize::try_from(length).ok()?)
        });
        match unit {
            Some((nal, tail)) => {
                rest = tail;
                Some(Some(nal))
            }
            None => {
                rest = &[];
                Some(None)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn exp_golomb_codes_are_those_of_the_standard() {
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!(
            [bits.ue(), bits.ue(), bits.ue(), bits.ue(), bits.ue()],
            [Some(0), Some(1), Some(2), Some(3), Some(4)]
        );
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!(
            [bits.se(), bits.se(), bits.se(), bits.se(), bits.se()],
            [Some(0), Some(1), Some(-1), Some(2), Some(-2)]
        );
    }

    proptest! {
        #[test]
        fn bits_read_in_any_portions_are_the_bytes(bytes in prop::collection::vec(any::<u8>(), 1..40), widths in prop::collection::vec(1u32..=32, 1..40)) {
            let mut bits = Bits::new(&bytes);
            let mut text = String::new();
            for width in widths {
                let Some(value) = bits.take(width) else { break };
                text.push_str(&format!("{value:0width$b}", width = width as usize));
            }
            let all: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
            prop_assert!(all.starts_with(&text));
        }

        #[test]
        fn escaped_lengths_are_where_unescaping_stops(nal in prop::collection::vec(0u8..4, 0..60), count in 0usize..40) {
            let whole = unescape(&nal, usize::MAX);
            match escaped_length(&nal, count) {
                Some(length) => prop_assert_eq!(unescape(&nal[..length], usize::MAX), &whole[..count]),
                None => prop_assert!(whole.len() < count),
            }
        }
    }
}

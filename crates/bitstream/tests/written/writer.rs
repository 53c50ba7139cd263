//! Writing bits, and a source of choices.

/// A NAL unit that was written.
pub(crate) struct Written {
    pub(crate) nal: Vec<u8>,
    /// Of a slice: bits of its header with the NAL unit's, emulation prevention not counted.
    pub(crate) header_bits: Option<usize>,
}

/// xorshift64*: the same choices for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// 0 to `most`.
    pub(crate) fn up_to(&mut self, most: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % (u64::from(most) + 1)) as u32
    }

    pub(crate) fn yes(&mut self) -> bool {
        self.up_to(1) == 1
    }

    /// Once in `n` times.
    pub(crate) fn rarely(&mut self, n: u32) -> bool {
        self.up_to(n - 1) == 0
    }
}

#[derive(Default)]
pub(crate) struct Writer {
    bits: Vec<bool>,
}

impl Writer {
    pub(crate) fn u(&mut self, width: u32, value: u32) {
        self.bits.extend((0..width).rev().map(|at| value >> at & 1 == 1));
    }

    pub(crate) fn flag(&mut self, value: bool) -> bool {
        self.bits.push(value);
        value
    }

    pub(crate) fn flags(&mut self, random: &mut Random, count: u32) {
        for _ in 0..count {
            self.flag(random.yes());
        }
    }

    pub(crate) fn ue(&mut self, value: u32) -> u32 {
        let width = u32::BITS - (value + 1).leading_zeros();
        self.u(width - 1, 0);
        self.u(width, value + 1);
        value
    }

    pub(crate) fn se(&mut self, value: i32) {
        self.ue(if value > 0 { 2 * value as u32 - 1 } else { 2 * value.unsigned_abs() });
    }

    /// A small signed number.
    pub(crate) fn any_se(&mut self, random: &mut Random, most: u32) {
        let value = random.up_to(2 * most) as i32 - most as i32;
        self.se(value);
    }

    pub(crate) fn len(&self) -> usize {
        self.bits.len()
    }

    /// With trailing bits and emulation prevention.
    pub(crate) fn nal(mut self, header_bits: Option<usize>) -> Written {
        self.bits.push(true);
        let mut nal = Vec::new();
        let mut zeros = 0;
        for byte in self.bits.chunks(8) {
            let byte = byte.iter().enumerate().fold(0, |byte, (at, &bit)| byte | u8::from(bit) << (7 - at));
            if zeros >= 2 && byte <= 3 {
                nal.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            nal.push(byte);
        }
        Written { nal, header_bits }
    }
}

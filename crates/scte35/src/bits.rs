//! Bits in and out, most significant first.

use crate::Error;

/// Reads bits; every failure names `what` is read.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, at: 0, what }
    }

    /// The next `count` bits, at most 64.
    pub(crate) fn bits(&mut self, count: u32) -> Result<u64, Error> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or(Error::Short(self.what))?;
            value = value << 1 | u64::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        self.bits(8).map(|value| value as u8)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Error> {
        self.bits(1).map(|bit| bit == 1)
    }

    /// The next `count` whole bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let start = self.at.div_ceil(8);
        let end = start.checked_add(count).ok_or(Error::Short(self.what))?;
        let bytes = self.bytes.get(start..end).ok_or(Error::Short(self.what))?;
        self.at = end * 8;
        Ok(bytes)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at.div_ceil(8)..).unwrap_or_default();
        self.at = self.bytes.len() * 8;
        rest
    }

    /// Whole bytes that are left.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at.div_ceil(8))
    }
}

/// Writes bits; reserved ones are 1 (§5.3).
#[derive(Clone, Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    used: u32,
}

impl Writer {
    /// The low `count` bits of `value`; `what` does not fit when it has more.
    pub(crate) fn bits(&mut self, value: u64, count: u32, what: &'static str) -> Result<(), Error> {
        if count < 64 && value >> count != 0 {
            return Err(Error::Range(what));
        }
        for index in (0..count).rev() {
            let bit = (value >> index & 1) as u8;
            match self.bytes.last_mut() {
                Some(last) if self.used != 0 => *last |= bit << (7 - self.used),
                _ => self.bytes.push(bit << 7),
            }
            self.used = (self.used + 1) % 8;
        }
        Ok(())
    }

    pub(crate) fn byte(&mut self, value: u8) {
        self.small(value.into(), 8);
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.small(value.into(), 1);
    }

    pub(crate) fn reserved(&mut self, count: u32) {
        self.small(u64::MAX, count);
    }

    /// The low `count` bits of a value that is known to have no more, or to be all ones.
    pub(crate) fn small(&mut self, value: u64, count: u32) {
        let fitting = self.bits(value & (u64::MAX >> (64 - count)), count, "a field");
        debug_assert!(fitting.is_ok());
    }

    /// Whole bytes, at a byte's border.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.used, 0);
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

//! CBOR (RFC 8949), as far as authenticators use it and about as strictly as CTAP 2.1 §8 has it: lengths are known beforehand, numbers
//! are in their shortest form, and there are neither tags nor floats. Keys of maps may come in any order; who reads a map sees to
//! keys that repeat.

/// Arrays and maps inside of one another. The deepest statement there is, a compound one, has four.
pub(crate) const MAX_DEPTH: usize = 8;

/// What is no such CBOR, or ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The next thing. What an array or a map holds follows it, in a map a key before each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(usize),
    Map(usize),
    /// `false`, `true` or `null`.
    Simple,
}

/// Reads one thing after the other.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The major type and its argument (RFC 8949 §3).
    fn head(&mut self) -> Result<(u8, u64), Malformed> {
        let first = self.take(1)?[0];
        let (value, least) = match first & 0x1f {
            small @ 0..=23 => (u64::from(small), 0),
            24 => (self.number(1)?, 24),
            25 => (self.number(2)?, 1 << 8),
            26 => (self.number(4)?, 1 << 16),
            27 => (self.number(8)?, 1 << 32),
            _ => return Err(Malformed),
        };
        if value < least { Err(Malformed) } else { Ok((first >> 5, value)) }
    }

    fn number(&mut self, bytes: usize) -> Result<u64, Malformed> {
        Ok(self.take(bytes)?.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    fn string(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        self.take(usize::try_from(length).map_err(|_too_long| Malformed)?)
    }

    /// How many things follow, each of so many items: no more than there are bytes for.
    fn count(&self, count: u64, items: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(count).map_err(|_too_many| Malformed)?;
        if count > self.rest.len() / items { Err(Malformed) } else { Ok(count) }
    }

    pub(crate) fn item(&mut self) -> Result<Item<'a>, Malformed> {
        let (major, value) = self.head()?;
        let int = || i64::try_from(value).map_err(|_too_large| Malformed);
        match major {
            0 => Ok(Item::Int(int()?)),
            1 => Ok(Item::Int(-1 - int()?)),
            2 => Ok(Item::Bytes(self.string(value)?)),
            3 => std::str::from_utf8(self.string(value)?).map(Item::Text).map_err(|_no_text| Malformed),
            4 => Ok(Item::Array(self.count(value, 1)?)),
            5 => Ok(Item::Map(self.count(value, 2)?)),
            7 if (20..=22).contains(&value) => Ok(Item::Simple),
            _ => Err(Malformed),
        }
    }

    /// Passes over the next thing with all that it holds, which lies at most `depth` deep.
    pub(crate) fn skip(&mut self, depth: usize) -> Result<(), Malformed> {
        let inside = match self.item()? {
            Item::Array(count) => count,
            Item::Map(count) => 2 * count,
            _ => return Ok(()),
        };
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        (0..inside).try_for_each(|_| self.skip(depth))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn item(hex: &str) -> Result<String, Malformed> {
        let bytes = hex::decode(hex).unwrap();
        let mut reader = Reader::new(&bytes);
        reader.item().map(|item| format!("{item:?}, then {}", hex::encode(reader.rest())))
    }

    #[test]
    fn things_are_read_as_rfc_8949_has_them() {
        // Its appendix A.
        for (hex, expected) in [
            ("00", "Int(0), then "),
            ("17", "Int(23), then "),
            ("1818", "Int(24), then "),
            ("1903e8", "Int(1000), then "),
            ("1b000000e8d4a51000", "Int(1000000000000), then "),
            ("20", "Int(-1), then "),
            ("3903e7", "Int(-1000), then "),
            ("4401020304ff", "Bytes([1, 2, 3, 4]), then ff"),
            ("6449455446", "Text(\"IETF\"), then "),
            ("83010203", "Array(3), then 010203"),
            ("a201020304", "Map(2), then 01020304"),
            ("f4", "Simple, then "),
            ("f6", "Simple, then "),
        ] {
            assert_eq!(item(hex).as_deref(), Ok(expected), "{hex}");
        }
    }

    #[test]
    fn what_canonical_cbor_has_not_is_refused() {
        for (hex, why) in [
            ("", "nothing"),
            ("18", "cut"),
            ("1817", "a number that would be shorter"),
            ("190018", "the same"),
            ("1a0000ffff", "the same"),
            ("1b00000000ffffffff", "the same"),
            ("1bffffffffffffffff", "a number that is no i64"),
            ("3bffffffffffffffff", "the same"),
            ("4201", "cut bytes"),
            ("62ff", "cut text"),
            ("61ff", "text of another encoding"),
            ("5801ff", "a length that would be shorter"),
            ("5f41ff", "a length that is not known"),
            ("9f01ff", "the same"),
            ("bf0102ff", "the same"),
            ("8201", "more things than bytes"),
            ("a10102a1", ""),
            ("a1", "more things than bytes"),
            ("9bffffffffffffffff", "the same"),
            ("c11a514b67b0", "a tag"),
            ("f90000", "a float"),
            ("fb0000000000000014", "the same"),
            ("f7", "undefined"),
            ("f814", "a simple value that would be shorter"),
            ("1c", "a reserved form"),
            ("ff", "a break"),
        ] {
            let expected = if why.is_empty() { Ok("Map(1), then 0102a1") } else { Err(&Malformed) };
            assert_eq!(item(hex).as_ref().map(String::as_str), expected, "{hex}: {why}");
        }
    }

    #[test]
    fn what_lies_too_deep_is_refused() {
        let nested = |depth: usize| {
            let bytes: Vec<u8> = std::iter::repeat_n(0x81, depth).chain([0]).collect();
            Reader::new(&bytes).skip(MAX_DEPTH)
        };
        assert_eq!((nested(MAX_DEPTH), nested(MAX_DEPTH + 1)), (Ok(()), Err(Malformed)));
        assert_eq!(nested(1 << 20), Err(Malformed));
    }

    proptest! {
        #[test]
        fn whatever_is_read_lies_within_what_was_given(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::new(&bytes);
            while let Ok(()) = reader.skip(MAX_DEPTH) {
                prop_assert!(bytes.ends_with(reader.rest()));
            }
        }

        #[test]
        fn a_thing_that_is_cut_is_refused(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
            let mut reader = Reader::new(&bytes);
            if reader.skip(MAX_DEPTH).is_ok() {
                let length = bytes.len() - reader.rest().len();
                for cut in 0..length {
                    prop_assert!(Reader::new(&bytes[..cut]).skip(MAX_DEPTH).is_err());
                }
            }
        }
    }
}

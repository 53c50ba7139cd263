//! Boxes and their fields (ISO/IEC 14496-12 §4.2). Everything borrows; nothing is believed before it is there.
//!
//! Containers are entered by name, one level at a time, so no nesting of the input is ever followed blindly.

use std::fmt::Write as _;

use crate::DemuxError;

/// A four-character code.
pub(super) type Code = [u8; 4];

/// That the file cannot be read on, because of what lies at `offset`.
pub(super) fn fail(offset: u64, reason: impl Into<String>) -> DemuxError {
    DemuxError { offset, reason: reason.into() }
}

/// A four-character code for people.
pub(super) fn name(code: Code) -> String {
    code.iter().fold(String::with_capacity(4), |mut text, &byte| {
        if byte.is_ascii_graphic() || byte == b' ' {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
        text
    })
}

/// The start of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Its type.
    pub(super) kind: Code,
    /// Bytes of the header itself.
    pub(super) length: u64,
    /// Bytes of the whole box; `None` for one that reaches to the end of what holds it.
    pub(super) size: Option<u64>,
}

impl Header {
    /// From the first bytes of a box; `None` when they are too few.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let short = fields.u32()?;
        let kind = fields.code()?;
        Some(match short {
            0 => Self { kind, length: 8, size: None },
            1 => Self { kind, length: 16, size: Some(fields.u64()?) },
            size => Self { kind, length: 8, size: Some(u64::from(size)) },
        })
    }
}

/// A box with its contents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Atom<'a> {
    /// Its type.
    pub(super) kind: Code,
    /// Where it starts in the file.
    pub(super) at: u64,
    /// Its contents.
    pub(super) body: &'a [u8],
    /// Where they start in the file.
    pub(super) body_at: u64,
}

impl<'a> Atom<'a> {
    /// The boxes in it.
    pub(super) fn children(&self) -> Atoms<'a> {
        self.children_from(0)
    }

    /// The boxes in it behind `skip` bytes of fields.
    pub(super) fn children_from(&self, skip: usize) -> Atoms<'a> {
        let skip = skip.min(self.body.len());
        Atoms { rest: &self.body[skip..], at: self.body_at + skip as u64 }
    }

    /// Its first child of a type.
    ///
    /// # Errors
    /// A box before it is damaged.
    pub(super) fn child(&self, kind: &Code) -> Result<Option<Atom<'a>>, DemuxError> {
        for child in self.children() {
            let child = child?;
            if child.kind == *kind {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }

    /// Its first child of a type, which the standard says must be there.
    ///
    /// # Errors
    /// It is not, or a box before it is damaged.
    pub(super) fn need(&self, kind: &Code) -> Result<Atom<'a>, DemuxError> {
        self.child(kind)?
            .ok_or_else(|| fail(self.at, format!("the {} box has no {} box", name(self.kind), name(*kind))))
    }

    /// Its fields.
    pub(super) fn fields(&self) -> Fields<'a> {
        Fields(self.body)
    }

    /// Version, flags and the fields behind them (§4.2.2).
    ///
    /// # Errors
    /// It is too short for them.
    pub(super) fn full(&self) -> Result<(u8, u32, Fields<'a>), DemuxError> {
        let mut fields = self.fields();
        let word = fields.u32().ok_or_else(|| self.short())?;
        Ok(((word >> 24) as u8, word & 0x00ff_ffff, fields))
    }

    /// That it ends too early.
    pub(super) fn short(&self) -> DemuxError {
        fail(self.at, format!("the {} box is too short for its fields", name(self.kind)))
    }
}

/// Boxes one behind the other. Fewer than eight bytes at the end, as QuickTime leaves them, are passed over.
pub(super) struct Atoms<'a> {
    rest: &'a [u8],
    at: u64,
}

impl<'a> Atoms<'a> {
    /// The boxes of `bytes`, which lie at `at` in the file.
    pub(super) fn new(bytes: &'a [u8], at: u64) -> Self {
        Self { rest: bytes, at }
    }
}

impl<'a> Iterator for Atoms<'a> {
    type Item = Result<Atom<'a>, DemuxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.len() < 8 {
            return None;
        }
        let (rest, at) = (self.rest, self.at);
        self.rest = &[];
        let header = Header::parse(rest)?;
        if header.size.is_none() && header.kind == [0; 4] {
            return None;
        }
        let there = rest.len() as u64;
        let size = header.size.unwrap_or(there);
        if size < header.length || size > there {
            let what = if size > there { "reaches beyond the box that holds it" } else { "is smaller than its header" };
            return Some(Err(fail(at, format!("the {} box of {size} bytes {what}", name(header.kind)))));
        }
        // Both are at most `rest.len()`.
        let (body, tail) = (&rest[header.length as usize..size as usize], &rest[size as usize..]);
        self.rest = tail;
        self.at = at + size;
        Some(Ok(Atom { kind: header.kind, at, body, body_at: at + header.length }))
    }
}

/// Big-endian fields, taken from the front; `None` once there are too few bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    /// Passes over `count` bytes.
    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    /// A four-character code.
    pub(super) fn code(&mut self) -> Option<Code> {
        self.array()
    }

    /// Sixteen bytes, such as a key identifier.
    pub(super) fn uuid(&mut self) -> Option<[u8; 16]> {
        self.array()
    }

    /// One byte.
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two bytes.
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four bytes.
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Four bytes in two's complement.
    pub(super) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// Eight bytes.
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Four bytes, or eight where the box's version is 1.
    pub(super) fn sized(&mut self, version: u8) -> Option<u64> {
        if version == 1 { self.u64() } else { self.u32().map(u64::from) }
    }

    /// Bytes up to the next zero byte, which is passed over, or all that are left.
    pub(super) fn text(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|&byte| byte == 0);
        let text = &self.0[..end.unwrap_or(self.0.len())];
        self.0 = end.map_or(&[], |end| &self.0[end + 1..]);
        text
    }
}

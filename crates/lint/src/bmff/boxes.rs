//! Boxes (ISO/IEC 14496-12 §4.2) and fields.

use super::Fault;
use crate::rules::bmff as rules;

/// One box.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Atom<'a> {
    pub(crate) kind: [u8; 4],
    /// Position of its size field in the object.
    pub(crate) at: usize,
    /// Bytes of its header.
    pub(crate) header: usize,
    pub(crate) body: &'a [u8],
}

impl<'a> Atom<'a> {
    pub(crate) fn name(&self) -> String {
        name(self.kind)
    }

    /// Position of its body in the object.
    pub(crate) fn body_at(&self) -> usize {
        self.at + self.header
    }

    /// Position behind it.
    pub(crate) fn end(&self) -> usize {
        self.body_at() + self.body.len()
    }

    /// Its children after `skip` bytes of fields, up to the first that is broken.
    pub(crate) fn children(&self, skip: usize) -> Atoms<'a> {
        match self.body.get(skip..) {
            Some(rest) => Atoms::new(rest, self.body_at() + skip),
            None => Atoms::new(&[], self.end()),
        }
    }

    /// The first child of this kind.
    pub(crate) fn child(&self, kind: &[u8; 4]) -> Option<Atom<'a>> {
        self.children(0).flatten().find(|atom| atom.kind == *kind)
    }

    /// Version, flags and the fields of a full box (§4.2.2).
    pub(crate) fn full(&self) -> Option<(u8, u32, Fields<'a>)> {
        let mut fields = Fields::new(self.body);
        let word = fields.u32()?;
        Some(((word >> 24) as u8, word & 0xff_ffff, fields))
    }
}

/// A four-character code for people.
pub(crate) fn name(kind: [u8; 4]) -> String {
    kind.iter().map(|&byte| if byte.is_ascii_graphic() || byte == b' ' { byte as char } else { '?' }).collect()
}

/// Boxes that follow one another. A broken one is the last item.
#[derive(Clone, Debug)]
pub(crate) struct Atoms<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Atoms<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { rest: bytes, at }
    }

    fn take(&mut self) -> Result<Atom<'a>, Fault> {
        let fault = |message: String| Fault::new(rules::BOX_SIZE, self.at, message);
        let mut fields = Fields::new(self.rest);
        let (Some(small), Some(kind)) = (fields.u32(), fields.array::<4>()) else {
            return Err(fault(format!("{} stray bytes behind the last box", self.rest.len())));
        };
        let (header, size) = match small {
            0 => (8, self.rest.len() as u64),
            1 => (16, fields.u64().ok_or_else(|| fault(format!("box {} ends in its size", name(kind))))?),
            size => (8, u64::from(size)),
        };
        let left = self.rest.len() as u64;
        if size < header || size > left {
            return Err(fault(format!("box {} has size {size} where {left} bytes are left", name(kind))));
        }
        let (whole, rest) = self.rest.split_at(size as usize);
        let atom = Atom { kind, at: self.at, header: header as usize, body: &whole[header as usize..] };
        self.rest = rest;
        self.at += whole.len();
        Ok(atom)
    }
}

impl<'a> Iterator for Atoms<'a> {
    type Item = Result<Atom<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let atom = self.take();
        if atom.is_err() {
            self.rest = &[];
        }
        Some(atom)
    }
}

/// Big-endian fields; `None` at the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// 32 bits in version 0, 64 in version 1.
    pub(crate) fn sized(&mut self, version: u8) -> Option<u64> {
        if version == 0 { self.u32().map(u64::from) } else { self.u64() }
    }
}

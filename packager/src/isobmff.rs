//! A box writer: sizes are filled in when a box closes (ISO/IEC 14496-12 §4.2).

/// Boxes, one after another.
#[derive(Default)]
pub(crate) struct Boxes {
    bytes: Vec<u8>,
}

impl Boxes {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn into_bytes(self) -> bytes::Bytes {
        self.bytes.into()
    }

    /// A plain box around what `body` writes.
    ///
    /// # Panics
    /// When a box of headers outgrows 4 GiB; media data never goes through here.
    pub(crate) fn put(&mut self, kind: &[u8; 4], body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.u32(0);
        self.raw(kind);
        body(self);
        let size = u32::try_from(self.bytes.len() - start).expect("headers stay far below 4 GiB");
        self.patch_u32(start, size);
    }

    /// A full box: `put` with version and flags (§4.2.2).
    pub(crate) fn put_full(&mut self, kind: &[u8; 4], version: u8, flags: u32, body: impl FnOnce(&mut Self)) {
        self.put(kind, |w| {
            w.u32(u32::from(version) << 24 | flags & 0x00ff_ffff);
            body(w);
        });
    }

    /// An MPEG-4 descriptor with the usual four-byte length (ISO/IEC 14496-1 §8.3.3).
    pub(crate) fn put_descriptor(&mut self, tag: u8, body: impl FnOnce(&mut Self)) {
        self.u8(tag);
        let start = self.bytes.len();
        self.u32(0);
        body(self);
        let size = self.bytes.len() - start - 4;
        let group = |shift: usize| (size >> shift & 0x7f) as u8;
        self.bytes[start..start + 4].copy_from_slice(&[group(21) | 0x80, group(14) | 0x80, group(7) | 0x80, group(0)]);
    }

    /// What `body` adds to the end.
    pub(crate) fn append(&mut self, body: impl FnOnce(&mut Vec<u8>)) {
        body(&mut self.bytes);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn zeros(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + count, 0);
    }

    /// Overwrites four bytes written before.
    pub(crate) fn patch_u32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
}

//! Files of lines, with their checksum.

use std::io::{self, BufRead, Read, Write};

use sha2::{Digest, Sha256};

use crate::{FormatError, SheetEntry};

/// The most bytes of a line: a row with all that is in it.
pub const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

/// A file of lines that is being written.
pub struct Sheet<W> {
    to: W,
    hash: Sha256,
    lines: u64,
    size_bytes: u64,
}

impl<W: Write> Sheet<W> {
    /// Writes to an empty file.
    pub fn new(to: W) -> Self {
        Self { to, hash: Sha256::new(), lines: 0, size_bytes: 0 }
    }

    /// Adds a line, which has no line end in it.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        if line.len() as u64 > MAX_LINE_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a row of more than 64 MiB cannot be backed up"));
        }
        for bytes in [line.as_bytes(), b"\n"] {
            self.to.write_all(bytes)?;
            self.hash.update(bytes);
            self.size_bytes += bytes.len() as u64;
        }
        self.lines += 1;
        Ok(())
    }

    /// What was written to, not yet flushed, and what the manifest says of it.
    pub fn finish(self) -> (W, SheetEntry) {
        let sha256 = hex::encode(self.hash.finalize());
        (self.to, SheetEntry { lines: self.lines, size_bytes: self.size_bytes, sha256 })
    }
}

/// A file of lines that is being read, and is compared with what the manifest says of it.
pub struct Lines<R> {
    name: String,
    from: R,
    expected: SheetEntry,
    hash: Sha256,
    lines: u64,
    size_bytes: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Reads the file `name`, of which the manifest says `expected`.
    pub fn new(name: &str, from: R, expected: &SheetEntry) -> Self {
        let expected = expected.clone();
        Self { name: name.to_owned(), from, expected, hash: Sha256::new(), lines: 0, size_bytes: 0, line: Vec::new() }
    }

    /// The next line, without its end; `None` behind the last one, and then the file is what the manifest says: whatever came
    /// before is to be trusted only now.
    ///
    /// # Errors
    /// [`FormatError::Differs`] as soon as it is something else.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, FormatError> {
        self.line.clear();
        let read = (&mut self.from).take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut self.line);
        read.map_err(|source| FormatError::Io { file: self.name.clone(), source })?;
        if self.line.is_empty() {
            return self.check_end().map(|()| None);
        }
        self.hash.update(&self.line);
        self.size_bytes += self.line.len() as u64;
        if self.line.pop() != Some(b'\n') {
            return Err(self.differs("no end: it was cut short"));
        }
        self.lines += 1;
        if self.lines > self.expected.lines || self.size_bytes > self.expected.size_bytes {
            return Err(self.differs("more in it than was written"));
        }
        Ok(Some(&self.line))
    }

    /// That the line that was read last is damaged.
    pub fn damaged(&self, what: &'static str) -> FormatError {
        FormatError::Line { file: self.name.clone(), line: self.lines, what }
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// As [`Lines::next_line`].
    pub fn skip_all(&mut self) -> Result<(), FormatError> {
        while self.next_line()?.is_some() {}
        Ok(())
    }

    fn check_end(&self) -> Result<(), FormatError> {
        if self.lines != self.expected.lines || self.size_bytes != self.expected.size_bytes {
            return Err(self.differs("less in it than was written"));
        }
        let same = hex::encode(self.hash.clone().finalize()) == self.expected.sha256;
        if same { Ok(()) } else { Err(self.differs("other bytes than were written")) }
    }

    fn differs(&self, what: &'static str) -> FormatError {
        FormatError::Differs { file: self.name.clone(), what }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8], entry: &SheetEntry) -> Result<Vec<Vec<u8>>, FormatError> {
        let mut lines = Lines::new("rows/a.jsonl", bytes, entry);
        let mut found = Vec::new();
        while let Some(line) = lines.next_line()? {
            found.push(line.to_vec());
        }
        Ok(found)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_else(
            lines in proptest::collection::vec("[^\n]{0,12}", 0..6),
            at in any::<prop::sample::Index>(),
            by in 1..=255_u8,
        ) {
            let mut sheet = Sheet::new(Vec::new());
            for line in &lines {
                sheet.line(line).unwrap();
            }
            let (bytes, entry) = sheet.finish();
            let found = read(&bytes, &entry).unwrap();
            prop_assert_eq!(found, lines.iter().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>());
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                prop_assert!(read(&bytes[..at], &entry).is_err());
                prop_assert!(read(&[&bytes[..], b"\n"].concat(), &entry).is_err());
                let mut changed = bytes.clone();
                changed[at] ^= by;
                prop_assert!(read(&changed, &entry).is_err());
            }
        }
    }
}

//! Everything written.

use std::fs::{File, OpenOptions};
use std::io::{IoSlice, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// The folder that the result grows in.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn make(&self, track: &str) -> Result<(), Failure> {
        let path = self.root.join(track);
        std::fs::create_dir_all(&path).map_err(|error| failed(&path, &error))
    }

    /// Writes a file in pieces, without joining them in memory.
    pub(crate) fn write(&self, name: &str, pieces: &[&[u8]]) -> Result<(), Failure> {
        let path = self.root.join(name);
        let mut file = File::create_new(&path).map_err(|error| failed(&path, &error))?;
        write_all(&mut file, pieces).map_err(|error| failed(&path, &error))
    }

    /// Begins a file that is put together from others.
    pub(crate) fn create(&self, name: &str) -> Result<Joined<'_>, Failure> {
        let path = self.root.join(name);
        let file = File::create_new(&path).map_err(|error| failed(&path, &error))?;
        Ok(Joined { folder: self, path, file })
    }

    /// Opens a file whose head is written last: behind `reserved` bytes.
    pub(crate) fn grow(&self, name: &str, reserved: u64) -> Result<Growing, Failure> {
        let path = self.root.join(name);
        let file =
            OpenOptions::new().write(true).create_new(true).open(&path).map_err(|error| failed(&path, &error))?;
        file.set_len(reserved).map_err(|error| failed(&path, &error))?;
        Ok(Growing { path, file, reserved, end: reserved })
    }
}

/// A file that is put together from parts of others in its folder.
#[derive(Debug)]
pub(crate) struct Joined<'a> {
    folder: &'a Folder,
    path: PathBuf,
    file: File,
}

impl Joined<'_> {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| failed(&self.path, &error))
    }

    /// Adds `length` bytes of a file from `offset` on; where the system can, without reading them.
    pub(crate) fn copy(&mut self, name: &str, offset: u64, length: u64) -> Result<(), Failure> {
        let path = self.folder.root.join(name);
        let copied = File::open(&path).and_then(|mut part| {
            part.seek(SeekFrom::Start(offset))?;
            std::io::copy(&mut part.take(length), &mut self.file)
        });
        match copied {
            Ok(copied) if copied == length => Ok(()),
            Ok(_) => Err(failed(&path, &std::io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(failed(&path, &error)),
        }
    }
}

/// A file that grows by whole segments.
#[derive(Debug)]
pub(crate) struct Growing {
    path: PathBuf,
    file: File,
    reserved: u64,
    end: u64,
}

impl Growing {
    pub(crate) fn append(&mut self, pieces: &[&[u8]]) -> Result<(), Failure> {
        for piece in pieces {
            self.file.write_all_at(piece, self.end).map_err(|error| failed(&self.path, &error))?;
            self.end += piece.len() as u64;
        }
        Ok(())
    }

    /// Fills in the head, which takes just the bytes reserved.
    pub(crate) fn finish(self, head: &[&[u8]]) -> Result<(), Failure> {
        let mut at = 0;
        for piece in head {
            self.file.write_all_at(piece, at).map_err(|error| failed(&self.path, &error))?;
            at += piece.len() as u64;
        }
        if at == self.reserved {
            return Ok(());
        }
        let detail = format!("{}: the head takes {at} bytes and not {}", self.path.display(), self.reserved);
        Err(Failure::failed("package.layout", detail, ""))
    }
}

fn write_all(file: &mut File, pieces: &[&[u8]]) -> std::io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut rest = slices.as_mut_slice();
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed("output.failed", format!("{}: {error}", path.display()), "check the folder and its free space")
}

//! One input file, read as its demuxer asks.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use demux::{ByteRange, Demux, Demuxer, Packet, Step, Track};
use drm::KeyId;

use super::decrypt::{InputKeys, Unlocker};
use crate::exit::Failure;

/// What is looked at to tell the container.
const HEAD_BYTES: u64 = 4096;

/// An input file.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// What it is decrypted with, if it is encrypted.
    pub(super) keys: InputKeys,
    file: File,
    length: u64,
}

impl Source {
    pub(crate) fn open(path: &Path, keys: &InputKeys) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::bad_input(
                "input.unreadable",
                format!("{}: {error}", path.display()),
                "check the path and its permissions",
            )
        };
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() {
            let detail = format!("{} is not a regular file", path.display());
            return Err(Failure::bad_input(
                "input.not_a_file",
                detail,
                "name a media file; pipes and folders cannot be read twice",
            ));
        }
        Ok(Self { path: path.to_owned(), keys: keys.clone(), file, length: about.len() })
    }

    /// A demuxer at the start of the file.
    pub(crate) fn reader(&self) -> Result<Reader<'_>, Failure> {
        let head = self.read(ByteRange { offset: 0, length: HEAD_BYTES })?;
        let demuxer = Demuxer::detect(&head, Some(self.length)).map_err(|error| self.unfit(&error))?;
        Ok(Reader { source: self, demuxer, unlocker: Unlocker::new(self) })
    }

    /// Reads into the whole of `into`.
    pub(crate) fn read_exact(&self, offset: u64, into: &mut [u8]) -> Result<(), Failure> {
        self.file.read_exact_at(into, offset).map_err(|error| {
            let detail = format!("{}: {} bytes at {offset}: {error}", self.path.display(), into.len());
            Failure::bad_input("input.unreadable", detail, "the file may be cut short, or may have changed meanwhile")
        })
    }

    /// The part of a range that the file has.
    pub(super) fn read(&self, range: ByteRange) -> Result<bytes::Bytes, Failure> {
        let length = self.length.saturating_sub(range.offset).min(range.length);
        let mut bytes = BytesMut::zeroed(usize::try_from(length).unwrap_or(0));
        self.read_exact(range.offset, &mut bytes)?;
        Ok(bytes.freeze())
    }

    /// This file cannot be packaged, and why.
    pub(crate) fn unfit(&self, reason: &dyn std::fmt::Display) -> Failure {
        Failure::bad_input("input.unfit", format!("{}: {reason}", self.path.display()), "")
    }
}

/// A pass over an input file.
pub(crate) struct Reader<'a> {
    source: &'a Source,
    demuxer: Demuxer,
    unlocker: Unlocker<'a>,
}

impl Reader<'_> {
    /// Reads on until all tracks are known.
    pub(crate) fn tracks(&mut self) -> Result<&[Track], Failure> {
        loop {
            match self.step()? {
                Step::Ready | Step::End => return Ok(self.demuxer.tracks()),
                _ => {}
            }
        }
    }

    /// The next sample in clear; `None` at the end.
    pub(crate) fn packet(&mut self) -> Result<Option<Packet>, Failure> {
        let Some(mut packet) = self.sealed_packet()? else { return Ok(None) };
        self.open(&mut packet)?;
        Ok(Some(packet))
    }

    /// The next sample, encrypted where it is in the file: for those who want its times alone. That there is a key for
    /// it is certain.
    pub(crate) fn sealed_packet(&mut self) -> Result<Option<Packet>, Failure> {
        loop {
            match self.step()? {
                Step::Packet(packet) => {
                    if packet.encryption.is_some()
                        && let Some(protection) = self.demuxer.packet_protection()
                        && let Some(track) = self.demuxer.tracks().get(packet.track)
                    {
                        self.unlocker.check(protection, track)?;
                    }
                    return Ok(Some(packet));
                }
                Step::End => return Ok(None),
                _ => {}
            }
        }
    }

    /// Decrypts the sample that was given last, if it is encrypted.
    pub(crate) fn open(&mut self, packet: &mut Packet) -> Result<(), Failure> {
        match self.demuxer.packet_protection() {
            Some(protection) => self.unlocker.open(packet, protection, self.demuxer.tracks()),
            None => Ok(()),
        }
    }

    /// The key that the sample that was given last is encrypted under.
    pub(crate) fn packet_key(&self) -> Option<KeyId> {
        self.demuxer.packet_protection().map(|protection| protection.key_id)
    }

    /// Whether the container says exactly when its tracks start, as edit lists do.
    pub(crate) fn starts_are_stated(&self) -> bool {
        matches!(self.demuxer, Demuxer::Mp4(_))
    }

    /// SCTE 35 messages since the last call, each with its time in 90 kHz on the line of the file.
    pub(crate) fn markers(&mut self) -> Vec<(Option<i64>, Vec<u8>)> {
        self.demuxer.take_markers()
    }

    /// The chapters so far, on the line of the file.
    pub(crate) fn chapters(&self) -> &[demux::Chapter] {
        self.demuxer.chapters()
    }

    /// What was passed over or mended so far, as lines that name the file.
    pub(crate) fn warnings(&mut self) -> Vec<String> {
        let path = self.source.path.display();
        let all = self.demuxer.take_warnings();
        all.into_iter().map(|warning| format!("{path}: {} (at byte {})", warning.what, warning.offset)).collect()
    }

    fn step(&mut self) -> Result<Step, Failure> {
        let step = self.demuxer.poll().map_err(|error| self.source.unfit(&error))?;
        if let Step::Read(range) = step {
            self.demuxer.give(self.source.read(range)?);
        }
        Ok(step)
    }
}

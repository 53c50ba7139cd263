//! Encrypted inputs: their samples in clear, under keys that are found by name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use demux::{ByteRange, Data, Packet, SampleCheck, Track};
use drm::{ContentKey, KeyFileError, KeyFileProblem, KeyId, KeySet, SampleDecryptor, TrackProtection};

use super::keys;
use super::source::Source;
use crate::exit::Failure;

/// Read at once where samples lie behind one another.
const AHEAD: u64 = 256 << 10;

/// Keys that are in use at once: one for each track, and the next ones.
const MOST_READY: usize = 16;

/// The keys of encrypted inputs, by name.
#[derive(Clone, Default)]
pub(crate) struct InputKeys(Arc<Ring>);

#[derive(Default)]
struct Ring {
    path: Option<PathBuf>,
    keys: BTreeMap<KeyId, ContentKey>,
}

impl fmt::Debug for InputKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys.keys()).finish()
    }
}

impl InputKeys {
    /// Reads lines as those of a key file for encrypting. Keys are found by their names alone: several may be for all
    /// tracks, and classes and periods say nothing.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = keys::text(path)?;
        let found = parse(&text).map_err(|error| keys::fault(path, &error))?;
        Ok(Self(Arc::new(Ring { path: Some(path.to_owned()), keys: found })))
    }

    fn get(&self, id: KeyId) -> Option<&ContentKey> {
        self.0.keys.get(&id)
    }

    fn missing(&self, source: &Source, track: &Track, id: KeyId) -> Failure {
        let detail =
            format!("{}: track {} is encrypted under key {id}, which is not given", source.path.display(), track.id);
        let hint = match &self.0.path {
            Some(path) => format!("add a line {id}:KEY to {}", path.display()),
            None => {
                format!("write a line {id}:KEY into a file, 32 hexadecimal digits each, and name it with --input-keys")
            }
        };
        Failure::bad_input("input.encrypted", detail, &hint)
    }

    fn wrong(&self, source: &Source, track: &Track, id: KeyId, what: &dyn fmt::Display) -> Failure {
        let detail = format!(
            "{}: track {}, decrypted under key {id}, is not what it should be: {what}",
            source.path.display(),
            track.id
        );
        let place = self.0.path.as_deref().unwrap_or(Path::new("the key file"));
        let hint = format!("the key is probably wrong: check the line of {id} in {}", place.display());
        Failure::bad_input("keys.wrong", detail, &hint)
    }
}

fn parse(text: &str) -> Result<BTreeMap<KeyId, ContentKey>, KeyFileError> {
    let mut found: BTreeMap<KeyId, (usize, ContentKey)> = BTreeMap::new();
    for (line, content) in (1..).zip(text.lines()) {
        let set = match KeySet::parse(content) {
            Ok(set) => set,
            Err(KeyFileError { problem: KeyFileProblem::Empty, .. }) => continue,
            Err(error) => return Err(KeyFileError { line, ..error }),
        };
        for entry in set.entries() {
            let (first, key) = found.entry(entry.id).or_insert_with(|| (line, entry.key.clone()));
            if *key != entry.key {
                return Err(KeyFileError { line, column: 1, problem: KeyFileProblem::SameId { first: *first } });
            }
        }
    }
    if found.is_empty() {
        return Err(KeyFileError { line: 1, column: 1, problem: KeyFileProblem::Empty });
    }
    Ok(found.into_iter().map(|(id, (_, key))| (id, key)).collect())
}

/// Decrypts the samples of one input on one pass over it.
pub(crate) struct Unlocker<'a> {
    source: &'a Source,
    /// The last ones used, in the order of their first use.
    ready: Vec<Ready>,
    checks: Vec<Option<SampleCheck>>,
    /// What lies at `window_at` in the file.
    window: Bytes,
    window_at: u64,
}

struct Ready {
    protection: TrackProtection,
    decryptor: SampleDecryptor,
}

impl<'a> Unlocker<'a> {
    pub(crate) fn new(source: &'a Source) -> Self {
        Self { source, ready: Vec::new(), checks: Vec::new(), window: Bytes::new(), window_at: 0 }
    }

    /// That there is a key for a packet that is protected so.
    pub(crate) fn check(&mut self, protection: &TrackProtection, track: &Track) -> Result<(), Failure> {
        self.decryptor(protection, track).map(drop)
    }

    /// Puts a packet's sample in clear in place of the encrypted one.
    pub(crate) fn open(
        &mut self,
        packet: &mut Packet,
        protection: &TrackProtection,
        tracks: &[Track],
    ) -> Result<(), Failure> {
        let (Some(track), Some(encryption)) = (tracks.get(packet.track), packet.encryption.take()) else {
            return Ok(());
        };
        let mut sample = match &packet.data {
            Data::At(range) => self.read(*range)?.to_vec(),
            Data::Here(bytes) => bytes.to_vec(),
        };
        let source = self.source;
        let unfit = |error: drm::DecryptError| {
            source.unfit(&format!("track {}, the sample that is decoded at {}: {error}", track.id, packet.dts))
        };
        self.decryptor(protection, track)?.decrypt(&mut sample, &encryption).map_err(unfit)?;
        self.doubt(packet.track, track, &sample)
            .map_err(|what| source.keys.wrong(source, track, protection.key_id, &what))?;
        packet.data = Data::Here(sample.into());
        Ok(())
    }

    fn decryptor(&mut self, protection: &TrackProtection, track: &Track) -> Result<&SampleDecryptor, Failure> {
        if let Some(at) = self.ready.iter().rposition(|ready| ready.protection == *protection) {
            return Ok(&self.ready[at].decryptor);
        }
        let id = protection.key_id;
        let key = self.source.keys.get(id).ok_or_else(|| self.source.keys.missing(self.source, track, id))?;
        let unfit = |error| self.source.unfit(&format!("track {}: {error}", track.id));
        let decryptor = SampleDecryptor::new(key, protection).map_err(|error: drm::DecryptError| unfit(error))?;
        if self.ready.len() == MOST_READY {
            self.ready.remove(0);
        }
        self.ready.push(Ready { protection: protection.clone(), decryptor });
        Ok(&self.ready[self.ready.len() - 1].decryptor)
    }

    fn doubt(&mut self, index: usize, track: &Track, sample: &[u8]) -> Result<(), demux::Implausible> {
        if self.checks.len() <= index {
            self.checks.resize_with(index + 1, || None);
        }
        self.checks[index].get_or_insert_with(|| SampleCheck::new(&track.config)).look(sample)
    }

    /// A range of the file, and what lies behind it for the next ones.
    fn read(&mut self, range: ByteRange) -> Result<Bytes, Failure> {
        let end = range.offset.saturating_add(range.length);
        let window_end = self.window_at + self.window.len() as u64;
        if range.offset < self.window_at || end > window_end {
            let wanted = ByteRange { offset: range.offset, length: range.length.max(AHEAD) };
            (self.window, self.window_at) = (self.source.read(wanted)?, range.offset);
        }
        let mut rest = self.window.clone();
        // Within the window, whose length is a `usize`.
        rest.advance((range.offset - self.window_at) as usize);
        let length = usize::try_from(range.length).unwrap_or(usize::MAX);
        if rest.len() < length {
            return Err(self
                .source
                .unfit(&format!("it ends inside a sample, at {} bytes", self.window_at + self.window.len() as u64)));
        }
        Ok(rest.split_to(length))
    }
}

#[cfg(test)]
#[path = "decrypt/tests.rs"]
mod tests;

//! The same presentation as MPEG-TS in a folder of its own, for players that know no fMP4.
//!
//! - `choice`: which variants there will be, and their keys.
//! - `lane`: a track read once more, segment by segment.
//!
//! It has its own pass over the inputs: a segment needs pictures and sound at once, and those may come from two files, or
//! be encrypted in the CMAF set.

mod choice;
mod lane;

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::thread;

use drm::{HlsMethod, Iv, SampleCipher};
use media_types::TrackRecord;
use packager::{
    PackageError, TRANSPORT_FOLDER, TrackSamples, TransportKey, TransportVariant, TransportWriter, transport_playlists,
    transport_segment_path,
};

use super::files::Folder;
use super::keys::Keys;
use super::plan::Planned;
use super::source::Source;
use super::work::{Work, lock};
use crate::exit::Failure;
use choice::Variant;
use lane::{Lane, SoundQueue};

pub(super) use choice::{Set, plan};

/// What is asked of the MPEG-TS set.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) encryption: Option<Encryption>,
}

/// How the MPEG-TS set is encrypted.
#[derive(Debug)]
pub(crate) struct Encryption {
    pub(crate) method: HlsMethod,
    pub(crate) keys: Keys,
    /// Where players get keys; `{kid}` stands for the key's name.
    pub(crate) key_uri: String,
}

/// A variant as it was written.
pub(super) struct Written {
    variant: Variant,
    sizes: Vec<u64>,
    key: Option<TransportKey>,
}

/// Writes the segments of all variants, as many side by side as there are processors.
pub(super) fn write(set: Set, work: &Work<'_>, planned: &[Planned], folder: &Folder) -> Result<Vec<Written>, Failure> {
    for variant in &set.variants {
        folder.make(&format!("{TRANSPORT_FOLDER}/{}", variant.record(planned).name))?;
    }
    let threads = thread::available_parallelism().map_or(1, usize::from).min(set.variants.len());
    let queue = Mutex::new(set.variants.into_iter().enumerate());
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = lock(&queue).next();
                    let Some((position, variant)) = next else { return };
                    let result = Job { work, planned, folder, variant: &variant }.run();
                    let failed = result.is_err();
                    let written = result.map(|(sizes, key)| Written { variant, sizes, key });
                    lock(&results).push((position, written));
                    if failed {
                        // The others need not begin.
                        lock(&queue).by_ref().for_each(drop);
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(position, _)| *position);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Writes the playlists, over the tracks as they were written to the CMAF set: segments are the same in both.
pub(super) fn finish(written: &[Written], tracks: &[TrackRecord], folder: &Folder) -> Result<(), Failure> {
    if written.is_empty() {
        return Ok(());
    }
    let variants: Vec<_> = written.iter().map(|written| written.described(tracks)).collect();
    let files = transport_playlists(&variants).map_err(|error| unfit(TRANSPORT_FOLDER, &error))?;
    files.iter().rev().try_for_each(|file| folder.write(&file.path, &[&file.bytes]))
}

impl Written {
    fn described<'a>(&'a self, tracks: &'a [TrackRecord]) -> TransportVariant<'a> {
        let Variant { pictures, sound, .. } = self.variant;
        let heard = sound.map(|position| &tracks[position]);
        let (track, sound) = match pictures {
            Some(position) => (&tracks[position], heard),
            None => (heard.unwrap_or(&tracks[0]), None),
        };
        TransportVariant { track, sound, sizes: &self.sizes, key: self.key.as_ref() }
    }
}

fn unfit(name: &str, error: &PackageError) -> Failure {
    Failure::bad_input("input.unfit", format!("{name}: {error}"), "leave --hls-ts away")
}

/// One variant on its way.
struct Job<'a> {
    work: &'a Work<'a>,
    planned: &'a [Planned],
    folder: &'a Folder,
    variant: &'a Variant,
}

impl Job<'_> {
    fn run(&self) -> Result<(Vec<u64>, Option<TransportKey>), Failure> {
        let name = &self.variant.record(self.planned).name;
        let planned = |position: usize| &self.planned[position];
        let source = |planned: &Planned| -> &Source { &self.work.sources[planned.from.input] };
        let pictures = self.variant.pictures.map(planned);
        let sound = self.variant.sound.map(planned);
        let mut heard = sound.map(|track| SoundQueue::open(source(track), track)).transpose()?;
        let key = self.variant.key.as_ref();
        let (segments, samples) = key.map_or((None, None), |key| key.ciphers(name));
        let mut ivs: Vec<Iv> = samples.iter().map(SampleCipher::iv).collect();
        let first = sound.zip(heard.as_ref().map(SoundQueue::first));
        let first = first.map(|(track, first)| (&track.record, first));
        let mut writer = TransportWriter::new(pictures.map(|track| &track.record), first, samples)
            .map_err(|error| unfit(name, &error))?;
        let (mut out, mut sizes) = (Vec::new(), Vec::new());
        let mut segment = |index: u32, pictures: TrackSamples<'_>, sound: TrackSamples<'_>| {
            writer.segment(index, pictures, sound, &mut out).map_err(|error| unfit(name, &error))?;
            if let Some(cipher) = &segments {
                ivs.push(cipher.encrypt(index.into(), &mut out));
            }
            self.folder.write(&transport_segment_path(name, index), &[&out])?;
            sizes.push(out.len() as u64);
            self.progress(out.len() as u64);
            Ok(())
        };
        match pictures {
            Some(track) => muxed(&mut Lane::open(source(track), track)?, heard.as_mut(), &mut segment)?,
            None => {
                if let Some(heard) = &mut heard {
                    alone(heard, &mut segment)?;
                }
            }
        }
        let key = key.map(|key| TransportKey { method: key.method(), uri: key.uri().to_owned(), ivs });
        Ok((sizes, key))
    }

    fn progress(&self, bytes: u64) {
        let done = self.work.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        (self.work.progress)((done as f64 / self.work.total.max(1) as f64).min(1.0));
    }
}

/// What takes a segment.
type Sink<'a> = dyn FnMut(u32, TrackSamples<'_>, TrackSamples<'_>) -> Result<(), Failure> + 'a;

/// Segments of the pictures, each with the sound that belongs to it; the last one with all that is left.
fn muxed(pictures: &mut Lane<'_>, mut heard: Option<&mut SoundQueue<'_>>, sink: &mut Sink<'_>) -> Result<(), Failure> {
    let mut payload = Vec::new();
    let mut next = pictures.chunk()?;
    while let Some(chunk) = next {
        next = pictures.chunk()?;
        let sound = match heard.as_deref_mut() {
            Some(heard) => heard.take(next.is_some().then_some(chunk.index))?,
            None => TrackSamples::default(),
        };
        let data = pictures.load(&chunk, &mut payload)?;
        sink(chunk.index, TrackSamples { samples: &chunk.samples, data }, sound)?;
    }
    Ok(())
}

/// Segments of sound alone, as the CMAF set has them.
fn alone(heard: &mut SoundQueue<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
    while let Some((index, sound)) = heard.whole()? {
        sink(index, TrackSamples::default(), sound)?;
    }
    Ok(())
}

//! Keyframes of the lowest rung, once more in a file of their own, for fast playback.

use bytes::Bytes;
use demux::Data;
use packager::markers::EventMessages;
use packager::repack::{Chunk, Chunker, Cuts};
use packager::{Presentation, TrickPlan, TrickTrack, segment_index, trick_path, trick_sources};

use super::files::{Folder, Growing};
use super::keys::Protect;
use super::plan::Planned;
use super::rotation::{Periods, TrackEncryptor};
use super::run::unfit;
use super::segments::{Buffer, Target, TrackJob, TrackWriter};
use super::source::Source;
use crate::exit::Failure;

/// A track of keyframes that is to be written.
pub(super) struct Chosen {
    /// Position of the track that they come from.
    pub(super) of: usize,
    pub(super) track: TrickTrack,
    plan: TrickPlan,
    encryptor: Option<TrackEncryptor>,
}

/// The smallest pictures of each codec, of those that have several keyframes.
pub(super) fn choose(planned: &[Planned]) -> Vec<Chosen> {
    let chosen = trick_sources(planned.iter().map(|track| &track.record)).into_iter().filter_map(|of| {
        let Planned { from, record, .. } = &planned[of];
        let plan = TrickPlan::new(&from.shape.key_times, from.shape.end_pts, record.timescale)?;
        Some(Chosen { of, track: TrickTrack::new(record), plan, encryptor: None })
    });
    chosen.collect()
}

impl Chosen {
    /// Gives it the key of the track that it comes from; its own name makes initialisation vectors of its own.
    pub(super) fn protect(
        &mut self,
        protect: &Protect,
        planned: &[Planned],
        periods: &Periods,
        told: &mut packager::Protection,
    ) -> Result<(), Failure> {
        let name = &self.track.record.name;
        if let Some((encryptor, signal)) = protect.track(name, &planned[self.of].from, periods)? {
            self.encryptor = Some(encryptor);
            told.insert(name.clone(), signal);
        }
        Ok(())
    }

    /// Opens its file, whose index is written last.
    pub(super) fn open(self, frame: &Presentation<'_>, folder: &Folder) -> Result<TrickJob, Failure> {
        let Self { track, plan, encryptor, .. } = self;
        let init = frame.init_segment(&track.record).map_err(|error| unfit(&track.record.name, &error))?;
        let file = folder.grow(&trick_path(&track.of), init.len() as u64 + plan.index_bytes())?;
        Ok(TrickJob { track, plan, encryptor, file })
    }
}

/// A track of keyframes that can be written.
pub(super) struct TrickJob {
    track: TrickTrack,
    plan: TrickPlan,
    encryptor: Option<TrackEncryptor>,
    file: Growing,
}

impl TrickJob {
    pub(super) fn writer<'a>(self, source: &'a Source, from: &Planned, clear_lead_ms: u32) -> TrickWriter<'a> {
        let record = &self.track.record;
        let writer = Box::new(TrackWriter::new(TrackJob {
            name: record.name.clone(),
            source,
            video: true,
            timescale: record.timescale,
            hidden_ticks: 0,
            // Its chunks are made here.
            chunker: Chunker::new(from.from.shape.clone(), Cuts::Keyframes(Vec::new())),
            encryptor: self.encryptor,
            clear_lead_ms,
            captions: None,
            table: None,
            events: EventMessages::default(),
            trick: None,
            target: Target::One(self.file),
        }));
        TrickWriter { track: self.track, plan: self.plan, writer, buffer: Buffer::default() }
    }
}

/// Writes keyframes as they go by. Holds one of them.
pub(crate) struct TrickWriter<'a> {
    track: TrickTrack,
    plan: TrickPlan,
    writer: Box<TrackWriter<'a>>,
    buffer: Buffer,
}

/// A track of keyframes as it was written.
pub(crate) struct WrittenTrick {
    pub(super) track: TrickTrack,
    file: Growing,
}

impl TrickWriter<'_> {
    /// Takes a segment in clear: its samples, and their bytes behind one another.
    pub(super) fn take(&mut self, chunk: &Chunk<Data>, mut payload: &[u8]) -> Result<(), Failure> {
        for sample in &chunk.samples {
            // The samples' sizes add up to the payload's.
            let (data, rest) = payload.split_at(sample.size as usize);
            payload = rest;
            if let Some((index, picture)) = self.plan.pick(sample) {
                let shown = (picture.pts.max(0).unsigned_abs(), u64::from(picture.duration));
                let data = vec![Data::Here(Bytes::copy_from_slice(data))];
                self.writer.write(&Chunk { index, samples: vec![picture], data, shown }, &mut self.buffer)?;
            }
        }
        Ok(())
    }

    /// What was written; nothing when no keyframe came.
    pub(super) fn finish(self) -> Result<Option<WrittenTrick>, Failure> {
        let (mut track, mut buffer) = (self.track, self.buffer);
        let written = self.writer.finish(&mut buffer)?;
        track.record.segments = written.segments;
        Ok(written.file.map(|file| WrittenTrick { track, file }))
    }
}

impl WrittenTrick {
    /// Fills in the head of the file.
    pub(super) fn finish(self, presentation: &Presentation<'_>) -> Result<(), Failure> {
        let record = &self.track.record;
        let init = presentation.init_segment(record).map_err(|error| unfit(&record.name, &error))?;
        let index = segment_index(record).map_err(|error| unfit(&record.name, &error))?;
        self.file.finish(&[&init, &index])
    }
}

//! The second pass over all inputs, side by side.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use media_types::TrackKind;
use packager::SampleTable;
use packager::captions::CaptionScan;
use packager::markers::EventMessages;
use packager::repack::Chunker;

use super::plan::Planned;
use super::rotation::TrackEncryptor;
use super::segments::{Buffer, Target, TrackJob, TrackWriter, WrittenTrack};
use super::source::Source;
use super::survey::times;
use super::trick::TrickJob;
use crate::exit::Failure;

/// A track as it was written, by its position.
pub(super) type Written = (usize, WrittenTrack);

/// A track that is to be written.
pub(super) struct Job<'a> {
    pub(super) position: usize,
    pub(super) track: &'a Planned,
    pub(super) encryptor: Option<TrackEncryptor>,
    pub(super) indexed: bool,
    /// What its segments say of markers.
    pub(super) events: EventMessages,
    /// Its keyframes, when they are written once more.
    pub(super) trick: Option<TrickJob>,
    pub(super) target: Target<'a>,
}

/// The second pass over all inputs.
pub(super) struct Work<'a> {
    pub(super) sources: &'a [Source],
    pub(super) clear_lead_ms: u32,
    pub(super) total: u64,
    pub(super) done: AtomicU64,
    pub(super) progress: &'a (dyn Fn(f64) + Sync),
}

impl Work<'_> {
    /// One input per thread, as many at once as there are processors. What is written does not depend on their number.
    pub(super) fn all(&self, jobs: Vec<Vec<Job<'_>>>) -> Result<Vec<Written>, Failure> {
        let queue = Mutex::new(jobs.into_iter().enumerate());
        let results = Mutex::new(Vec::new());
        let threads = thread::available_parallelism().map_or(1, usize::from).min(self.sources.len());
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut buffer = Buffer::default();
                    loop {
                        let next = lock(&queue).next();
                        let Some((input, jobs)) = next else { return };
                        let result = self.input(&self.sources[input], jobs, &mut buffer);
                        let failed = result.is_err();
                        lock(&results).push(result);
                        if failed {
                            // The others need not begin.
                            lock(&queue).by_ref().for_each(drop);
                        }
                    }
                });
            }
        });
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut written = Vec::new();
        for result in results {
            written.extend(result?);
        }
        Ok(written)
    }

    fn input(&self, source: &Source, jobs: Vec<Job<'_>>, buffer: &mut Buffer) -> Result<Vec<Written>, Failure> {
        let mut reader = source.reader()?;
        let found = reader.tracks()?.len();
        let mut writers: Vec<Option<(usize, i64, TrackWriter<'_>)>> = (0..found).map(|_| None).collect();
        for job in jobs {
            let place = writers.get_mut(job.track.from.track).ok_or_else(|| source.unfit(&"it changed meanwhile"))?;
            *place = Some((job.position, job.track.from.offset, self.writer(source, job)));
        }
        while let Some(packet) = reader.packet()? {
            let Some((_, offset, writer)) = writers.get_mut(packet.track).and_then(Option::as_mut) else { continue };
            let written = writer.push(times(&packet, *offset), packet.data, buffer)?;
            if written > 0 {
                let done = self.done.fetch_add(written, Ordering::Relaxed) + written;
                (self.progress)((done as f64 / self.total.max(1) as f64).min(1.0));
            }
        }
        let finished =
            writers.into_iter().flatten().map(|(position, _, writer)| Ok((position, writer.finish(buffer)?)));
        finished.collect()
    }

    fn writer<'a>(&self, source: &'a Source, job: Job<'a>) -> TrackWriter<'a> {
        let record = &job.track.record;
        TrackWriter::new(TrackJob {
            name: record.name.clone(),
            source,
            video: matches!(record.kind, TrackKind::Video { .. }),
            timescale: record.timescale,
            hidden_ticks: record.hidden_ticks,
            chunker: Chunker::new(job.track.from.shape.clone(), job.track.cuts.clone()),
            encryptor: job.encryptor,
            clear_lead_ms: self.clear_lead_ms,
            captions: CaptionScan::new(&record.config),
            table: job.indexed.then(SampleTable::default),
            events: job.events,
            trick: job.trick.map(|trick| trick.writer(source, job.track, self.clear_lead_ms)),
            target: job.target,
        })
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

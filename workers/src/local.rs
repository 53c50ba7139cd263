//! `lectern encode`: the same engine and packager, a folder instead of the store, no queue and no database.

mod folder;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use engine_host::{EngineOptions, EngineSession, FileSource, ReadAt};
use ladders::Ladder;
use media_types::{EncodePlan, ProbeReport, TrackRecord};
use pipeline::StillsOrder;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::assemble::{Storyboard, audio_record, clear_keyframes, derived_files, video_record};
use crate::error::WorkError;
use crate::track::{
    ObjectSink, OnProgress, RangeParts, SoundLevel, Stills, TrackPart, encode_audio, encode_range, make_stills,
};
use folder::Folder;

pub use folder::Staging;

/// What happened, for whoever shows it.
#[derive(Clone, Debug)]
pub enum LocalEvent {
    /// The source is known.
    Probed(Arc<ProbeReport>),
    /// The plan is made; work begins.
    Planned(Arc<EncodePlan>),
    /// Share of the whole job that is done, 0 to 1.
    Progress(f64),
}

/// What a local encode came to.
#[derive(Clone, Debug)]
pub struct LocalResult {
    /// The plan it followed.
    pub plan: Arc<EncodePlan>,
    /// Every track, as written.
    pub tracks: Vec<TrackRecord>,
    /// Planned pictures that could not be decoded, over all ranges.
    pub missing_pictures: u64,
    /// How loud the sound was and became; `None` without sound.
    pub sound: Option<SoundLevel>,
}

/// Encodes `input` into the folder `out`, which must not exist or be empty. Nothing is left there after a failure.
///
/// # Errors
/// When the source is unfit, the folder is taken, or the machine fails.
pub async fn encode_local(
    input: &Path,
    out: &Path,
    ladder: &Ladder,
    engine: &EngineOptions,
    on_event: Arc<dyn Fn(LocalEvent) + Send + Sync>,
) -> Result<LocalResult, WorkError> {
    let staging = Staging::create(out)?;
    let source: Arc<dyn ReadAt> = Arc::new(FileSource::open(input).map_err(|error| not_readable(input, &error))?);
    let mut session = EngineSession::start(engine, source.clone()).await?;
    let report = Arc::new(session.probe().await?);
    on_event(LocalEvent::Probed(report.clone()));
    let plan = Arc::new(pipeline::plan(&report, ladder)?);
    on_event(LocalEvent::Planned(plan.clone()));

    let board = Arc::new(Board::new(plan.clone(), on_event));
    let folder = Arc::new(Folder::new(staging.path()));
    let mut running = tokio::task::JoinSet::new();
    running.spawn(work(session, board.clone(), Lane::Single, folder.clone()));
    // One more than are at work: the next begins where another's decoder has nothing left to do.
    for _ in 0..board.ranges().min(crate::ranges_at_once() + 1) {
        let session = EngineSession::start(engine, source.clone()).await?;
        running.spawn(work(session, board.clone(), Lane::Ranges, folder.clone()));
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(|error| WorkError::Engine(format!("a task of the encode panicked: {error}")))??;
    }
    let result = finish(&plan, &board, &folder).await?;
    folder.examine().await?;
    staging.publish(out)?;
    Ok(result)
}

fn not_readable(input: &Path, error: &std::io::Error) -> WorkError {
    WorkError::Input {
        code: "input.not_readable".to_owned(),
        detail: format!("{} cannot be read: {error}", input.display()),
        hint: "check the path and the file's permissions".to_owned(),
    }
}

/// Sound and stills keep one processor busy each and need little memory: they are made beside the ranges, one after the
/// other, and fill what a range leaves idle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    Single,
    Ranges,
}

#[derive(Clone, Copy)]
enum Task {
    Audio,
    Stills,
    Range(usize),
}

impl Task {
    fn lane(self) -> Lane {
        match self {
            Self::Audio | Self::Stills => Lane::Single,
            Self::Range(_) => Lane::Ranges,
        }
    }
}

/// A range's right to be at work.
type Turn = OwnedSemaphorePermit;
/// From here on a range's encoders have what they need and finish on fewer processors: the next range may begin.
const NEARLY_DONE: f64 = 0.95;

#[derive(Default)]
struct Finished {
    ranges: Vec<Option<RangeParts>>,
    audio: Option<(TrackPart, SoundLevel)>,
    stills: Option<Stills>,
}

/// What is to be done and what is done.
struct Board {
    plan: Arc<EncodePlan>,
    open: Mutex<VecDeque<(usize, Task)>>,
    finished: Mutex<Finished>,
    shares: Arc<Mutex<Vec<(f64, f64)>>>,
    /// Ranges that may be at work, but for those that are nearly done.
    turns: Arc<Semaphore>,
    on_event: Arc<dyn Fn(LocalEvent) + Send + Sync>,
}

impl Board {
    fn new(plan: Arc<EncodePlan>, on_event: Arc<dyn Fn(LocalEvent) + Send + Sync>) -> Self {
        let mut tasks = Vec::new();
        let seconds = plan.duration_ms as f64 / 1000.0;
        if plan.audio.is_some() {
            tasks.push((Task::Audio, seconds * 0.02));
        }
        if let Some(video) = &plan.video {
            let pixels: f64 =
                video.renditions.iter().map(|rendition| f64::from(rendition.width) * f64::from(rendition.height)).sum();
            tasks.extend(
                video
                    .ranges
                    .iter()
                    .enumerate()
                    .map(|(index, range)| (Task::Range(index), range.frame_count as f64 * pixels / 30e6)),
            );
        }
        if plan.stills.is_some() {
            tasks.push((Task::Stills, 0.5));
        }
        let ranges = plan.video.as_ref().map_or(0, |video| video.ranges.len());
        Self {
            open: Mutex::new(tasks.iter().enumerate().map(|(slot, (task, _))| (slot, *task)).collect()),
            shares: Arc::new(Mutex::new(tasks.iter().map(|(_, weight)| (*weight, 0.0)).collect())),
            finished: Mutex::new(Finished { ranges: vec![None; ranges], ..Finished::default() }),
            turns: Arc::new(Semaphore::new(crate::ranges_at_once() as usize)),
            plan,
            on_event,
        }
    }

    fn ranges(&self) -> u32 {
        self.plan.video.as_ref().map_or(0, |video| u32::try_from(video.ranges.len()).unwrap_or(u32::MAX))
    }

    fn take(&self, lane: Lane) -> Option<(usize, Task)> {
        let mut open = lock(&self.open);
        let next = open.iter().position(|(_, task)| task.lane() == lane)?;
        open.remove(next)
    }

    /// The next task of a lane, once it may begin, and its place in the order of tasks.
    async fn next(&self, lane: Lane) -> Option<(usize, Task, Option<Turn>)> {
        let turn = match lane {
            Lane::Single => None,
            Lane::Ranges => self.turns.clone().acquire_owned().await.ok(),
        };
        let (slot, task) = self.take(lane)?;
        Some((slot, task, turn))
    }

    fn progress(self: &Arc<Self>, slot: usize, turn: Option<Turn>) -> OnProgress {
        let (board, turn) = (self.clone(), Mutex::new(turn));
        Arc::new(move |share| {
            if share >= NEARLY_DONE {
                lock(&turn).take();
            }
            let done = {
                let mut shares = lock(&board.shares);
                shares[slot].1 = share;
                let total: f64 = shares.iter().map(|(weight, _)| weight).sum();
                shares.iter().map(|(weight, share)| weight * share).sum::<f64>() / total.max(f64::MIN_POSITIVE)
            };
            (board.on_event)(LocalEvent::Progress(done));
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn work(
    mut session: EngineSession,
    board: Arc<Board>,
    lane: Lane,
    sink: Arc<dyn ObjectSink>,
) -> Result<(), WorkError> {
    let plan = board.plan.clone();
    while let Some((slot, task, turn)) = board.next(lane).await {
        let on_progress = board.progress(slot, turn);
        match (task, &plan.video, &plan.audio, &plan.stills) {
            (Task::Range(index), Some(video), _, _) => {
                let renditions: Vec<usize> = (0..video.renditions.len()).collect();
                let range = &video.ranges[index];
                let parts = encode_range(&mut session, video, range, &renditions, sink.as_ref(), on_progress).await?;
                lock(&board.finished).ranges[index] = Some(parts);
            }
            (Task::Audio, _, Some(audio), _) => {
                // A second encode has the same files, as many and as long, and takes the place of the first.
                let made = encode_audio(&mut session, audio, sink.as_ref(), sink.as_ref(), on_progress).await?;
                lock(&board.finished).audio = Some((made.part, made.level));
            }
            (Task::Stills, Some(video), _, Some(stills)) => {
                let made =
                    make_stills(&mut session, StillsOrder::new(video, stills), sink.as_ref(), on_progress).await?;
                lock(&board.finished).stills = Some(made);
            }
            _ => {}
        }
    }
    session.close().await;
    Ok(())
}

async fn finish(plan: &Arc<EncodePlan>, board: &Board, folder: &Folder) -> Result<LocalResult, WorkError> {
    let finished = std::mem::take(&mut *lock(&board.finished));
    let absent = || WorkError::Engine("a part of the encode is missing".to_owned());
    let mut tracks = Vec::new();
    let mut missing_pictures = 0;
    if let Some(video) = &plan.video {
        let ranges: Vec<RangeParts> = finished.ranges.into_iter().collect::<Option<_>>().ok_or_else(absent)?;
        missing_pictures = ranges.iter().map(|range| range.missing_pictures).sum();
        for rendition in 0..video.renditions.len() {
            tracks.push(video_record(video, rendition, ranges.iter())?);
        }
    }
    let mut sound = None;
    if let Some(audio) = &plan.audio {
        let (part, level) = finished.audio.ok_or_else(absent)?;
        tracks.push(audio_record(audio, &part)?);
        sound = Some(level);
    }
    let storyboard = match (&finished.stills, &plan.stills) {
        (Some(made), Some(planned)) => Storyboard::new(made, planned, plan.duration_ms),
        _ => None,
    };
    let keyframes = clear_keyframes(&tracks, |path| folder.read(path, None)).await?;
    for file in derived_files(&tracks, keyframes, storyboard.as_ref(), "", None)? {
        folder.put(file.path, file.bytes).await?;
    }
    Ok(LocalResult { plan: plan.clone(), tracks, missing_pictures, sound })
}

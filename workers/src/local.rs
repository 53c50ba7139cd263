//! `lectern encode`: the same engine and packager, a folder instead of the store, no queue and no database.

mod folder;

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use engine_host::{EngineOptions, EngineSession, ReadAt};
use ladders::Ladder;
use media_types::loss::joined;
use media_types::{EncodePlan, GopRange, Loss, ProbeReport, RenditionQuality, TrackRecord, VideoPlan};
use pipeline::{RecordingScenes, StillsOrder};
use serde::Serialize;

use crate::assemble::{Derived, Storyboard, audio_record, clear_keyframes, text_record, video_record};
use crate::error::WorkError;
use crate::parts::open_recording;
use crate::quality;
use crate::track::{
    Manner, ObjectSink, OnProgress, RangeParts, SoundLevel, SoundParts, TextPart, decide, encode_audio, encode_range,
    make_stills, read_text, unless_dispensable,
};
use folder::Folder;

pub use folder::Staging;

/// What happened, for whoever shows it.
#[derive(Clone, Debug)]
pub enum LocalEvent {
    /// The source is known.
    Probed(Arc<ProbeReport>),
    /// The renditions are decided by the recording's own pictures.
    Deciding,
    /// The plan is made; work begins.
    Planned(Arc<EncodePlan>),
    /// Share of the whole job, or of deciding, that is done, 0 to 1.
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
    /// What the pictures show.
    pub scenes: RecordingScenes,
    /// How good the renditions look.
    pub quality: Vec<RenditionQuality>,
    /// What of the recording is missing or damaged, and what stands in its place.
    pub losses: Vec<Loss>,
    /// How loud each sound track was and became.
    pub sound: Vec<LocalSound>,
}

/// How loud a sound track was and became.
#[derive(Clone, Debug, Serialize)]
pub struct LocalSound {
    /// Folder name of the track.
    pub track: String,
    /// Its levels.
    #[serde(flatten)]
    pub level: SoundLevel,
}

/// Encodes a recording, one file or several parts, into a folder that must not exist or be empty, `ranges_at_once` ranges at once. Nothing is left there after a
/// failure.
///
/// # Errors
/// When the source is unfit, the folder is taken, or the machine fails.
pub async fn encode_local(
    (parts, out): (&[PathBuf], &Path),
    ladder: &Ladder,
    engine: &EngineOptions,
    ranges_at_once: u32,
    on_event: Arc<dyn Fn(LocalEvent) + Send + Sync>,
) -> Result<LocalResult, WorkError> {
    let staging = Staging::create(out)?;
    let engines = Engines { options: engine.clone(), source: open_recording(parts).await? };
    let mut session = EngineSession::start(&engine.without_devices(), engines.source.clone()).await?;
    let report = Arc::new(session.probe().await?);
    on_event(LocalEvent::Probed(report.clone()));
    let mut plan = pipeline::plan(&report, ladder)?;
    if plan.per_title.is_some() {
        on_event(LocalEvent::Deciding);
        let told = on_event.clone();
        let decided =
            decide(&mut session, (&plan, &report), Arc::new(move |share| told(LocalEvent::Progress(share)))).await?;
        plan = decided.map_or(plan, EncodePlan::without_early_only);
    }
    let plan = Arc::new(plan);
    on_event(LocalEvent::Planned(plan.clone()));

    let board = Arc::new(Board::new(plan.clone(), ranges_at_once, on_event));
    let folder = Arc::new(Folder::new(staging.path()));
    let mut running = tokio::task::JoinSet::new();
    running.spawn(work(engines.clone(), session, (board.clone(), Lane::Single), folder.clone()));
    for _ in 0..board.ranges.len().min(ranges_at_once as usize) {
        let session = engines.start().await?;
        running.spawn(work(engines.clone(), session, (board.clone(), Lane::Ranges), folder.clone()));
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(|error| WorkError::Engine(format!("a task of the encode panicked: {error}")))??;
    }
    let result = finish(&plan, &board, &folder, &engine.without_devices()).await?;
    folder.examine().await?;
    staging.publish(out)?;
    Ok(result)
}

/// Decides the renditions of a file; `None` when it gets those of the ladder as they are.
///
/// # Errors
/// When the source is unfit, or the engine fails.
pub async fn decide_local(
    input: &Path,
    ladder: &Ladder,
    engine: &EngineOptions,
) -> Result<Option<EncodePlan>, WorkError> {
    let source = open_recording(&[input.to_owned()]).await?;
    let mut session = EngineSession::start(&engine.without_devices(), source).await?;
    let report = session.probe().await?;
    let plan = pipeline::plan(&report, ladder)?;
    let decided = decide(&mut session, (&plan, &report), Arc::new(|_| ())).await?;
    session.close().await;
    Ok(decided)
}

/// Starts engines for the source.
#[derive(Clone)]
struct Engines {
    options: EngineOptions,
    source: Arc<dyn ReadAt>,
}

impl Engines {
    async fn start(&self) -> Result<EngineSession, WorkError> {
        Ok(EngineSession::start(&self.options, self.source.clone()).await?)
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
    Audio(usize),
    Stills,
    Text,
    Range(usize),
}

impl Task {
    fn lane(self) -> Lane {
        match self {
            Self::Audio(_) | Self::Stills | Self::Text => Lane::Single,
            Self::Range(_) => Lane::Ranges,
        }
    }
}

/// Segments of the longest range: about five minutes. Processor time is allowed by the range, and one order names every
/// picture of its range.
const LONGEST: u32 = 75;
/// Ranges for each place, if there are several places: so that they end at about the same time.
const RANGES_PER_PLACE: u32 = 4;

/// What is encoded at a time, of so many segments. The plan's ranges are short so that they can be shared among workers and
/// little is lost with one of them; here nobody shares, and every join costs bytes and leaves processors idle.
fn stretches(segments: u32, planned: u32, places: u32) -> impl Iterator<Item = Range<u32>> {
    let share = if places > 1 { segments.div_ceil(places * RANGES_PER_PLACE).max(planned) } else { segments };
    // Evenly, so that no short one is left.
    let count = segments.div_ceil(share.clamp(1, LONGEST));
    let border = move |index: u32| (u64::from(segments) * u64::from(index) / u64::from(count)) as u32;
    (0..count).map(move |index| border(index)..border(index + 1))
}

fn ranges(video: &VideoPlan, places: u32) -> Vec<GopRange> {
    let planned = video.ranges.first().map_or(1, |range| range.segment_count);
    stretches(video.segment_count(), planned, places).map(|segments| video.range_of(segments)).collect()
}

#[derive(Default)]
struct Finished {
    ranges: Vec<Option<RangeParts>>,
    /// Nothing of a further track that could not be decoded.
    audio: Vec<Option<(SoundParts, SoundLevel)>>,
    text: Vec<TextPart>,
}

/// What is to be done and what is done.
struct Board {
    plan: Arc<EncodePlan>,
    ranges: Vec<GopRange>,
    open: Mutex<VecDeque<(usize, Task)>>,
    finished: Mutex<Finished>,
    shares: Arc<Mutex<Vec<(f64, f64)>>>,
    on_event: Arc<dyn Fn(LocalEvent) + Send + Sync>,
}

impl Board {
    fn new(plan: Arc<EncodePlan>, ranges_at_once: u32, on_event: Arc<dyn Fn(LocalEvent) + Send + Sync>) -> Self {
        let mut tasks = Vec::new();
        let seconds = plan.duration_ms as f64 / 1000.0;
        tasks.extend((0..plan.audio.len()).map(|track| (Task::Audio(track), seconds * 0.02)));
        let ranges = plan.video.as_ref().map_or_else(Vec::new, |video| ranges(video, ranges_at_once));
        if let Some(video) = &plan.video {
            let pixels: f64 =
                video.renditions.iter().map(|rendition| f64::from(rendition.width) * f64::from(rendition.height)).sum();
            let weighed =
                |(index, range): (usize, &GopRange)| (Task::Range(index), range.frame_count as f64 * pixels / 30e6);
            tasks.extend(ranges.iter().enumerate().map(weighed));
        }
        if plan.stills.is_some() {
            tasks.push((Task::Stills, 0.5));
        }
        if !plan.text.is_empty() {
            tasks.push((Task::Text, 0.5));
        }
        Self {
            open: Mutex::new(tasks.iter().enumerate().map(|(slot, (task, _))| (slot, *task)).collect()),
            shares: Arc::new(Mutex::new(tasks.iter().map(|(_, weight)| (*weight, 0.0)).collect())),
            finished: Mutex::new(Finished {
                ranges: vec![None; ranges.len()],
                audio: vec![None; plan.audio.len()],
                ..Finished::default()
            }),
            plan,
            ranges,
            on_event,
        }
    }

    /// The next task of a lane, and its place in the order of tasks.
    fn take(&self, lane: Lane) -> Option<(usize, Task)> {
        let mut open = lock(&self.open);
        let next = open.iter().position(|(_, task)| task.lane() == lane)?;
        open.remove(next)
    }

    fn progress(self: &Arc<Self>, slot: usize) -> OnProgress {
        let board = self.clone();
        Arc::new(move |share| {
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
    engines: Engines,
    mut session: EngineSession,
    (board, lane): (Arc<Board>, Lane),
    sink: Arc<dyn ObjectSink>,
) -> Result<(), WorkError> {
    let plan = board.plan.clone();
    while let Some((slot, task)) = board.take(lane) {
        let on_progress = board.progress(slot);
        match (task, &plan.video, &plan.stills) {
            (Task::Range(index), Some(video), _) => {
                let renditions: Vec<usize> = (0..video.renditions.len()).collect();
                let mut how = (&board.ranges[index], Manner::Usual);
                let told = on_progress.clone();
                let mut made = encode_range(&mut session, video, how, &renditions, sink.as_ref(), told).await;
                if let Err(error @ (WorkError::Host(_) | WorkError::Engine(_))) = &made {
                    tracing::warn!(range = index, %error, "a range failed; it is encoded again with care");
                    session = engines.start().await?;
                    how.1 = Manner::Careful;
                    made = encode_range(&mut session, video, how, &renditions, sink.as_ref(), on_progress).await;
                }
                lock(&board.finished).ranges[index] = Some(made?);
            }
            (Task::Audio(track), _, _) => {
                let audio = &plan.audio[track];
                // A second encode has the same files, as many and as long, and takes the place of the first.
                let made = encode_audio(&mut session, audio, sink.as_ref(), sink.as_ref(), on_progress).await;
                let made = unless_dispensable(track, made)?;
                lock(&board.finished).audio[track] = made.map(|made| (made.parts, made.level));
            }
            (Task::Stills, Some(video), Some(stills)) => {
                make_stills(&mut session, StillsOrder::poster(video, stills), sink.as_ref(), on_progress).await?;
            }
            (Task::Text, _, _) => {
                let made = read_text(&mut session, &plan, sink.as_ref(), on_progress).await?;
                lock(&board.finished).text = made;
            }
            _ => {}
        }
    }
    session.close().await;
    Ok(())
}

async fn finish(
    plan: &Arc<EncodePlan>,
    board: &Board,
    folder: &Folder,
    engine: &EngineOptions,
) -> Result<LocalResult, WorkError> {
    let finished = std::mem::take(&mut *lock(&board.finished));
    let absent = || WorkError::Engine("a part of the encode is missing".to_owned());
    let mut tracks = Vec::new();
    let (mut missing_pictures, mut scenes, mut quality) = (0, RecordingScenes::default(), Vec::new());
    let mut losses = plan.losses.clone();
    if let Some(video) = &plan.video {
        let ranges: Vec<RangeParts> = finished.ranges.into_iter().collect::<Option<_>>().ok_or_else(absent)?;
        missing_pictures = ranges.iter().map(|range| range.missing_pictures).sum();
        scenes = RecordingScenes::join(ranges.iter().map(|range| &range.scenes));
        losses.extend(ranges.iter().flat_map(|range| range.losses.clone()));
        quality = quality::of_ranges(plan, ranges.iter());
        quality::check(plan, &quality)?;
        for rendition in 0..video.renditions.len() {
            tracks.push(video_record(video, rendition, ranges.iter())?);
        }
    }
    let mut sound = Vec::new();
    for (audio, made) in plan.audio.iter().zip(finished.audio) {
        let Some((parts, level)) = made else { continue };
        losses.extend(parts.losses(audio));
        let records = parts.iter().map(|part| audio_record(audio, part)).collect::<Result<Vec<_>, _>>()?;
        sound.extend(records.first().map(|first| LocalSound { track: first.name.clone(), level }));
        tracks.extend(records);
    }
    for part in &finished.text {
        tracks.push(text_record(plan, part)?);
    }
    let read = |path| folder.read(path, None);
    let storyboard = Storyboard::make(engine, (plan, &scenes), &tracks, read, Arc::new(|_| ())).await?;
    let (storyboard, sheet) = storyboard.unzip();
    let keyframes = clear_keyframes(&tracks, |path| folder.read(path, None)).await?;
    let derived = Derived {
        plan,
        scenes: &scenes,
        tracks: &tracks,
        keyframes,
        storyboard: storyboard.as_ref(),
        uri_prefix: "",
        protection: None,
    };
    for file in derived.files()?.into_iter().chain(sheet) {
        folder.put(file.path, file.bytes).await?;
    }
    Ok(LocalResult { plan: plan.clone(), tracks, missing_pictures, scenes, quality, losses: joined(losses), sound })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_segment_is_encoded_once_in_few_ranges_that_end_together() {
        let lengths = |segments, places| stretches(segments, 6, places).map(|range| range.len()).collect::<Vec<_>>();
        assert!(lengths(0, 1).is_empty());
        assert_eq!(lengths(15, 1), [15]);
        assert_eq!(lengths(76, 1), [38, 38]);
        assert_eq!(lengths(15, 8), [5, 5, 5], "as the plan has them, while every place has one");
        assert_eq!(lengths(900, 4).len(), 16, "four for each place");
        for (segments, places) in [(1, 1), (2, 3), (151, 1), (900, 4), (10_801, 2)] {
            let ranges: Vec<_> = stretches(segments, 6, places).collect();
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!((ranges[0].start, ranges.last().map(|range| range.end)), (0, Some(segments)));
            assert!(ranges.iter().all(|range| (1..=LONGEST as usize).contains(&range.len())));
        }
    }
}

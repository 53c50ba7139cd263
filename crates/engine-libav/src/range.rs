//! One range: decoded once, encoded for all its renditions.
//!
//! The decoder runs on its own thread and hands shared pictures to one thread per rendition over short channels; their
//! samples meet on the calling thread, which alone talks to the sink. A slow sink stops the encoders, they the decoder.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use ff::format::context::Input;
use ff::frame;
use ffmpeg_next as ff;
use media_types::{CodecConfig, Sample, Shown};
use pipeline::{EngineError, EngineSink, RangeOrder, RangeSummary};

use crate::convert::{Converter, Target};
use crate::error::input;
use crate::pictures::{Pictures, time_of};
use crate::video::VideoEncoder;

/// Decoded pictures waiting for a rendition: enough to smooth, little enough for memory.
const PICTURES_IN_FLIGHT: usize = 4;
/// Samples waiting for the sink, over all renditions.
const SAMPLES_IN_FLIGHT: usize = 64;

/// A picture, and the frames of the range that show it: `first .. first + count`.
#[derive(Clone)]
struct Placed {
    picture: Arc<frame::Video>,
    first: u64,
    count: u32,
}

enum Made {
    Config(u32, CodecConfig),
    Sample(u32, Sample),
}

#[derive(Default)]
struct Missing {
    pictures: u64,
    first_pts: Option<i64>,
}

pub(crate) fn encode_range(
    source: Input,
    order: &RangeOrder,
    sink: &mut dyn EngineSink,
) -> Result<RangeSummary, EngineError> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let tracks = order.renditions.len();
    let (made_in, made) = sync_channel(SAMPLES_IN_FLIGHT);
    thread::scope(|scope| {
        let mut inputs = Vec::with_capacity(tracks);
        let mut encoders = Vec::with_capacity(tracks);
        for track in 0..tracks {
            let (send, receive) = sync_channel(PICTURES_IN_FLIGHT);
            inputs.push(send);
            let out = made_in.clone();
            encoders.push(scope.spawn(move || encode_track(order, track, &receive, &out)));
        }
        drop(made_in);
        let flag = cancelled.clone();
        let decoder = scope.spawn(move || decode(source, order, inputs, flag));
        let delivered = deliver(order, made, sink);
        if delivered.is_err() {
            cancelled.store(true, Ordering::Relaxed);
        }
        let results: Vec<_> =
            encoders.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(panicked()))).collect();
        let missing = decoder.join().unwrap_or_else(|_| Err(panicked()));
        // Whoever stopped only because another did says `Stopped`, so what anyone else says is the cause.
        let results = first_real(results);
        let (frames_per_track, missing) = match (delivered, missing, results) {
            (Ok(frames), Ok(missing), Ok(())) => (frames, missing),
            (delivered, missing, results) => {
                let errors = [delivered.err(), missing.err(), results.err()];
                let cause = errors.iter().flatten().find(|error| **error != EngineError::Stopped);
                return Err(cause.cloned().unwrap_or(EngineError::Stopped));
            }
        };
        Ok(RangeSummary { frames_per_track, missing_pictures: missing.pictures, first_missing_pts: missing.first_pts })
    })
}

/// The first error that is a cause and not a consequence, else any.
fn first_real(results: Vec<Result<(), EngineError>>) -> Result<(), EngineError> {
    let errors: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    let cause = errors.iter().find(|error| **error != EngineError::Stopped).or(errors.first());
    cause.cloned().map_or(Ok(()), Err)
}

fn panicked() -> EngineError {
    EngineError::Engine { detail: "a thread of the engine panicked".to_owned() }
}

fn deliver(order: &RangeOrder, made: Receiver<Made>, sink: &mut dyn EngineSink) -> Result<Vec<u64>, EngineError> {
    let total = order.frame_count() * order.renditions.len() as u64;
    let mut frames = vec![0; order.renditions.len()];
    let mut done = 0;
    for item in made {
        match item {
            Made::Config(track, config) => sink.config(track, config, 0)?,
            Made::Sample(track, sample) => {
                sink.sample(track, sample)?;
                frames[track as usize] += 1;
                done += 1;
                if done % 32 == 0 || done == total {
                    sink.progress(done / order.renditions.len().max(1) as u64, order.frame_count())?;
                }
            }
        }
    }
    Ok(frames)
}

fn encode_track(
    order: &RangeOrder,
    track: usize,
    pictures: &Receiver<Placed>,
    out: &SyncSender<Made>,
) -> Result<(), EngineError> {
    let rendition = &order.renditions[track];
    let index = track as u32;
    let mut converter = Converter::new(Target {
        width: rendition.width,
        height: rendition.height,
        rotation: order.video.rotation,
        deinterlace: order.video.deinterlace,
        full_range: false,
    });
    let mut encoder: Option<VideoEncoder> = None;
    let mut counts = std::collections::VecDeque::new();
    let mut convert =
        |converter: &mut Converter, counts: &mut std::collections::VecDeque<(u64, u32)>| -> Result<(), EngineError> {
            while let Some(mut picture) = converter.pull()? {
                let Some((first, count)) = counts.pop_front() else { break };
                if encoder.is_none() {
                    let (opened, config) = VideoEncoder::open(order, rendition, &picture)?;
                    send(out, Made::Config(index, config))?;
                    encoder = Some(opened);
                }
                let Some(encoder) = &mut encoder else { break };
                for frame in first..first + u64::from(count) {
                    encoder.push(&mut picture, frame)?;
                    drain(encoder, index, out)?;
                }
            }
            Ok(())
        };
    for placed in pictures {
        counts.push_back((placed.first, placed.count));
        converter.push(&placed.picture, placed.first.cast_signed())?;
        drop(placed);
        convert(&mut converter, &mut counts)?;
    }
    converter.finish()?;
    convert(&mut converter, &mut counts)?;
    if let Some(encoder) = &mut encoder {
        encoder.finish()?;
        drain(encoder, index, out)?;
    }
    Ok(())
}

fn drain(encoder: &mut VideoEncoder, track: u32, out: &SyncSender<Made>) -> Result<(), EngineError> {
    while let Some(sample) = encoder.pull()? {
        send(out, Made::Sample(track, sample))?;
    }
    Ok(())
}

fn send<T>(to: &SyncSender<T>, item: T) -> Result<(), EngineError> {
    to.send(item).map_err(|_| EngineError::Stopped)
}

/// Walks the frame map and the decoded pictures side by side.
fn decode(
    source: Input,
    order: &RangeOrder,
    tracks: Vec<SyncSender<Placed>>,
    cancelled: Arc<AtomicBool>,
) -> Result<Missing, EngineError> {
    let planned = &order.pictures.0;
    let Some(first) = planned.first() else { return Ok(Missing::default()) };
    let mut pictures = Pictures::new(source, order.video.stream_index, order.threads, cancelled)?;
    let mut missing = Missing::default();
    let mut place = Placer { tracks, frame: 0, last: None, owed: 0 };
    let mut at = 0;
    let mut next = pictures.seek_before(first.source_pts)?;
    while let Some(picture) = next {
        let Some(time) = time_of(&picture) else {
            next = pictures.next()?;
            continue;
        };
        while at < planned.len() && planned[at].source_pts + slack(planned, at) < time {
            missing.note(&planned[at]);
            place.absent(planned[at].frames)?;
            at += 1;
        }
        if at == planned.len() {
            break;
        }
        if time >= planned[at].source_pts - slack(planned, at) {
            place.show(picture, planned[at].frames)?;
            at += 1;
            if at == planned.len() {
                break;
            }
        }
        next = pictures.next()?;
    }
    for shown in &planned[at..] {
        missing.note(shown);
        place.absent(shown.frames)?;
    }
    if place.last.is_none() {
        return Err(input("input.undecodable", "no picture of this part of the video can be decoded"));
    }
    Ok(missing)
}

/// How far a decoded picture's time may be from the planned one: decoders and demuxers sometimes disagree by a tick.
fn slack(planned: &[Shown], at: usize) -> i64 {
    let gap = |a: usize, b: usize| Some(planned.get(b)?.source_pts - planned.get(a)?.source_pts);
    let before = at.checked_sub(1).and_then(|previous| gap(previous, at));
    let after = gap(at, at + 1);
    before.into_iter().chain(after).min().map_or(0, |gap| (gap - 1).max(0) / 2)
}

impl Missing {
    fn note(&mut self, shown: &Shown) {
        self.pictures += 1;
        self.first_pts.get_or_insert(shown.source_pts);
    }
}

struct Placer {
    tracks: Vec<SyncSender<Placed>>,
    frame: u64,
    last: Option<Arc<frame::Video>>,
    /// Frames at the start that wait for the first picture there is.
    owed: u32,
}

impl Placer {
    fn show(&mut self, picture: frame::Video, frames: u32) -> Result<(), EngineError> {
        let picture = Arc::new(picture);
        self.last = Some(picture.clone());
        let frames = frames + std::mem::take(&mut self.owed);
        self.send(picture, frames)
    }

    /// A planned picture that is not there: the one before it stays, or the first one comes early.
    fn absent(&mut self, frames: u32) -> Result<(), EngineError> {
        match self.last.clone() {
            Some(picture) => self.send(picture, frames),
            None => {
                self.owed += frames;
                Ok(())
            }
        }
    }

    fn send(&mut self, picture: Arc<frame::Video>, count: u32) -> Result<(), EngineError> {
        for track in &self.tracks {
            send(track, Placed { picture: picture.clone(), first: self.frame, count })?;
        }
        self.frame += u64::from(count);
        Ok(())
    }
}

//! One range: decoded once, encoded for all its renditions, in one pipeline.
//!
//! One thread feeds the decoder; one walks along the frame map and hands pictures to the encoding chains, which have threads of
//! their own; one per rendition takes samples out. They meet on the calling thread, which alone talks to the sink and ends the
//! pipeline when something went wrong: whoever waits for it goes on then.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use pipeline::{CodedPictures, EngineError, EngineSink, Quality, RangeOrder, RangeSummary, Walked, walk};

use crate::decode::{Decoding, Pictures};
use crate::graph::Graph;
use crate::machine::{LOOK_EVERY, Machine, engine};
use crate::track::{Made, Track};

/// Samples waiting for the sink, over all renditions.
const SAMPLES_IN_FLIGHT: usize = 64;

/// Makes the range of `order` from `coded`, as `graph` says.
pub(crate) fn encode_range(
    graph: &Graph,
    coded: Box<dyn CodedPictures>,
    order: &RangeOrder,
    sink: &mut dyn EngineSink,
) -> Result<RangeSummary, EngineError> {
    let Some(wanted) = order.pictures.0.first().map(|shown| shown.source_pts) else {
        return Err(engine("an order without pictures"));
    };
    let (stream, machine) = (coded.stream().clone(), Machine::new()?);
    let decoding = Decoding::new(&machine, graph, &stream, wanted)?;
    let tracks: Vec<Track<'_>> = (0..order.renditions.len())
        .map(|index| Track::new(&machine, order, graph, index, stream.colours))
        .collect::<Result<_, _>>()?;
    let (out, made) = sync_channel(SAMPLES_IN_FLIGHT);
    thread::scope(|scope| {
        let feeder = scope.spawn(|| machine.note(decoding.feed(coded, wanted)));
        let walker = scope.spawn(|| {
            let pixels = stream.width as usize * stream.height as usize;
            let pictures = Pictures { machine: &machine, decoding: decoding.clone(), pixels };
            let walked = walk(order, pictures, graph.may_hold, &mut |placed| {
                tracks.iter().try_for_each(|track| track.push(&placed))
            });
            tracks.iter().for_each(Track::finish);
            machine.note(walked)
        });
        let pullers: Vec<_> = tracks
            .iter()
            .map(|track| {
                let out = out.clone();
                let machine = &machine;
                scope.spawn(move || machine.note(track.pull(&out)))
            })
            .collect();
        drop(out);
        let delivered = deliver(&machine, order, &made, sink);
        // Whoever waits for the pipeline, or for a sample to be taken, goes on; what was delivered whole has no need of them.
        let fault = machine.check();
        machine.stop();
        drop(made);
        let walked = join(walker);
        let mut results = vec![fault, told(&delivered), told(&walked)];
        results.push(join(feeder));
        results.extend(pullers.into_iter().map(join));
        cause(results)?;
        let (frames_per_track, Walked { missing, first_missing_pts, scenes, losses }) = (delivered?, walked?);
        // Who judges decodes with the processor.
        let judged = if order.judge.is_some() { order.renditions.len() } else { 0 };
        Ok(RangeSummary {
            frames_per_track,
            missing_pictures: missing,
            first_missing_pts,
            quality: vec![Quality::default(); judged],
            scenes,
            losses,
        })
    })
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, Result<T, EngineError>>) -> Result<T, EngineError> {
    thread.join().unwrap_or_else(|_| Err(engine("a thread of the engine panicked")))
}

fn told<T>(result: &Result<T, EngineError>) -> Result<(), EngineError> {
    result.as_ref().map(|_| ()).map_err(Clone::clone)
}

/// The first error that is a cause: whoever stopped only because another did says `Stopped`.
fn cause(results: Vec<Result<(), EngineError>>) -> Result<(), EngineError> {
    let mut stopped = Ok(());
    for result in results {
        match result {
            Ok(()) => {}
            Err(EngineError::Stopped) => stopped = Err(EngineError::Stopped),
            Err(cause) => return Err(cause),
        }
    }
    stopped
}

fn deliver(
    machine: &Machine,
    order: &RangeOrder,
    made: &Receiver<Made>,
    sink: &mut dyn EngineSink,
) -> Result<Vec<u64>, EngineError> {
    let tracks = order.renditions.len().max(1) as u64;
    let mut frames = vec![0; order.renditions.len()];
    let mut told = 0;
    loop {
        machine.check()?;
        match made.recv_timeout(Duration::from_nanos(LOOK_EVERY.nseconds())) {
            Ok(Made::Config(track, config)) => sink.config(track, config, 0)?,
            Ok(Made::Sample(track, sample)) => {
                frames[track as usize] += u64::from(sample.duration / order.video.frame_ticks.max(1));
                sink.sample(track, sample)?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(frames),
        }
        let done = frames.iter().sum::<u64>() / tracks;
        if done > told {
            told = done;
            sink.progress(done, order.frame_count())?;
        }
    }
}

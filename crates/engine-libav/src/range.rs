//! One range: decoded once, encoded for all its renditions.
//!
//! The decoder runs on its own thread and hands shared pictures to one thread per rendition over short channels; their
//! samples meet on the calling thread, which alone talks to the sink. A slow sink stops the encoders, they the decoder.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use ff::format::context::Input;
use ffmpeg_next as ff;
use media_types::{DynamicRange, Rendition};
use pipeline::{EngineError, EngineSink, Judge, Quality, RangeOrder, RangeSummary};

use crate::judge::{Judged, References, references};
use crate::track::{Made, encode_track};
use crate::walk::walk;

/// Decoded pictures waiting for a rendition: enough to smooth, little enough for memory.
const PICTURES_IN_FLIGHT: usize = 4;
/// Samples waiting for the sink, over all renditions.
const SAMPLES_IN_FLIGHT: usize = 64;
/// Niceness of the threads of smaller renditions above that of the largest one: about a tenth of its share.
const GIVEN_WAY: libc::c_int = 10;
/// What becomes of a frame in each rendition, each half of its work: it goes into the encoder and comes out of it.
const HALVES: u64 = 2;

pub(crate) fn encode_range(
    source: Input,
    order: &RangeOrder,
    sink: &mut dyn EngineSink,
) -> Result<RangeSummary, EngineError> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let (made_in, made) = sync_channel(SAMPLES_IN_FLIGHT);
    thread::scope(|scope| {
        let mut inputs = Vec::with_capacity(order.renditions.len());
        let mut encoders = Vec::with_capacity(order.renditions.len());
        let most = order.renditions.iter().map(pixels).max().unwrap_or(0);
        for (index, rendition) in (0..).zip(&order.renditions) {
            let (send, receive) = sync_channel(PICTURES_IN_FLIGHT);
            inputs.push(send);
            let out = made_in.clone();
            let gives_way = pixels(rendition) < most;
            encoders.push(scope.spawn(move || {
                if gives_way {
                    give_way();
                }
                encode_track(order, index, rendition, &receive, &out)
            }));
        }
        let looking = order.judge.as_ref().map(|judge| {
            let (send, receive) = sync_channel(PICTURES_IN_FLIGHT);
            inputs.push(send);
            scope.spawn(move || references(order, judge, &receive))
        });
        drop(made_in);
        let flag = cancelled.clone();
        let decoder = scope.spawn(move || walk(source, order, inputs, flag));
        // Returning from `deliver` closes the channel: encoders fail to send, then the decoder does.
        let mut judged: Vec<Judged> = order.renditions.iter().map(|_| Judged::default()).collect();
        let delivered = deliver(order, made, sink, &mut judged);
        if delivered.is_err() {
            cancelled.store(true, Ordering::Relaxed);
        }
        let mut encoded = Ok(());
        for encoder in encoders {
            encoded = both(encoded, encoder.join().unwrap_or_else(|_| Err(panicked()))).map(|_| ());
        }
        let decoded = decoder.join().unwrap_or_else(|_| Err(panicked()));
        let looked = looking.map_or(Ok(Vec::new()), |thread| thread.join().unwrap_or_else(|_| Err(panicked())));
        let ((_, references), (frames_per_track, walked)) = both(both(encoded, looked), both(delivered, decoded))?;
        let quality = compare(order, judged, &references)?;
        Ok(RangeSummary {
            frames_per_track,
            missing_pictures: walked.missing,
            first_missing_pts: walked.first_missing_pts,
            quality,
            scenes: walked.scenes,
            losses: walked.losses,
        })
    })
}

/// How good each rendition is where it is judged, one thread for each; of one that is not judged, nothing.
fn compare(order: &RangeOrder, judged: Vec<Judged>, references: &References) -> Result<Vec<Quality>, EngineError> {
    let Some(judge) = &order.judge else { return Ok(Vec::new()) };
    thread::scope(|scope| {
        let compared: Vec<_> =
            judged.into_iter().map(|one| scope.spawn(move || one.quality(order, judge, references))).collect();
        compared.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(panicked()))).collect()
    })
}

/// Who judges a rendition. One of high dynamic range is left out: the references were brought to the standard one.
fn judge_of(order: &RangeOrder, track: u32) -> Option<&Judge> {
    let rendition = order.renditions.get(track as usize)?;
    order.judge.as_ref().filter(|_| rendition.encoding.dynamic_range == DynamicRange::Sdr)
}

fn pixels(rendition: &Rendition) -> u64 {
    u64::from(rendition.width) * u64::from(rendition.height)
}

/// Leaves processors to the thread that the others wait for in the end. With equal shares that one falls behind, the others have
/// nothing to do until it has caught up, and it cannot use more than one processor for that.
fn give_way() {
    // SAFETY: a plain number, for this thread alone. Where it is refused, all have equal shares.
    unsafe { libc::nice(GIVEN_WAY) };
}

/// Both results, or the error that is a cause: whoever stopped only because another did says `Stopped`.
fn both<A, B>(left: Result<A, EngineError>, right: Result<B, EngineError>) -> Result<(A, B), EngineError> {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(EngineError::Stopped), Err(cause)) | (Err(cause), _) | (_, Err(cause)) => Err(cause),
    }
}

fn panicked() -> EngineError {
    EngineError::Engine { detail: "a thread of the engine panicked".to_owned() }
}

fn deliver(
    order: &RangeOrder,
    made: Receiver<Made>,
    sink: &mut dyn EngineSink,
    judged: &mut [Judged],
) -> Result<Vec<u64>, EngineError> {
    let tracks = order.renditions.len() as u64;
    let total = order.frame_count() * tracks;
    let mut frames = vec![0; order.renditions.len()];
    let frame_ticks = order.video.frame_ticks.max(1);
    let (mut halves, mut taken, mut told) = (0, 0, 0);
    for item in made {
        match item {
            Made::Config(track, config) => {
                if judge_of(order, track).is_some() {
                    judged[track as usize].configure(&config);
                }
                sink.config(track, config, 0)?;
            }
            Made::Taken(count) => {
                taken += count;
                halves += count;
            }
            Made::Sample(track, sample) => {
                let held = u64::from(sample.duration / frame_ticks);
                if let Some(judge) = judge_of(order, track) {
                    judged[track as usize].keep(order, judge, &sample);
                }
                sink.sample(track, sample)?;
                frames[track as usize] += held;
                halves += held;
                // The picture that is held to the end was taken in with its first frame.
                if frames.iter().sum::<u64>() == total {
                    halves += total - taken;
                }
            }
        }
        let done = halves / (HALVES * tracks.max(1));
        if done > told {
            told = done;
            sink.progress(done, order.frame_count())?;
        }
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_told_and_not_the_consequence() {
        let cause = || EngineError::Engine { detail: "the encoder broke".to_owned() };
        let (fine, stopped) = (Ok::<(), EngineError>(()), Err::<(), _>(EngineError::Stopped));
        assert_eq!(both(stopped.clone(), Err::<(), _>(cause())), Err(cause()));
        assert_eq!(both(Err::<(), _>(cause()), stopped.clone()), Err(cause()));
        assert_eq!(both(fine.clone(), Err::<(), _>(cause())), Err(cause()));
        assert_eq!(both(fine.clone(), stopped.clone()), Err(EngineError::Stopped));
        assert_eq!(both(stopped.clone(), fine), Err(EngineError::Stopped));
        assert_eq!(both(stopped.clone(), stopped), Err(EngineError::Stopped));
    }
}

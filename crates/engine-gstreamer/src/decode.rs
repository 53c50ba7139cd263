//! Coded pictures in, decoded pictures out, by their times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gstreamer as gst;
use pipeline::{CodedPictures, CodedStream, DecodedPictures, EngineError};

use crate::clock::SourceClock;
use crate::graph::{Graph, has_record};
use crate::machine::{Ends, LOOK_EVERY, Machine, caps, engine};
use crate::picture::Decoded;

/// Coded pictures before the decoder, and decoded ones behind it.
const ROOM: u32 = 8;
/// A decoder that gives nothing for so many looks, with something to decode, stands still: 20 s.
const PATIENCE: u32 = 200;

/// The decoding chain of a range.
pub(crate) struct Decoding {
    ends: Ends,
    clock: SourceClock,
    /// The source is being read: the decoder has nothing to do.
    reading: AtomicBool,
}

impl Decoding {
    pub(crate) fn new(
        machine: &Machine,
        graph: &Graph,
        stream: &CodedStream,
        wanted_pts: i64,
    ) -> Result<Arc<Self>, EngineError> {
        let clock = SourceClock::new(stream.time_base, wanted_pts).ok_or_else(|| engine("the clock ticks too fast"))?;
        let ends = machine.add(&graph.decode, ROOM)?;
        let mut coded = caps(&graph.coded)?;
        if has_record(stream) {
            coded.make_mut().set("codec_data", gst::Buffer::from_slice(stream.setup.clone()));
        }
        ends.source.set_caps(Some(&coded));
        Ok(Arc::new(Self { ends, clock, reading: AtomicBool::new(true) }))
    }

    /// Feeds the decoder until its pictures, or whoever wants them, are at an end.
    pub(crate) fn feed(&self, mut coded: Box<dyn CodedPictures>, wanted_pts: i64) -> Result<(), EngineError> {
        coded.seek_before(wanted_pts)?;
        // Parameter sets behind start codes go before the first picture.
        let setup = coded.stream().setup.clone();
        let mut before = if setup.first() == Some(&0) { setup } else { Default::default() };
        loop {
            self.reading.store(true, Ordering::Relaxed);
            let next = coded.next();
            self.reading.store(false, Ordering::Relaxed);
            let Some(picture) = next? else { break };
            let Some(time) = self.clock.nanoseconds(picture.pts) else { continue };
            let data = if before.is_empty() {
                picture.data
            } else {
                [std::mem::take(&mut before), picture.data].concat().into()
            };
            let mut buffer = gst::Buffer::from_slice(data);
            if let Some(buffer) = buffer.get_mut() {
                buffer.set_pts(gst::ClockTime::from_nseconds(time));
                if !picture.keyframe {
                    buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
                }
            }
            // Refused by a chain that is being stopped, or that broke: which of the two the pipeline tells.
            if self.ends.source.push_buffer(buffer).is_err() {
                return Ok(());
            }
        }
        let _ = self.ends.source.end_of_stream();
        Ok(())
    }
}

/// What comes out of it.
pub(crate) struct Pictures<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) decoding: Arc<Decoding>,
    pub(crate) pixels: usize,
}

impl DecodedPictures for Pictures<'_> {
    type Picture = Decoded;

    fn pixels(&self) -> usize {
        self.pixels
    }

    fn next(&mut self) -> Result<Option<(i64, Decoded)>, EngineError> {
        let sink = &self.decoding.ends.sink;
        let mut looks = 0;
        loop {
            if let Some(sample) = sink.try_pull_sample(LOOK_EVERY) {
                let Some(buffer) = sample.buffer_owned() else { continue };
                let Some(time) = buffer.pts().and_then(|time| self.decoding.clock.ticks(time.nseconds())) else {
                    continue;
                };
                let caps = sample.caps_owned().ok_or_else(|| engine("a decoded picture has no form"))?;
                let picture = Decoded::new(buffer, caps).ok_or_else(|| engine("a decoded picture has no size"))?;
                self.pixels = picture.pixels();
                return Ok(Some((time, picture)));
            }
            self.machine.check()?;
            if sink.is_eos() {
                return Ok(None);
            }
            looks = if self.decoding.reading.load(Ordering::Relaxed) { 0 } else { looks + 1 };
            if looks > PATIENCE {
                return Err(engine("the decoder stands still"));
            }
        }
    }
}

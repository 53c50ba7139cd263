//! Samples that nobody has seen yet.
//!
//! What a device made is given out when the range is whole and right. Until then another engine can begin it anew.

use bytes::Bytes;
use media_types::{CodecConfig, Sample};
use pipeline::{EngineSink, RangeCheck, RangeFault, RangeOrder, Stop, TextCue};

/// Most bytes that are held: a range whose samples are more than that is not made here.
const MAX_BYTES: u64 = 256 << 20;

enum Kept {
    Config(u32, CodecConfig),
    Sample(u32, Sample),
}

/// Keeps a range until it is whole; progress is told at once.
pub(crate) struct Held<'a> {
    sink: &'a mut dyn EngineSink,
    check: RangeCheck,
    kept: Vec<Kept>,
    bytes: u64,
    fault: Option<String>,
    stopped: bool,
    told: u64,
}

impl<'a> Held<'a> {
    pub(crate) fn new(order: &RangeOrder, sink: &'a mut dyn EngineSink) -> Self {
        let check = RangeCheck::new(order);
        Self { sink, check, kept: Vec::new(), bytes: 0, fault: None, stopped: false, told: 0 }
    }

    /// Whether it was the caller who wanted no more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Why what came is not what was ordered, as far as it came.
    pub(crate) fn fault(&self) -> Option<String> {
        self.fault.clone()
    }

    /// How far the caller was told.
    pub(crate) fn told(&self) -> u64 {
        self.told
    }

    /// That the range is whole and right.
    pub(crate) fn finish(&self) -> Result<(), RangeFault> {
        self.check.finish()
    }

    /// Gives all of it out.
    pub(crate) fn give(self) -> Result<(), Stop> {
        for kept in self.kept {
            match kept {
                Kept::Config(track, config) => self.sink.config(track, config, 0)?,
                Kept::Sample(track, sample) => self.sink.sample(track, sample)?,
            }
        }
        Ok(())
    }
}

impl EngineSink for Held<'_> {
    fn config(&mut self, track: u32, config: CodecConfig, _: u32) -> Result<(), Stop> {
        self.kept.push(Kept::Config(track, config));
        Ok(())
    }

    fn sample(&mut self, track: u32, sample: Sample) -> Result<(), Stop> {
        self.bytes = self.bytes.saturating_add(sample.data.len() as u64);
        if self.bytes > MAX_BYTES {
            self.fault = Some("the range is too large to be held".to_owned());
        }
        if let Err(fault) = self.check.sample(track, &sample) {
            self.fault = Some(fault.to_string());
        }
        self.kept.push(Kept::Sample(track, sample));
        if self.fault.is_some() { Err(Stop) } else { Ok(()) }
    }

    fn image(&mut self, _: &str, _: Bytes) -> Result<(), Stop> {
        Err(Stop)
    }

    fn cue(&mut self, _: u32, _: TextCue) -> Result<(), Stop> {
        Err(Stop)
    }

    fn progress(&mut self, done: u64, total: u64) -> Result<(), Stop> {
        self.told = done;
        self.sink.progress(done, total).inspect_err(|_| self.stopped = true)
    }
}

/// Does not tell the caller again of what was done in vain.
pub(crate) struct Onward<'a> {
    pub(crate) sink: &'a mut dyn EngineSink,
    pub(crate) told: u64,
}

impl EngineSink for Onward<'_> {
    fn config(&mut self, track: u32, config: CodecConfig, priming_samples: u32) -> Result<(), Stop> {
        self.sink.config(track, config, priming_samples)
    }

    fn sample(&mut self, track: u32, sample: Sample) -> Result<(), Stop> {
        self.sink.sample(track, sample)
    }

    fn image(&mut self, name: &str, jpeg: Bytes) -> Result<(), Stop> {
        self.sink.image(name, jpeg)
    }

    fn cue(&mut self, track: u32, cue: TextCue) -> Result<(), Stop> {
        self.sink.cue(track, cue)
    }

    fn progress(&mut self, done: u64, total: u64) -> Result<(), Stop> {
        if done > self.told { self.sink.progress(done, total) } else { Ok(()) }
    }
}

//! The engine's sink: every call is a message, and blocks while the parent does not read.

use std::sync::Arc;

use bytes::Bytes;
use media_types::{CodecConfig, Sample};
use pipeline::{EngineSink, Stop, TextCue};

use super::link::{Link, SendError};
use crate::protocol::FromChild;

pub(super) struct SocketSink {
    link: Arc<Link>,
    fault: Option<String>,
}

impl SocketSink {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link, fault: None }
    }

    /// What the engine made that cannot be sent.
    pub(super) fn into_fault(self) -> Option<String> {
        self.fault
    }

    fn send(&mut self, message: &FromChild, payload: &[u8]) -> Result<(), Stop> {
        if self.fault.is_some() || self.link.is_stopped() {
            return Err(Stop);
        }
        self.link.send(message, payload).map_err(|error| {
            if let SendError::Protocol(error) = error {
                self.fault = Some(format!("the engine made {error}"));
            }
            Stop
        })
    }
}

impl EngineSink for SocketSink {
    fn config(&mut self, track: u32, config: CodecConfig, priming_samples: u32) -> Result<(), Stop> {
        self.send(&FromChild::Config { track, config, priming_samples }, &[])
    }

    fn sample(&mut self, track: u32, sample: Sample) -> Result<(), Stop> {
        let Sample { dts, pts, duration, keyframe, data } = sample;
        self.send(&FromChild::Sample { track, dts, pts, duration, keyframe }, &data)
    }

    fn image(&mut self, name: &str, jpeg: Bytes) -> Result<(), Stop> {
        self.send(&FromChild::Image { name: name.to_owned() }, &jpeg)
    }

    fn cue(&mut self, track: u32, cue: TextCue) -> Result<(), Stop> {
        self.send(&FromChild::Cue { track, cue }, &[])
    }

    fn progress(&mut self, done: u64, total: u64) -> Result<(), Stop> {
        self.send(&FromChild::Progress { done, total }, &[])
    }
}

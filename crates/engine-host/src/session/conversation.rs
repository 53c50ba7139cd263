//! One command, from its order to its last message.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use media_types::Sample;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::EngineEvent;
use super::expected::Expected;
use super::link::{Failure, Fetched, Link};
use crate::EngineHostError;
use crate::protocol::{FromChild, Limits, ProtocolError, ToChild};

/// How long an engine may take to stop before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// A source that was read so many times over, and this much more, with nothing made of it, is read in circles.
const READ_OVER: u64 = 256;
const READ_ANYWAY_BYTES: u64 = 64 << 20;

pub(super) struct Conversation {
    limits: Limits,
    events: Option<mpsc::Sender<EngineEvent>>,
    expected: Expected,
    /// Asked for since the engine last handed something over.
    read_bytes: u64,
    /// The receiver of the events is gone and the engine was told.
    pub(super) stopping: bool,
    /// The first read that failed.
    pub(super) source_fault: Option<io::Error>,
}

enum Step {
    Fetched(Fetched),
    Message(FromChild, Bytes),
    Unwanted,
    Late,
}

impl Conversation {
    pub(super) fn new(limits: Limits, expected: Expected, events: Option<mpsc::Sender<EngineEvent>>) -> Self {
        Self { limits, events, expected, read_bytes: 0, stopping: false, source_fault: None }
    }

    /// The last message: a result or a failure. A failure of this function leaves the link of no use.
    pub(super) async fn run(&mut self, link: &mut Link, order: &ToChild) -> Result<FromChild, Failure> {
        link.send(order, &[]).await?;
        let mut deadline = Instant::now() + link.stall;
        loop {
            let moved = match self.step(link, deadline).await? {
                Step::Late => return Err(self.late(link).into()),
                Step::Unwanted => {
                    self.stopping = true;
                    deadline = Instant::now() + STOP_WITHIN.min(link.stall);
                    link.send(&ToChild::Stop, &[]).await?;
                    false
                }
                Step::Fetched(fetched) => {
                    self.reply(link, fetched).await?;
                    self.reads_on(link)
                }
                Step::Message(FromChild::Read { offset, length, ahead }, _) => {
                    link.fetch(offset, length, ahead)?;
                    self.read_bytes = self.read_bytes.saturating_add(length.into());
                    self.reads_on(link)
                }
                Step::Message(message, payload) => match self.event(message, payload)? {
                    Heard::Last(last) => return Ok(last),
                    Heard::Event { event, moved } => {
                        if moved {
                            self.read_bytes = 0;
                        }
                        let ready = Instant::now();
                        self.deliver(event).await;
                        // The receiver took this long, not the engine.
                        deadline += ready.elapsed();
                        moved
                    }
                },
            };
            if moved && !self.stopping {
                deadline = Instant::now() + link.stall;
            } else if Instant::now() >= deadline {
                // A child that always has something to say would never let the timer have its turn.
                return Err(self.late(link).into());
            }
        }
    }

    /// Whether a read is a step forward.
    fn reads_on(&self, link: &Link) -> bool {
        self.read_bytes <= link.source_size().saturating_mul(READ_OVER).saturating_add(READ_ANYWAY_BYTES)
    }

    async fn step(&self, link: &mut Link, deadline: Instant) -> Result<Step, Failure> {
        let unwanted = async {
            match &self.events {
                Some(events) => events.closed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(fetched) = link.reads.next(), if !link.reads.is_empty() => Ok(Step::Fetched(fetched)),
            () = unwanted, if !self.stopping => Ok(Step::Unwanted),
            frame = link.frames.next(self.limits) => frame.map(|(message, payload)| Step::Message(message, payload)),
            () = sleep_until(deadline) => Ok(Step::Late),
        }
    }

    fn late(&self, link: &Link) -> EngineHostError {
        if self.stopping {
            EngineHostError::Stopped
        } else if link.reads.is_empty() || !self.reads_on(link) {
            EngineHostError::Stalled { after: link.stall }
        } else {
            EngineHostError::Source(io::Error::new(io::ErrorKind::TimedOut, "its bytes did not come in time"))
        }
    }

    async fn reply(&mut self, link: &mut Link, fetched: Fetched) -> Result<(), Failure> {
        let offset = fetched.offset;
        match fetched.bytes {
            Ok(bytes) => link.send(&ToChild::ReadReply { offset, error: None }, &bytes).await,
            Err(error) => {
                // The parent keeps the cause: the child needs none, and it may name places it should not know.
                let reply = ToChild::ReadReply { offset, error: Some("the source could not be read".into()) };
                if !fetched.ahead {
                    self.source_fault.get_or_insert(error);
                }
                link.send(&reply, &[]).await
            }
        }
    }

    fn event(&mut self, message: FromChild, payload: Bytes) -> Result<Heard, ProtocolError> {
        let event = match message {
            FromChild::Config { track, config, priming_samples } => {
                self.expected.config(track, &config, priming_samples)?;
                EngineEvent::Config { track, config, priming_samples }
            }
            FromChild::Sample { track, dts, pts, duration, keyframe } => {
                let sample = Sample { dts, pts, duration, keyframe, data: payload };
                self.expected.sample(track, &sample)?;
                EngineEvent::Sample { track, sample }
            }
            FromChild::Image { name } => {
                self.expected.image(&name)?;
                EngineEvent::Image { name, jpeg: payload }
            }
            FromChild::Cue { track, cue } => {
                self.expected.cue(track, &cue)?;
                EngineEvent::Cue { track, cue }
            }
            FromChild::Progress { done, total } => {
                let moved = self.expected.progress(done, total)?;
                return self.wanted(EngineEvent::Progress { done, total }, moved);
            }
            failed @ FromChild::Failed(_) => return Ok(Heard::Last(failed)),
            last => {
                self.expected.end()?;
                return Ok(Heard::Last(last));
            }
        };
        self.wanted(event, true)
    }

    fn wanted(&self, event: EngineEvent, moved: bool) -> Result<Heard, ProtocolError> {
        match self.events {
            Some(_) => Ok(Heard::Event { event, moved }),
            None => Err(ProtocolError::Unexpected("output that was not ordered")),
        }
    }

    /// Waits for room; nothing is read from the child meanwhile, which holds it back.
    async fn deliver(&self, event: EngineEvent) {
        if let Some(events) = &self.events
            && !self.stopping
        {
            // A receiver that is gone is noticed by the next step.
            let _ = events.send(event).await;
        }
    }
}

enum Heard {
    Last(FromChild),
    Event { event: EngineEvent, moved: bool },
}

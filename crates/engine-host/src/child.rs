//! The child's end: runs an engine behind the socket. Blocking, without a runtime.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use media_types::AudioPlan;
use pipeline::{AudioOrder, Engine, EngineError, RangeOrder, SourceRead, StillsOrder, TextOrder};
use thiserror::Error;

use crate::protocol::{Confinement, FromChild, MAX_READS_IN_FLIGHT, PROTOCOL_VERSION, ProtocolError, ToChild};

mod arguments;
mod link;
mod sink;
mod source;

pub use arguments::{Arguments, UsageError};
use link::Link;
use sink::SocketSink;
use source::{RemoteSource, Reply};

/// Why serving ended other than by the parent hanging up.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The parent broke the protocol.
    #[error("lectern sent {0}")]
    Protocol(#[source] ProtocolError),
    /// The socket failed.
    #[error("the socket to lectern failed: {0}")]
    Socket(#[from] io::Error),
    /// The two executables come from different releases.
    #[error("lectern speaks engine protocol {theirs} and lectern-engine speaks {ours}: install both from one release")]
    Version {
        /// Of this executable.
        ours: u32,
        /// Of the parent.
        theirs: u32,
    },
}

impl From<ProtocolError> for ServeError {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::Version { theirs } => Self::Version { ours: PROTOCOL_VERSION, theirs },
            error => Self::Protocol(error),
        }
    }
}

enum Command {
    Probe,
    Range(Box<RangeOrder>),
    Measure(Box<AudioPlan>),
    Audio(Box<AudioOrder>),
    Stills(Box<StillsOrder>),
    Text(Box<TextOrder>),
}

/// Hangs up however serving ends, also when the engine panics, so that the reader's thread ends too.
struct HangUp(Arc<Link>);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

/// Serves one session on `socket` until the parent hangs up, then returns.
///
/// `open` is called once, with the parent's source; the engine stays on the calling thread. Reads, samples and progress
/// block while the parent is busy elsewhere. `confinement` is what this process has given up.
///
/// # Errors
/// When the parent breaks the protocol, has another version, or the socket fails.
pub fn serve(
    socket: OwnedFd,
    confinement: Confinement,
    open: impl FnOnce(Box<dyn SourceRead>) -> Result<Box<dyn Engine>, EngineError>,
) -> Result<(), ServeError> {
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    let link = Arc::new(Link::new(stream));
    let _hang_up = HangUp(Arc::clone(&link));
    let Some(size) = greet(&link)? else { return Ok(()) };

    let (commands_in, commands) = sync_channel(1);
    let (replies_in, replies) = sync_channel(MAX_READS_IN_FLIGHT);
    let reader = {
        let link = Arc::clone(&link);
        thread::Builder::new().name("engine-reader".into()).spawn(move || {
            let outcome = dispatch(&link, &commands_in, &replies_in);
            // Nothing can be asked of a parent that is gone or confused.
            link.stop();
            outcome
        })?
    };
    let source = RemoteSource::new(Arc::clone(&link), size, replies);
    let served = run(&link, confinement, open(Box::new(source)), &commands);
    link.hang_up();
    match reader.join() {
        Ok(outcome) => outcome.and(served),
        Err(_) => served,
    }
}

/// The size of the source; `None` when the parent hung up.
fn greet(link: &Link) -> Result<Option<u64>, ServeError> {
    match link.receive() {
        Ok(None) => Ok(None),
        Ok(Some((ToChild::Open { size, .. }, _))) => Ok(Some(size)),
        Ok(Some(_)) => Err(ProtocolError::Unexpected("the first one must be Open").into()),
        Err(error @ ServeError::Version { .. }) => {
            let (protocol_version, confinement) = (PROTOCOL_VERSION, Confinement::None);
            link.send(&FromChild::Ready { protocol_version, identity: String::new(), confinement }, &[])?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

fn dispatch(link: &Link, commands: &SyncSender<Command>, replies: &SyncSender<Reply>) -> Result<(), ServeError> {
    while let Some((message, payload)) = link.receive()? {
        let command = match message {
            ToChild::Open { .. } => return Err(ProtocolError::Unexpected("a second Open").into()),
            ToChild::Stop => {
                link.stop();
                continue;
            }
            ToChild::ReadReply { offset, error } => {
                let reply = Reply { offset, bytes: error.map_or(Ok(payload), Err) };
                match replies.try_send(reply) {
                    // Whoever asked is gone; the command ends anyway.
                    Ok(()) | Err(TrySendError::Disconnected(_)) => continue,
                    Err(TrySendError::Full(_)) => {
                        return Err(ProtocolError::Unexpected("a read reply nobody asked for").into());
                    }
                }
            }
            ToChild::Probe => Command::Probe,
            ToChild::EncodeRange(order) => Command::Range(order),
            ToChild::MeasureAudio(plan) => Command::Measure(plan),
            ToChild::EncodeAudio(order) => Command::Audio(order),
            ToChild::Stills(order) => Command::Stills(order),
            ToChild::ReadText(order) => Command::Text(order),
        };
        // Messages come in order: a Stop before this command was meant for an earlier one.
        link.resume();
        match commands.try_send(command) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(ProtocolError::Unexpected("a command during another").into()),
            Err(TrySendError::Disconnected(_)) => return Ok(()),
        }
    }
    Ok(())
}

fn run(
    link: &Arc<Link>,
    confinement: Confinement,
    opened: Result<Box<dyn Engine>, EngineError>,
    commands: &Receiver<Command>,
) -> Result<(), ServeError> {
    let mut engine = match opened {
        Ok(engine) => engine,
        Err(error) => return answer(link, &FromChild::Failed(error)),
    };
    let (protocol_version, identity) = (PROTOCOL_VERSION, engine.identity());
    answer(link, &FromChild::Ready { protocol_version, identity, confinement })?;
    while let Ok(command) = commands.recv() {
        let mut sink = SocketSink::new(Arc::clone(link));
        let outcome = match &command {
            Command::Probe => engine.probe().map(|report| FromChild::Probed(Box::new(report))),
            Command::Range(order) => engine.encode_range(order, &mut sink).map(FromChild::RangeDone),
            Command::Measure(plan) => engine.measure_audio(plan).map(FromChild::AudioMeasured),
            Command::Audio(order) => engine.encode_audio(order, &mut sink).map(FromChild::AudioDone),
            Command::Stills(order) => engine.stills(order, &mut sink).map(FromChild::StillsDone),
            Command::Text(order) => engine.read_text(order, &mut sink).map(FromChild::TextDone),
        };
        let message = match (outcome, sink.into_fault()) {
            (_, Some(detail)) => FromChild::Failed(EngineError::Engine { detail }),
            (Ok(done), None) => done,
            // Reads fail after a stop, which an engine may take for a broken source.
            (Err(_), None) if link.is_stopped() => FromChild::Failed(EngineError::Stopped),
            (Err(error), None) => FromChild::Failed(error),
        };
        answer(link, &message)?;
    }
    Ok(())
}

/// Sends the end of a command, or that it cannot be said.
fn answer(link: &Link, message: &FromChild) -> Result<(), ServeError> {
    match link.send(message, &[]) {
        Ok(()) => Ok(()),
        Err(link::SendError::Socket(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(link::SendError::Protocol(ProtocolError::Oversized { .. })) => {
            let error = EngineError::Input {
                code: "input.too_long".into(),
                detail: "the source has more pictures than can be listed".into(),
            };
            Ok(link.send(&FromChild::Failed(error), &[])?)
        }
        Err(error) => Err(error.into()),
    }
}

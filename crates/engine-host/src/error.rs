//! What can go wrong in an engine session, and whose fault it is.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::protocol::{PROTOCOL_VERSION, ProtocolError};

/// Why a session or one of its commands gave no result.
///
/// Texts that came from the child are shortened and free of control characters.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineHostError {
    /// The source is at fault; trying again gives the same.
    #[error("{code}: {detail}")]
    Input {
        /// Stable and dotted, such as `input.unreadable`.
        code: String,
        /// One clause for a person.
        detail: String,
    },
    /// The engine or its machine is at fault.
    #[error("the engine failed: {detail}")]
    Engine {
        /// One clause for an operator.
        detail: String,
    },
    /// The receiver of the events was dropped; the session can be used again unless the engine did not stop in time.
    #[error("stopped by the caller")]
    Stopped,
    /// Nothing moved for so long; the child was killed.
    #[error("the engine stood still for {} s", after.as_secs())]
    Stalled {
        /// How long nothing moved.
        after: Duration,
    },
    /// The child ended by itself.
    #[error("the engine ended: {how}{}{stderr_tail}", if stderr_tail.is_empty() { "" } else { "; it last said: " })]
    Died {
        /// Exit status or signal.
        how: String,
        /// The end of what it wrote to its standard error.
        stderr_tail: String,
    },
    /// The child broke the protocol and was killed.
    #[error("the engine sent {0}")]
    Protocol(#[source] ProtocolError),
    /// The two executables come from different releases.
    #[error("lectern speaks engine protocol {ours} and lectern-engine speaks {theirs}: install both from one release")]
    Version {
        /// Of this executable.
        ours: u32,
        /// Of the child.
        theirs: u32,
    },
    /// An earlier command was given up or killed the child: start a new session.
    #[error("the engine session is over")]
    Closed,
    /// There is no `lectern-engine`.
    #[error("lectern-engine is not at {}: install it there or name it in LECTERN_ENGINE", looked.display())]
    NotFound {
        /// Where it should have been.
        looked: PathBuf,
    },
    /// The child could not be started.
    #[error("{} could not be started: {source}", program.display())]
    Spawn {
        /// What was started.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The source's bytes could not be read.
    #[error("the source could not be read: {0}")]
    Source(#[source] io::Error),
}

impl From<ProtocolError> for EngineHostError {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::Version { theirs } => Self::Version { ours: PROTOCOL_VERSION, theirs },
            error => Self::Protocol(error),
        }
    }
}

impl EngineHostError {
    /// A stable dotted name, such as `input.unreadable` or `engine.stalled`.
    pub fn code(&self) -> &str {
        match self {
            Self::Input { code, .. } => code,
            Self::Engine { .. } => "engine.failed",
            Self::Stopped => "engine.stopped",
            Self::Stalled { .. } => "engine.stalled",
            Self::Died { .. } => "engine.died",
            Self::Protocol(_) => "engine.protocol",
            Self::Version { .. } => "engine.version",
            Self::Closed => "engine.closed",
            Self::NotFound { .. } => "engine.not_found",
            Self::Spawn { .. } => "engine.spawn",
            Self::Source(_) => "source.unreadable",
        }
    }

    /// Whether the source itself is at fault, so that another attempt is pointless.
    pub fn is_input_fault(&self) -> bool {
        matches!(self, Self::Input { .. })
    }
}

/// At most this many characters of a text from the child are kept.
const MAX_TEXT_CHARS: usize = 600;

/// A text from the child as it may be logged and shown.
pub(crate) fn clean(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// An error code from the child, or the one for unnamed faults.
pub(crate) fn clean_code(code: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_');
    let fine = code.starts_with("input.") && code.len() <= 64 && code.chars().all(plain);
    if fine { code.to_owned() } else { "input.unreadable".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_the_child_hold_no_control_characters_and_are_short() {
        assert_eq!(clean("a\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(clean(&"ä".repeat(5000)).chars().count(), MAX_TEXT_CHARS);
    }

    #[test]
    fn a_code_from_the_child_is_an_input_code() {
        assert_eq!(clean_code("input.no_media"), "input.no_media");
        for bad in ["", "engine.failed", "input.\n", "input.A", &format!("input.{}", "x".repeat(99))] {
            assert_eq!(clean_code(bad), "input.unreadable", "{bad:?}");
        }
    }
}

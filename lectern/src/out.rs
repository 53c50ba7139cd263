//! Standard output and standard error. Whoever reads them may go away (`| head -1`), which is no failure: the command does
//! its work to the end and has its own exit code.

use std::fmt;
use std::io::{ErrorKind, Write};

use crate::exit::Failure;

/// Writes a line to standard output, at once.
pub(crate) fn line(text: impl fmt::Display) -> Result<(), Failure> {
    print(format_args!("{text}\n"))
}

/// Writes `text` to standard output as it is, at once.
pub(crate) fn print(text: impl fmt::Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let detail = format!("standard output cannot be written: {error}");
            Err(Failure::failed("output.failed", detail, "free some space, or send it elsewhere"))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error; one that cannot be written is lost.
pub(crate) fn note(text: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

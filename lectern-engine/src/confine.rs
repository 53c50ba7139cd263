//! What the process gives up before it touches media.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::net::AddressFamily;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use thiserror::Error;

/// Open files: the standard three, the socket, and some that libraries open for a moment.
const MAX_OPEN_FILES: u64 = 32;
/// Threads. The kernel counts all of the user's, so that a lower limit would fail on a busy machine.
const MAX_USER_THREADS: u64 = 8192;

/// Why the process does not serve.
#[derive(Debug, Error)]
pub(crate) enum ConfineError {
    /// Its standard input is something else.
    #[error("lectern-engine is started by lectern, which gives it a socket as its standard input")]
    NoSocket,
    /// A right could not be given up.
    #[error("lectern-engine could not confine itself: {what}: {source}")]
    Refused { what: &'static str, source: io::Error },
}

fn refused<E: Into<io::Error>>(what: &'static str) -> impl Fn(E) -> ConfineError {
    move |source| ConfineError::Refused { what, source: source.into() }
}

/// The socket that is the standard input, which then becomes `/dev/null`.
pub(crate) fn take_socket() -> Result<OwnedFd, ConfineError> {
    let stdin = io::stdin();
    match rustix::net::sockopt::socket_domain(stdin.as_fd()) {
        Ok(AddressFamily::UNIX) => {}
        Ok(_) | Err(_) => return Err(ConfineError::NoSocket),
    }
    let socket = stdin.as_fd().try_clone_to_owned().map_err(refused("its socket"))?;
    let null = File::open("/dev/null").map_err(refused("/dev/null"))?;
    // SAFETY: dup2 takes two plain numbers; 0 stays open, and nothing has read from or buffered it.
    if unsafe { libc::dup2(null.as_raw_fd(), 0) } < 0 {
        return Err(refused("its standard input")(io::Error::last_os_error()));
    }
    Ok(socket)
}

/// Gives up files, memory, core dumps, new rights and outliving the parent; `socket` stays.
pub(crate) fn confine(socket: &OwnedFd, memory_bytes: u64, nice: u8) -> Result<(), ConfineError> {
    // A parent that is already gone has closed the socket, which ends the session at its first message.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(refused("parent death signal"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused("dumpable"))?;
    no_new_rights()?;
    close_others(socket)?;
    rustix::process::nice(nice.into()).map_err(refused("niceness"))?;
    for (resource, limit, what) in [
        (Resource::As, memory_bytes, "address space"),
        (Resource::Nofile, MAX_OPEN_FILES, "open files"),
        (Resource::Nproc, MAX_USER_THREADS, "threads"),
        (Resource::Core, 0, "core dumps"),
        (Resource::Fsize, 0, "file size"),
    ] {
        // A lower limit that was already set stays, and could not be raised anyway.
        let limit = rustix::process::getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit));
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        rustix::process::setrlimit(resource, limit).map_err(refused(what))?;
    }
    Ok(())
}

fn no_new_rights() -> Result<(), ConfineError> {
    let (on, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
    // SAFETY: this operation takes numbers only and touches no memory of the process.
    match unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, on, unused, unused, unused) } {
        0 => Ok(()),
        _ => Err(refused("no new privileges")(io::Error::last_os_error())),
    }
}

/// Closes what the parent may have leaked into the child.
fn close_others(socket: &OwnedFd) -> Result<(), ConfineError> {
    let kept = socket.as_raw_fd().unsigned_abs();
    for (first, last) in [(3, kept.saturating_sub(1)), (kept + 1, libc::c_uint::MAX)] {
        // SAFETY: only the main thread runs and the only open descriptor above 2 that anything owns is `socket`.
        if first <= last && unsafe { libc::close_range(first, last, 0) } != 0 {
            return Err(refused("other files")(io::Error::last_os_error()));
        }
    }
    Ok(())
}

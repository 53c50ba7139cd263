//! What a session makes of an engine that comes upon its walls.

use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use engine_host::{EngineHostError, EngineOptions, EngineSession, FileSource};
use lectern_engine::confine;

use crate::attempts::{ATTEMPTS, Reach};

/// Names of this program under which it is an engine, followed by what the engine does instead of serving.
pub(crate) const TRAITOR: &str = "traitor-";
const SPINS: &str = "spins";

/// An engine that confines itself and then does something else.
pub(crate) fn betray(what: &str) -> ExitCode {
    let socket = confine::take_socket().unwrap();
    confine::confine(Some(&socket), 1 << 30, 0).unwrap();
    if what == SPINS {
        loop {
            std::hint::spin_loop();
        }
    }
    let attempt = ATTEMPTS.iter().find(|attempt| attempt.name == what).unwrap();
    let _ = (attempt.act)(&Reach { socket: socket.as_fd(), room: "/".as_ref() });
    ExitCode::SUCCESS
}

/// How a session with such an engine fails.
fn session_with(what: &str, stall: Duration) -> EngineHostError {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join(format!("{TRAITOR}{what}"));
    std::os::unix::fs::symlink(std::env::current_exe().unwrap(), &program).unwrap();
    let options = EngineOptions { stall, ..EngineOptions::new(program) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let source = Arc::new(FileSource::open("/proc/self/exe".as_ref()).unwrap());
        let start = tokio::time::timeout(Duration::from_secs(60), EngineSession::start(&options, source));
        start.await.expect("it hangs").err().unwrap()
    })
}

pub(crate) fn a_wall_fails_the_session_by_name() {
    for what in ["connects_out", "forks", "runs_a_program", "makes_a_file"] {
        let error = session_with(what, Duration::from_secs(60));
        assert_eq!(error.code(), "engine.died", "{what}: {error}");
        assert!(error.to_string().contains("it tried something that it must not"), "{what}: {error}");
        assert!(error.to_string().contains("signal: 31"), "{what}: {error}");
    }
}

pub(crate) fn spinning_is_ended() {
    let error = session_with(SPINS, Duration::from_millis(200));
    assert_eq!(error.code(), "engine.stalled", "{error}");
}

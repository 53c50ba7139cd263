//! One attempt in a process of its own: how it is started, and how it ended.

use std::io::{self, Read};
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;

use lectern_engine::confine::{self, files};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

use crate::attempts::{ATTEMPTS, Reach, WORK};

/// What an attempt is made behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walls {
    None,
    /// Landlock and nothing else.
    Landlock,
    /// What an engine does on a kernel that has no Landlock.
    WithoutLandlock,
    All,
    /// The same, tried by a thread that was there before: some libraries start theirs while they are loaded.
    AllButOlder,
    /// What an engine does that uses a device.
    Device,
}

const WALLS: [(Walls, &str); 6] = [
    (Walls::None, "none"),
    (Walls::Landlock, "landlock"),
    (Walls::WithoutLandlock, "without-landlock"),
    (Walls::All, "all"),
    (Walls::AllButOlder, "all-but-older"),
    (Walls::Device, "device"),
];

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It worked.
    Escaped,
    /// It was answered with this error.
    Refused(i32),
    /// It ended the process, with this signal.
    Killed(i32),
}

#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) end: End,
    /// What it wrote to its standard error.
    pub(crate) said: String,
}

/// Makes the attempt called `name`, and waits for its end.
pub(crate) fn run(name: &str, walls: Walls) -> Trial {
    let room = tempfile::tempdir().unwrap();
    std::fs::write(room.path().join(Reach::FILE), "kept").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::os::unix::fs::symlink(port, room.path().join(Reach::PORT)).unwrap();
    let (_ours, theirs) = UnixStream::pair().unwrap();
    let walls_name = WALLS.iter().find(|(known, _)| *known == walls).unwrap().1;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["try", name, walls_name])
        .arg(room.path())
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let status = child.wait().unwrap();
    let last = said.lines().last().unwrap_or_default();
    let end = match (status.signal(), last.strip_prefix("refused ").and_then(|errno| errno.parse().ok())) {
        (Some(signal), _) => End::Killed(signal),
        (None, Some(errno)) => End::Refused(errno),
        (None, None) if last == "escaped" => End::Escaped,
        (None, None) => panic!("{name} behind {walls:?}: {status}: {said}"),
    };
    if walls != Walls::None {
        assert_eq!(std::fs::read(room.path().join(Reach::FILE)).unwrap(), b"kept", "{name} behind {walls:?}");
    }
    Trial { end, said }
}

/// The other side of [`run`]: makes the attempt and says how it went.
pub(crate) fn try_it(name: &str, walls: &str, room: &Path) -> ExitCode {
    let walls = WALLS.iter().find(|(_, known)| *known == walls).unwrap().0;
    let all = ATTEMPTS.iter().map(|attempt| (attempt.name, attempt.act)).chain(WORK.iter().copied());
    let act = all.into_iter().find(|(known, _)| *known == name).unwrap().1;
    let socket = confine::take_socket().unwrap();
    let outcome = thread::scope(|scope| {
        let (ready, wait) = sync_channel::<()>(1);
        let reach = Reach { socket: socket.as_fd(), room };
        if walls != Walls::AllButOlder {
            raise(walls, &socket);
            return act(&reach);
        }
        let older = scope.spawn(move || {
            wait.recv().unwrap();
            act(&reach)
        });
        raise(walls, &socket);
        ready.send(()).unwrap();
        older.join().unwrap()
    });
    match outcome {
        Ok(()) => eprintln!("escaped"),
        Err(error) => eprintln!("refused {}", errno(&error)),
    }
    ExitCode::SUCCESS
}

fn raise(walls: Walls, socket: &OwnedFd) {
    match walls {
        Walls::None => {}
        Walls::Landlock if files::give_up().unwrap() => eprintln!("behind Landlock"),
        Walls::Landlock => eprintln!("behind nothing"),
        Walls::WithoutLandlock => {
            forget_landlock();
            eprintln!("behind {:?}", confine::confine(Some(socket), 1 << 30, 0).unwrap());
        }
        Walls::Device => match confine::confine_with_device(Some(socket), 1 << 30, 0, || ()) {
            Ok((confinement, ())) => eprintln!("behind {confinement:?}"),
            Err(error) => {
                eprintln!("behind nothing: {error}");
                std::process::abort();
            }
        },
        Walls::All | Walls::AllButOlder => {
            eprintln!("behind {:?}", confine::confine(Some(socket), 1 << 30, 0).unwrap())
        }
    }
}

fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

/// Makes the kernel one that was built without Landlock, for this process.
fn forget_landlock() {
    let calls = [libc::SYS_landlock_create_ruleset, libc::SYS_landlock_restrict_self].map(|call| (call, vec![]));
    let (unknown, machine) = (SeccompAction::Errno(libc::ENOSYS as u32), std::env::consts::ARCH);
    let machine = TargetArch::try_from(machine).unwrap();
    let filter = SeccompFilter::new(calls.into(), SeccompAction::Allow, unknown, machine).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

//! What an engine that was taken over by its source might try.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;
use std::{mem, ptr, thread};

use crate::trial::End;

/// What an attempt can reach: its socket, and a folder with one file and the address of somebody who listens.
pub(crate) struct Reach<'a> {
    pub(crate) socket: BorrowedFd<'a>,
    pub(crate) room: &'a Path,
}

impl Reach<'_> {
    pub(crate) const FILE: &'static str = "file";
    pub(crate) const PORT: &'static str = "port";

    fn path(&self, name: &str) -> CString {
        CString::new(self.room.join(name).as_os_str().as_bytes()).unwrap()
    }
}

pub(crate) type Act = fn(&Reach<'_>) -> io::Result<()>;

pub(crate) struct Attempt {
    pub(crate) name: &'static str,
    pub(crate) act: Act,
    /// How it ends behind all walls.
    pub(crate) end: End,
    /// It opens a file.
    pub(crate) opens: bool,
    /// Even without walls it works only where the machine's settings or the user's rights allow it.
    pub(crate) depends: bool,
}

const fn killed(name: &'static str, act: Act) -> Attempt {
    Attempt { name, act, end: End::Killed(libc::SIGSYS), opens: false, depends: false }
}

const fn refused(name: &'static str, errno: i32, act: Act) -> Attempt {
    Attempt { name, act, end: End::Refused(errno), opens: false, depends: false }
}

impl Attempt {
    const fn opens(self) -> Self {
        Self { opens: true, ..self }
    }

    const fn depends(self) -> Self {
        Self { depends: true, ..self }
    }
}

pub(crate) const ATTEMPTS: &[Attempt] = &[
    refused("reads_a_file", libc::ENOSYS, |reach| open(&reach.path(Reach::FILE), libc::O_RDONLY)).opens(),
    refused("lists_a_folder", libc::ENOSYS, |reach| open(&reach.path(""), libc::O_RDONLY | libc::O_DIRECTORY)).opens(),
    refused("reads_who_there_is", libc::ENOSYS, |_| open(c"/etc/passwd", libc::O_RDONLY)).opens(),
    killed("writes_a_file", |reach| open(&reach.path(Reach::FILE), libc::O_WRONLY)).opens(),
    killed("makes_a_file", |reach| open(&reach.path("new"), libc::O_RDONLY | libc::O_CREAT)).opens(),
    killed("empties_a_file", |reach| open(&reach.path(Reach::FILE), libc::O_RDONLY | libc::O_TRUNC)).opens(),
    killed("writes_its_own_memory_as_a_file", |_| open(c"/proc/self/mem", libc::O_RDWR)).opens(),
    refused("looks_whether_a_file_is_there", libc::ENOSYS, |reach| {
        // SAFETY: a path that ends with a zero.
        done(unsafe { libc::access(reach.path(Reach::FILE).as_ptr(), libc::F_OK) })
    }),
    refused("removes_a_file", libc::ENOSYS, |reach| {
        // SAFETY: a path that ends with a zero.
        done(unsafe { libc::unlink(reach.path(Reach::FILE).as_ptr()) })
    }),
    killed("connects_out", |reach| {
        let port = std::fs::read_link(reach.room.join(Reach::PORT));
        // Behind walls there is no link to read either.
        let port = port.ok().and_then(|port| port.to_str()?.parse().ok()).unwrap_or(9);
        std::net::TcpStream::connect(("127.0.0.1", port)).map(drop)
    }),
    killed("listens", |_| std::net::TcpListener::bind("127.0.0.1:0").map(drop)),
    killed("connects_its_own_socket_elsewhere", |reach| name_socket(reach, libc::connect)).depends(),
    killed("gives_its_own_socket_a_name", |reach| name_socket(reach, libc::bind)),
    killed("forks", |_| {
        // SAFETY: a single thread, and the new process ends at once.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: takes a number.
            unsafe { libc::_exit(0) };
        }
        done(pid)
    }),
    killed("runs_a_program", |_| {
        let words = [c"sh".as_ptr(), c"-c".as_ptr(), c"echo escaped >&2".as_ptr(), ptr::null()];
        // SAFETY: texts that end with a zero, in a list that does.
        done(unsafe { libc::execv(c"/bin/sh".as_ptr(), words.as_ptr()) })
    }),
    killed("traces_its_parent", |_| {
        // SAFETY: numbers only.
        let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, libc::getppid(), 0, 0) };
        done(if seized < 0 { -1 } else { 0 })
    })
    .depends(),
    killed("reads_its_parent_s_memory", |_| {
        let mut byte = 0u8;
        let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let remote = libc::iovec { iov_base: (done as fn(i32) -> io::Result<()>) as *mut libc::c_void, iov_len: 1 };
        // SAFETY: one list of one place each; the kernel checks the foreign one.
        let read = unsafe { libc::process_vm_readv(libc::getppid(), &raw const local, 1, &raw const remote, 1, 0) };
        done(if read < 0 { -1 } else { 0 })
    })
    .depends(),
    // SAFETY: numbers only; signal 0 does nothing.
    killed("signals_its_parent", |_| done(unsafe { libc::kill(libc::getppid(), 0) })),
    killed("signals_its_parent_s_thread", |_| {
        // SAFETY: numbers only; signal 0 does nothing.
        call(unsafe { libc::syscall(libc::SYS_tgkill, libc::getppid(), libc::getppid(), 0) })
    }),
    // SAFETY: a number only.
    killed("leaves_its_namespace", |_| done(unsafe { libc::unshare(libc::CLONE_FILES) })),
    killed("has_the_kernel_work_for_it", |_| {
        let mut parameters = [0u8; 120];
        // SAFETY: a number and room for all that the kernel writes.
        call(unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) })
    })
    .depends(),
    refused("takes_100_gigabytes", libc::ENOMEM, |_| map(100 << 30, libc::PROT_NONE, libc::MAP_NORESERVE)),
    refused("makes_room_for_new_code", libc::ENOSYS, |_| map(4096, libc::PROT_READ | libc::PROT_EXEC, 0)),
    refused("makes_code_of_data", libc::ENOSYS, |_| {
        let page = new_page()?;
        // SAFETY: a page of its own.
        done(unsafe { libc::mprotect(page, 4096, libc::PROT_READ | libc::PROT_EXEC) })
    }),
    refused("changes_its_limits", libc::ENOSYS, |_| {
        let limit = libc::rlimit { rlim_cur: 16, rlim_max: 16 };
        // SAFETY: a limit that is read.
        done(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })
    }),
    refused("asks_for_another_wall", libc::ENOSYS, |_| {
        // SAFETY: numbers only.
        done(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) })
    }),
];

/// What an engine has to be able to do, or may do.
pub(crate) const WORK: &[(&str, Act)] = &[
    ("starts_threads", |_| {
        let threads: Vec<_> = (0..16u8).map(|of| thread::Builder::new().spawn(move || vec![of; 3 << 20])).collect();
        threads.into_iter().try_for_each(|thread| {
            let made = thread?.join().map_err(|_| io::Error::other("it panicked"))?;
            assert_eq!(made.len(), 3 << 20);
            Ok(())
        })
    }),
    ("waits", |_| {
        let (_sender, receiver) = sync_channel::<()>(1);
        let outcome = receiver.recv_timeout(Duration::from_millis(2));
        if outcome == Err(RecvTimeoutError::Timeout) { Ok(()) } else { Err(io::Error::other("no time passed")) }
    }),
    ("makes_room", |_| {
        // Small and large, on threads too, until heaps shrink: the allocator then asks for a file, and gets none.
        let fill = || (0..50).for_each(|_| drop((0..4000).map(|size| vec![1u8; size]).collect::<Vec<_>>()));
        thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(fill))));
        fill();
        Ok(())
    }),
    ("talks", |reach| {
        // SAFETY: a byte that is read.
        let sent = unsafe { libc::send(reach.socket.as_raw_fd(), c"x".as_ptr().cast(), 1, libc::MSG_NOSIGNAL) };
        call(sent as libc::c_long)
    }),
    ("aborts", |_| std::process::abort()),
    ("panics", |_| {
        let panicked = thread::spawn(|| panic!("out of luck")).join();
        Err(io::Error::from_raw_os_error(if panicked.is_err() { libc::EINTR } else { 0 }))
    }),
];

fn done(answer: libc::c_int) -> io::Result<()> {
    call(answer.into())
}

fn call(answer: libc::c_long) -> io::Result<()> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn open(path: &std::ffi::CStr, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: a path that ends with a zero; the mode is there in case a file is made.
    done(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, 0o600) })
}

type Naming = unsafe extern "C" fn(libc::c_int, *const libc::sockaddr, libc::socklen_t) -> libc::c_int;

/// `connect` or `bind`, to a name of no file.
fn name_socket(reach: &Reach<'_>, naming: Naming) -> io::Result<()> {
    // SAFETY: plain numbers, for which zeros are fine.
    let mut name: libc::sockaddr_un = unsafe { mem::zeroed() };
    name.sun_family = libc::AF_UNIX as libc::sa_family_t;
    // Nothing but the family: the kernel makes up a name.
    let length = mem::size_of::<libc::sa_family_t>() as libc::socklen_t;
    // SAFETY: an address of at least the stated length.
    done(unsafe { naming(reach.socket.as_raw_fd(), (&raw const name).cast(), length) })
}

fn map(bytes: usize, protection: libc::c_int, flags: libc::c_int) -> io::Result<()> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | flags;
    // SAFETY: new memory, which nothing uses.
    let at = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, flags, -1, 0) };
    if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn new_page() -> io::Result<*mut libc::c_void> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: new memory.
    let at = unsafe { libc::mmap(ptr::null_mut(), 4096, protection, flags, -1, 0) };
    if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(at) }
}

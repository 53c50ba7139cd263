//! No system call but those that decoding and encoding need, by seccomp.
//!
//! Three answers. What no decoder has a reason to do ends the process with `SIGSYS`: the source has taken it over, and
//! nothing it would do next can be trusted. What is needed is let through, some of it with certain arguments only. All
//! else is answered with `ENOSYS`, as by a kernel that is too old for it. C libraries know how to do without such a call,
//! so that another release of them does not end the engine: they open files for reading just to learn how to do things
//! better (the allocator looks for `/proc/sys/vm/overcommit_memory` when it first gives memory back), and they start
//! threads by `clone3`, whose flags no filter can see, and then by `clone`.
//!
//! With a device more is let through, and what drivers try though they can do without is answered as above: see
//! [`WITH_DEVICE`]. Which files are opened is up to Landlock then.

use std::collections::BTreeMap;
use std::io;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::Needs;

/// What ends the process, whatever its arguments.
#[rustfmt::skip]
const FATAL: &[c_long] = &[
    // Other programs and processes.
    libc::SYS_execve, libc::SYS_execveat, libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev,
    libc::SYS_kcmp, libc::SYS_kill, libc::SYS_tkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_open, libc::SYS_pidfd_getfd, libc::SYS_pidfd_send_signal,
    // The network.
    libc::SYS_socket, libc::SYS_socketpair, libc::SYS_connect, libc::SYS_bind, libc::SYS_listen, libc::SYS_accept,
    libc::SYS_accept4,
    // Files in a way that no library uses on its own account.
    libc::SYS_openat2, libc::SYS_open_by_handle_at,
    // Another view of the machine.
    libc::SYS_unshare, libc::SYS_setns, libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root, libc::SYS_chroot,
    // Doors into the kernel.
    libc::SYS_bpf, libc::SYS_perf_event_open, libc::SYS_userfaultfd, libc::SYS_io_uring_setup, libc::SYS_keyctl,
    libc::SYS_add_key, libc::SYS_request_key, libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_kexec_load,
];

/// The same, of calls that only this machine still has.
#[cfg(target_arch = "x86_64")]
const FATAL_OF_OLD: &[c_long] = &[libc::SYS_fork, libc::SYS_vfork, libc::SYS_creat];
#[cfg(not(target_arch = "x86_64"))]
const FATAL_OF_OLD: &[c_long] = &[];

/// What is let through, whatever its arguments.
#[rustfmt::skip]
const HARMLESS: &[c_long] = &[
    // The socket, standard error, and what they hold.
    libc::SYS_read, libc::SYS_write, libc::SYS_readv, libc::SYS_writev, libc::SYS_recvfrom, libc::SYS_sendto,
    libc::SYS_shutdown, libc::SYS_close, libc::SYS_fstat,
    // Memory.
    libc::SYS_brk, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_madvise,
    // Threads.
    libc::SYS_futex, libc::SYS_set_robust_list, libc::SYS_rseq, libc::SYS_sched_yield, libc::SYS_sched_getaffinity,
    libc::SYS_gettid, libc::SYS_getpid, libc::SYS_exit, libc::SYS_exit_group,
    // Signals to itself.
    libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn, libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Time and chance.
    libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_gettimeofday, libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep, libc::SYS_getrandom,
];

/// What is let through besides where there is a device, whatever its arguments: control of the device, waiting for it, and
/// asking about files and the machine.
#[rustfmt::skip]
const WITH_DEVICE: &[c_long] = &[
    libc::SYS_ioctl, libc::SYS_fcntl, libc::SYS_eventfd2, libc::SYS_ppoll, libc::SYS_pipe2, libc::SYS_dup, libc::SYS_dup3,
    libc::SYS_lseek, libc::SYS_pread64, libc::SYS_readlinkat, libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_faccessat,
    libc::SYS_faccessat2, libc::SYS_getdents64, libc::SYS_uname, libc::SYS_sysinfo, libc::SYS_getuid, libc::SYS_geteuid,
    libc::SYS_getgid, libc::SYS_getegid, libc::SYS_getrusage, libc::SYS_sched_setaffinity, libc::SYS_sched_getscheduler,
    libc::SYS_sched_getparam, libc::SYS_mincore, libc::SYS_mlock, libc::SYS_munlock, libc::SYS_membarrier,
    libc::SYS_memfd_create, libc::SYS_ftruncate, libc::SYS_get_mempolicy, libc::SYS_mbind,
];

/// The same, of calls that only this machine still has.
#[cfg(target_arch = "x86_64")]
const WITH_DEVICE_OF_OLD: &[c_long] =
    &[libc::SYS_poll, libc::SYS_stat, libc::SYS_lstat, libc::SYS_access, libc::SYS_readlink];
#[cfg(not(target_arch = "x86_64"))]
const WITH_DEVICE_OF_OLD: &[c_long] = &[];

/// What drivers try, to find servers of theirs, and do without; and what a library needs of it.
const TRIED_BY_DRIVERS: &[c_long] = &[libc::SYS_socket, libc::SYS_connect, libc::SYS_socketpair];

/// `clone` for a namespace of its own.
const NEW_NAMESPACE: libc::c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Gives up all other system calls, for all threads: those that a library started while it was loaded, too.
///
/// # Errors
/// When the kernel takes no filters.
pub fn give_up(needs: Needs) -> io::Result<()> {
    let own = std::process::id();
    // Of the answers of all filters the kernel takes the gravest; the second one lets nothing more be installed.
    install(fatal(own, needs).map_err(io::Error::other)?, SeccompAction::KillProcess, SeccompAction::Allow)?;
    install(
        needed(own, needs).map_err(io::Error::other)?,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS as u32),
    )
}

fn install(rules: Rules, listed: SeccompAction, other: SeccompAction) -> io::Result<()> {
    let compile = || -> Result<BpfProgram, BackendError> {
        let machine = TargetArch::try_from(std::env::consts::ARCH)?;
        SeccompFilter::new(rules, other, listed, machine)?.try_into()
    };
    seccompiler::apply_filter_all_threads(&compile().map_err(io::Error::other)?).map_err(io::Error::other)
}

fn fatal(own: u32, needs: Needs) -> Result<Rules, BackendError> {
    let spared = |call: &c_long| needs == Needs::Device && TRIED_BY_DRIVERS.contains(call);
    let calls = FATAL.iter().chain(FATAL_OF_OLD).filter(|call| !spared(call));
    let mut rules: Rules = calls.map(|call| (*call, vec![])).collect();
    // A thread is a process that shares everything.
    rules.insert(libc::SYS_clone, vec![rule(0, masked(libc::CLONE_THREAD), 0)?]);
    rules.insert(libc::SYS_tgkill, vec![rule(0, SeccompCmpOp::Ne, own.into())?]);
    if needs == Needs::Nothing {
        rules.insert(libc::SYS_openat, writing(2)?);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, writing(1)?);
    }
    Ok(rules)
}

fn needed(own: u32, needs: Needs) -> Result<Rules, BackendError> {
    let mut rules = needed_by_all(own)?;
    if needs == Needs::Device {
        rules.extend(WITH_DEVICE.iter().chain(WITH_DEVICE_OF_OLD).map(|call| (*call, vec![])));
        // Two ends inside this process, by which one thread wakes another.
        let inside = rule(0, SeccompCmpOp::Eq, libc::AF_UNIX.cast_unsigned().into())?;
        rules.insert(libc::SYS_socketpair, vec![inside]);
        // Devices are written to; nothing is made.
        let made = libc::O_CREAT | libc::O_TRUNC;
        rules.insert(libc::SYS_openat, vec![rule(2, masked(made), 0)?]);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, vec![rule(1, masked(made), 0)?]);
        // Code comes from files that Landlock lets be read, and is not written to.
        let of_a_file = SeccompRule::new(vec![
            condition(2, SeccompCmpArgLen::Dword, masked(libc::PROT_EXEC | libc::PROT_WRITE), exec())?,
            condition(3, SeccompCmpArgLen::Dword, masked(libc::MAP_ANONYMOUS), 0)?,
        ])?;
        rules.entry(libc::SYS_mmap).or_default().push(of_a_file);
    }
    Ok(rules)
}

fn exec() -> u64 {
    libc::PROT_EXEC.cast_unsigned().into()
}

fn needed_by_all(own: u32) -> Result<Rules, BackendError> {
    let mut rules: Rules = HARMLESS.iter().map(|call| (*call, vec![])).collect();
    let same = |argument, value| rule(argument, SeccompCmpOp::Eq, value);
    let thread = libc::CLONE_THREAD.unsigned_abs().into();
    rules.insert(libc::SYS_clone, vec![rule(0, masked(libc::CLONE_THREAD | NEW_NAMESPACE), thread)?]);
    rules.insert(libc::SYS_tgkill, vec![same(0, own.into())?]);
    // No new code, neither from a file nor from memory.
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![rule(2, masked(libc::PROT_EXEC), 0)?]);
    }
    // Limits are read, of this process alone; a stack's size is one.
    rules.insert(
        libc::SYS_prlimit64,
        vec![SeccompRule::new(vec![
            condition(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, 0)?,
            condition(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?,
        ])?],
    );
    // Of the calling thread (PRIO_PROCESS and who are 0), and without a privilege only upward.
    for call in [libc::SYS_getpriority, libc::SYS_setpriority] {
        let own = |argument| condition(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, 0);
        rules.insert(call, vec![SeccompRule::new(vec![own(0)?, own(1)?])?]);
    }
    rules.insert(libc::SYS_prctl, vec![same(0, libc::PR_SET_NAME.unsigned_abs().into())?]);
    rules.insert(libc::SYS_ioctl, vec![same(1, libc::FIONBIO)?]);
    rules.insert(libc::SYS_fcntl, vec![same(1, libc::F_GETFD.unsigned_abs().into())?]);
    Ok(rules)
}

/// `open` in any way that may change a file; its flags are argument number `flags`.
fn writing(flags: u8) -> Result<Vec<SeccompRule>, BackendError> {
    let set = |flag: libc::c_int| rule(flags, masked(flag), flag.unsigned_abs().into());
    [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC].into_iter().map(set).collect()
}

fn masked(bits: libc::c_int) -> SeccompCmpOp {
    SeccompCmpOp::MaskedEq(bits.cast_unsigned().into())
}

/// One condition on one argument, of which the kernel looks at 32 bits as it does itself.
fn rule(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![condition(argument, SeccompCmpArgLen::Dword, operator, value)?])
}

fn condition(
    argument: u8,
    length: SeccompCmpArgLen,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, length, operator, value)
}

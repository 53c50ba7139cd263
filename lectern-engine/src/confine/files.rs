//! No file, or those of devices alone, by Landlock (Linux 5.13 and later).

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    Scope, path_beneath_rules,
};

/// The newest set of rights known here; an older kernel holds to those that it knows.
const NEWEST: ABI = ABI::V7;

/// Devices: what their drivers read, write and control.
const DEVICES: [&str; 9] = [
    "/dev/nvidiactl",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
    "/dev/nvidia0",
    "/dev/nvidia1",
    "/dev/nvidia2",
    "/dev/nvidia3",
    "/dev/dri/renderD128",
    "/dev/dri/renderD129",
];

/// What drivers and loaders of libraries read: libraries, and what the kernel says of devices and of this process.
const READ: [&str; 16] = [
    "/dev/dri",
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/usr/local/nvidia",
    "/usr/share/libdrm",
    "/usr/share/drirc.d",
    "/etc/ld.so.cache",
    "/proc/self",
    "/proc/driver/nvidia",
    "/proc/devices",
    "/proc/modules",
    "/proc/cpuinfo",
    "/sys/devices",
    "/sys/module/nvidia",
];

/// Gives up all of the file system and, where the kernel can tell, TCP, sockets without a file and signals beyond this
/// process. What is open stays open. Answers whether the kernel has Landlock at all.
///
/// # Errors
/// When the kernel has it and refuses.
pub fn give_up() -> io::Result<bool> {
    restrict(&[], &[])
}

/// The same, but for the files of devices, and for what their drivers read; those that are not there are left out.
///
/// # Errors
/// When the kernel has it and refuses.
pub fn give_up_but_devices() -> io::Result<bool> {
    // Links in there lead to what belongs to devices, below `/sys/devices`.
    let known = ["/sys/bus/pci", "/sys/class/drm", "/sys/dev/char"];
    let read: Vec<&str> = READ.into_iter().chain(known).collect();
    restrict(&DEVICES, &read)
}

fn restrict(written: &[&str], read: &[&str]) -> io::Result<bool> {
    let used = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let looked_at = AccessFs::ReadFile | AccessFs::ReadDir;
    let restrict = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))?
            .handle_access(AccessNet::from_all(NEWEST))?
            .scope(Scope::from_all(NEWEST))?
            .create()?
            .add_rules(path_beneath_rules(written, used))?
            .add_rules(path_beneath_rules(read, looked_at))?
            .restrict_self()
    };
    let status = restrict().map_err(io::Error::other)?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

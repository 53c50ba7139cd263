//! No file, by Landlock (Linux 5.13 and later).

use std::io;

use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope};

/// The newest set of rights known here; an older kernel holds to those that it knows.
const NEWEST: ABI = ABI::V7;

/// Gives up all of the file system and, where the kernel can tell, TCP, sockets without a file and signals beyond this
/// process. What is open stays open. Answers whether the kernel has Landlock at all.
///
/// # Errors
/// When the kernel has it and refuses.
pub fn give_up() -> io::Result<bool> {
    let restrict = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))?
            .handle_access(AccessNet::from_all(NEWEST))?
            .scope(Scope::from_all(NEWEST))?
            .create()?
            .restrict_self()
    };
    let status = restrict().map_err(io::Error::other)?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

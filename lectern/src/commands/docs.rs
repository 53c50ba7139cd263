//! `lectern completions` and `lectern man`.

use std::path::Path;

use clap::CommandFactory;

use crate::cli::Arguments;
use crate::exit::Failure;

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    clap_complete::generate(shell, &mut Arguments::command(), "lectern", &mut std::io::stdout());
    Ok(())
}

pub(crate) fn man(out: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::failed("output.failed", format!("{}: {error}", out.display()), "choose another folder")
    };
    std::fs::create_dir_all(out).map_err(failed)?;
    clap_mangen::generate_to(Arguments::command(), out).map_err(failed)
}

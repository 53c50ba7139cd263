//! `lectern completions` and `lectern man`.

use std::path::Path;

use clap::CommandFactory;

use crate::cli::Arguments;
use crate::exit::Failure;
use crate::out;

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "lectern", &mut script);
    out::print(String::from_utf8_lossy(&script))
}

pub(crate) fn man(folder: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::failed("output.failed", format!("{}: {error}", folder.display()), "choose another folder")
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Arguments::command(), folder).map_err(failed)
}

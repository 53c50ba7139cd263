//! `cargo xtask check-layers`: the workspace's layers and walls, read from `cargo metadata`.

mod layers;

use std::process::ExitCode;

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    match command.as_deref() {
        Some("check-layers") => match layers::check() {
            Ok(faults) if faults.is_empty() => {
                println!("layers and walls hold");
                ExitCode::SUCCESS
            }
            Ok(faults) => {
                for fault in faults {
                    eprintln!("error: {fault}");
                }
                ExitCode::FAILURE
            }
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("usage: cargo xtask check-layers");
            ExitCode::from(2)
        }
    }
}

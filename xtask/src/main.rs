//! `cargo xtask check-layers`: the workspace's layers and walls, read from `cargo metadata`. `cargo xtask new-unit`: the skeleton of
//! a unit.

mod layers;
mod new_unit;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
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
        Some("new-unit") => match new_unit::run(&arguments[1..]) {
            Ok(told) => {
                println!("{told}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("usage: cargo xtask check-layers\n       {}", new_unit::USAGE);
            ExitCode::from(2)
        }
    }
}

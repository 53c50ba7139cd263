//! The confined child in which all C parsers and encoders run. Started by lectern, one process per source.
//!
//! Its standard input is a socket to its parent, over which everything goes: the source's bytes in, coded samples out.
//! It opens no file, and gives up what it does not need before it reads the first byte of the source.

use std::env;
use std::process::ExitCode;

use engine_host::child::{self, Arguments};
use engine_host::protocol::PROTOCOL_VERSION;
use engine_libav::LibavEngine;
use lectern_engine::confine;
use pipeline::Engine;

mod memory;

/// `EX_USAGE` of sysexits.h.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    match Arguments::parse(env::args_os().skip(1)) {
        Ok(Arguments::Version) => {
            println!("lectern-engine {}, engine protocol {PROTOCOL_VERSION}", env!("CARGO_PKG_VERSION"));
            println!("{}", engine_libav::identity());
            ExitCode::SUCCESS
        }
        Ok(Arguments::Serve { memory_bytes, nice }) => serve(memory_bytes, nice),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(USAGE)
        }
    }
}

fn serve(memory_bytes: u64, nice: u8) -> ExitCode {
    memory::keep_flat();
    engine_libav::load_character_set();
    let socket = match confine::take_socket() {
        Ok(socket) => socket,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(USAGE);
        }
    };
    let confinement = match confine::confine(&socket, memory_bytes, nice) {
        Ok(confinement) => confinement,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let open = |source| LibavEngine::open(source).map(|engine| Box::new(engine) as Box<dyn Engine>);
    match child::serve(socket, confinement, open) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

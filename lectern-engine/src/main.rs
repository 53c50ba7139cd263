//! The confined child in which all C parsers and encoders run. Started by lectern, one process per source.
//!
//! Its standard input is a socket to its parent, over which everything goes: the source's bytes in, coded samples out.
//! It opens no file, and gives up what it does not need before it reads the first byte of the source. One that makes ranges
//! with a device keeps what the device's driver needs; `devices` tries what drivers there are.

use std::env;
use std::process::ExitCode;
use std::time::Instant;

use engine_gstreamer::{DeviceEngine, DeviceProfile};
use engine_host::child::{self, Arguments};
use engine_host::protocol::{Confinement, PROTOCOL_VERSION};
use engine_host::{Devices, TriedElement, TriedEncoders, TriedLibvmaf};
use engine_libav::LibavEngine;
use lectern_engine::confine::{self, ConfineError};
use media_types::VideoCodec;
use pipeline::{Engine, EngineError, SourceRead};

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
        Ok(Arguments::Devices { memory_bytes, encoders }) => devices(memory_bytes, encoders),
        Ok(Arguments::Encoders { memory_bytes }) => encoders(memory_bytes),
        Ok(Arguments::Libvmaf { memory_bytes, path }) => libvmaf(memory_bytes, &path),
        Ok(Arguments::Serve { memory_bytes, nice, libvmaf, devices }) => {
            match devices.as_deref().map(str::parse).transpose() {
                Ok(profile) => serve((memory_bytes, nice), libvmaf.as_deref(), profile),
                Err(error) => wrong(&error),
            }
        }
        Err(error) => wrong(&error),
    }
}

fn wrong(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(USAGE)
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

/// Says what the drivers of this machine are good for.
fn devices(memory_bytes: u64, encoders: bool) -> ExitCode {
    // Without a device there is nothing that could be loaded, and nothing to confine.
    if engine_gstreamer::has_devices()
        && let Err(error) = confine::confine_with_device(None, memory_bytes, 0, engine_gstreamer::load_drivers)
    {
        return failed(&error);
    }
    let report = engine_gstreamer::find_devices(encoders);
    let tried = report.tried.into_iter();
    let tried = tried.map(|tried| TriedElement { name: tried.element.to_owned(), outcome: tried.outcome }).collect();
    let devices = Devices { used: report.profile.map(|profile| profile.to_string()), tried };
    print!("{}", devices.write());
    ExitCode::SUCCESS
}

/// Says what the encoders of this build are good for, behind the walls that are around those that make ranges.
fn encoders(memory_bytes: u64) -> ExitCode {
    memory::keep_flat();
    if let Err(error) = confine::confine(None, memory_bytes, 0) {
        return failed(&error);
    }
    let tried = VideoCodec::ALL.map(|codec| {
        let began = Instant::now();
        let outcome = engine_libav::try_encoder(codec).map(|()| began.elapsed());
        TriedElement { name: codec.name().to_owned(), outcome }
    });
    print!("{}", TriedEncoders(tried.into()).write());
    ExitCode::SUCCESS
}

/// Says what a libvmaf is good for.
fn libvmaf(memory_bytes: u64, path: &str) -> ExitCode {
    let loaded = engine_libav::load_libvmaf(path);
    if loaded.is_ok()
        && let Err(error) = confine::confine(None, memory_bytes, 0)
    {
        return failed(&error);
    }
    let tried = loaded.and_then(|version| engine_libav::try_libvmaf().map(|()| version));
    print!("{}", TriedLibvmaf(tried).write());
    ExitCode::SUCCESS
}

fn serve((memory_bytes, nice): (u64, u8), libvmaf: Option<&str>, profile: Option<DeviceProfile>) -> ExitCode {
    memory::keep_flat();
    engine_libav::load_character_set();
    // It was fit when lectern started; what is judged besides is no reason to make nothing.
    if let Some(Err(why)) = libvmaf.map(engine_libav::load_libvmaf) {
        tell(&format!("VMAF is not measured: {why}"));
    }
    let socket = match confine::take_socket() {
        Ok(socket) => socket,
        Err(error) => return wrong(&error),
    };
    let confined = match profile {
        None => confine::confine(Some(&socket), memory_bytes, nice).map(|confinement| (confinement, None)),
        Some(profile) => with_device(&socket, memory_bytes, nice, profile),
    };
    let (confinement, profile) = match confined {
        Ok(confined) => confined,
        Err(error) => return failed(&error),
    };
    match child::serve(socket, confinement, |source| open(source, profile)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Confines an engine that uses a device; without one that can still be used the profile is gone.
fn with_device(
    socket: &std::os::fd::OwnedFd,
    memory_bytes: u64,
    nice: u8,
    profile: DeviceProfile,
) -> Result<(Confinement, Option<DeviceProfile>), ConfineError> {
    let load = || match engine_gstreamer::prepare(&profile) {
        Ok(()) => true,
        Err(why) => {
            tell(&format!("the device is not used: {why}"));
            false
        }
    };
    let (confinement, loaded) = confine::confine_with_device(Some(socket), memory_bytes, nice, load)?;
    Ok((confinement, loaded.then_some(profile)))
}

fn open(source: Box<dyn SourceRead>, profile: Option<DeviceProfile>) -> Result<Box<dyn Engine>, EngineError> {
    let software = LibavEngine::open(source)?;
    Ok(match profile {
        Some(profile) => Box::new(DeviceEngine::new(software, profile, tell)),
        None => Box::new(software),
    })
}

fn tell(what: &str) {
    eprintln!("{what}");
}

//! The engine, with the devices that it is to use and the library that judges besides.

use std::path::{Path, PathBuf};

use engine_host::{EngineHostError, EngineOptions, TriedEncoders};
use job_queue::Capabilities;

use crate::cli::{Devices, Makes};
use crate::exit::Failure;
use crate::settings;

/// Names a libvmaf, by its path.
pub(crate) const LIBVMAF_VARIABLE: &str = settings::LIBVMAF.name;
/// What cures all that may be wrong with one.
pub(crate) const LIBVMAF_CURE: &str =
    "name a libvmaf.so of version 2 or 3 that has its models built in, or unset LECTERN_LIBVMAF";

/// Finds the executable and has it try its devices. One that cannot be tried is not used: the processor does everything.
///
/// # Errors
/// When there is no executable, or what `LECTERN_LIBVMAF` names is no libvmaf that can be used.
pub(crate) async fn find(makes: Makes) -> Result<EngineOptions, Failure> {
    let mut engine = EngineOptions::find()?;
    if let Some(named) = named_libvmaf() {
        let tried = try_libvmaf(&engine, &named).await;
        let unusable = |why| Failure::config("libvmaf.unusable", format!("{LIBVMAF_VARIABLE}: {why}"), LIBVMAF_CURE);
        let (path, version) = tried.map_err(unusable)?;
        tracing::info!(path, version, "renditions are judged by VMAF besides");
        engine.libvmaf = Some(path);
    }
    match find_devices(&engine, makes.devices).await {
        Ok(found) => {
            if let Some(devices) = &found.used {
                tracing::info!(devices, "ranges are made with a device");
            }
            engine.devices = found.used;
        }
        Err(error) => tracing::warn!(%error, "devices could not be tried, and none is used"),
    }
    Ok(engine)
}

/// What the engine proved that it can do. What cannot be tried is not offered.
pub(crate) async fn capabilities(engine: &EngineOptions) -> Capabilities {
    let tried = engine.try_encoders().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "encoders could not be tried, and none is offered");
        TriedEncoders::default()
    });
    for (name, why) in tried.0.iter().filter_map(|tried| Some((&tried.name, tried.outcome.as_ref().err()?))) {
        tracing::warn!(encoder = name, why, "an encoder failed its trial, and is not offered");
    }
    let device = engine.devices.iter().map(|_| asset_flow::GPU);
    [asset_flow::CPU].into_iter().chain(device).chain(tried.passed()).collect()
}

/// What devices there are, as far as they are wanted.
pub(crate) async fn find_devices(
    engine: &EngineOptions,
    wanted: Devices,
) -> Result<engine_host::Devices, EngineHostError> {
    match wanted {
        Devices::Auto => engine.find_devices(true).await,
        Devices::Decode => engine.find_devices(false).await,
        Devices::None => Ok(engine_host::Devices::default()),
    }
}

/// What the environment names.
pub(crate) fn named_libvmaf() -> Option<PathBuf> {
    std::env::var_os(LIBVMAF_VARIABLE).filter(|named| !named.is_empty()).map(PathBuf::from)
}

/// The path of a libvmaf as engines take it, and its version.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(crate) async fn try_libvmaf(engine: &EngineOptions, named: &Path) -> Result<(String, String), String> {
    let unusable = |why: String| format!("{} cannot be used: {why}", named.display());
    // Engines start in another folder, so that a relative path would lead elsewhere.
    let path = named.canonicalize().map_err(|error| unusable(error.to_string()))?;
    let path = path.into_os_string().into_string().map_err(|_| unusable("its path is not UTF-8".to_owned()))?;
    let tried = engine.try_libvmaf(&path).await.map_err(|error| unusable(error.to_string()))?;
    tried.0.map(|version| (path, version)).map_err(unusable)
}

//! The engine, with the devices that it is to use.

use engine_host::{EngineHostError, EngineOptions};

use crate::cli::{Devices, Makes};
use crate::exit::Failure;

/// Finds the executable and has it try its devices. One that cannot be tried is not used: the processor does everything.
///
/// # Errors
/// When there is no executable.
pub(crate) async fn find(makes: Makes) -> Result<EngineOptions, Failure> {
    let mut engine = EngineOptions::find()?;
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

//! The library without its registry, its scanner and its environment.
//!
//! Usually GStreamer finds its plugins by having another program load all of them, and writes what it found into a file. An
//! engine may start no program and write no file; it loads the few plugins it needs, by name, from where they are installed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use gstreamer as gst;

use crate::device::{has_devices, is_there};
use crate::elements::KNOWN;
use crate::profile::DeviceProfile;

/// Where distributions keep plugins.
const FOLDERS: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/gstreamer-1.0",
    "/usr/lib/aarch64-linux-gnu/gstreamer-1.0",
    "/usr/lib64/gstreamer-1.0",
    "/usr/lib/gstreamer-1.0",
    "/usr/local/lib/gstreamer-1.0",
];
/// What every graph needs: forms, parsers, and the processor's scaler, turns and encoder.
const ALWAYS: [&str; 5] = ["coreelements", "videoparsersbad", "videoconvertscale", "videofilter", "x264"];

/// Initialises the library and loads what `profile` needs. To be called before files are given up: drivers are loaded, and
/// look for their devices, with their plugin.
///
/// # Errors
/// One clause: what is not installed.
pub fn prepare(profile: &DeviceProfile) -> Result<(), String> {
    let of_profile = profile.elements().map(|known| known.plugin);
    ALWAYS.into_iter().chain(of_profile).collect::<BTreeSet<_>>().into_iter().try_for_each(load)
}

/// Loads the drivers of all devices, and what tries them. What is not there is found out by the trials.
pub fn load_drivers() {
    if !has_devices() {
        return;
    }
    let all = KNOWN.iter().filter(|known| is_there(known.family)).map(|known| known.plugin);
    for name in ALWAYS.into_iter().chain(all).chain(["x265"]).collect::<BTreeSet<_>>() {
        // Told by the trial of what it has.
        let _ = load(name);
    }
}

/// Loads one plugin, once.
pub(crate) fn load(name: &'static str) -> Result<(), String> {
    static LOADED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    initialise()?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if loaded.contains(name) {
        return Ok(());
    }
    let path = find(name).ok_or_else(|| format!("GStreamer's plugin {name} is not installed"))?;
    let plugin = gst::Plugin::load_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    gst::Registry::get().add_plugin(&plugin).map_err(|error| format!("{}: {error}", path.display()))?;
    loaded.insert(name);
    Ok(())
}

fn find(name: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(format!("libgst{name}.so"))).find(|path| path.is_file())
}

#[expect(clippy::disallowed_methods, reason = "the library takes these settings from nowhere else")]
fn initialise() -> Result<(), String> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    DONE.get_or_init(|| {
        // SAFETY: an engine does this with its only thread. In tests others read the environment through the standard library,
        // which takes turns.
        unsafe {
            std::env::set_var("GST_REGISTRY_DISABLE", "yes");
            std::env::set_var("GST_REGISTRY_FORK", "no");
            // No code is made at run time: where an engine runs it could not be executed.
            std::env::set_var("ORC_CODE", "backup");
        }
        gst::init().map_err(|error| format!("GStreamer does not start: {error}"))
    })
    .clone()
}

/// The library's version, such as `1.22.0`.
pub(crate) fn version() -> String {
    let (major, minor, micro, _) = gst::version();
    format!("{major}.{minor}.{micro}")
}

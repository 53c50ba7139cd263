//! The engine on GStreamer: the only crate that names it. It makes ranges of video on a device where there is one.
//!
//! - `elements`: the elements that are known, what each does and how it is told; no other one is ever used.
//! - `profile`: [`DeviceProfile`], those of them that passed a trial on this machine.
//! - `graph`: from a profile, a stream and an order to lists of elements; pure.
//! - `plugins`: the library without its registry, its scanner and its environment. `machine`: a pipeline, what goes wrong in
//!   it, and how a list of elements becomes a chain of it. `clock`: times in the library's nanoseconds.
//! - `picture`: a decoded picture, wherever it lies. `decode`: coded pictures in, those out. `nal`: coded pictures as samples.
//! - `track`: one rendition. `range`: one range, all renditions. `held`: samples that nobody has seen yet.
//! - `engine`: [`DeviceEngine`], which gives the device what it serves, and another engine all else and what failed.
//! - `trial`: [`find_devices`], the test encodes. `device`: what a device is called.
//!
//! Layer 3. Containers are read by the other engine ([`pipeline::CodedSource`]): pictures have the times of the plan.

mod clock;
mod decode;
mod device;
mod elements;
mod engine;
mod graph;
mod held;
mod machine;
mod nal;
mod picture;
mod plugins;
mod profile;
mod range;
mod track;
mod trial;

pub use device::has_devices;
pub use engine::DeviceEngine;
pub use plugins::{load_drivers, prepare};
pub use profile::{DeviceProfile, ProfileError};
pub use trial::{DeviceReport, Tried, find_devices};

//! ITU-T H.265: parameter sets, slice headers, access units, and how ISO/IEC 14496-15 carries them.
//!
//! - [`NalType`]: what a NAL unit holds.
//! - [`Vps`], [`Sps`], [`Pps`]: parameter sets. [`ParameterSets`] keeps them and measures slice headers.
//! - [`AccessUnits`]: where access units begin.
//! - [`Record`], [`record`], [`codec_string`]: the configuration record and the name of a track.

mod access_units;
mod hrd;
mod nal;
mod pps;
mod profile;
mod record;
mod ref_pics;
mod scaling;
mod sets;
mod slice;
mod sps;
mod sps_extensions;
mod vps;
mod vui;
mod weights;

pub use crate::avc::Colour;
pub use access_units::AccessUnits;
pub use nal::NalType;
pub use pps::Pps;
pub use profile::ProfileTierLevel;
pub use record::{Record, codec_string, record};
pub use sets::ParameterSets;
pub use slice::SliceHeader;
pub use sps::Sps;
pub use vps::Vps;

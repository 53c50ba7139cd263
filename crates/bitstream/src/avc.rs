//! ITU-T H.264: parameter sets, slice headers, access units, and how ISO/IEC 14496-15 carries them.
//!
//! - [`NalType`]: what a NAL unit holds.
//! - [`Sps`], [`Pps`]: parameter sets. [`ParameterSets`] keeps them and measures slice headers.
//! - [`AccessUnits`]: where access units begin.
//! - [`Record`], [`record`], [`codec_string`]: the configuration record and the name of a track.

mod access_units;
mod limits;
mod nal;
mod pps;
mod record;
mod sets;
mod slice;
mod sps;
mod vui;

pub use access_units::AccessUnits;
pub use nal::NalType;
pub use pps::{Pps, SliceGroupChange};
pub use record::{Record, codec_string, record};
pub use sets::ParameterSets;
pub use slice::SliceHeader;
pub use sps::{PicOrder, Sps};
pub use vui::Colour;

pub(crate) use vui::{colour, frame_rate, sample_aspect};

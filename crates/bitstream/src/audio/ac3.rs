//! AC-3 and E-AC-3 (ETSI TS 102 366).
//!
//! - [`SyncFrame`]: what the start of a sync frame says; [`SyncFrames`]: those in a piece of a stream.
//! - [`access_unit`]: which of them make one sample.
//! - [`Ac3Config`], [`Eac3Config`]: the `dac3` and `dec3` boxes.

mod config;
mod frame;
mod mixing;
#[cfg(test)]
mod tests;

pub use config::{Ac3Config, Eac3Config, Independent, codec_string, codec_string_enhanced};
pub use frame::{Kind, SyncFrame, SyncFrames, Unit, access_unit};

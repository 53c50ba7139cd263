//! AAC (ISO/IEC 14496-3).
//!
//! - [`Config`]: what an AudioSpecificConfig says; [`codec_string`].
//! - [`adts`]: frames of a stream that carries its configuration in each of them.
//!
//! LATM and LOAS (§1.7) are not read: their configuration may change within a frame's bits, and need of them is rare.

pub mod adts;
mod config;
mod element;
#[cfg(test)]
mod tests;

pub use config::{Config, Sbr, codec_string};

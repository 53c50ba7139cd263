//! DASH manifests: a tolerant reader, and the rules for the manifest alone.

mod read;
mod schema;
mod segments;
mod values;
mod xml;

pub(crate) use read::{Manifest, Representation, dashed, read};
pub(crate) use segments::Addressing;

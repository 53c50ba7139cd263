//! Both ends of the conversation between a worker and `lectern-engine`, the confined child that runs C parsers.
//!
//! - [`protocol`]: the messages, their frames and their limits. One message is an 8-byte prefix, a postcard header and
//!   raw payload bytes.
//! - [`session`]: the parent's end. [`EngineSession`] starts the child, answers its reads from a [`ReadAt`], hands its
//!   output on as [`EngineEvent`]s and kills it when it stalls, lies, or is no longer wanted.
//! - [`child`]: the child's end. [`child::serve`] runs a [`pipeline::Engine`] behind the socket; blocking, std only.
//! - [`source`]: what the parent reads sources through ([`ReadAt`], [`FileSource`]).
//! - [`process`]: finding and starting the executable ([`EngineOptions`]), what devices it finds ([`Devices`]), what
//!   its encoders are good for ([`TriedEncoders`]), what it makes of a libvmaf ([`TriedLibvmaf`]), and what a child has used
//!   ([`Usage`]).
//! - [`error`]: what can go wrong, and whose fault it is ([`EngineHostError`]).
//!
//! The parent trusts nothing the child says: sizes, ranges, tracks, names, texts and how much there is of each are checked
//! before use, against what was ordered.

pub mod child;
pub mod error;
pub mod process;
pub mod protocol;
pub mod session;
pub mod source;

pub use error::EngineHostError;
pub use process::{Account, Devices, EngineOptions, TriedElement, TriedEncoders, TriedLibvmaf, Usage};
pub use session::{EngineEvent, EngineSession};
pub use source::{FileSource, ReadAt};

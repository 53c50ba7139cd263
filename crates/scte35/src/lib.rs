//! SCTE 35 (2023): the messages that mark places in a program, read and written.
//!
//! - [`Section`]: a `splice_info_section`; [`Section::parse`] and [`Section::to_bytes`] are each other's inverse,
//!   [`Section::from_base64`] and [`Section::from_hex`] read the forms that manifests and logs use.
//! - [`Command`]: what it asks for: [`SpliceInsert`], [`Command::TimeSignal`] and others.
//! - [`Descriptor`]: what it adds: [`SegmentationDescriptor`] with its [`Upid`], and others.
//! - [`Section::is_out`], [`Section::is_in`], [`Section::duration`], [`Section::time`]: whether a break begins or ends here.
//! - [`crc32`]: the check of these and all other MPEG-2 sections.
//! - `testing` (a cargo feature): transport streams with messages.
//!
//! Layer 0: pure functions over bytes. All times and lengths are ticks of 90 kHz.

mod bits;
mod command;
mod crc;
mod cue;
mod descriptor;
mod error;
mod section;
mod segmentation;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod text;
mod upid;

pub use command::{BreakDuration, Command, ComponentSplice, Splice, SpliceInsert, SpliceTarget, SpliceTime};
pub use crc::crc32;
pub use descriptor::Descriptor;
pub use error::Error;
pub use section::Section;
pub use segmentation::{ComponentOffset, DeliveryRestrictions, Segment, SegmentationDescriptor, SubSegment};
pub use upid::Upid;

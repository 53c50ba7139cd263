//! Existing coded media, cut into segments without touching a sample.
//!
//! One pass over the packets' times makes a [`Survey`] of each track; the surveys of all video tracks give the
//! [`SegmentGrid`] they share; a second pass through a [`Chunker`] gives each segment's samples.

mod chunker;
mod grid;
mod survey;

pub use chunker::{Chunk, Chunker, Cuts};
pub use grid::SegmentGrid;
pub use survey::{PacketTimes, Survey, TrackShape};

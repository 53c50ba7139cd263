//! `lectern package`: existing media files to one CMAF set with HLS and DASH, without touching a sample.
//!
//! - `source`: one input file, read as its demuxer asks.
//! - `survey`: the first pass, over times alone, and what it says about every track.
//! - `plan`: which tracks there will be, and where their segments begin.
//! - `markers`: breaks and cues, from a list and from the inputs.
//! - `names`: what tracks are called.
//! - `cpix`: keys from a key service.
//! - `keys`: which track gets which key, and what licence systems are told.
//! - `rotation`: keys that change.
//! - `work`: the second pass over all inputs, side by side.
//! - `segments`: the second pass: samples to segments, encrypted in place.
//! - `text`: subtitles, for HLS and for DASH.
//! - `progressive`: a file for download beside the segments.
//! - `files`: everything written, hashed on the way.
//! - `run`: one after another.

mod cpix;
mod files;
mod keys;
mod markers;
mod names;
mod plan;
mod progressive;
mod rotation;
mod run;
mod segments;
mod source;
mod survey;
mod text;
mod work;

pub(crate) use cpix::CpixKeys;
pub(crate) use keys::{Keys, Protect, read as read_keys};
pub(crate) use markers::read as read_cues;
pub(crate) use run::{Outcome, Request, run};

//! `lectern package`: existing media files to one CMAF set with HLS and DASH, without touching a sample.
//!
//! - `source`: one input file, read as its demuxer asks.
//! - `decrypt`: encrypted inputs in clear, under keys that are found by name.
//! - `survey`: the first pass, over times alone, and what it says about every track.
//! - `plan`: which tracks there will be, and where their segments begin.
//! - `markers`: breaks and cues, from a list and from the inputs.
//! - `chapters`: named places, from a file or from the inputs.
//! - `names`: what tracks are called.
//! - `cpix`: keys from a key service.
//! - `speke`: the same, asked for over the network.
//! - `keys`: which track gets which key, and what licence systems are told.
//! - `rotation`: keys that change.
//! - `work`: the second pass over all inputs, side by side.
//! - `segments`: the second pass: samples to segments, encrypted in place.
//! - `trick`: keyframes in a file of their own.
//! - `text`: subtitles, for HLS and for DASH.
//! - `progressive`: a file for download beside the segments.
//! - `transport`: the same as MPEG-TS, for players that know no fMP4.
//! - `files`: everything written, hashed on the way.
//! - `output`: what names the tracks that were written, and a look at all of it.
//! - `run`: one after another.

mod chapters;
mod cpix;
mod decrypt;
mod files;
mod keys;
mod markers;
mod names;
mod output;
mod plan;
mod progressive;
mod rotation;
mod run;
mod segments;
mod source;
mod speke;
mod survey;
mod text;
mod transport;
mod trick;
mod work;

pub(crate) use chapters::read as read_chapters;
pub(crate) use cpix::{CpixKeys, Handover};
pub(crate) use decrypt::InputKeys;
pub(crate) use keys::{Keys, Protect, read as read_keys};
pub(crate) use markers::read as read_cues;
pub(crate) use run::{Outcome, Request, run};
pub(crate) use speke::{SpekeAsk, ask as ask_speke};
pub(crate) use transport::{Encryption, Transport};

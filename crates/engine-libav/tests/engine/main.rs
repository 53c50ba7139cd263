//! What the engine makes of real files. They are made here by the `ffmpeg` program, which also decodes the results; every
//! picture carries its number.
#![allow(clippy::unwrap_used)]

mod bad_bytes;
mod codecs;
mod containers;
mod decoding;
mod film;
mod holds;
mod jumps;
mod light;
mod losses;
mod loudness;
mod media;
mod opus;
mod order;
mod shapes;
mod slides;
mod sound;
mod stills;
mod stopping;
mod teletext;
mod tracks;
mod vmaf;

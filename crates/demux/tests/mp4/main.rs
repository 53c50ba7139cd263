//! The MP4 demuxer against what ffmpeg says of real files, against files built box by box, and against damage.

#![allow(clippy::unwrap_used)]

mod beginning;
mod built;
mod damage;
mod driver;
mod join;
mod protected;
mod real;
mod writer;

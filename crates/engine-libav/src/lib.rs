//! The engine on FFmpeg's libraries: the only crate that names them.
//!
//! - `open`: a source's bytes behind libavformat, with an allow-list of containers and no protocol at all.
//! - `probe`: what a source contains, from its packets (`packets`) and what the container says of it (`describe`); `turn` says
//!   which way up its pictures are, `light` how bright, `clocks` where its times jump, `pcr` whether time went by there.
//! - `reader`: the packets of one stream, on a clock that runs on.
//! - `pictures`: exact access to decoded pictures by presentation time; `colour` cleans what they say of themselves and
//!   adds what they leave out.
//! - `coded`: pictures that are decoded elsewhere.
//! - `convert`: a picture upright, progressive, scaled and in 4:2:0; `scaling` does over what changed of it.
//! - `range`: one range decoded once (`walk`) and encoded for all its renditions (`track`, `video`), but for pictures that show
//!   nothing new (`unchanged`), and with key frames where slides begin (`glance`); `codecs` has the encoders, one file each,
//!   `look` the colours they state.
//! - `fields`: what an interlaced stream's fields show; `film` matches them where that is film.
//! - `judge`: how good renditions are, beside the source's pictures; `vmaf` says so too, where there is a libvmaf.
//! - `audio`: one continuous encode (`coder`) on an exact sample count (`timeline`), brought to its loudness (`level`,
//!   `limiter`); `loudness` measures.
//! - `stills`: poster and storyboard.
//! - `text`: subtitles; `teletext` has those of its pages.
//! - `trial`: what the encoders of this build are good for.
//! - `thinning`: fewer pictures for a rendition that is to have few.
//!
//! Layer 3. Runs inside the confined child; nothing here is trusted with anything but the source's bytes.

mod audio;
mod captions;
mod clocks;
mod codecs;
mod coded;
mod coder;
mod colour;
mod convert;
mod describe;
mod documents;
mod ebml;
mod engine;
mod error;
mod fields;
mod film;
mod glance;
mod index;
mod jpeg;
mod judge;
mod level;
mod light;
mod limiter;
mod look;
mod loudness;
mod open;
mod packets;
mod pcr;
mod pictures;
mod probe;
mod range;
mod reader;
mod scaling;
mod stills;
mod teletext;
mod text;
mod thinning;
mod timeline;
mod track;
mod trial;
mod turn;
mod unchanged;
mod video;
mod vmaf;
mod walk;

pub use engine::{LibavEngine, identity};
pub use teletext::load_character_set;
pub use trial::try_encoder;
pub use vmaf::{load_libvmaf, try_libvmaf};

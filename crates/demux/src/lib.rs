//! Demuxers that do no I/O: they say which bytes they need, and give samples.
//!
//! - [`Demuxer`]: one file, whatever its container. [`Demuxer::detect`] tells by its first bytes.
//! - [`Step`]: what a demuxer wants or gives next. [`Packet`]: one sample, or where its bytes lie.
//! - [`Track`]: an elementary stream of the file. [`Chapter`]: a named place in it.
//! - [`SampleCheck`]: whether samples can be what their track says, which tells a wrong key. [`avc_is_idr`]: what kind of
//!   keyframe one is.
//! - [`Beginning`]: which bytes of a file that is still arriving are needed to begin with it.
//! - [`Join`]: what makes one file of those that a camera cut a recording into.
//! - `mp4`: ISO BMFF, whole and fragmented. `ts`: MPEG transport streams. `mkv`: Matroska and WebM.
//!
//! Time: every track counts in its own timescale from the file's presentation start, which is 0; what an edit list hides
//! before it is negative. Layer 2: no I/O, no clock. Every allocation is bounded by bytes that were really given.

mod detect;
mod error;
mod join;
mod mkv;
mod mp4;
mod plausible;
mod port;
mod ts;
mod vttc;

pub use detect::Demuxer;
pub use error::{DemuxError, Warning};
pub use join::{Join, JoinError, JoinStep};
pub use mkv::MkvDemuxer;
pub use mp4::{Beginning, Mp4Demuxer, Need};
pub use plausible::{Implausible, SampleCheck, avc_is_idr};
pub use port::{ByteRange, Chapter, ChapterTitle, Data, Demux, MediaKind, Packet, Roles, Step, Track};
pub use ts::TsDemuxer;

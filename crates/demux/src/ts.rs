//! MPEG transport streams (ISO/IEC 13818-1).
//!
//! - [`TsDemuxer`]: reads the file in windows and gives samples.
//! - `packet`, `continuity`, `section`, `pes`: the layers of the container.
//! - `psi`, `directory`: which streams there are. `stream`: one of them.
//! - `clock`, `shared`: the common timeline and queue.
//! - `nal`, `sets`, `picture`, `rhythm`, `video`, `frame`, `audio`: what is inside. `markers`: SCTE 35.

mod audio;
mod clock;
mod continuity;
mod demuxer;
mod directory;
mod frame;
mod markers;
mod nal;
mod packet;
mod pes;
mod picture;
mod psi;
mod rhythm;
mod section;
mod sets;
mod shared;
mod stream;
mod video;

pub use demuxer::TsDemuxer;

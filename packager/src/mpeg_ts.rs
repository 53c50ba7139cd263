//! MPEG-2 transport streams (ISO/IEC 13818-1) as HLS cuts them into segments (RFC 8216 §3.2).
//!
//! - [`TransportWriter`]: the samples of one segment of pictures, of sound or of both, to its bytes.
//! - [`fits_transport`]: whether a codec can go into it.
//! - `packet`, `section`, `pes`: the layers of the container.
//! - `pictures`, `sound`: what its elementary streams are made of. `program`: what the program map says of them.
//! - `clock`: its time stamps.

mod clock;
mod packet;
mod pes;
mod pictures;
mod program;
mod section;
mod sound;
mod writer;

use media_types::CodecConfig;

use crate::{PackageError, SampleMeta};

pub use writer::TransportWriter;

/// The samples of one track in one segment.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrackSamples<'a> {
    /// Times and sizes, in decode order.
    pub samples: &'a [SampleMeta],
    /// Their bytes, one after another, formed as the track's configuration says.
    pub data: &'a [u8],
}

impl<'a> TrackSamples<'a> {
    /// The first `count` samples, and the others.
    fn split(self, count: usize) -> (Self, Self) {
        let (first, others) = self.samples.split_at(count.min(self.samples.len()));
        let bytes = first.iter().fold(0usize, |sum, sample| sum.saturating_add(sample.size as usize));
        let (data, rest) = self.data.split_at(bytes.min(self.data.len()));
        (Self { samples: first, data }, Self { samples: others, data: rest })
    }

    /// Each sample with its bytes; fewer when `data` ends before.
    fn iter(self) -> impl Iterator<Item = (&'a SampleMeta, &'a [u8])> {
        let mut rest = self.data;
        self.samples.iter().map_while(move |sample| {
            let (data, tail) = rest.split_at_checked(sample.size as usize)?;
            rest = tail;
            Some((sample, data))
        })
    }
}

/// Whether MPEG-TS for HLS carries a codec: H.264, AAC that ADTS can describe, AC-3 and E-AC-3. HEVC is asked to be in
/// fMP4 (Apple, HLS authoring specification, rule 1.5), and no player knows the others in MPEG-TS.
///
/// # Errors
/// [`PackageError::Config`] with the reason why not.
pub fn fits_transport(config: &CodecConfig) -> Result<(), PackageError> {
    match config {
        CodecConfig::Avc(record) => pictures::parameter_sets(record).map(drop),
        _ => sound::Coding::of(config).map(drop),
    }
}

//! Tracks that lie in one file: init segment, segment index, segments (ISO/IEC 14496-12 §8.16.3; the DASH on-demand
//! profile, ISO/IEC 23009-1 §8.3).

use bytes::Bytes;
use media_types::TrackRecord;

use crate::init::TRACK_ID;
use crate::isobmff::Boxes;
use crate::{FileLayout, PackageError, Presentation};

/// Where the parts of a track's one file lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePlan {
    /// Bytes of the init segment, from 0.
    pub init_bytes: u64,
    /// Bytes of the segment index, behind the init segment.
    pub index_bytes: u64,
    starts: Vec<u64>,
}

impl FilePlan {
    /// Of a track; `None` when its segments are files of their own.
    ///
    /// # Errors
    /// As [`init_segment`](crate::init_segment).
    pub fn of(presentation: &Presentation<'_>, track: &TrackRecord) -> Result<Option<Self>, PackageError> {
        if presentation.layout == FileLayout::Segments { Ok(None) } else { Self::single(presentation, track).map(Some) }
    }

    /// Of a track that lies in one file in any layout.
    ///
    /// # Errors
    /// As [`init_segment`](crate::init_segment).
    pub fn single(presentation: &Presentation<'_>, track: &TrackRecord) -> Result<Self, PackageError> {
        let init_bytes = presentation.init_segment(track)?.len() as u64;
        let index_bytes = index_length(track.segments.len());
        let starts = track.segments.iter().scan(init_bytes + index_bytes, |at, segment| {
            let start = *at;
            *at = at.saturating_add(segment.size_bytes);
            Some(start)
        });
        Ok(Self { init_bytes, index_bytes, starts: starts.collect() })
    }

    /// First byte of the segment at a position of the record; 0 past the end.
    pub fn segment_start(&self, position: usize) -> u64 {
        self.starts.get(position).copied().unwrap_or(0)
    }
}

/// Bytes that the index of so many segments takes.
pub fn index_length(segments: usize) -> u64 {
    40 + 12 * segments as u64
}

/// The segment index of a track: each segment's size, length and kind of start.
///
/// # Errors
/// [`PackageError::OutOfRange`] for more than 65,535 segments, or one beyond 2 GiB or 2^32 ticks.
pub fn segment_index(track: &TrackRecord) -> Result<Bytes, PackageError> {
    let out_of_range = |index: u32| PackageError::OutOfRange { index, what: "its entry in the segment index" };
    let count = u16::try_from(track.segments.len()).map_err(|_| out_of_range(u32::from(u16::MAX)))?;
    let mut entries = Vec::with_capacity(track.segments.len());
    for segment in &track.segments {
        let size = u32::try_from(segment.size_bytes).ok().filter(|&size| size < 1 << 31);
        let duration = u32::try_from(segment.duration_ticks).ok();
        entries.push(size.zip(duration).ok_or(out_of_range(segment.index))?);
    }
    let first = track.segments.first().map_or(0, |segment| segment.start_ticks);
    let mut w = Boxes::with_capacity(64 + 12 * entries.len());
    w.put_full(b"sidx", 1, 0, |w| {
        w.u32(TRACK_ID);
        w.u32(track.timescale.get());
        w.u64(first);
        w.u64(0);
        w.u16(0);
        w.u16(count);
        for (size, duration) in entries {
            w.u32(size);
            w.u32(duration);
            // starts_with_SAP, SAP_type 1.
            w.u32(1 << 31 | 1 << 28);
        }
    });
    Ok(w.into_bytes())
}

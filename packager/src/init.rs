//! Init segments: `ftyp` and `moov` of one track (ISO/IEC 23000-19 §7.3.1, "CMAF header").

mod entry;
pub(crate) mod movie;

use bytes::Bytes;
use media_types::TrackRecord;

use crate::isobmff::Boxes;
use crate::{PackageError, TrackSignal};

pub(crate) use entry::SampleEntry;

/// The track id of every track: each lies in a file of its own.
pub(crate) const TRACK_ID: u32 = 1;

/// A CMAF header: what a decoder needs before the first segment of a track.
///
/// The codec configuration is carried byte for byte. What is hidden at the start becomes an edit list of one edit, whose
/// duration of 0 covers all fragments to come (ISO/IEC 14496-12 §8.6.6). Of `track`, its segments are not looked at.
///
/// # Errors
/// [`PackageError::Config`] for a configuration that cannot be read or is of the other kind; [`PackageError::Track`]
/// for figures that no box can hold or that contradict the configuration.
pub fn init_segment(track: &TrackRecord, protection: Option<&TrackSignal>) -> Result<Bytes, PackageError> {
    let entry = SampleEntry::new(track)?;
    let mut w = Boxes::with_capacity(1024);
    w.put(b"ftyp", |w| {
        w.raw(b"iso6");
        w.u32(0);
        w.raw(b"iso6cmfc");
    });
    w.put(b"moov", |w| {
        movie::header(w, track.timescale, 0, TRACK_ID + 1);
        w.put(b"trak", |w| {
            movie::track_header(w, track, TRACK_ID, 0);
            if track.hidden_ticks > 0 {
                // A duration of 0 covers all fragments to come.
                movie::edit_list(w, &[(0, track.hidden_ticks.into())]);
            }
            let protection = protection.map(|signal| &signal.track);
            movie::media(w, track, &entry, protection, 0, |w| {
                // §8.5: empty tables, since all samples are in fragments.
                w.put_full(b"stts", 0, 0, |w| w.u32(0));
                w.put_full(b"stsc", 0, 0, |w| w.u32(0));
                w.put_full(b"stsz", 0, 0, |w| w.u64(0));
                w.put_full(b"stco", 0, 0, |w| w.u32(0));
            });
        });
        // Every default is in the fragments themselves.
        w.put(b"mvex", |w| {
            w.put_full(b"trex", 0, 0, |w| {
                w.u32(TRACK_ID);
                w.u32(1);
                w.zeros(12);
            });
        });
        if let Some(protection) = protection {
            w.raw(&protection.pssh);
        }
    });
    Ok(w.into_bytes())
}

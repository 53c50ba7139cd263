//! Init segments: `ftyp` and `moov` of one track (ISO/IEC 23000-19 §7.3.1, "CMAF header").

mod entry;

use bytes::Bytes;
use media_types::{TrackKind, TrackRecord};

use crate::isobmff::Boxes;
use crate::{PackageError, TrackSignal, language};
use entry::SampleEntry;

/// The track id of every track: each lies in a file of its own.
pub(crate) const TRACK_ID: u32 = 1;

/// The unity matrix of `mvhd` and `tkhd`.
const MATRIX: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

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
        movie_header(w, track);
        w.put(b"trak", |w| trak(w, track, &entry, protection));
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

/// §8.2.2. The movie timescale is the track's, so that edits are exact.
fn movie_header(w: &mut Boxes, track: &TrackRecord) {
    w.put_full(b"mvhd", 0, 0, |w| {
        w.zeros(8);
        w.u32(track.timescale.get());
        w.u32(0);
        w.u32(0x0001_0000);
        w.u16(0x0100);
        w.zeros(10);
        MATRIX.iter().for_each(|&value| w.u32(value));
        w.zeros(24);
        w.u32(TRACK_ID + 1);
    });
}

fn trak(w: &mut Boxes, track: &TrackRecord, entry: &SampleEntry<'_>, protection: Option<&TrackSignal>) {
    let (width, height, volume) = match track.kind {
        TrackKind::Video { width, height, sample_aspect, .. } => (shown_width(width, sample_aspect), height << 16, 0),
        TrackKind::Audio { .. } => (0, 0, 0x0100),
        TrackKind::Text => (0, 0, 0),
    };
    // §8.3.2: enabled and in the movie.
    w.put_full(b"tkhd", 0, 3, |w| {
        w.zeros(8);
        w.u32(TRACK_ID);
        w.zeros(8);
        w.zeros(12);
        w.u16(volume);
        w.zeros(2);
        MATRIX.iter().for_each(|&value| w.u32(value));
        w.u32(width);
        w.u32(height);
    });
    if track.hidden_ticks > 0 {
        w.put(b"edts", |w| edit_list(w, track.hidden_ticks));
    }
    w.put(b"mdia", |w| media(w, track, entry, protection));
}

/// Display width in 16.16: the coded width stretched by the sample aspect ratio.
fn shown_width(width: u32, (x, y): (u32, u32)) -> u32 {
    let wide = u128::from(width) << 16;
    u32::try_from(wide * u128::from(x) / u128::from(y.max(1))).unwrap_or(width << 16)
}

/// §8.6.6: presentation starts `hidden` ticks into the media.
fn edit_list(w: &mut Boxes, hidden: u32) {
    w.put_full(b"elst", 1, 0, |w| {
        w.u32(1);
        w.u64(0);
        w.u64(hidden.into());
        w.u32(0x0001_0000);
    });
}

fn media(w: &mut Boxes, track: &TrackRecord, entry: &SampleEntry<'_>, protection: Option<&TrackSignal>) {
    let (handler, name) = entry.handler();
    let tag = track.language.as_str();
    w.put_full(b"mdhd", 0, 0, |w| {
        w.zeros(8);
        w.u32(track.timescale.get());
        w.u32(0);
        w.u16(language::packed(tag));
        w.u16(0);
    });
    w.put_full(b"hdlr", 0, 0, |w| {
        w.u32(0);
        w.raw(handler);
        w.zeros(12);
        w.raw(name);
    });
    // §8.4.6: what three letters cannot say.
    if tag.contains('-') && language::is_plain(tag) {
        w.put_full(b"elng", 0, 0, |w| {
            w.raw(tag.as_bytes());
            w.u8(0);
        });
    }
    w.put(b"minf", |w| {
        match handler {
            b"vide" => w.put_full(b"vmhd", 0, 1, |w| w.zeros(8)),
            b"soun" => w.put_full(b"smhd", 0, 0, |w| w.zeros(4)),
            b"subt" => w.put_full(b"sthd", 0, 0, |_| {}),
            _ => w.put_full(b"nmhd", 0, 0, |_| {}),
        }
        w.put(b"dinf", |w| {
            w.put_full(b"dref", 0, 0, |w| {
                w.u32(1);
                w.put_full(b"url ", 0, 1, |_| {});
            });
        });
        w.put(b"stbl", |w| {
            w.put_full(b"stsd", 0, 0, |w| {
                w.u32(1);
                entry.write(w, protection.map(|signal| &signal.track));
            });
            // §8.5: empty tables, since all samples are in fragments.
            w.put_full(b"stts", 0, 0, |w| w.u32(0));
            w.put_full(b"stsc", 0, 0, |w| w.u32(0));
            w.put_full(b"stsz", 0, 0, |w| w.u64(0));
            w.put_full(b"stco", 0, 0, |w| w.u32(0));
        });
    });
}

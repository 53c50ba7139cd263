//! The boxes of `moov` that whole and fragmented files share (ISO/IEC 14496-12 §8.2 to §8.6).

use drm::TrackProtection;
use media_types::{Timescale, TrackKind, TrackRecord};

use super::SampleEntry;
use crate::isobmff::Boxes;
use crate::language;

/// The unity matrix of `mvhd` and `tkhd`.
const MATRIX: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

/// §8.2.2: 32 bits for a duration where they do.
pub(crate) fn header(w: &mut Boxes, timescale: Timescale, duration: u64, next_track: u32) {
    let wide = duration > u64::from(u32::MAX);
    w.put_full(b"mvhd", u8::from(wide), 0, |w| {
        w.zeros(if wide { 16 } else { 8 });
        w.u32(timescale.get());
        length(w, duration, wide);
        w.u32(0x0001_0000);
        w.u16(0x0100);
        w.zeros(10);
        MATRIX.iter().for_each(|&value| w.u32(value));
        w.zeros(24);
        w.u32(next_track);
    });
}

fn length(w: &mut Boxes, duration: u64, wide: bool) {
    if wide { w.u64(duration) } else { w.u32(duration as u32) }
}

/// §8.3.2: a track that is enabled and in the movie; `duration` counts in the movie's timescale.
pub(crate) fn track_header(w: &mut Boxes, track: &TrackRecord, id: u32, duration: u64) {
    let (width, height, volume) = match track.kind {
        TrackKind::Video { width, height, sample_aspect, .. } => (shown_width(width, sample_aspect), height << 16, 0),
        TrackKind::Audio { .. } => (0, 0, 0x0100),
        TrackKind::Text => (0, 0, 0),
    };
    let wide = duration > u64::from(u32::MAX);
    w.put_full(b"tkhd", u8::from(wide), 3, |w| {
        w.zeros(if wide { 16 } else { 8 });
        w.u32(id);
        w.zeros(4);
        length(w, duration, wide);
        w.zeros(12);
        w.u16(volume);
        w.zeros(2);
        MATRIX.iter().for_each(|&value| w.u32(value));
        w.u32(width);
        w.u32(height);
    });
}

/// Display width in 16.16: the coded width stretched by the sample aspect ratio.
fn shown_width(width: u32, (x, y): (u32, u32)) -> u32 {
    let wide = u128::from(width) << 16;
    u32::try_from(wide * u128::from(x) / u128::from(y.max(1))).unwrap_or(width << 16)
}

/// §8.6.6: edits of a length in the movie's timescale and a start in the media's.
pub(crate) fn edit_list(w: &mut Boxes, edits: &[(u64, i64)]) {
    w.put(b"edts", |w| {
        w.put_full(b"elst", 1, 0, |w| {
            w.u32(edits.len() as u32);
            for &(duration, media_time) in edits {
                w.u64(duration);
                w.u64(media_time as u64);
                w.u32(0x0001_0000);
            }
        });
    });
}

/// `mdia`, with what `tables` writes behind the sample description; `duration` counts in the track's timescale.
pub(crate) fn media(
    w: &mut Boxes,
    track: &TrackRecord,
    entry: &SampleEntry<'_>,
    protection: Option<&TrackProtection>,
    duration: u64,
    tables: impl FnOnce(&mut Boxes),
) {
    w.put(b"mdia", |w| {
        let (handler, name) = entry.handler();
        let tag = track.language.as_str();
        let wide = duration > u64::from(u32::MAX);
        w.put_full(b"mdhd", u8::from(wide), 0, |w| {
            w.zeros(if wide { 16 } else { 8 });
            w.u32(track.timescale.get());
            length(w, duration, wide);
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
                    entry.write(w, protection);
                });
                tables(w);
            });
        });
    });
}

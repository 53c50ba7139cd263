//! What the movie box of a part says of its pictures and sounds.

use bytes::Bytes;
use media_types::Timescale;

use crate::mp4::boxes::{Atom, Atoms, Code, Fields, fail, name};
use crate::mp4::edit::{self, Timeline};
use crate::mp4::entry;
use crate::mp4::movie::header::{MediaHeader, TrackHeader, own_media};
use crate::mp4::movie::movie_timescale;
use crate::mp4::table::{Boxes, Sizes};
use crate::{DemuxError, JoinError, MediaKind};

/// Tracks of pictures and sound that are joined.
const MOST_TRACKS: usize = 16;
/// Of `tkhd`, in front of the width: how pictures are turned.
const MATRIX_BYTES: usize = 36;

/// One file of a recording.
pub(super) struct Part {
    /// Ticks per second of edit lists.
    pub(super) timescale: u32,
    /// Pictures and sounds, in the order of the file.
    pub(super) tracks: Vec<Track>,
}

/// A track of one file.
pub(super) struct Track {
    /// Position among the boxes of the movie.
    pub(super) child: usize,
    /// Whether it holds pictures; otherwise it holds sound.
    pub(super) pictures: bool,
    /// Ticks per second of its samples.
    pub(super) scale: Timescale,
    /// Its sample table.
    pub(super) boxes: Boxes,
    /// When media are shown.
    pub(super) line: Timeline,
    /// Name of its first sample entry.
    pub(super) code: Code,
    /// Its sample entries, without what is measured of the media.
    identity: Vec<u8>,
    matrix: Vec<u8>,
    /// What it holds, for people.
    what: String,
}

impl Part {
    /// Reads a movie box, header included, and where it lies.
    pub(super) fn parse(index: usize, (root, at): (&Bytes, u64), quicktime: bool) -> Result<Self, JoinError> {
        let damaged = |error: DemuxError| JoinError::damaged(index, &error);
        let moov = Atoms::new(root, at).next().transpose().map_err(damaged)?;
        let moov = moov.ok_or_else(|| JoinError::unfit(index, "has an empty index"))?;
        let child = |kind| moov.child(kind).map_err(damaged);
        if child(b"mvex")?.is_some() {
            let what = "is in fragments: write it anew with one index (`ffmpeg -i PART -c copy NEW`), then join that";
            return Err(JoinError::unfit(index, what));
        }
        if child(b"cmov")?.is_some() {
            return Err(JoinError::unfit(index, "has a compressed index: write it anew, then join that"));
        }
        let timescale = movie_timescale(&moov.need(b"mvhd").map_err(damaged)?).map_err(damaged)?;
        let mut tracks = Vec::new();
        for (place, trak) in moov.children().enumerate() {
            let trak = trak.map_err(damaged)?;
            if trak.kind == *b"trak"
                && let Some(track) = Track::parse(root, (place, &trak), timescale, quicktime).map_err(damaged)?
            {
                tracks.push(track);
            }
        }
        if tracks.is_empty() || tracks.len() > MOST_TRACKS {
            let what = format!("has {} tracks of pictures and sound; from 1 to {MOST_TRACKS} are joined", tracks.len());
            return Err(JoinError::unfit(index, what));
        }
        if tracks.iter().any(|track| matches!(&track.code, b"encv" | b"enca")) {
            return Err(JoinError::unfit(index, "is encrypted: join what is in clear"));
        }
        Ok(Self { timescale, tracks })
    }

    /// That it goes on where the first part began.
    pub(super) fn fits(&self, index: usize, first: &Part) -> Result<(), JoinError> {
        let count = |part: &Part, pictures| part.tracks.iter().filter(|track| track.pictures == pictures).count();
        for (pictures, what) in [(true, "pictures"), (false, "sound")] {
            let (own, wanted) = (count(self, pictures), count(first, pictures));
            if own != wanted {
                let reason = format!("has {own} tracks of {what}, the first one has {wanted}");
                return Err(JoinError::differs(index, reason));
            }
        }
        for (own, wanted) in self.tracks.iter().zip(&first.tracks) {
            own.fits(wanted).map_err(|reason| JoinError::differs(index, reason))?;
        }
        Ok(())
    }
}

impl Track {
    /// Bytes of a sample where each lasts one tick, as of uncompressed sound; those are walked by the chunk.
    pub(super) fn uncompressed(&self) -> Option<u32> {
        let boxes = &self.boxes;
        match boxes.sizes {
            _ if self.pictures => None,
            Sizes::Uniform(size @ 1..) if boxes.constant_duration() == Some(1) => Some(size),
            _ => None,
        }
    }

    /// Nothing of a track that holds neither pictures nor sound.
    fn parse(
        root: &Bytes,
        (child, trak): (usize, &Atom),
        movie: u32,
        quicktime: bool,
    ) -> Result<Option<Self>, DemuxError> {
        let mdia = trak.need(b"mdia")?;
        let hdlr = mdia.need(b"hdlr")?;
        let (_, _, mut fields) = hdlr.full()?;
        let handler = fields.skip(4).and_then(|()| fields.code()).ok_or_else(|| hdlr.short())?;
        if !matches!(&handler, b"vide" | b"soun") {
            return Ok(None);
        }
        let pictures = &handler == b"vide";
        let scale = MediaHeader::parse(&mdia, quicktime)?.timescale;
        let minf = mdia.need(b"minf")?;
        let stbl = minf.need(b"stbl")?;
        let stsd = stbl.need(b"stsd")?;
        let (_, _, mut entries) = stsd.full()?;
        entries.skip(4).ok_or_else(|| stsd.short())?;
        let first = Atoms::new(entries.0, stsd.body_at + 8).next().transpose()?;
        let first = first.ok_or_else(|| fail(stsd.at, "the stsd box describes no samples"))?;
        let tkhd = trak.need(b"tkhd")?;
        let id = TrackHeader::parse(&tkhd)?.id;
        let reference = first.body.get(6..8).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
        own_media(&minf, reference, id)?;
        let elst = trak.child(b"edts")?.map(|edts| edts.child(b"elst")).transpose()?.flatten();
        let matrix =
            tkhd.body.len().checked_sub(MATRIX_BYTES + 8).and_then(|from| tkhd.body.get(from..from + MATRIX_BYTES));
        let kind = entry::entries(&stsd, &handler)?.into_iter().find_map(Result::ok).map(|entry| entry.kind);
        Ok(Some(Self {
            child,
            pictures,
            scale,
            boxes: Boxes::parse(root, &stbl)?,
            line: edit::read(elst.as_ref(), movie, scale.get())?,
            code: first.kind,
            identity: identity(stsd.body),
            matrix: if pictures { matrix.unwrap_or_default().to_vec() } else { Vec::new() },
            what: described(first.kind, kind),
        }))
    }

    fn fits(&self, first: &Self) -> Result<(), String> {
        let of = if self.pictures { "pictures" } else { "sound" };
        if self.pictures != first.pictures {
            return Err("has its tracks in another order than the first one".to_owned());
        }
        if self.boxes.count == 0 || first.boxes.count == 0 {
            return Ok(());
        }
        if self.what != first.what {
            return Err(format!("has {of} of another kind than the first one: {}, not {}", self.what, first.what));
        }
        if self.scale != first.scale {
            let (own, wanted) = (self.scale.get(), first.scale.get());
            return Err(format!("counts the time of its {of} in 1/{own} s, the first one in 1/{wanted} s"));
        }
        if self.matrix != first.matrix {
            return Err("is turned otherwise than the first one".to_owned());
        }
        if self.identity != first.identity {
            return Err(format!("has {of} that are coded with other settings than those of the first one"));
        }
        Ok(())
    }
}

fn described(code: Code, kind: Option<MediaKind>) -> String {
    let code = name(code);
    match kind {
        Some(MediaKind::Video { width, height, .. }) => format!("'{code}' of {width}x{height}"),
        Some(MediaKind::Audio { sample_rate, channels }) => {
            format!("'{code}' of {sample_rate} Hz, {channels} channels")
        }
        _ => format!("'{code}'"),
    }
}

/// Sample entries without the rates that writers measure of the media (`btrt`, and `DecoderConfigDescriptor` in `esds`,
/// ISO/IEC 14496-1 §7.2.6.6), which differ from part to part.
fn identity(stsd: &[u8]) -> Vec<u8> {
    let mut out = stsd.to_vec();
    for at in 0..stsd.len() {
        let rest = &stsd[at..];
        if rest.starts_with(b"btrt") {
            out.iter_mut().skip(at + 4).take(12).for_each(|byte| *byte = 0);
        } else if rest.starts_with(b"esds")
            && let Some(rates) = rates(&rest[4..])
        {
            out.iter_mut().skip(at + 4 + rates).take(11).for_each(|byte| *byte = 0);
        }
    }
    out
}

/// Where the buffer size and the rates lie in the contents of an `esds` box.
fn rates(body: &[u8]) -> Option<usize> {
    let mut fields = Fields(body);
    fields.skip(4)?;
    let tag = |fields: &mut Fields, wanted: u8| {
        (fields.u8()? == wanted).then_some(())?;
        while fields.u8()? & 0x80 != 0 {}
        Some(())
    };
    tag(&mut fields, 3)?;
    let (_, flags) = (fields.u16()?, fields.u8()?);
    (flags & 0xe0 == 0).then_some(())?;
    tag(&mut fields, 4)?;
    fields.skip(2)?;
    Some(body.len() - fields.0.len())
}

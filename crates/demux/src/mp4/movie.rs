//! The movie box: its tracks, as they are and as they are shown (ISO/IEC 14496-12 §8.2 to §8.6).

pub(super) mod header;

use bytes::Bytes;
use media_types::time::rescale;
use media_types::{FrameRate, Timescale};

use self::header::{MediaHeader, TrackHeader, own_media, user_data};
use super::boxes::{Atom, Atoms, Code, fail, name};
use super::chapters::{self, Chapters};
use super::crypt::{Aux, Groups, mapping};
use super::edit::{self, Timeline};
use super::entry::{self, Found};
use super::language;
use super::stream::{Defaults, Description, Stream};
use super::table::{Boxes, Table};
use crate::{DemuxError, MediaKind, Roles, Track, Warning};

/// More tracks than any presentation has.
const MOST_TRACKS: usize = 512;

/// What a movie box says.
#[derive(Debug, Default)]
pub(super) struct Movie {
    /// Tracks as callers see them.
    pub(super) tracks: Vec<Track>,
    /// What is known of each besides.
    pub(super) streams: Vec<Stream>,
    /// `track_ID`s of what was passed over.
    pub(super) passed_over: Vec<u32>,
    /// Whether fragments may follow (`mvex`).
    pub(super) fragmented: bool,
    /// Its chapters.
    pub(super) chapters: Chapters,
    /// What was passed over, and why.
    pub(super) warnings: Vec<Warning>,
}

struct Context<'a> {
    root: &'a Bytes,
    timescale: u32,
    fragment_duration: Option<u64>,
    quicktime: bool,
    /// Tracks that hold the chapters of others.
    chapter_tracks: Vec<u32>,
}

/// Reads the movie box `root`, header included, which lies at `at`.
///
/// # Errors
/// It is damaged, or a track cannot be read without a decoder or another file.
pub(super) fn parse(root: &Bytes, at: u64, quicktime: bool) -> Result<Movie, DemuxError> {
    let moov = Atoms::new(root, at).next().transpose()?.ok_or_else(|| fail(at, "the moov box is too short"))?;
    if moov.child(b"cmov")?.is_some() {
        return Err(fail(at, "the movie box is compressed, as QuickTime once did; write the file anew"));
    }
    let mut movie = Movie::default();
    let mvex = moov.child(b"mvex")?;
    movie.fragmented = mvex.is_some();
    let context = Context {
        root,
        timescale: movie_timescale(&moov.need(b"mvhd")?)?,
        fragment_duration: match mvex {
            Some(mvex) => fragment_duration(&mvex)?,
            None => None,
        },
        quicktime,
        chapter_tracks: chapters::tracks(&moov),
    };
    let mut seen = 0;
    for trak in moov.children() {
        let trak = trak?;
        if trak.kind == *b"trak" {
            seen += 1;
            if seen > MOST_TRACKS {
                return Err(fail(trak.at, format!("there are more than {MOST_TRACKS} tracks")));
            }
            context.track(&mut movie, &trak)?;
        }
    }
    if let Some(mvex) = mvex {
        extend(&mut movie, &mvex)?;
    }
    if movie.chapters.is_empty() {
        movie.chapters.found = chapters::listed(&moov);
    }
    if movie.tracks.is_empty() {
        let why = movie.warnings.first().map_or("it has no tracks at all", |warning| warning.what.as_str());
        return Err(fail(at, format!("there is no track that can be carried: {why}")));
    }
    Ok(movie)
}

pub(super) fn movie_timescale(mvhd: &Atom) -> Result<u32, DemuxError> {
    let (version, _, mut fields) = mvhd.full()?;
    let scale = fields.skip(if version == 1 { 16 } else { 8 }).and_then(|()| fields.u32());
    scale.ok_or_else(|| mvhd.short()).and_then(|scale| match scale {
        0 => Err(fail(mvhd.at, "the movie's timescale is 0")),
        scale => Ok(scale),
    })
}

/// `mehd`: how long the movie is with its fragments.
fn fragment_duration(mvex: &Atom) -> Result<Option<u64>, DemuxError> {
    let Some(mehd) = mvex.child(b"mehd")? else { return Ok(None) };
    let (version, _, mut fields) = mehd.full()?;
    Ok(fields.sized(version).filter(|&duration| duration > 0))
}

/// `trex`: what fragments need not say (§8.8.3).
fn extend(movie: &mut Movie, mvex: &Atom) -> Result<(), DemuxError> {
    for trex in mvex.children() {
        let trex = trex?;
        if trex.kind != *b"trex" {
            continue;
        }
        let (_, _, mut fields) = trex.full()?;
        let mut next = || fields.u32().ok_or_else(|| trex.short());
        let id = next()?;
        let defaults = Defaults { description: next()?, duration: next()?, size: next()?, flags: next()? };
        if let Some(stream) = movie.streams.iter_mut().find(|stream| stream.id == id) {
            stream.defaults = defaults;
        }
    }
    Ok(())
}

impl Context<'_> {
    fn track(&self, movie: &mut Movie, trak: &Atom) -> Result<(), DemuxError> {
        let header = TrackHeader::parse(&trak.need(b"tkhd")?)?;
        let mdia = trak.need(b"mdia")?;
        let hdlr = mdia.need(b"hdlr")?;
        let (_, _, mut fields) = hdlr.full()?;
        let handler = fields.skip(4).and_then(|()| fields.code()).ok_or_else(|| hdlr.short())?;
        let label = fields.skip(12).and_then(|()| language::label(fields.0));
        let pass_over = |movie: &mut Movie, why: String| {
            movie
                .warnings
                .push(Warning { offset: trak.at, what: format!("track {} is passed over: {why}", header.id) });
            movie.passed_over.push(header.id);
        };
        if !matches!(&handler, b"vide" | b"soun" | b"text" | b"subt" | b"sbtl" | b"clcp") {
            pass_over(movie, format!("it holds '{}', neither pictures nor sound nor text", name(handler)));
            return Ok(());
        }
        if self.chapter_tracks.contains(&header.id) && !matches!(&handler, b"vide" | b"soun") {
            return self.chapters(movie, trak, header.id);
        }
        if movie.streams.iter().any(|stream| stream.id == header.id) {
            return Err(fail(trak.at, format!("there are two tracks with the number {}", header.id)));
        }
        let minf = mdia.need(b"minf")?;
        let stbl = minf.need(b"stbl")?;
        let stsd = stbl.need(b"stsd")?;
        let found = entry::entries(&stsd, &handler)?;
        let chosen = found.iter().find_map(|found| found.as_ref().ok()).cloned();
        let Some(chosen) = chosen else {
            let why = found.into_iter().find_map(Result::err).unwrap_or_default();
            pass_over(movie, why);
            return Ok(());
        };
        own_media(&minf, chosen.reference, header.id)?;
        if chosen.protection.is_some() && chosen.widen.is_some() {
            let what = "its NAL units have short lengths and are encrypted, so that they cannot be widened";
            return Err(fail(chosen.at, format!("track {}: {what}", header.id)));
        }
        let media = MediaHeader::parse(&mdia, self.quicktime)?;
        let boxes = Boxes::parse(self.root, &stbl)?;
        let elst = trak.child(b"edts")?.map(|edts| edts.child(b"elst")).transpose()?.flatten();
        let timeline = edit::read(elst.as_ref(), self.timescale, media.timescale.get())?;
        if matches!(chosen.kind, MediaKind::Video { .. }) && header.turned {
            let what =
                format!("track {} is to be shown turned or mirrored; its pictures are carried as they are", header.id);
            movie.warnings.push(Warning { offset: trak.at, what });
        }
        if let Some(dolby) = chosen.dolby {
            let what = format!(
                "track {} is carried without Dolby Vision (profile {}): players show the pictures that it was laid over",
                header.id, dolby.profile
            );
            movie.warnings.push(Warning { offset: trak.at, what });
        }
        let forced = chosen.text.as_ref().is_some_and(|text| text.forced);
        let mut roles = Roles { default: header.enabled, forced, ..Roles::default() };
        let mut label = label;
        if let Some(udta) = trak.child(b"udta")? {
            user_data(&udta, &mut roles, &mut label);
        }
        let frame_rate = boxes.constant_duration().and_then(|delta| FrameRate::new(media.timescale.get(), delta));
        let kind = match chosen.kind {
            MediaKind::Video { width, height, sample_aspect, .. } => {
                MediaKind::Video { width, height, sample_aspect, frame_rate }
            }
            other => other,
        };
        movie.tracks.push(Track {
            id: header.id.into(),
            kind,
            config: chosen.config.clone(),
            timescale: media.timescale,
            end: self.end(&timeline, &boxes, media.timescale, movie.fragmented),
            language: media.language,
            label,
            roles,
            protection: found.iter().flatten().find_map(|entry| entry.protection.as_deref().cloned()),
        });
        movie.streams.push(self.stream(&header, &stbl, &found, &timeline, boxes, kind)?);
        Ok(())
    }

    /// A track of chapters, which is none of its own. Of several the first counts; one that is damaged is left out.
    fn chapters(&self, movie: &mut Movie, trak: &Atom, id: u32) -> Result<(), DemuxError> {
        movie.passed_over.push(id);
        if !movie.chapters.is_empty() {
            return Ok(());
        }
        let media = MediaHeader::parse(&trak.need(b"mdia")?, self.quicktime)?;
        match Chapters::of_track(self.root, trak, self.timescale, media.timescale.get(), media.language) {
            Ok(chapters) => movie.chapters = chapters,
            Err(error) => {
                let what = format!("the chapters in track {id} are left out: {}", error.reason);
                movie.warnings.push(Warning { offset: error.offset, what });
            }
        }
        Ok(())
    }

    /// Where the edit list ends the track. In a fragmented movie an edit's length often speaks of the movie box's own
    /// samples only, so it counts there only where the whole movie's length is stated and longer.
    fn end(&self, timeline: &Timeline, boxes: &Boxes, timescale: Timescale, fragmented: bool) -> Option<i64> {
        timeline.end?;
        if !fragmented {
            return timeline.cut(boxes.presentation_end());
        }
        let whole = i64::try_from(self.fragment_duration?).ok()?;
        let whole = rescale(whole, timescale.get().into(), self.timescale.into());
        timeline.cut(whole.saturating_sub(timeline.shift))
    }

    fn stream(
        &self,
        header: &TrackHeader,
        stbl: &Atom,
        found: &[Found],
        timeline: &Timeline,
        boxes: Boxes,
        kind: MediaKind,
    ) -> Result<Stream, DemuxError> {
        let first = found.iter().flatten().next();
        let scheme = found.iter().flatten().find_map(|entry| Some(entry.protection.as_ref()?.scheme));
        let descriptions = found
            .iter()
            .map(|found| match (found, first) {
                (Ok(entry), Some(first)) if entry.config == first.config && entry.widen == first.widen => {
                    Description::Same(entry.by_default.clone())
                }
                (Ok(entry), _) => Description::Other(entry.at, "has another configuration".to_owned()),
                (Err(why), _) => Description::Other(stbl.at, format!("cannot be carried: {why}")),
            })
            .collect();
        Ok(Stream {
            scheme,
            groups: scheme.map(|scheme| Groups::parse(stbl, scheme)).transpose()?.unwrap_or_default(),
            mapping: mapping(self.root, stbl)?,
            aux: if scheme.is_some() { Aux::parse(self.root, stbl, 0)? } else { None },
            widen: first.and_then(|entry| entry.widen),
            text: found.iter().map(|found| found.as_ref().ok().and_then(|entry| entry.text.clone())).collect(),
            always_sync: !matches!(kind, MediaKind::Video { .. }),
            shift: timeline.shift,
            ..Stream::new(header.id, descriptions, Table::new(boxes))
        })
    }
}

/// The major brand of an `ftyp` box (§4.3).
pub(super) fn major_brand(ftyp: &[u8]) -> Option<Code> {
    ftyp.get(8..12)?.first_chunk().copied()
}

//! The boxes in front of the parts (ISO/IEC 14496-12 §8). What is said of tracks besides their samples is the first part's.

use bytes::Bytes;
use media_types::time::rescale;

use super::lane::{Lane, Place, Runs};
use super::part::Part;
use super::place::SILENCE_BYTES;
use crate::mp4::boxes::{Atom, Atoms, Code, fail};
use crate::{DemuxError, JoinError};

/// Bytes of the header of the box that holds all parts.
const MEDIA_HEADER: u64 = 16;
/// Bytes in front of the zeros.
const FREE_HEADER: u64 = 8;

/// Brands, index, zeros where they are needed, and the header of a box that holds `media` bytes.
pub(super) fn file(
    (brands, root): (&Bytes, &Bytes),
    first: &Part,
    lanes: &[Lane],
    media: u64,
) -> Result<Bytes, JoinError> {
    let zeros = lanes.iter().any(|lane| lane.chunks.iter().any(|chunk| chunk.place == Place::Silence));
    let silence = if zeros { FREE_HEADER + u64::from(SILENCE_BYTES) } else { 0 };
    let movie = |begins| movie(root, first, lanes, begins).map_err(|error| JoinError::damaged(0, &error));
    let index = movie(Begins { silence: 0, media: 0 })?.len() as u64 + brands.len() as u64;
    let begins = Begins { silence: index + FREE_HEADER, media: index + silence + MEDIA_HEADER };
    let mut out = brands.to_vec();
    out.extend(movie(begins)?);
    if zeros {
        out.extend(boxed(b"free", &[0; SILENCE_BYTES as usize]));
    }
    out.extend_from_slice(&1u32.to_be_bytes());
    out.extend_from_slice(b"mdat");
    out.extend_from_slice(&media.saturating_add(MEDIA_HEADER).to_be_bytes());
    Ok(out.into())
}

/// Where the zeros and the first part lie.
#[derive(Clone, Copy)]
struct Begins {
    silence: u64,
    media: u64,
}

fn boxed(kind: &Code, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u64 + 8;
    let mut out = Vec::with_capacity(body.len() + 16);
    match u32::try_from(length) {
        Ok(short) => {
            out.extend_from_slice(&short.to_be_bytes());
            out.extend_from_slice(kind);
        }
        Err(_) => {
            out.extend_from_slice(&1u32.to_be_bytes());
            out.extend_from_slice(kind);
            out.extend_from_slice(&(length + 8).to_be_bytes());
        }
    }
    out.extend_from_slice(body);
    out
}

fn copied(atom: &Atom) -> Vec<u8> {
    boxed(&atom.kind, atom.body)
}

fn full(kind: &Code, version: u8, body: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[version, 0, 0, 0][..], body].concat())
}

/// Counted entries.
fn table<const N: usize>(kind: &Code, version: u8, entries: impl ExactSizeIterator<Item = [u8; N]>) -> Vec<u8> {
    let mut body = Vec::with_capacity(4 + entries.len() * N);
    body.extend_from_slice(&(entries.len() as u32).to_be_bytes());
    entries.for_each(|entry| body.extend_from_slice(&entry));
    full(kind, version, &body)
}

fn movie(root: &Bytes, first: &Part, lanes: &[Lane], begins: Begins) -> Result<Vec<u8>, DemuxError> {
    let moov = Atoms::new(root, 0).next().transpose()?.ok_or_else(|| fail(0, "the moov box is too short"))?;
    let in_movie = |lane: &Lane, scale: u32| {
        let length = u64::try_from(lane.ends).unwrap_or(0);
        // Rounded up: an edit list that ends a little early hides the last picture.
        (u128::from(length) * u128::from(first.timescale)).div_ceil(scale.into()) as u64
    };
    let ends = first.tracks.iter().zip(lanes).map(|(track, lane)| in_movie(lane, track.scale.get()));
    let mut body = timed(&moov.need(b"mvhd")?, ends.max().unwrap_or(0), false)?;
    for (track, lane) in first.tracks.iter().zip(lanes) {
        let Some(trak) = moov.children().nth(track.child).transpose()? else { continue };
        let times = Times { movie: first.timescale, media: track.scale.get(), end: in_movie(lane, track.scale.get()) };
        body.extend(self::track(&trak, lane, times, begins)?);
    }
    Ok(boxed(b"moov", &body))
}

#[derive(Clone, Copy)]
struct Times {
    movie: u32,
    media: u32,
    /// When the track ends, in ticks of the movie.
    end: u64,
}

fn track(trak: &Atom, lane: &Lane, times: Times, begins: Begins) -> Result<Vec<u8>, DemuxError> {
    let mut body = timed(&trak.need(b"tkhd")?, times.end, true)?;
    body.extend(boxed(b"edts", &edits(lane, times)));
    for child in trak.children() {
        let child = child?;
        match &child.kind {
            b"tkhd" | b"edts" | b"tref" => {}
            b"mdia" => body.extend(media(&child, lane, begins)?),
            _ => body.extend(copied(&child)),
        }
    }
    Ok(boxed(b"trak", &body))
}

/// An empty edit where the track begins late, and one for all of it. FFmpeg has a track that is said to begin before its first
/// picture begin with that.
fn edits(lane: &Lane, times: Times) -> Vec<u8> {
    let begins = lane.shown.max(0);
    let delay = rescale(begins, times.movie.into(), times.media.into()).unsigned_abs();
    let entry = |length: u64, media_time: i64| {
        let mut entry = [0; 20];
        entry[..8].copy_from_slice(&length.to_be_bytes());
        entry[8..16].copy_from_slice(&media_time.to_be_bytes());
        entry[17] = 1;
        entry
    };
    let shown = entry(times.end.saturating_sub(delay), begins.saturating_sub(lane.begins).max(0));
    let late = (delay > 0).then(|| entry(delay, -1));
    let entries: Vec<[u8; 20]> = late.into_iter().chain([shown]).collect();
    table(b"elst", 1, entries.into_iter())
}

fn media(mdia: &Atom, lane: &Lane, begins: Begins) -> Result<Vec<u8>, DemuxError> {
    let length = lane.end().unwrap_or(0).saturating_sub(lane.begins);
    let mut body = timed(&mdia.need(b"mdhd")?, u64::try_from(length).unwrap_or(0), false)?;
    for child in mdia.children() {
        let child = child?;
        match &child.kind {
            b"mdhd" => {}
            b"minf" => body.extend(information(&child, lane, begins)?),
            _ => body.extend(copied(&child)),
        }
    }
    Ok(boxed(b"mdia", &body))
}

fn information(minf: &Atom, lane: &Lane, begins: Begins) -> Result<Vec<u8>, DemuxError> {
    let mut body = Vec::new();
    for child in minf.children() {
        let child = child?;
        match &child.kind {
            b"stbl" => body.extend(samples(&child.need(b"stsd")?, lane, begins)),
            _ => body.extend(copied(&child)),
        }
    }
    Ok(boxed(b"minf", &body))
}

/// `mvhd`, `tkhd` or `mdhd` in version 1 with this length (§8.2.2, §8.3.2, §8.4.2); in `tkhd` a number and a reserved word
/// stand in front of it, in the others the timescale.
fn timed(atom: &Atom, length: u64, track: bool) -> Result<Vec<u8>, DemuxError> {
    let (version, flags, mut fields) = atom.full()?;
    let mut body = (1 << 24 | flags).to_be_bytes().to_vec();
    let mut read = || {
        for _ in 0..2 {
            body.extend_from_slice(&fields.sized(version)?.to_be_bytes());
        }
        body.extend_from_slice(fields.take(if track { 8 } else { 4 })?);
        fields.sized(version)
    };
    read().ok_or_else(|| atom.short())?;
    body.extend_from_slice(&length.to_be_bytes());
    body.extend_from_slice(fields.0);
    Ok(boxed(&atom.kind, &body))
}

fn samples(stsd: &Atom, lane: &Lane, begins: Begins) -> Vec<u8> {
    let mut body = copied(stsd);
    let last = lane.last.map(|last| (1, last.duration));
    let pair = |(count, value): (u32, [u8; 4])| {
        let mut entry = [0; 8];
        entry[..4].copy_from_slice(&count.to_be_bytes());
        entry[4..].copy_from_slice(&value);
        entry
    };
    let mut durations: Runs<u32> = lane.durations.clone();
    match (durations.back_mut(), last) {
        (Some((count, value)), Some((_, duration))) if *value == duration => *count = count.saturating_add(1),
        (_, last) => durations.extend(last),
    }
    body.extend(table(b"stts", 0, durations.iter().map(|&(count, value)| pair((count, value.to_be_bytes())))));
    if lane.offsets.iter().any(|&(_, offset)| offset != 0) {
        let version = u8::from(lane.offsets.iter().any(|&(_, offset)| offset < 0));
        let offsets = lane.offsets.iter().map(|&(count, value)| pair((count, value.to_be_bytes())));
        body.extend(table(b"ctts", version, offsets));
    }
    if lane.leans {
        body.extend(table(b"stss", 0, lane.sync.iter().map(|sample| sample.to_be_bytes())));
    }
    body.extend(map(lane));
    let uniform = if lane.sizes.is_empty() { lane.size } else { 0 };
    let mut sizes = [uniform.to_be_bytes(), lane.count.to_be_bytes()].concat();
    lane.sizes.iter().for_each(|size| sizes.extend_from_slice(&size.to_be_bytes()));
    body.extend(full(b"stsz", 0, &sizes));
    let offset = |place| match place {
        Place::Media(at) => begins.media.saturating_add(at),
        Place::Silence => begins.silence,
    };
    body.extend(table(b"co64", 0, lane.chunks.iter().map(|chunk| offset(chunk.place).to_be_bytes())));
    boxed(b"stbl", &body)
}

/// `stsc` (§8.7.4).
fn map(lane: &Lane) -> Vec<u8> {
    let mut entries: Vec<[u8; 12]> = Vec::new();
    let mut before = None;
    for (number, chunk) in (1u32..).zip(&lane.chunks) {
        if before != Some((chunk.count, chunk.description)) {
            let words = [number, chunk.count, chunk.description].map(u32::to_be_bytes);
            let mut entry = [0; 12];
            entry.copy_from_slice(words.as_flattened());
            entries.push(entry);
            before = Some((chunk.count, chunk.description));
        }
    }
    table(b"stsc", 0, entries.into_iter())
}

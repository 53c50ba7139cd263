//! Progressive MP4: whole tracks in one file with its index in front (ISO/IEC 14496-12), from the samples that segments
//! hold, so that nothing is encoded again for a download.

use bytes::Bytes;
use media_types::time::rescale;
use media_types::{TrackKind, TrackRecord};

use crate::init::{SampleEntry, movie};
use crate::isobmff::Boxes;
use crate::{PackageError, SampleMeta};

/// What the index of one track needs, gathered segment by segment. Takes 4 bytes a sample, and little more where lengths
/// and offsets repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleTable {
    /// Runs of equal durations, and of equal composition offsets.
    durations: Vec<(u32, u32)>,
    offsets: Vec<(u32, u32)>,
    sizes: Vec<u32>,
    /// 1-based numbers of keyframes; empty while every sample is one.
    keyframes: Vec<u32>,
    all_keyframes: bool,
    /// Samples and bytes of each segment.
    chunks: Vec<(u32, u64)>,
    /// Decode time of the first sample, and ticks of all.
    first: u64,
    ticks: u64,
}

impl SampleTable {
    /// Adds a segment's samples. `hidden_ticks` is the track's.
    ///
    /// # Errors
    /// [`PackageError::OutOfRange`] for more samples than a file can count.
    pub fn add(&mut self, index: u32, samples: &[SampleMeta], hidden_ticks: u32) -> Result<(), PackageError> {
        let out_of_range = |what| PackageError::OutOfRange { index, what };
        if self.sizes.is_empty() {
            self.all_keyframes = true;
            self.first = samples.first().map_or(0, |first| first.dts.max(0).unsigned_abs());
        }
        for sample in samples {
            let offset = sample.pts - sample.dts + i64::from(hidden_ticks);
            let offset = u32::try_from(offset).map_err(|_| out_of_range("a composition offset"))?;
            let number = u32::try_from(self.sizes.len() + 1).map_err(|_| out_of_range("its sample count"))?;
            repeat(&mut self.durations, sample.duration);
            repeat(&mut self.offsets, offset);
            self.sizes.push(sample.size);
            if !sample.keyframe && self.all_keyframes {
                self.all_keyframes = false;
                self.keyframes = (1..number).collect();
            } else if sample.keyframe && !self.all_keyframes {
                self.keyframes.push(number);
            }
            self.ticks += u64::from(sample.duration);
        }
        let bytes = samples.iter().map(|sample| u64::from(sample.size)).sum();
        self.chunks.push((samples.len() as u32, bytes));
        Ok(())
    }

    /// Bytes of the samples of each segment.
    pub fn chunk_bytes(&self) -> impl Iterator<Item = u64> + '_ {
        self.chunks.iter().map(|&(_, bytes)| bytes)
    }
}

fn repeat(runs: &mut Vec<(u32, u32)>, value: u32) {
    match runs.last_mut() {
        Some((count, last)) if *last == value => *count += 1,
        _ => runs.push((1, value)),
    }
}

/// The head of a progressive file and the order of what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgressiveFile {
    /// `ftyp`, `moov` and the head of `mdat`.
    pub head: Bytes,
    /// Track and segment whose samples come next, one after another, by their positions.
    pub order: Vec<(usize, usize)>,
}

/// Lays out a file of these tracks. Their segments are interleaved, so that a player needs no seeking.
///
/// # Errors
/// As [`init_segment`](crate::init_segment).
pub fn progressive_file(tracks: &[(&TrackRecord, &SampleTable)]) -> Result<ProgressiveFile, PackageError> {
    let entries = tracks.iter().map(|(track, _)| SampleEntry::new(track)).collect::<Result<Vec<_>, _>>()?;
    let segments = tracks.iter().map(|(_, table)| table.chunks.len()).max().unwrap_or(0);
    let order: Vec<(usize, usize)> = (0..segments)
        .flat_map(|segment| (0..tracks.len()).map(move |track| (track, segment)))
        .filter(|&(track, segment)| segment < tracks[track].1.chunks.len())
        .collect();
    let mut starts: Vec<Vec<u64>> = tracks.iter().map(|_| Vec::new()).collect();
    let mut data = 0u64;
    for &(track, segment) in &order {
        starts[track].push(data);
        data += tracks[track].1.chunks[segment].1;
    }
    // Offsets take the same room whatever they are, so the first draft tells how long the head is.
    let draft = head(tracks, &entries, &starts, 0, data);
    let head = head(tracks, &entries, &starts, draft.len() as u64, data);
    Ok(ProgressiveFile { head, order })
}

fn head(
    tracks: &[(&TrackRecord, &SampleTable)],
    entries: &[SampleEntry<'_>],
    starts: &[Vec<u64>],
    base: u64,
    data: u64,
) -> Bytes {
    let samples: usize = tracks.iter().map(|(_, table)| table.sizes.len()).sum();
    let mut w = Boxes::with_capacity(4096 + 16 * samples);
    w.put(b"ftyp", |w| {
        w.raw(b"isom");
        w.u32(0x200);
        w.raw(b"isomiso6mp41");
    });
    w.put(b"moov", |w| {
        let Some((first, _)) = tracks.first() else { return };
        let scale = first.timescale;
        let in_movie = |track: &TrackRecord, ticks: u64| {
            let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
            rescale(ticks, scale.get().into(), track.timescale.get().into()).max(0).unsigned_abs()
        };
        let length = |track: &TrackRecord| in_movie(track, track.shown_ticks);
        let longest = tracks.iter().map(|(track, _)| length(track)).max().unwrap_or(0);
        movie::header(w, scale, longest, tracks.len() as u32 + 1);
        for (position, ((track, table), entry)) in tracks.iter().zip(entries).enumerate() {
            w.put(b"trak", |w| {
                movie::track_header(w, track, position as u32 + 1, length(track));
                movie::edit_list(w, &edits(track, table.first, in_movie));
                let video = matches!(track.kind, TrackKind::Video { .. });
                movie::media(w, track, entry, None, table.ticks, |w| tables(w, table, &starts[position], base, video));
            });
        }
    });
    w.u32(1);
    w.raw(b"mdat");
    w.u64(data + 16);
    w.into_bytes()
}

/// Media starts at 0 in a whole file: what is hidden is skipped, and what starts late waits in an empty edit.
fn edits(track: &TrackRecord, first: u64, in_movie: impl Fn(&TrackRecord, u64) -> u64) -> Vec<(u64, i64)> {
    let hidden = u64::from(track.hidden_ticks);
    let late = first.saturating_sub(hidden);
    let shown = (in_movie(track, track.shown_ticks.saturating_sub(late)), hidden.saturating_sub(first) as i64);
    if late == 0 { vec![shown] } else { vec![(in_movie(track, late), -1), shown] }
}

/// §8.6 and §8.7.
fn tables(w: &mut Boxes, table: &SampleTable, starts: &[u64], base: u64, video: bool) {
    let runs = |w: &mut Boxes, runs: &[(u32, u32)]| {
        w.u32(runs.len() as u32);
        for &(count, value) in runs {
            w.u32(count);
            w.u32(value);
        }
    };
    w.put_full(b"stts", 0, 0, |w| runs(w, &table.durations));
    if table.offsets.iter().any(|&(_, offset)| offset != 0) {
        w.put_full(b"ctts", 0, 0, |w| runs(w, &table.offsets));
    }
    if video && !table.all_keyframes {
        w.put_full(b"stss", 0, 0, |w| {
            w.u32(table.keyframes.len() as u32);
            table.keyframes.iter().for_each(|&number| w.u32(number));
        });
    }
    let mut groups: Vec<(u32, u32)> = Vec::new();
    for (number, &(samples, _)) in (1u32..).zip(&table.chunks) {
        if groups.last().is_none_or(|&(_, last)| last != samples) {
            groups.push((number, samples));
        }
    }
    w.put_full(b"stsc", 0, 0, |w| {
        w.u32(groups.len() as u32);
        for (first, samples) in groups {
            w.u32(first);
            w.u32(samples);
            w.u32(1);
        }
    });
    w.put_full(b"stsz", 0, 0, |w| {
        w.u32(0);
        w.u32(table.sizes.len() as u32);
        table.sizes.iter().for_each(|&size| w.u32(size));
    });
    w.put_full(b"co64", 0, 0, |w| {
        w.u32(starts.len() as u32);
        starts.iter().for_each(|start| w.u64(base + start));
    });
}

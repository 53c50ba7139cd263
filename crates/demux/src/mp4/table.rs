//! The sample tables of a whole file (ISO/IEC 14496-12 §8.6, §8.7), walked as they lie in it.

use bytes::Bytes;

use super::boxes::{Atom, fail, name};
use super::sample::Raw;
use crate::DemuxError;

/// Fixed-size entries that a box counts first: checked to be there, never expanded.
pub(super) fn entries(root: &Bytes, atom: &Atom, skip: usize, width: usize) -> Result<Bytes, DemuxError> {
    let (_, _, mut fields) = atom.full()?;
    let count = fields.skip(skip).and_then(|()| fields.u32()).ok_or_else(|| atom.short())?;
    let there = fields.0.len() / width;
    if count as usize > there {
        let name = name(atom.kind);
        return Err(fail(atom.at, format!("the {name} box claims {count} entries, but has bytes for {there}")));
    }
    Ok(root.slice_ref(&fields.0[..count as usize * width]))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.first_chunk().map(|word| u64::from_be_bytes(*word))
}

/// Pairs of a count and a value, as in `stts`, `ctts` and `sbgp`, walked one sample at a time.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    bytes: Bytes,
    at: usize,
    left: u32,
    value: u32,
}

impl Runs {
    /// Over 8-byte entries.
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { bytes, at: 0, left: 0, value: 0 }
    }

    /// The next sample's value.
    pub(super) fn next(&mut self) -> Option<u32> {
        while self.left == 0 {
            (self.left, self.value) = (word(&self.bytes, self.at)?, word(&self.bytes, self.at + 4)?);
            self.at += 8;
        }
        self.left -= 1;
        Some(self.value)
    }

    /// Whole entries that are left, as (count, value).
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.bytes[self.at..].chunks_exact(8).filter_map(|entry| Some((word(entry, 0)?, word(entry, 4)?)))
    }
}

/// `stsz` and `stz2` (§8.7.3).
#[derive(Clone, Debug)]
pub(super) enum Sizes {
    /// All alike.
    Uniform(u32),
    /// In 32 bits each.
    Words(Bytes),
    /// In 4, 8 or 16 bits each.
    Compact(u8, Bytes),
}

impl Sizes {
    /// Reads either box: the sizes and the number of samples.
    pub(super) fn parse(root: &Bytes, atom: &Atom) -> Result<(Self, u32), DemuxError> {
        let (_, _, mut fields) = atom.full()?;
        let (first, count) = fields.u32().zip(fields.u32()).ok_or_else(|| atom.short())?;
        let bits: u64 = match (&atom.kind, first) {
            (b"stsz", 0) => 32,
            (b"stsz", size) => return Ok((Self::Uniform(size), count)),
            (_, bits) if matches!(bits & 0xff, 4 | 8 | 16) => u64::from(bits & 0xff),
            (_, bits) => return Err(fail(atom.at, format!("the stz2 box has sizes of {} bits", bits & 0xff))),
        };
        let length = (u64::from(count) * bits).div_ceil(8);
        let there = fields.0.len() as u64;
        if length > there {
            let name = name(atom.kind);
            return Err(fail(
                atom.at,
                format!("the {name} box claims {count} samples, but has bytes for {}", there * 8 / bits),
            ));
        }
        let bytes = root.slice_ref(&fields.0[..length as usize]);
        Ok((if bits == 32 { Self::Words(bytes) } else { Self::Compact(bits as u8, bytes) }, count))
    }

    fn get(&self, index: u32) -> Option<u32> {
        let index = index as usize;
        match self {
            Self::Uniform(size) => Some(*size),
            Self::Words(bytes) => word(bytes, index * 4),
            Self::Compact(16, bytes) => {
                bytes.get(index * 2..index * 2 + 2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
            }
            Self::Compact(8, bytes) => bytes.get(index).map(|&byte| u32::from(byte)),
            Self::Compact(_, bytes) => {
                bytes.get(index / 2).map(|&byte| u32::from(if index.is_multiple_of(2) { byte >> 4 } else { byte & 15 }))
            }
        }
    }
}

/// `stco` and `co64` (§8.7.5).
#[derive(Clone, Debug)]
pub(super) struct Chunks {
    bytes: Bytes,
    width: usize,
}

impl Chunks {
    /// Reads either box.
    pub(super) fn parse(root: &Bytes, atom: &Atom) -> Result<Self, DemuxError> {
        let width = if &atom.kind == b"co64" { 8 } else { 4 };
        Ok(Self { bytes: entries(root, atom, 0, width)?, width })
    }

    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        (self.bytes.len() / self.width) as u32
    }

    fn get(&self, index: u32) -> Option<u64> {
        let at = index as usize * self.width;
        if self.width == 8 { long(&self.bytes, at) } else { word(&self.bytes, at).map(u64::from) }
    }
}

/// The boxes of a sample table.
#[derive(Clone, Debug)]
pub(super) struct Boxes {
    /// Where `stbl` lies in the file.
    pub(super) at: u64,
    /// `stts`.
    pub(super) times: Bytes,
    /// `ctts`.
    pub(super) offsets: Option<Bytes>,
    /// `stsc`.
    pub(super) map: Bytes,
    /// `stsz` or `stz2`.
    pub(super) sizes: Sizes,
    /// Number of samples.
    pub(super) count: u32,
    /// `stco` or `co64`.
    pub(super) chunks: Chunks,
    /// `stss`; `None` when every sample is one to start at.
    pub(super) sync: Option<Bytes>,
}

impl Boxes {
    /// Reads the tables of an `stbl`.
    pub(super) fn parse(root: &Bytes, stbl: &Atom) -> Result<Self, DemuxError> {
        let child = |kind| stbl.child(kind);
        let sizes = match child(b"stsz")? {
            Some(atom) => atom,
            None => child(b"stz2")?.ok_or_else(|| fail(stbl.at, "the stbl box has neither an stsz nor an stz2 box"))?,
        };
        let (sizes, count) = Sizes::parse(root, &sizes)?;
        let chunks = match child(b"co64")? {
            Some(atom) => atom,
            None => child(b"stco")?.ok_or_else(|| fail(stbl.at, "the stbl box has neither an stco nor a co64 box"))?,
        };
        Ok(Self {
            at: stbl.at,
            times: entries(root, &stbl.need(b"stts")?, 0, 8)?,
            offsets: child(b"ctts")?.map(|atom| entries(root, &atom, 0, 8)).transpose()?,
            map: entries(root, &stbl.need(b"stsc")?, 0, 12)?,
            sizes,
            count,
            chunks: Chunks::parse(root, &chunks)?,
            sync: child(b"stss")?.map(|atom| entries(root, &atom, 0, 4)).transpose()?,
        })
    }

    /// The duration that all samples share but for the last, which may have another one.
    pub(super) fn constant_duration(&self) -> Option<u32> {
        let mut entries = Runs::new(self.times.clone());
        let (first, delta) = entries.entries().next()?;
        let constant = first >= self.count || (first + 1 == self.count && self.times.len() == 16);
        entries.next().filter(|_| constant && delta > 0)
    }

    /// Where presentation of the media ends, in media ticks: the latest sample's end.
    pub(super) fn presentation_end(&self) -> i64 {
        let mut times = Runs::new(self.times.clone());
        let total = times
            .entries()
            .fold(0i64, |sum, (count, delta)| sum.saturating_add(i64::from(count).saturating_mul(i64::from(delta))));
        let Some(offsets) = self.offsets.clone() else { return total };
        let mut offsets = Runs::new(offsets);
        let (mut dts, mut end) = (0i64, i64::MIN);
        // As many steps as both tables have samples, which the chunks need not have: bounded by their own count.
        for _ in 0..self.count.min(MOST_WALKED) {
            let Some((delta, offset)) = times.next().zip(offsets.next()) else { break };
            end = end.max(dts.saturating_add(i64::from(delta)).saturating_add(i64::from(offset as i32)));
            dts = dts.saturating_add(i64::from(delta));
        }
        if self.count > MOST_WALKED { total } else { end.max(0) }
    }
}

/// Samples of the longest track that is measured by walking it: a day at 240 pictures a second.
const MOST_WALKED: u32 = 20_000_000;

/// Why a track's samples end early: where, and what contradicts what.
pub(super) type Contradiction = DemuxError;

/// A walk through the sample tables of one track.
#[derive(Clone, Debug)]
pub(super) struct Table {
    boxes: Boxes,
    times: Runs,
    offsets: Option<Runs>,
    sync_at: usize,
    next_sync: u32,
    sample: u32,
    dts: i64,
    chunk: u32,
    map_at: usize,
    in_chunk: u32,
    at: u64,
    description: u32,
}

impl Table {
    /// From the first sample.
    pub(super) fn new(boxes: Boxes) -> Self {
        let next_sync = boxes.sync.as_ref().map_or(0, |sync| word(sync, 0).unwrap_or(0));
        Self {
            times: Runs::new(boxes.times.clone()),
            offsets: boxes.offsets.clone().map(Runs::new),
            boxes,
            sync_at: 0,
            next_sync,
            sample: 0,
            dts: 0,
            chunk: 0,
            map_at: 0,
            in_chunk: 0,
            at: 0,
            description: 1,
        }
    }

    /// Samples that the next ones in the file are: 0 between two chunks.
    pub(super) fn left_in_chunk(&self) -> u32 {
        self.in_chunk
    }

    /// 0-based number of the chunk that is being read.
    pub(super) fn chunk(&self) -> u32 {
        self.chunk.saturating_sub(1)
    }

    /// Where the next sample lies.
    pub(super) fn offset(&self) -> u64 {
        self.at
    }

    /// Decode time of the next sample, in media ticks.
    pub(super) fn dts(&self) -> i64 {
        self.dts
    }

    /// 1-based sample description of the chunk.
    pub(super) fn description(&self) -> u32 {
        self.description
    }

    /// Goes to the next chunk that has samples. `false` when the track is at its end.
    ///
    /// # Errors
    /// The tables contradict one another.
    pub(super) fn next_chunk(&mut self) -> Result<bool, Contradiction> {
        while self.in_chunk == 0 {
            if self.sample >= self.boxes.count {
                return Ok(false);
            }
            let Some(at) = self.boxes.chunks.get(self.chunk) else {
                let (count, chunks) = (self.boxes.count, self.boxes.chunks.count());
                let what = format!("{count} samples are claimed, but the {chunks} chunks hold only {}", self.sample);
                return Err(fail(self.boxes.at, what));
            };
            while self.first_chunk(self.map_at + 12).is_some_and(|first| first <= self.chunk + 1) {
                self.map_at += 12;
            }
            if self.first_chunk(self.map_at).is_none_or(|first| first > self.chunk + 1) {
                return Err(fail(self.boxes.at, format!("the stsc box says nothing of chunk {}", self.chunk + 1)));
            }
            let per_chunk = word(&self.boxes.map, self.map_at + 4).unwrap_or(0);
            self.description = word(&self.boxes.map, self.map_at + 8).unwrap_or(1);
            self.in_chunk = per_chunk.min(self.boxes.count - self.sample);
            self.at = at;
            self.chunk += 1;
        }
        Ok(true)
    }

    fn first_chunk(&self, at: usize) -> Option<u32> {
        word(&self.boxes.map, at)
    }

    /// The next sample of the chunk.
    ///
    /// # Errors
    /// The tables contradict one another.
    pub(super) fn next(&mut self) -> Result<Raw, Contradiction> {
        let (place, sample) = (self.boxes.at, self.sample);
        let missing = |what: &str| fail(place, format!("the {what} table ends at sample {sample}"));
        let size = self.boxes.sizes.get(self.sample).ok_or_else(|| missing("size"))?;
        let duration = self.times.next().ok_or_else(|| missing("decode time"))?;
        // A table that is too short leaves the rest without an offset, as players have it.
        let offset = self.offsets.as_mut().and_then(Runs::next).unwrap_or(0) as i32;
        let sync = self.is_sync();
        let raw = Raw { at: self.at, size, dts: self.dts, offset, duration, sync };
        self.at = self.at.checked_add(u64::from(size)).ok_or_else(|| fail(place, "a chunk ends beyond 2^64 bytes"))?;
        self.dts = self.dts.saturating_add(raw.step());
        self.sample += 1;
        self.in_chunk -= 1;
        Ok(raw)
    }

    /// All samples of the chunk as one, whose duration is their number: of samples of a tick each that are all alike.
    pub(super) fn whole_chunk(&mut self) -> Raw {
        let count = std::mem::take(&mut self.in_chunk);
        let size = self.boxes.sizes.get(self.sample).unwrap_or(0);
        let raw = Raw { at: self.at, size, dts: self.dts, offset: 0, duration: count, sync: true };
        self.sample += count;
        self.dts = self.dts.saturating_add(count.into());
        raw
    }

    fn is_sync(&mut self) -> bool {
        let Some(sync) = &self.boxes.sync else { return true };
        let number = self.sample + 1;
        while self.next_sync < number {
            self.sync_at += 4;
            let Some(next) = word(sync, self.sync_at) else {
                self.next_sync = u32::MAX;
                return false;
            };
            self.next_sync = next;
        }
        self.next_sync == number
    }
}

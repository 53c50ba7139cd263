//! Movie fragments: `moof` with its `traf`s and `trun`s (ISO/IEC 14496-12 §8.8).

use std::collections::VecDeque;

use bytes::Bytes;

use super::boxes::{Atom, Atoms, Fields, fail};
use super::crypt::{Aux, Groups, mapping};
use super::sample::Raw;
use super::stream::{Defaults, Stream};
use super::table::Runs;
use crate::DemuxError;

/// More runs than any fragment has.
const MOST_RUNS: usize = 1 << 16;

/// The samples of one fragment that are not given yet.
#[derive(Debug, Default)]
pub(super) struct Fragment {
    /// For each stream, its track fragments in order.
    pub(super) queues: Vec<VecDeque<TrackFragment>>,
    /// `track_ID`s that no track of the movie box has, with the place of their fragment.
    pub(super) strangers: Vec<(u32, u64)>,
}

/// One `traf`.
#[derive(Debug)]
pub(super) struct TrackFragment {
    /// `tfdt`: decode time of its first sample, when it states one.
    pub(super) start: Option<i64>,
    /// 1-based sample description.
    pub(super) description: u32,
    /// Its own sample groups.
    pub(super) groups: Groups,
    /// Which samples are in which group.
    pub(super) mapping: Option<Runs>,
    /// Encryption data.
    pub(super) aux: Option<Aux>,
    /// 0-based number of the run that is being read.
    pub(super) run: usize,
    /// The run whose encryption data are at hand.
    pub(super) aux_run: Option<usize>,
    /// Where it lies in the file.
    pub(super) place: u64,
    runs: VecDeque<Run>,
}

/// One `trun`.
#[derive(Debug)]
struct Run {
    fields: Bytes,
    from: usize,
    flags: u32,
    left: u32,
    at: u64,
    first_flags: Option<u32>,
    defaults: Defaults,
}

/// Reads the fragment box `root`, header included, which lies at `at`.
///
/// # Errors
/// It is damaged.
pub(super) fn parse(root: &Bytes, at: u64, streams: &[Stream], passed_over: &[u32]) -> Result<Fragment, DemuxError> {
    let moof = Atoms::new(root, at).next().transpose()?.ok_or_else(|| fail(at, "the moof box is too short"))?;
    let mut fragment = Fragment { queues: streams.iter().map(|_| VecDeque::new()).collect(), strangers: Vec::new() };
    // Without a base of its own, a track fragment's data follow those of the one before it (§8.8.7.1).
    let mut follow = at;
    let mut runs = 0;
    for traf in moof.children() {
        let traf = traf?;
        if traf.kind != *b"traf" {
            continue;
        }
        let tfhd = TrackFragmentHeader::parse(&traf.need(b"tfhd")?)?;
        let index = streams.iter().position(|stream| stream.id == tfhd.id);
        let defaults = tfhd.defaults(index.map_or_else(Defaults::default, |index| streams[index].defaults));
        let base = tfhd.base.unwrap_or(if tfhd.from_moof { at } else { follow });
        let list = read_runs(root, &traf, base, defaults, &mut follow)?;
        runs += list.len();
        if runs > MOST_RUNS {
            return Err(fail(traf.at, format!("a fragment has more than {MOST_RUNS} runs")));
        }
        match index {
            Some(index) => {
                fragment.queues[index].push_back(track_fragment(root, &traf, &streams[index], base, defaults, list)?);
            }
            None if passed_over.contains(&tfhd.id) => {}
            None => fragment.strangers.push((tfhd.id, traf.at)),
        }
    }
    Ok(fragment)
}

fn track_fragment(
    root: &Bytes,
    traf: &Atom,
    stream: &Stream,
    base: u64,
    defaults: Defaults,
    runs: VecDeque<Run>,
) -> Result<TrackFragment, DemuxError> {
    let start = match traf.child(b"tfdt")? {
        Some(tfdt) => {
            let (version, _, mut fields) = tfdt.full()?;
            let start = fields.sized(version).ok_or_else(|| tfdt.short())?;
            // Sums with it stay far from the ends of 64 bits.
            let start = i64::try_from(start).ok().filter(|start| *start < 1 << 60);
            Some(start.ok_or_else(|| fail(tfdt.at, "the decode time of a fragment is beyond all clocks"))?)
        }
        None => None,
    };
    let scheme = stream.scheme;
    Ok(TrackFragment {
        start,
        description: defaults.description,
        groups: scheme.map(|scheme| Groups::parse(traf, scheme)).transpose()?.unwrap_or_default(),
        mapping: if scheme.is_some() { mapping(root, traf)? } else { None },
        aux: if scheme.is_some() { Aux::parse(root, traf, base)? } else { None },
        run: 0,
        aux_run: None,
        place: traf.at,
        runs,
    })
}

/// `tfhd` (§8.8.7).
struct TrackFragmentHeader {
    id: u32,
    base: Option<u64>,
    description: Option<u32>,
    duration: Option<u32>,
    size: Option<u32>,
    flags: Option<u32>,
    from_moof: bool,
}

impl TrackFragmentHeader {
    fn parse(tfhd: &Atom) -> Result<Self, DemuxError> {
        let (_, given, mut fields) = tfhd.full()?;
        let mut read = || {
            let id = fields.u32()?;
            let base = if given & 1 != 0 { Some(fields.u64()?) } else { None };
            let mut optional = |bit| if given & bit != 0 { fields.u32().map(Some) } else { Some(None) };
            Some(Self {
                id,
                base,
                description: optional(2)?,
                duration: optional(8)?,
                size: optional(0x10)?,
                flags: optional(0x20)?,
                from_moof: given & 0x2_0000 != 0,
            })
        };
        read().ok_or_else(|| tfhd.short())
    }

    fn defaults(&self, track: Defaults) -> Defaults {
        Defaults {
            description: self.description.unwrap_or(track.description),
            duration: self.duration.unwrap_or(track.duration),
            size: self.size.unwrap_or(track.size),
            flags: self.flags.unwrap_or(track.flags),
        }
    }
}

fn read_runs(
    root: &Bytes,
    traf: &Atom,
    base: u64,
    defaults: Defaults,
    follow: &mut u64,
) -> Result<VecDeque<Run>, DemuxError> {
    let mut runs = VecDeque::new();
    let mut next = base;
    for trun in traf.children() {
        let trun = trun?;
        if trun.kind != *b"trun" {
            continue;
        }
        let (_, flags, mut fields) = trun.full()?;
        let mut header = || {
            let count = fields.u32()?;
            let offset = if flags & 1 != 0 { Some(fields.i32()?) } else { None };
            let first_flags = if flags & 4 != 0 { Some(fields.u32()?) } else { None };
            Some((count, offset, first_flags))
        };
        let (left, offset, first_flags) = header().ok_or_else(|| trun.short())?;
        let stride = stride(flags);
        let there = fields.0.len().checked_div(stride).unwrap_or(usize::MAX);
        if (left as usize) > there {
            let what = format!("the trun box claims {left} samples, but has bytes for {there}");
            return Err(fail(trun.at, what));
        }
        let at = match offset {
            Some(offset) => base.checked_add_signed(offset.into()),
            None => Some(next),
        };
        let at = at.ok_or_else(|| fail(trun.at, "the data of a run lie before the file's start"))?;
        let fields = root.slice_ref(&fields.0[..left as usize * stride]);
        let run = Run { fields, from: 0, flags, left, at, first_flags, defaults };
        next = at.checked_add(run.bytes()).ok_or_else(|| fail(trun.at, "the data of a run end beyond 2^64 bytes"))?;
        runs.push_back(run);
    }
    *follow = next;
    Ok(runs)
}

/// Bytes that each sample has in a `trun` with these flags.
fn stride(flags: u32) -> usize {
    (flags & 0xf00).count_ones() as usize * 4
}

impl Run {
    /// Bytes of all its samples.
    fn bytes(&self) -> u64 {
        if self.flags & 0x200 == 0 {
            return u64::from(self.defaults.size) * u64::from(self.left);
        }
        let at = if self.flags & 0x100 != 0 { 4 } else { 0 };
        let size = |entry: &[u8]| Fields(&entry[at..]).u32().map_or(0, u64::from);
        self.fields.chunks_exact(stride(self.flags)).map(size).sum()
    }

    fn next(&mut self, dts: i64) -> Option<Raw> {
        self.left = self.left.checked_sub(1)?;
        let mut fields = Fields(&self.fields[self.from..]);
        let before = fields.0.len();
        let duration = if self.flags & 0x100 != 0 { fields.u32()? } else { self.defaults.duration };
        let size = if self.flags & 0x200 != 0 { fields.u32()? } else { self.defaults.size };
        let own = if self.flags & 0x400 != 0 { fields.u32()? } else { self.defaults.flags };
        let flags = self.first_flags.take().unwrap_or(own);
        let offset = if self.flags & 0x800 != 0 { fields.i32()? } else { 0 };
        self.from += before - fields.0.len();
        // `sample_is_non_sync_sample`, and `sample_depends_on` 1 of writers that set only that (§8.8.3.1).
        let sync = flags & 0x0101_0000 == 0;
        let raw = Raw { at: self.at, size, dts, offset, duration, sync };
        self.at = self.at.saturating_add(size.into());
        Some(raw)
    }
}

impl TrackFragment {
    /// Where its next sample lies; `None` when all are given.
    pub(super) fn offset(&mut self) -> Option<u64> {
        while self.runs.front().is_some_and(|run| run.left == 0) {
            self.runs.pop_front();
            self.run += 1;
        }
        self.runs.front().map(|run| run.at)
    }

    /// Samples that are left in the run.
    pub(super) fn left_in_run(&self) -> u32 {
        self.runs.front().map_or(0, |run| run.left)
    }

    /// Its next sample in the run, which is decoded at `dts`.
    pub(super) fn next(&mut self, dts: i64) -> Option<Raw> {
        self.runs.front_mut()?.next(dts)
    }
}

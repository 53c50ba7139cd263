//! Media segments: fragments and their samples (ISO/IEC 14496-12 §8.8).

use super::Fault;
use super::boxes::{Atom, Atoms, Fields};
use super::event::Event;
use super::init::Init;
use crate::rules::{bmff as rules, cmaf};

/// What lies between two segment borders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segment<'a> {
    pub(crate) indexes: Vec<Sidx>,
    pub(crate) fragments: Vec<Fragment<'a>>,
    pub(crate) events: Vec<Event>,
}

/// A segment index (§8.16.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sidx {
    pub(crate) at: usize,
    pub(crate) end: usize,
    pub(crate) timescale: u32,
    pub(crate) earliest: u64,
    pub(crate) first_offset: u64,
    /// Whether it points at another index, size, duration.
    pub(crate) references: Vec<(bool, u32, u32)>,
}

/// A movie fragment and the media data behind it.
#[derive(Clone, Debug)]
pub(crate) struct Fragment<'a> {
    pub(crate) at: usize,
    pub(crate) sequence: Option<u32>,
    pub(crate) tracks: Vec<TrackFragment<'a>>,
    /// First byte and end of the `mdat` payload.
    pub(crate) media: Option<(usize, usize)>,
}

/// One track of a fragment.
#[derive(Clone, Debug)]
pub(crate) struct TrackFragment<'a> {
    pub(crate) atom: Atom<'a>,
    pub(crate) track_id: u32,
    pub(crate) base_is_moof: bool,
    pub(crate) decode_time: Option<u64>,
    pub(crate) samples: Vec<Sample>,
}

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Position in the object; may lie outside in a broken file.
    pub(crate) at: i64,
    pub(crate) size: u32,
    pub(crate) duration: u32,
    pub(crate) flags: u32,
    pub(crate) composition: i64,
}

impl Sample {
    /// Whether decoding can start here (§8.8.3.1).
    pub(crate) fn is_sync(&self) -> bool {
        self.flags & 0x1_0000 == 0
    }

    /// Its bytes.
    pub(crate) fn of<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(self.at).ok()?;
        bytes.get(start..start.checked_add(self.size as usize)?)
    }
}

impl<'a> Segment<'a> {
    /// Reads `bytes` from position `from` on. What cannot be read goes to `faults`.
    /// `cut` tells that the last media data box may end early, as in an entry of an I-frame playlist.
    pub(crate) fn read(bytes: &'a [u8], from: usize, init: &Init, cut: bool, faults: &mut Vec<Fault>) -> Self {
        let mut segment = Self::default();
        for atom in Atoms::new(bytes.get(from..).unwrap_or_default(), from) {
            let atom = match atom {
                Ok(atom) => atom,
                Err(fault) => {
                    let is_media = bytes.get(fault.offset + 4..fault.offset + 8) == Some(b"mdat");
                    match segment.fragments.last_mut().filter(|_| cut && is_media) {
                        Some(fragment) => fragment.media = Some((fault.offset + 8, bytes.len())),
                        None => faults.push(fault),
                    }
                    break;
                }
            };
            match &atom.kind {
                b"sidx" => match Sidx::read(&atom) {
                    Some(index) => segment.indexes.push(index),
                    None => {
                        faults.push(Fault::new(rules::SIDX, atom.at, "sidx ends before the references that it counts"))
                    }
                },
                b"emsg" => match Event::read(&atom, segment.fragments.len()) {
                    Ok(event) => segment.events.push(event),
                    Err(message) => faults.push(Fault::new(rules::EMSG, atom.at, message)),
                },
                b"moof" => {
                    if segment.fragments.last().is_some_and(|fragment| fragment.media.is_none()) {
                        faults.push(Fault::new(cmaf::BOX_ORDER, atom.at, "a moof follows a moof without mdat"));
                    }
                    segment.fragments.push(Fragment::read(&atom, bytes.len(), init, faults));
                }
                b"mdat" => match segment.fragments.last_mut() {
                    Some(fragment) if fragment.media.is_none() => fragment.media = Some((atom.body_at(), atom.end())),
                    _ => faults.push(Fault::new(cmaf::BOX_ORDER, atom.at, "an mdat has no moof before it")),
                },
                _ => {}
            }
        }
        if let Some(fragment) = segment.fragments.last()
            && fragment.media.is_none()
        {
            faults.push(Fault::new(cmaf::BOX_ORDER, fragment.at, "no mdat follows the last moof"));
        }
        if let Some(event) = segment.events.iter().find(|event| event.fragment >= segment.fragments.len()) {
            faults.push(Fault::new(rules::EMSG, event.at, "no moof follows an emsg"));
        }
        segment
    }
}

impl Sidx {
    pub(crate) fn read(atom: &Atom<'_>) -> Option<Self> {
        let (version, _, mut fields) = atom.full()?;
        fields.u32()?;
        let timescale = fields.u32()?;
        let earliest = fields.sized(version)?;
        let first_offset = fields.sized(version)?;
        fields.u16()?;
        let mut references = Vec::new();
        for _ in 0..fields.u16()? {
            let word = fields.u32()?;
            references.push((word >> 31 == 1, word & 0x7fff_ffff, fields.u32()?));
            fields.u32()?;
        }
        Some(Self { at: atom.at, end: atom.end(), timescale, earliest, first_offset, references })
    }
}

impl<'a> Fragment<'a> {
    fn read(moof: &Atom<'a>, limit: usize, init: &Init, faults: &mut Vec<Fault>) -> Self {
        let mut fragment = Self { at: moof.at, sequence: None, tracks: Vec::new(), media: None };
        for child in moof.children(0) {
            match child {
                Ok(child) if child.kind == *b"mfhd" => {
                    fragment.sequence = child.full().and_then(|(_, _, mut fields)| fields.u32());
                }
                Ok(child) if child.kind == *b"traf" => {
                    if let Some(track) = TrackFragment::read(&child, moof.at, limit, init, faults) {
                        fragment.tracks.push(track);
                    }
                }
                Ok(_) => {}
                Err(fault) => faults.push(fault),
            }
        }
        if fragment.sequence.is_none() {
            faults.push(Fault::new(rules::BOX_MISSING, moof.at, "moof has no mfhd"));
        }
        if fragment.tracks.is_empty() {
            faults.push(Fault::new(rules::BOX_MISSING, moof.at, "moof has no traf that can be read"));
        }
        fragment
    }
}

impl<'a> TrackFragment<'a> {
    fn read(traf: &Atom<'a>, moof_at: usize, limit: usize, init: &Init, faults: &mut Vec<Fault>) -> Option<Self> {
        let Some(tfhd) = traf.child(b"tfhd").and_then(|atom| TrackHeader::read(&atom, init)) else {
            faults.push(Fault::new(rules::BOX_MISSING, traf.at, "traf has no tfhd that can be read"));
            return None;
        };
        let decode_time = traf.child(b"tfdt").and_then(|atom| {
            let (version, _, mut fields) = atom.full()?;
            fields.sized(version)
        });
        let mut track = Self {
            atom: *traf,
            track_id: tfhd.track_id,
            base_is_moof: tfhd.base_is_moof && tfhd.base.is_none(),
            decode_time,
            samples: Vec::new(),
        };
        let base = tfhd.base.unwrap_or(moof_at as i64);
        let mut next = base;
        for child in traf.children(0) {
            match child {
                Ok(child) if child.kind == *b"trun" => {
                    if track.read_run(&child, &tfhd, base, &mut next, limit).is_none() {
                        let message = "trun counts more samples than it, or the object, holds";
                        faults.push(Fault::new(rules::SAMPLE_TABLE, child.at, message));
                    }
                }
                Ok(_) => {}
                Err(fault) => faults.push(fault),
            }
        }
        Some(track)
    }

    /// `trun` (§8.8.8).
    fn read_run(
        &mut self,
        trun: &Atom<'_>,
        header: &TrackHeader,
        base: i64,
        next: &mut i64,
        limit: usize,
    ) -> Option<()> {
        let (version, flags, mut fields) = trun.full()?;
        let count = fields.u32()?;
        if flags & 1 != 0 {
            *next = base.checked_add(i64::from(fields.u32()? as i32))?;
        }
        let first_flags = if flags & 4 != 0 { Some(fields.u32()?) } else { None };
        let width = [0x100, 0x200, 0x400, 0x800].iter().filter(|&&bit| flags & bit != 0).count() * 4;
        let room = fields.rest().len().checked_div(width).unwrap_or(limit);
        if count as usize > room {
            return None;
        }
        self.samples.reserve(count as usize);
        for index in 0..count {
            let mut field = |bit: u32, default: u32| if flags & bit != 0 { fields.u32() } else { Some(default) };
            let duration = field(0x100, header.duration)?;
            let size = field(0x200, header.size)?;
            let mut sample_flags = field(0x400, header.flags)?;
            let composition = field(0x800, 0)?;
            if let (0, Some(first)) = (index, first_flags) {
                sample_flags = first;
            }
            let composition = if version == 0 { i64::from(composition) } else { i64::from(composition as i32) };
            self.samples.push(Sample { at: *next, size, duration, flags: sample_flags, composition });
            *next = next.checked_add(size.into())?;
        }
        Some(())
    }

    /// Sum of its samples' durations.
    pub(crate) fn duration(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.duration)).sum()
    }
}

/// `tfhd` (§8.8.7) with the defaults of `trex`.
struct TrackHeader {
    track_id: u32,
    base: Option<i64>,
    base_is_moof: bool,
    duration: u32,
    size: u32,
    flags: u32,
}

impl TrackHeader {
    fn read(tfhd: &Atom<'_>, init: &Init) -> Option<Self> {
        let (_, flags, mut fields) = tfhd.full()?;
        let track_id = fields.u32()?;
        let [_, duration, size, sample_flags] = init
            .tracks
            .iter()
            .find(|track| track.id == track_id)
            .and_then(|track| track.defaults)
            .unwrap_or([1, 0, 0, 0]);
        let base = if flags & 1 != 0 { Some(i64::try_from(fields.u64()?).ok()?) } else { None };
        let field =
            |fields: &mut Fields<'_>, bit: u32, default| if flags & bit != 0 { fields.u32() } else { Some(default) };
        field(&mut fields, 2, 1)?;
        Some(Self {
            track_id,
            base,
            base_is_moof: flags & 0x2_0000 != 0,
            duration: field(&mut fields, 8, duration)?,
            size: field(&mut fields, 0x10, size)?,
            flags: field(&mut fields, 0x20, sample_flags)?,
        })
    }
}

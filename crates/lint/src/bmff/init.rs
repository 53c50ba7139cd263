//! Initialisation segments (ISO/IEC 14496-12 §8.2, ISO/IEC 23000-19 §7.3.2.1).

use super::Fault;
use super::boxes::{Atom, Atoms, name};
use super::entry::Entry;
use super::pssh::Pssh;
use crate::rules::{bmff as rules, cenc};

/// What an initialisation segment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Init {
    /// Major brand, then the compatible ones; empty without `ftyp`.
    pub(crate) brands: Vec<[u8; 4]>,
    pub(crate) tracks: Vec<Track>,
    pub(crate) has_mvex: bool,
    pub(crate) pssh: Vec<Pssh>,
    /// Where it ends: the first fragment or media data box, or the end of the bytes.
    pub(crate) end: usize,
    /// A fragment follows in the same object.
    pub(crate) continued: bool,
}

/// One track of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Track {
    pub(crate) at: usize,
    pub(crate) id: u32,
    pub(crate) handler: [u8; 4],
    pub(crate) timescale: u32,
    /// `mdhd` language: ISO 639-2.
    pub(crate) language: String,
    pub(crate) entry: Option<Entry>,
    /// Media time and rate (16.16) of every edit that is not empty, and the number of all edits.
    pub(crate) edits: Vec<(i64, u32)>,
    pub(crate) edit_count: usize,
    pub(crate) has_samples: bool,
    /// Description index, duration, size, flags of `trex`.
    pub(crate) defaults: Option<[u32; 4]>,
}

impl Init {
    /// Reads what can be read; what cannot goes to `faults`.
    pub(crate) fn read(bytes: &[u8], faults: &mut Vec<Fault>) -> Self {
        let mut init = Self { end: bytes.len(), ..Self::default() };
        let mut found = false;
        for (index, atom) in Atoms::new(bytes, 0).enumerate() {
            let atom = match atom {
                Ok(atom) => atom,
                Err(fault) => {
                    faults.push(fault);
                    break;
                }
            };
            match &atom.kind {
                b"ftyp" => {
                    if index > 0 {
                        faults.push(Fault::new(rules::BRANDS, atom.at, "ftyp is not the first box"));
                    }
                    init.brands = brands(atom.body);
                }
                b"moov" => {
                    found = true;
                    init.read_moov(&atom, faults);
                }
                b"moof" | b"mdat" | b"sidx" | b"styp" | b"emsg" | b"prft" => {
                    init.end = atom.at;
                    init.continued = atom.kind == *b"moof" || init.continued;
                    break;
                }
                _ => {}
            }
        }
        if init.brands.is_empty() {
            faults.push(Fault::new(rules::BRANDS, 0, "there is no ftyp with brands"));
        }
        if !found {
            faults.push(Fault::new(rules::BOX_MISSING, 0, "there is no moov"));
        }
        init
    }

    fn read_moov(&mut self, moov: &Atom<'_>, faults: &mut Vec<Fault>) {
        if moov.child(b"mvhd").is_none() {
            faults.push(Fault::new(rules::BOX_MISSING, moov.at, "moov has no mvhd"));
        }
        let mut defaults = Vec::new();
        for child in moov.children(0) {
            match child {
                Ok(child) => match &child.kind {
                    b"trak" => match read_track(&child, faults) {
                        Some(track) => self.tracks.push(track),
                        None => faults.push(Fault::new(rules::BOX_MISSING, child.at, missing(&child))),
                    },
                    b"mvex" => {
                        self.has_mvex = true;
                        defaults.extend(child.children(0).flatten().filter_map(|atom| read_trex(&atom)));
                    }
                    b"pssh" => match Pssh::read(&child) {
                        Ok(pssh) => self.pssh.push(pssh),
                        Err(message) => faults.push(Fault::new(cenc::PSSH, child.at, message)),
                    },
                    _ => {}
                },
                Err(fault) => faults.push(fault),
            }
        }
        if self.tracks.is_empty() {
            faults.push(Fault::new(rules::BOX_MISSING, moov.at, "moov has no trak that can be read"));
        }
        for track in &mut self.tracks {
            track.defaults = defaults.iter().find(|(id, _)| *id == track.id).map(|(_, values)| *values);
        }
    }
}

/// Major and compatible brands of `ftyp` or `styp`.
pub(crate) fn brands(body: &[u8]) -> Vec<[u8; 4]> {
    let words = body.as_chunks::<4>().0;
    words.iter().enumerate().filter(|(index, _)| *index != 1).map(|(_, word)| *word).collect()
}

/// Which box a track lacks.
fn missing(trak: &Atom<'_>) -> String {
    let path: [&[&[u8; 4]]; 6] = [
        &[b"tkhd"],
        &[b"mdia", b"mdhd"],
        &[b"mdia", b"hdlr"],
        &[b"mdia", b"minf", b"stbl", b"stsd"],
        &[b"mdia", b"minf", b"stbl"],
        &[b"mdia"],
    ];
    for names in path {
        let mut atom = *trak;
        for kind in names {
            match atom.child(kind) {
                Some(child) => atom = child,
                None => return format!("{} has no {}", atom.name(), name(**kind)),
            }
        }
    }
    "trak has a header that ends early".to_owned()
}

fn read_track(trak: &Atom<'_>, faults: &mut Vec<Fault>) -> Option<Track> {
    let (version, _, mut tkhd) = trak.child(b"tkhd")?.full()?;
    tkhd.bytes(if version == 0 { 8 } else { 16 })?;
    let id = tkhd.u32()?;
    let mdia = trak.child(b"mdia")?;
    let (version, _, mut mdhd) = mdia.child(b"mdhd")?.full()?;
    mdhd.bytes(if version == 0 { 8 } else { 16 })?;
    let timescale = mdhd.u32()?;
    mdhd.sized(version)?;
    let packed = mdhd.u16()?;
    let language =
        [packed >> 10, packed >> 5, packed].map(|letter| char::from(0x60 + (letter & 31) as u8)).iter().collect();
    let (_, _, mut hdlr) = mdia.child(b"hdlr")?.full()?;
    hdlr.u32()?;
    let handler = hdlr.array()?;
    let stbl = mdia.child(b"minf")?.child(b"stbl")?;
    let stsd = stbl.child(b"stsd")?;
    let entry = match stsd.children(8).next() {
        Some(Ok(atom)) => Entry::read(&atom, handler, faults),
        Some(Err(fault)) => {
            faults.push(fault);
            None
        }
        None => None,
    };
    if entry.is_none() {
        faults.push(Fault::new(rules::BOX_MISSING, stsd.at, "stsd has no sample entry that can be read"));
    }
    let counted = |kind: &[u8; 4], at: usize| {
        let count = stbl.child(kind).and_then(|atom| atom.body.get(at..)?.first_chunk().copied());
        count.is_some_and(|count| u32::from_be_bytes(count) > 0)
    };
    let has_samples = counted(b"stsz", 8) || counted(b"stz2", 8) || counted(b"stts", 4) || counted(b"stco", 4);
    let (edits, edit_count) = read_edits(trak);
    Some(Track { at: trak.at, id, handler, timescale, language, entry, edits, edit_count, has_samples, defaults: None })
}

/// `elst` (§8.6.6).
fn read_edits(trak: &Atom<'_>) -> (Vec<(i64, u32)>, usize) {
    let mut edits = Vec::new();
    let mut all = 0;
    if let Some((version, _, mut fields)) =
        trak.child(b"edts").and_then(|edts| edts.child(b"elst")).and_then(|elst| elst.full())
    {
        fields.u32();
        while let (Some(_), Some(time), Some(rate)) = (fields.sized(version), fields.sized(version), fields.u32()) {
            let time = if version == 0 { i64::from(time as u32 as i32) } else { time as i64 };
            all += 1;
            if time >= 0 {
                edits.push((time, rate));
            }
        }
    }
    (edits, all)
}

fn read_trex(atom: &Atom<'_>) -> Option<(u32, [u32; 4])> {
    let (_, _, mut fields) = (atom.kind == *b"trex").then(|| atom.full())??;
    Some((fields.u32()?, [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?]))
}

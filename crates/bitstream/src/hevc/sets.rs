//! The parameter sets that are in force.

use super::{NalType, Pps, Record, SliceHeader, Sps};
use crate::bits::NalBits;

/// Slice headers longer than this many bytes are given up: room for the entry points of the 440 tiles of Table A.8.
const LONGEST_HEADER_BYTES: usize = 4096;

/// Parameter sets by their ids. Video parameter sets are not needed.
#[derive(Clone, Debug, Default)]
pub struct ParameterSets {
    sps: Vec<Option<Sps>>,
    pps: Vec<Option<Pps>>,
}

impl ParameterSets {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of an `HEVCDecoderConfigurationRecord`. `None` when the record or one of its sets cannot be read; sets of
    /// enhancement layers are passed over.
    pub fn from_record(record: &[u8]) -> Option<Self> {
        let record = Record::parse(record)?;
        let mut sets = Self::new();
        let base = |nal: &&&[u8]| super::nal::layer(nal) == Some(0);
        record.sps.iter().chain(&record.pps).filter(base).all(|nal| sets.learn(nal)).then_some(sets)
    }

    /// Keeps a sequence or picture parameter set of the base layer in place of the last one of its id; other NAL units
    /// are passed over. `false` for those and for a set that cannot be read, in whose place there is none from then on.
    pub fn learn(&mut self, nal: &[u8]) -> bool {
        if super::nal::layer(nal) != Some(0) {
            return false;
        }
        match NalType::of(nal) {
            Some(NalType::SPS) => match Sps::parse(nal) {
                Some(sps) => put(&mut self.sps, sps.id.into(), Some(sps)),
                None => {
                    // Its id lies behind much that may be damaged.
                    self.sps.clear();
                    false
                }
            },
            Some(NalType::PPS) => {
                let mut bits = NalBits::new(nal);
                let Some(id) = bits.skip(16).and_then(|()| bits.ue_up_to(63)) else { return false };
                put(&mut self.pps, id as usize, Pps::parse(nal))
            }
            _ => false,
        }
    }

    /// The sequence parameter set of this id.
    pub fn sps(&self, id: u8) -> Option<&Sps> {
        self.sps.get(usize::from(id))?.as_ref()
    }

    /// The picture parameter set of this id.
    pub fn pps(&self, id: u8) -> Option<&Pps> {
        self.pps.get(usize::from(id))?.as_ref()
    }

    /// The header of a slice segment of the base layer. `None` when it cannot be read to its end: other types, sets
    /// that are missing, damage.
    pub fn slice_header(&self, nal: &[u8]) -> Option<SliceHeader> {
        self.read(nal).map(|(header, _)| header)
    }

    /// How many bytes of the escaped `nal` hold its header and the slice segment header with `byte_alignment()`,
    /// emulation prevention included: what stays clear when slices are encrypted (ISO/IEC 23001-7 §9.5.2.4). `None` as of
    /// [`slice_header`](Self::slice_header).
    pub fn slice_header_length(&self, nal: &[u8]) -> Option<usize> {
        self.read(nal)?.1.escaped_bytes(nal)
    }

    /// The header, and the reader behind the first bit of `byte_alignment()`; the others up to the next byte are zeros.
    fn read<'a>(&self, nal: &'a [u8]) -> Option<(SliceHeader, NalBits<'a>)> {
        super::nal::layer(nal).filter(|&layer| layer == 0)?;
        let mut bits = NalBits::new(&nal[..nal.len().min(LONGEST_HEADER_BYTES)]);
        let header = SliceHeader::read(&mut bits, self)?;
        // `alignment_bit_equal_to_one`: a header that was misread rarely ends before it.
        bits.flag()?.then_some((header, bits))
    }
}

fn put<T>(sets: &mut Vec<Option<T>>, id: usize, set: Option<T>) -> bool {
    let readable = set.is_some();
    if sets.len() <= id {
        sets.resize_with(id + 1, || None);
    }
    sets[id] = set;
    readable
}

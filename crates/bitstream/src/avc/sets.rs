//! The parameter sets that are in force.

use super::slice::SliceHeader;
use super::{NalType, Pps, Record, Sps};
use crate::bits::NalBits;

/// Slice headers longer than this many bytes are given up; the longest the syntax allows is below it.
const LONGEST_HEADER_BYTES: usize = 4096;

/// Parameter sets by their ids.
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

    /// Those of an `AVCDecoderConfigurationRecord`. `None` when the record or one of its sets cannot be read.
    pub fn from_record(record: &[u8]) -> Option<Self> {
        let record = Record::parse(record)?;
        let mut sets = Self::new();
        record.sps.iter().chain(&record.pps).all(|nal| sets.learn(nal)).then_some(sets)
    }

    /// Keeps a parameter set in place of the last one of its id; other NAL units are passed over. `false` for those and
    /// for a set that cannot be read, in whose place there is none from then on.
    pub fn learn(&mut self, nal: &[u8]) -> bool {
        let Some(kind) = NalType::of(nal) else { return false };
        if kind.is_sps() {
            let sps = Sps::parse(nal);
            put(&mut self.sps, set_id(nal, 32, 31), sps)
        } else if kind.is_pps() {
            let pps = Pps::parse(nal);
            put(&mut self.pps, set_id(nal, 8, 255), pps)
        } else {
            false
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

    /// The header of a slice, type 1 or 5. `None` when it cannot be read to its end: other types, sets that are missing,
    /// damage.
    pub fn slice_header(&self, nal: &[u8]) -> Option<SliceHeader> {
        NalType::of(nal).filter(|kind| kind.is_slice())?;
        SliceHeader::read(&mut bits_of(nal), self)
    }

    /// How many bytes of the escaped `nal` hold its header byte and the slice header, rounded up to whole bytes,
    /// emulation prevention included: what stays clear when slices are encrypted (ISO/IEC 23001-7 §9.5.2.4). `None` as
    /// of [`slice_header`](Self::slice_header); data partitions (types 2 to 4) and extension slices (20, 21) are none.
    pub fn slice_header_length(&self, nal: &[u8]) -> Option<usize> {
        NalType::of(nal).filter(|kind| kind.is_slice())?;
        let mut bits = bits_of(nal);
        SliceHeader::read(&mut bits, self)?;
        bits.escaped_bytes(nal)
    }
}

fn bits_of(nal: &[u8]) -> NalBits<'_> {
    NalBits::new(&nal[..nal.len().min(LONGEST_HEADER_BYTES)])
}

/// The id at bit `at`, at most `most`.
fn set_id(nal: &[u8], at: usize, most: u32) -> Option<usize> {
    let mut bits = NalBits::new(nal);
    bits.skip(at)?;
    bits.ue_up_to(most).map(|id| id as usize)
}

fn put<T>(sets: &mut Vec<Option<T>>, id: Option<usize>, set: Option<T>) -> bool {
    let Some(id) = id else { return false };
    let readable = set.is_some();
    if sets.len() <= id {
        sets.resize_with(id + 1, || None);
    }
    sets[id] = set;
    readable
}

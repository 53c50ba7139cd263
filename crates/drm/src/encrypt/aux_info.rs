//! What a segment's samples need for decryption, in a form that `senc`, `saiz` and `saio` are written from.

use crate::types::{Iv, SampleEncryption, Subsample};

/// The sample auxiliary information of one segment (ISO/IEC 23001-7 §7): two flat lists, so that a segment costs no more
/// than two allocations, and none once they have grown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentAux {
    iv_size: u8,
    mapped: bool,
    samples: Vec<SampleAux>,
    subsamples: Vec<Subsample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SampleAux {
    iv: [u8; 16],
    /// One past its last subsample.
    end: usize,
}

impl SegmentAux {
    /// For any segment; encryption fills it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The most subsamples whose description fits `saiz`, which counts its bytes in 8 bits (ISO/IEC 14496-12 §8.7.8).
    pub(crate) const fn most_subsamples(iv_size: u8) -> usize {
        (u8::MAX as usize - iv_size as usize - 2) / 6
    }

    /// Forgets all samples. `mapped`: whether samples have subsamples.
    pub(crate) fn begin(&mut self, iv_size: u8, mapped: bool) {
        self.iv_size = iv_size;
        self.mapped = mapped;
        self.samples.clear();
        self.subsamples.clear();
    }

    /// Adds a sample with the subsamples that `describe` adds.
    pub(crate) fn push<E>(
        &mut self,
        iv: [u8; 16],
        describe: impl FnOnce(&mut Vec<Subsample>) -> Result<(), E>,
    ) -> Result<(), E> {
        describe(&mut self.subsamples)?;
        self.samples.push(SampleAux { iv, end: self.subsamples.len() });
        Ok(())
    }

    /// Number of samples.
    pub fn sample_count(&self) -> usize {
        self.samples.len()
    }

    /// Whether samples have subsamples: flag 2 of `senc`.
    pub fn has_subsamples(&self) -> bool {
        self.mapped
    }

    /// Bytes of each initialisation vector: 0 (the constant one of `tenc` applies), 8 or 16.
    pub fn iv_size(&self) -> u8 {
        self.iv_size
    }

    /// Whether there is nothing to say about any sample, so that `senc`, `saiz` and `saio` may be left away: whole samples
    /// under a constant initialisation vector.
    pub fn is_empty(&self) -> bool {
        self.iv_size == 0 && !self.mapped
    }

    /// For each sample its initialisation vector, where it has its own, and its subsamples.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = (Option<Iv>, &[Subsample])> {
        let size = self.iv_size.into();
        self.vectors().map(move |(iv, subsamples)| (Iv::new(&iv[..size]), subsamples))
    }

    /// As [`samples`](Self::samples), each vector with zeros behind it; all zeros when it is constant.
    pub(crate) fn vectors(&self) -> impl ExactSizeIterator<Item = (&[u8; 16], &[Subsample])> {
        let mut start = 0;
        self.samples.iter().map(move |sample| {
            let subsamples = &self.subsamples[start..sample.end];
            start = sample.end;
            (&sample.iv, subsamples)
        })
    }

    /// One sample in the form that decryption takes.
    pub fn sample(&self, index: usize) -> Option<SampleEncryption> {
        let sample = self.samples.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.samples[before].end);
        Some(SampleEncryption {
            iv: Iv::new(&sample.iv[..self.iv_size.into()]),
            subsamples: self.subsamples[start..sample.end].to_vec(),
        })
    }

    /// For each sample the bytes of its entry: `sample_info_size` of `saiz`.
    pub fn info_sizes(&self) -> impl ExactSizeIterator<Item = u8> {
        self.samples().map(|(_, subsamples)| {
            let map = if self.mapped { 2 + 6 * subsamples.len() } else { 0 };
            u8::try_from(map + usize::from(self.iv_size)).expect("encryption keeps to most_subsamples")
        })
    }

    /// `default_sample_info_size` of `saiz`: the size of all entries when they are of one size.
    pub fn uniform_info_size(&self) -> Option<u8> {
        let mut sizes = self.info_sizes();
        let first = sizes.next()?;
        sizes.all(|size| size == first).then_some(first)
    }

    /// Bytes of all entries together.
    pub fn entries_len(&self) -> usize {
        let maps = if self.mapped { 2 * self.samples.len() + 6 * self.subsamples.len() } else { 0 };
        usize::from(self.iv_size) * self.samples.len() + maps
    }

    /// Appends the entries as they stand in `senc` behind `sample_count` (§7.2.1).
    pub fn write_entries(&self, out: &mut Vec<u8>) {
        out.reserve(self.entries_len());
        for (iv, subsamples) in self.vectors() {
            out.extend_from_slice(&iv[..self.iv_size.into()]);
            if self.mapped {
                out.extend_from_slice(&(subsamples.len() as u16).to_be_bytes());
                for subsample in subsamples {
                    let mut entry = [0; 6];
                    entry[..2].copy_from_slice(&subsample.clear.to_be_bytes());
                    entry[2..].copy_from_slice(&subsample.protected.to_be_bytes());
                    out.extend_from_slice(&entry);
                }
            }
        }
    }
}

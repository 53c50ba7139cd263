//! The boxes of one fragment (ISO/IEC 14496-12 §8.8).

use media_types::{ByteRange, SyncPoint};

use super::SampleMeta;
use crate::PackageError;
use crate::init::TRACK_ID;
use crate::isobmff::Boxes;
use crate::protection::SegmentProtection;

/// `sample_depends_on = 2`: an independent picture or frame (ISO/IEC 14496-12 §8.8.3.1).
const SYNC_FLAGS: u32 = 0x0200_0000;
/// `sample_depends_on = 1` and `sample_is_non_sync_sample`.
const NON_SYNC_FLAGS: u32 = 0x0101_0000;

const TFHD_DURATION: u32 = 0x08;
const TFHD_SIZE: u32 = 0x10;
const TFHD_FLAGS: u32 = 0x20;
const TFHD_BASE_IS_MOOF: u32 = 0x02_0000;
const TRUN_DATA_OFFSET: u32 = 0x01;
const TRUN_FIRST_FLAGS: u32 = 0x04;
const TRUN_DURATION: u32 = 0x0100;
const TRUN_SIZE: u32 = 0x0200;
const TRUN_FLAGS: u32 = 0x0400;
const TRUN_OFFSET: u32 = 0x0800;

/// A decode time in seconds at the coarsest scale there is: what lies beyond is a fault upstream, and would overflow
/// later sums.
const END_OF_TIME: i64 = 1 << 60;

/// Where numbers are filled in once the boxes' sizes are known.
#[derive(Default)]
pub(super) struct Places {
    pub(super) data_offset: usize,
    /// Of `saio`'s offset, and of the first entry of `senc` that it points at.
    pub(super) aux: Option<(usize, usize)>,
}

/// The figures of a segment, checked.
pub(super) struct Layout<'a> {
    index: u32,
    samples: &'a [SampleMeta],
    pub(super) sample_count: u32,
    pub(super) start_ticks: u64,
    pub(super) duration_ticks: u64,
    pub(super) data_bytes: u32,
    /// The duration, size that all samples share.
    duration: Option<u32>,
    size: Option<u32>,
    later_keyframes: bool,
    delay: i64,
    offsets: bool,
    all_sync: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn new(index: u32, samples: &'a [SampleMeta], hidden_ticks: u32) -> Result<Self, PackageError> {
        let delay = i64::from(hidden_ticks);
        let out_of_range = |what| PackageError::OutOfRange { index, what };
        let first = samples.first().ok_or(PackageError::EmptySegment { index })?;
        let start_ticks = u64::try_from(first.dts).map_err(|_| out_of_range("its decode time"))?;
        let (mut at, mut data_bytes) = (first.dts, 0u64);
        for (sample, unit) in samples.iter().enumerate() {
            if unit.dts != at {
                return Err(PackageError::Gap { index, sample, expected: at, actual: unit.dts });
            }
            let offset = unit.pts.checked_sub(unit.dts).and_then(|offset| offset.checked_add(delay)).map(i32::try_from);
            if !matches!(offset, Some(Ok(_))) {
                return Err(out_of_range("a composition offset"));
            }
            at = at.checked_add(unit.duration.into()).ok_or(out_of_range("its end"))?;
            data_bytes += u64::from(unit.size);
        }
        if at > END_OF_TIME {
            return Err(out_of_range("its end"));
        }
        let data_bytes = u32::try_from(data_bytes).ok().filter(|&bytes| bytes < u32::MAX - (1 << 28));
        let rest = &samples[1..];
        Ok(Self {
            index,
            samples,
            sample_count: u32::try_from(samples.len()).map_err(|_| out_of_range("its sample count"))?,
            start_ticks,
            duration_ticks: (at - first.dts).unsigned_abs(),
            data_bytes: data_bytes.ok_or(out_of_range("its size"))?,
            duration: rest.iter().all(|unit| unit.duration == first.duration).then_some(first.duration),
            size: rest.iter().all(|unit| unit.size == first.size).then_some(first.size),
            later_keyframes: rest.iter().any(|unit| unit.keyframe),
            delay,
            offsets: samples.iter().any(|unit| unit.pts + delay != unit.dts),
            all_sync: samples.iter().all(|unit| unit.keyframe),
        })
    }

    pub(super) fn out_of_range(&self, what: &'static str) -> PackageError {
        PackageError::OutOfRange { index: self.index, what }
    }

    /// `mfhd` and `traf`.
    pub(super) fn fragment(&self, w: &mut Boxes, protection: Option<&SegmentProtection<'_>>) -> Places {
        let mut places = Places::default();
        w.put_full(b"mfhd", 0, 0, |w| w.u32(self.index.wrapping_add(1)));
        w.put(b"traf", |w| {
            self.header(w);
            w.put_full(b"tfdt", 1, 0, |w| w.u64(self.start_ticks));
            places.data_offset = self.run(w);
            if let Some(protection) = protection {
                places.aux = protection.write(w, self.sample_count);
            }
        });
        places
    }

    /// §8.8.7: what all samples share.
    fn header(&self, w: &mut Boxes) {
        let mut flags = TFHD_BASE_IS_MOOF | TFHD_FLAGS;
        flags |= self.duration.map_or(0, |_| TFHD_DURATION);
        flags |= self.size.map_or(0, |_| TFHD_SIZE);
        w.put_full(b"tfhd", 0, flags, |w| {
            w.u32(TRACK_ID);
            for shared in self.duration.into_iter().chain(self.size) {
                w.u32(shared);
            }
            w.u32(if self.all_sync { SYNC_FLAGS } else { NON_SYNC_FLAGS });
        });
    }

    /// §8.8.8, version 1 for signed composition offsets. Returns where the data offset is to be filled in.
    fn run(&self, w: &mut Boxes) -> usize {
        let opens_sync = self.samples.first().is_some_and(|first| first.keyframe);
        let each = self.later_keyframes && !self.all_sync;
        let first = opens_sync && !each && !self.all_sync;
        let mut flags = TRUN_DATA_OFFSET;
        for (present, flag) in [
            (first, TRUN_FIRST_FLAGS),
            (self.duration.is_none(), TRUN_DURATION),
            (self.size.is_none(), TRUN_SIZE),
            (each, TRUN_FLAGS),
            (self.offsets, TRUN_OFFSET),
        ] {
            flags |= if present { flag } else { 0 };
        }
        let mut offset_at = 0;
        w.put_full(b"trun", 1, flags, |w| {
            w.u32(self.sample_count);
            offset_at = w.len();
            w.u32(0);
            if first {
                w.u32(SYNC_FLAGS);
            }
            for unit in self.samples {
                if self.duration.is_none() {
                    w.u32(unit.duration);
                }
                if self.size.is_none() {
                    w.u32(unit.size);
                }
                if each {
                    w.u32(if unit.keyframe { SYNC_FLAGS } else { NON_SYNC_FLAGS });
                }
                if self.offsets {
                    w.i32((unit.pts - unit.dts + self.delay) as i32);
                }
            }
        });
        offset_at
    }

    pub(super) fn sync_points(&self, first_byte: u64) -> Vec<SyncPoint> {
        let (mut at, mut points) = (first_byte, Vec::new());
        for (sample, unit) in self.samples.iter().enumerate() {
            let end = at + u64::from(unit.size);
            if unit.keyframe {
                let offset = if sample == 0 { 0 } else { at };
                points.push(SyncPoint { pts: unit.pts, bytes: ByteRange { offset, length: end - offset } });
            }
            at = end;
        }
        points
    }
}

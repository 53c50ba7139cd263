//! Media segments: one `moof` and one `mdat` (ISO/IEC 23000-19 §7.3.3).

use bytes::Bytes;
use media_types::{ByteRange, Sample, SegmentRecord, SyncPoint, Timescale};
use sha2::{Digest, Sha256};

use crate::PackageError;
use crate::init::TRACK_ID;
use crate::isobmff::Boxes;

/// `sample_depends_on = 2`: an independent picture or frame (ISO/IEC 14496-12 §8.8.3.1).
pub(crate) const SYNC_FLAGS: u32 = 0x0200_0000;
/// `sample_depends_on = 1` and `sample_is_non_sync_sample`.
pub(crate) const NON_SYNC_FLAGS: u32 = 0x0101_0000;

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

/// A media segment, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackagedSegment {
    /// What playlists and manifests need to know of it.
    pub record: SegmentRecord,
    /// `styp`, `moof` and `mdat`.
    pub bytes: Bytes,
}

/// Packs the samples of the 0-based segment `index` into one CMAF segment.
///
/// `tfdt` is the first sample's decode time, to the tick. Values all samples share are written once. Sample bytes are
/// copied once.
///
/// `timescale` is the track's: it is what the samples' ticks count in. `composition_delay` is a video track's
/// ([`composition_delay`](crate::composition_delay)): samples come in presentation time, and the offsets written are
/// that much larger. It is `None` for sound, whose record has no sync points, since decoding can start at every sample.
///
/// # Errors
/// - [`PackageError::EmptySegment`], [`PackageError::NotSync`]: no sample, or the first is no keyframe.
/// - [`PackageError::Gap`]: a sample does not start where the one before it ends.
/// - [`PackageError::LeadingSample`]: a sample is shown before the first one, so that the segment would not start
///   with a SAP of type 1.
/// - [`PackageError::OutOfRange`]: a negative time, or a size that 32 bits cannot hold.
pub fn media_segment(
    index: u32,
    timescale: Timescale,
    samples: &[Sample],
    composition_delay: Option<u32>,
) -> Result<PackagedSegment, PackageError> {
    let layout = Layout::new(index, timescale, samples, composition_delay.unwrap_or(0))?;
    let total = usize::try_from(layout.data_bytes).map_err(|_| layout.out_of_range("its size"))?;
    let mut w = Boxes::with_capacity(total + 160 + 16 * samples.len());
    w.put(b"styp", |w| {
        w.raw(b"msdh");
        w.u32(0);
        w.raw(b"msdhcmfs");
    });
    let moof = w.len();
    let mut offset_at = 0;
    w.put(b"moof", |w| offset_at = layout.fragment(w));
    let header = u32::try_from(w.len() - moof).map_err(|_| layout.out_of_range("its header"))?;
    w.patch_u32(offset_at, header + 8);
    w.u32(layout.data_bytes + 8);
    w.raw(b"mdat");
    let first_byte = w.len() as u64;
    for sample in samples {
        w.raw(&sample.data);
    }
    let bytes = w.into_bytes();
    let record = SegmentRecord {
        index,
        start_ticks: layout.start_ticks,
        duration_ticks: layout.duration_ticks,
        sample_count: layout.sample_count,
        size_bytes: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(&bytes)),
        sync_points: composition_delay.map(|_| layout.sync_points(first_byte)).unwrap_or_default(),
    };
    Ok(PackagedSegment { record, bytes })
}

/// The figures of a segment, checked.
struct Layout<'a> {
    index: u32,
    samples: &'a [Sample],
    sample_count: u32,
    start_ticks: u64,
    duration_ticks: u64,
    data_bytes: u32,
    /// The duration, size that all samples share.
    duration: Option<u32>,
    size: Option<u32>,
    later_keyframes: bool,
    delay: i64,
    offsets: bool,
    all_sync: bool,
}

impl<'a> Layout<'a> {
    fn new(
        index: u32,
        timescale: Timescale,
        samples: &'a [Sample],
        composition_delay: u32,
    ) -> Result<Self, PackageError> {
        let delay = i64::from(composition_delay);
        let out_of_range = |what| PackageError::OutOfRange { index, what };
        let first = samples.first().ok_or(PackageError::EmptySegment { index })?;
        if !first.keyframe {
            return Err(PackageError::NotSync { index });
        }
        let start_ticks = u64::try_from(first.dts).map_err(|_| out_of_range("its decode time"))?;
        let (mut at, mut data_bytes) = (first.dts, 0usize);
        for (sample, unit) in samples.iter().enumerate() {
            if unit.dts != at {
                return Err(PackageError::Gap { index, sample, expected: at, actual: unit.dts });
            }
            if unit.pts < first.pts {
                return Err(PackageError::LeadingSample { index, sample });
            }
            let offset = unit.pts.checked_sub(unit.dts).and_then(|offset| offset.checked_add(delay)).map(i32::try_from);
            if !matches!(offset, Some(Ok(_))) {
                return Err(out_of_range("a composition offset"));
            }
            at = at.checked_add(unit.duration.into()).ok_or(out_of_range("its end"))?;
            data_bytes = data_bytes.checked_add(unit.data.len()).ok_or(out_of_range("its size"))?;
        }
        // A tick count that outlasts a century at any scale is a fault upstream, and would overflow later sums.
        if at / i64::from(timescale.get()) > 100 * 366 * 86_400 {
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
            size: shared_size(samples),
            later_keyframes: rest.iter().any(|unit| unit.keyframe),
            delay,
            offsets: delay != 0 || samples.iter().any(|unit| unit.pts != unit.dts),
            all_sync: samples.iter().all(|unit| unit.keyframe),
        })
    }

    fn out_of_range(&self, what: &'static str) -> PackageError {
        PackageError::OutOfRange { index: self.index, what }
    }

    /// `mfhd` and `traf` (ISO/IEC 14496-12 §8.8). Returns where the data offset is to be filled in.
    fn fragment(&self, w: &mut Boxes) -> usize {
        let mut offset_at = 0;
        w.put_full(b"mfhd", 0, 0, |w| w.u32(self.index.wrapping_add(1)));
        w.put(b"traf", |w| {
            self.header(w);
            w.put_full(b"tfdt", 1, 0, |w| w.u64(self.start_ticks));
            offset_at = self.run(w);
        });
        offset_at
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

    /// §8.8.8, version 1 for signed composition offsets.
    fn run(&self, w: &mut Boxes) -> usize {
        let each = self.later_keyframes && !self.all_sync;
        let first = !each && !self.all_sync;
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
                    w.u32(unit.data.len() as u32);
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

    fn sync_points(&self, first_byte: u64) -> Vec<SyncPoint> {
        let (mut at, mut points) = (first_byte, Vec::new());
        for (sample, unit) in self.samples.iter().enumerate() {
            let end = at + unit.data.len() as u64;
            if unit.keyframe {
                let offset = if sample == 0 { 0 } else { at };
                points.push(SyncPoint { pts: unit.pts, bytes: ByteRange { offset, length: end - offset } });
            }
            at = end;
        }
        points
    }
}

fn shared_size(samples: &[Sample]) -> Option<u32> {
    let size = samples.first()?.data.len();
    samples.iter().all(|unit| unit.data.len() == size).then(|| u32::try_from(size).ok()).flatten()
}

//! Media segments: one `moof` and one `mdat` (ISO/IEC 23000-19 §7.3.3).

mod layout;
mod read;

use bytes::{BufMut, Bytes, BytesMut};
use drm::{SegmentAux, SegmentEncryptor};
use media_types::{Sample, SegmentRecord, SyncPoint, TrackKind};

use crate::PackageError;
use crate::isobmff::Boxes;
use crate::protection::SegmentProtection;
use layout::Layout;

pub(crate) use read::{ReadBack, read_back};

/// What a segment's boxes say of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleMeta {
    /// Decode time in ticks on the coded timeline, which starts at or after 0: what `tfdt` and the durations count.
    pub dts: i64,
    /// Presentation time in ticks.
    pub pts: i64,
    /// Length in ticks.
    pub duration: u32,
    /// Bytes in `mdat`.
    pub size: u32,
    /// Whether decoding can start here.
    pub keyframe: bool,
}

/// Everything of a media segment but its sample bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// `styp`, `moof` and the head of `mdat`; the samples' bytes follow, one after another.
    pub bytes: Bytes,
    /// `tfdt`, in ticks.
    pub start_ticks: u64,
    /// Sum of the samples' durations, in ticks.
    pub duration_ticks: u64,
    /// Number of samples.
    pub sample_count: u32,
    /// Bytes of all samples together.
    pub data_bytes: u32,
    /// Where decoding can start, ascending, for every keyframe.
    pub sync_points: Vec<SyncPoint>,
}

/// A media segment, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackagedSegment {
    /// What playlists and manifests need to know of it.
    pub record: SegmentRecord,
    /// `styp`, `moof` and `mdat`.
    pub bytes: Bytes,
}

/// Writes the boxes of the 0-based segment `index`, whose samples' bytes the caller writes behind them.
///
/// `hidden_ticks` is what the track's edit list hides: composition offsets come out larger by it, so that they are never
/// negative. Values that all samples share are written once. `protection` says how the samples are encrypted.
///
/// # Errors
/// - [`PackageError::EmptySegment`]: no sample.
/// - [`PackageError::Gap`]: a sample does not start where the one before it ends.
/// - [`PackageError::OutOfRange`]: a negative time, or a size that 32 bits cannot hold.
pub fn segment_header(
    index: u32,
    samples: &[SampleMeta],
    hidden_ticks: u32,
    protection: Option<&SegmentProtection<'_>>,
) -> Result<SegmentHeader, PackageError> {
    let layout = Layout::new(index, samples, hidden_ticks)?;
    let mut w = Boxes::with_capacity(192 + 16 * samples.len() + protection.map_or(0, SegmentProtection::bytes));
    w.put(b"styp", |w| {
        w.raw(b"msdh");
        w.u32(0);
        w.raw(b"msdhcmfs");
    });
    let moof = w.len();
    let mut places = layout::Places::default();
    w.put(b"moof", |w| places = layout.fragment(w, protection));
    let header = u32::try_from(w.len() - moof).map_err(|_| layout.out_of_range("its header"))?;
    w.patch_u32(places.data_offset, header + 8);
    if let Some((saio, first_entry)) = places.aux {
        w.patch_u32(saio, u32::try_from(first_entry - moof).map_err(|_| layout.out_of_range("its header"))?);
    }
    w.u32(layout.data_bytes + 8);
    w.raw(b"mdat");
    let first_byte = w.len() as u64;
    Ok(SegmentHeader {
        bytes: w.into_bytes(),
        start_ticks: layout.start_ticks,
        duration_ticks: layout.duration_ticks,
        sample_count: layout.sample_count,
        data_bytes: layout.data_bytes,
        sync_points: layout.sync_points(first_byte),
    })
}

/// Packs the samples of the 0-based segment `index` of a track of this kind into one CMAF segment that is independent of
/// all others. Sample bytes are copied once.
///
/// `hidden_ticks` is what the track's edit list hides: samples come in presentation time, and the composition offsets
/// written are that much larger. What is hidden does not count in the record's start and duration.
///
/// # Errors
/// As [`segment_header`], and:
/// - [`PackageError::NotSync`]: the first sample is no keyframe.
/// - [`PackageError::LeadingSample`]: a sample is shown before the first one, so that the segment would not start
///   with a SAP of type 1.
pub fn media_segment(
    kind: &TrackKind,
    index: u32,
    samples: &[Sample],
    hidden_ticks: u32,
) -> Result<PackagedSegment, PackageError> {
    let meta = |unit: &Sample| {
        let size = u32::try_from(unit.data.len()).map_err(|_| PackageError::OutOfRange { index, what: "its size" })?;
        let Sample { dts, pts, duration, keyframe, .. } = *unit;
        Ok(SampleMeta { dts, pts, duration, size, keyframe })
    };
    let metas = samples.iter().map(meta).collect::<Result<Vec<_>, PackageError>>()?;
    if metas.first().is_some_and(|first| !first.keyframe) {
        return Err(PackageError::NotSync { index });
    }
    let first = metas.first().map_or(0, |first| first.pts);
    if let Some(sample) = metas.iter().position(|unit| unit.pts < first) {
        return Err(PackageError::LeadingSample { index, sample });
    }
    let header = segment_header(index, &metas, hidden_ticks, None)?;
    let mut bytes = BytesMut::with_capacity(header.bytes.len() + header.data_bytes as usize);
    bytes.put_slice(&header.bytes);
    samples.iter().for_each(|unit| bytes.put_slice(&unit.data));
    let start = first.max(0);
    let end = first.saturating_add_unsigned(header.duration_ticks);
    let record = SegmentRecord {
        index,
        start_ticks: start.unsigned_abs(),
        duration_ticks: u64::try_from(end - start).map_err(|_| PackageError::OutOfRange { index, what: "its end" })?,
        sample_count: header.sample_count,
        size_bytes: bytes.len() as u64,
        blake3: blake3::hash(&bytes).to_hex().to_string(),
        sync_points: if matches!(kind, TrackKind::Video { .. }) { header.sync_points } else { Vec::new() },
    };
    Ok(PackagedSegment { record, bytes: bytes.freeze() })
}

/// The samples' bytes of a segment that [`media_segment`] made, one behind another.
///
/// # Errors
/// [`PackageError::Unreadable`] when the bytes are not of this crate.
pub fn segment_samples(record: &SegmentRecord, bytes: &Bytes) -> Result<Bytes, PackageError> {
    Ok(bytes.slice(read_back(record.index, bytes, 0)?.payload))
}

/// The same segment encrypted: `bytes` is what [`media_segment`] made of it, with `record`. Sample bytes are copied once and
/// encrypted in place.
///
/// # Errors
/// [`PackageError::Unreadable`] when the bytes are not of this crate, [`PackageError::Encrypt`] when their samples do not
/// conform to their codec.
pub fn protected_segment(
    record: &SegmentRecord,
    hidden_ticks: u32,
    bytes: &[u8],
    encryptor: &mut SegmentEncryptor,
) -> Result<PackagedSegment, PackageError> {
    let index = record.index;
    let ReadBack { samples, payload } = read_back(index, bytes, hidden_ticks)?;
    let (mut data, mut aux) = (BytesMut::from(&bytes[payload]), SegmentAux::new());
    let seed = encryptor.seed(index.into(), &data);
    let sizes = samples.iter().map(|sample| sample.size as usize);
    let encrypted = encryptor.encrypt_segment(&mut data, sizes, &seed, &mut aux);
    encrypted.map_err(|error| PackageError::Encrypt { index, error })?;
    let protection = SegmentProtection::Encrypted { aux: &aux, group: None };
    let header = segment_header(index, &samples, hidden_ticks, Some(&protection))?;
    let mut bytes = BytesMut::with_capacity(header.bytes.len() + data.len());
    bytes.put_slice(&header.bytes);
    bytes.put_slice(&data);
    let record = SegmentRecord {
        size_bytes: bytes.len() as u64,
        blake3: blake3::hash(&bytes).to_hex().to_string(),
        sync_points: if record.sync_points.is_empty() { Vec::new() } else { header.sync_points },
        ..record.clone()
    };
    Ok(PackagedSegment { record, bytes: bytes.freeze() })
}

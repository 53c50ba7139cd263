//! Common encryption: how tracks, groups and samples are protected (ISO/IEC 23001-7 §6, §7, §8).

use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use drm::{Iv, KeyId, ProtectionScheme, SampleEncryption, Subsample, TrackProtection};

use super::boxes::{Atom, Fields, fail, name};
use super::table::Runs;
use crate::{ByteRange, DemuxError};

/// How samples are protected; `None`: not at all.
pub(super) type Protection = Option<Arc<TrackProtection>>;

/// What a `sinf` box says.
pub(super) enum Sinf {
    /// Protected by common encryption.
    Common {
        /// As `tenc` has it.
        track: Arc<TrackProtection>,
        /// Whether samples are protected unless a group says otherwise.
        by_default: bool,
    },
    /// Protected by something else.
    Foreign(String),
}

/// Reads scheme and defaults of a `sinf` box (ISO/IEC 14496-12 §8.12.1).
pub(super) fn sinf(atom: &Atom) -> Result<Sinf, DemuxError> {
    let schm = atom.need(b"schm")?;
    let (_, _, mut fields) = schm.full()?;
    let code = fields.code().ok_or_else(|| schm.short())?;
    let Some(scheme) = ProtectionScheme::from_code(&code) else {
        return Ok(Sinf::Foreign(name(code)));
    };
    let tenc = atom.need(b"schi")?.need(b"tenc")?;
    let (version, _, mut fields) = tenc.full()?;
    let (by_default, track) = defaults(&mut fields, scheme, version > 0).ok_or_else(|| {
        fail(tenc.at, "the tenc box is too short, or has initialisation vectors of a size that there is not")
    })?;
    Ok(Sinf::Common { track: Arc::new(track), by_default })
}

/// The fields that `tenc` (§8.2) and `seig` (§6) share.
fn defaults(fields: &mut Fields, scheme: ProtectionScheme, pattern: bool) -> Option<(bool, TrackProtection)> {
    fields.skip(1)?;
    let blocks = fields.u8()?;
    let (protected, iv_size) = (fields.u8()? == 1, fields.u8()?);
    let key_id = KeyId(fields.uuid()?);
    let mut constant_iv = None;
    if protected && iv_size == 0 {
        let size = fields.u8()?;
        constant_iv = Some(Iv::new(fields.take(size.into())?)?);
    }
    if !matches!(iv_size, 0 | 8 | 16) {
        return None;
    }
    let (crypt_blocks, skip_blocks) = if pattern { (blocks >> 4, blocks & 15) } else { (0, 0) };
    Some((protected, TrackProtection { scheme, key_id, iv_size, constant_iv, crypt_blocks, skip_blocks }))
}

/// `seig` sample groups of one `sgpd` box.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    entries: Vec<Protection>,
    /// For samples that no `sbgp` box maps; 0: the track's own defaults (version 2).
    unmapped: u32,
}

impl Groups {
    /// The `seig` description box among `boxes`, none when there is none.
    pub(super) fn parse(parent: &Atom, scheme: ProtectionScheme) -> Result<Self, DemuxError> {
        for atom in parent.children() {
            let atom = atom?;
            if atom.kind == *b"sgpd" && atom.body.get(4..8) == Some(b"seig") {
                return Self::read(&atom, scheme);
            }
        }
        Ok(Self::default())
    }

    fn read(atom: &Atom, scheme: ProtectionScheme) -> Result<Self, DemuxError> {
        let (version, _, mut fields) = atom.full()?;
        let mut groups = Self::default();
        let mut each = None;
        let mut header = || {
            fields.skip(4)?;
            if version == 1 {
                each = Some(fields.u32()?);
            } else if version >= 2 {
                groups.unmapped = fields.u32()?;
            }
            fields.u32()
        };
        let count = header().ok_or_else(|| atom.short())?;
        for _ in 0..count {
            let entry = match each {
                // Entries that state no length are read one behind the other.
                None => defaults(&mut fields, scheme, scheme.has_pattern()),
                Some(length) => {
                    let length = if length == 0 { fields.u32() } else { Some(length) };
                    length
                        .and_then(|length| fields.take(length as usize))
                        .and_then(|entry| defaults(&mut Fields(entry), scheme, scheme.has_pattern()))
                }
            };
            let (protected, entry) = entry.ok_or_else(|| atom.short())?;
            groups.entries.push(protected.then(|| Arc::new(entry)));
        }
        Ok(groups)
    }

    fn get(&self, index: u32) -> Option<&Protection> {
        self.entries.get(usize::try_from(index.checked_sub(1)?).ok()?)
    }
}

/// The mapping of samples to `seig` groups (`sbgp`, ISO/IEC 14496-12 §8.9.2), when `parent` has one.
pub(super) fn mapping(root: &Bytes, parent: &Atom) -> Result<Option<Runs>, DemuxError> {
    for atom in parent.children() {
        let atom = atom?;
        if atom.kind == *b"sbgp" && atom.body.get(4..8) == Some(b"seig") {
            let skip = if atom.body.first() == Some(&1) { 8 } else { 4 };
            return super::table::entries(root, &atom, skip, 8).map(|bytes| Some(Runs::new(bytes)));
        }
    }
    Ok(None)
}

/// How the next sample is protected: by its group, or as its track is.
pub(super) fn resolve<'a>(
    map: Option<&mut Runs>,
    local: &'a Groups,
    track: &'a Groups,
    otherwise: &'a Protection,
) -> Option<&'a Protection> {
    let unmapped = if local.unmapped != 0 { local.unmapped.saturating_add(LOCAL) } else { track.unmapped };
    let index = map.and_then(Runs::next).unwrap_or(unmapped);
    match index {
        0 => Some(otherwise),
        1..=LOCAL => track.get(index),
        _ => local.get(index - LOCAL),
    }
}

/// Indices above it name groups of the fragment itself (ISO/IEC 14496-12 §8.9.4).
const LOCAL: u32 = 0x1_0000;

/// Initialisation vectors and subsamples of the samples of a track or track fragment, in order.
#[derive(Clone, Debug)]
pub(super) enum Aux {
    /// A `senc` box (§7.2).
    Senc {
        /// Where it is.
        place: u64,
        /// What is left of it.
        bytes: Bytes,
        /// Whether samples state subsamples.
        subsamples: bool,
    },
    /// `saiz` and `saio` boxes (ISO/IEC 14496-12 §8.7.8), of data that lie elsewhere.
    Elsewhere {
        /// Where `saiz` is.
        place: u64,
        /// Size of each sample's data, or none: all are `size`.
        sizes: Option<Bytes>,
        /// Size of all, when they are alike.
        size: u8,
        /// Samples that have data.
        count: u32,
        /// Samples that were passed.
        sample: u32,
        /// Where the data of each chunk or run are; one offset: all are contiguous.
        offsets: Vec<u64>,
        /// Where the data of the next chunk or run start, when they are contiguous.
        next: u64,
        /// Data of the chunk or run that is being read.
        bytes: Bytes,
    },
}

impl Aux {
    /// From the boxes of a `stbl` or `traf`. `base` is what offsets count from.
    pub(super) fn parse(root: &Bytes, parent: &Atom, base: u64) -> Result<Option<Self>, DemuxError> {
        if let Some(senc) = parent.child(b"senc")? {
            let (_, flags, mut fields) = senc.full()?;
            fields.skip(4).ok_or_else(|| senc.short())?;
            let bytes = root.slice_ref(fields.0);
            return Ok(Some(Self::Senc { place: senc.at, bytes, subsamples: flags & 2 != 0 }));
        }
        let (Some(saiz), Some(saio)) = (of_encryption(parent, b"saiz")?, of_encryption(parent, b"saio")?) else {
            return Ok(None);
        };
        let (_, flags, mut fields) = saiz.full()?;
        let mut header = || {
            fields.skip(if flags & 1 != 0 { 8 } else { 0 })?;
            let (size, count) = (fields.u8()?, fields.u32()?);
            let sizes = if size == 0 { Some(fields.take(count as usize)?) } else { None };
            Some((size, count, sizes))
        };
        let (size, count, sizes) = header().ok_or_else(|| saiz.short())?;
        let sizes = sizes.map(|sizes| root.slice_ref(sizes));
        let offsets = offsets(&saio, base)?;
        let next = offsets.first().copied().unwrap_or(0);
        Ok(Some(Self::Elsewhere { place: saiz.at, sizes, size, count, sample: 0, offsets, next, bytes: Bytes::new() }))
    }

    /// The bytes that the next `samples` need, which are chunk or run `index`; `None` when they are at hand.
    pub(super) fn wants(&self, index: usize, samples: u32) -> Result<Option<ByteRange>, DemuxError> {
        let Self::Elsewhere { place, sizes, size, count, sample, offsets, next, .. } = self else { return Ok(None) };
        let (start, end) = ((*sample).min(*count), sample.saturating_add(samples).min(*count));
        let length = match sizes {
            // The slice was checked to hold `count` sizes.
            Some(sizes) => sizes[start as usize..end as usize].iter().map(|&size| u64::from(size)).sum(),
            None => u64::from(*size) * u64::from(end - start),
        };
        if length == 0 {
            return Ok(None);
        }
        if length > MOST_AT_ONCE {
            return Err(fail(*place, format!("{length} bytes of encryption data for one chunk are too many")));
        }
        let offset = match offsets.as_slice() {
            [_] => *next,
            many => *many.get(index).ok_or_else(|| fail(*place, "the saio box has too few offsets"))?,
        };
        Ok(Some(ByteRange { offset, length }))
    }

    /// Takes the bytes that [`wants`](Self::wants) named.
    pub(super) fn give(&mut self, range: ByteRange, given: Bytes) {
        if let Self::Elsewhere { bytes, next, .. } = self {
            *next = range.offset.saturating_add(range.length);
            *bytes = given;
        }
    }

    /// How the next sample is encrypted, which `protection` governs; `None` when it is not.
    pub(super) fn next(&mut self, protection: &Protection) -> Result<Option<SampleEncryption>, DemuxError> {
        let iv_size = protection.as_ref().map_or(0, |protection| protection.iv_size);
        let (place, read) = match self {
            Self::Senc { place, bytes, subsamples } => {
                let mut fields = Fields(bytes);
                let read = sample(&mut fields, iv_size, *subsamples);
                let left = fields.0.len();
                bytes.advance(bytes.len() - left);
                (*place, read)
            }
            Self::Elsewhere { place, sizes, size, count, sample: at, bytes, .. } => {
                let size = match sizes {
                    Some(sizes) => sizes.get(*at as usize).copied().unwrap_or(0),
                    None if at < count => *size,
                    None => 0,
                };
                *at = at.saturating_add(1);
                let own = bytes.split_to(usize::from(size).min(bytes.len()));
                let read = if size == 0 && iv_size == 0 {
                    Some(SampleEncryption { iv: None, subsamples: Vec::new() })
                } else {
                    sample(&mut Fields(&own), iv_size, size > iv_size)
                };
                (*place, read)
            }
        };
        match read {
            Some(read) => Ok(protection.is_some().then_some(read)),
            None => Err(fail(place, "the encryption data end before the samples do")),
        }
    }
}

/// The `saiz` or `saio` box that speaks of encryption: others may lie beside it (ISO/IEC 14496-12 §8.7.8.3). One that does
/// not say what it speaks of speaks of that.
fn of_encryption<'a>(parent: &Atom<'a>, kind: &[u8; 4]) -> Result<Option<Atom<'a>>, DemuxError> {
    for atom in parent.children() {
        let atom = atom?;
        let typed = atom.body.get(3).is_some_and(|flags| flags & 1 != 0);
        let ours = || atom.body.get(4..8).is_some_and(|code| ProtectionScheme::from_code(code).is_some());
        if atom.kind == *kind && (!typed || ours()) {
            return Ok(Some(atom));
        }
    }
    Ok(None)
}

/// Encryption data of one chunk: 255 bytes for each of 65,000 samples.
const MOST_AT_ONCE: u64 = 16 << 20;

fn offsets(saio: &Atom, base: u64) -> Result<Vec<u64>, DemuxError> {
    let (version, flags, mut fields) = saio.full()?;
    let mut header = || {
        fields.skip(if flags & 1 != 0 { 8 } else { 0 })?;
        fields.u32()
    };
    let count = header().ok_or_else(|| saio.short())?;
    let mut offsets = Vec::new();
    for _ in 0..count {
        let offset = fields.sized(version).ok_or_else(|| saio.short())?;
        offsets.push(base.saturating_add(offset));
    }
    Ok(offsets)
}

fn sample(fields: &mut Fields, iv_size: u8, subsamples: bool) -> Option<SampleEncryption> {
    let iv = if iv_size == 0 { None } else { Some(Iv::new(fields.take(iv_size.into())?)?) };
    let mut found = Vec::new();
    if subsamples {
        let count = usize::from(fields.u16()?);
        let mut entries = Fields(fields.take(count * 6)?);
        found.reserve_exact(count);
        while let (Some(clear), Some(protected)) = (entries.u16(), entries.u32()) {
            found.push(Subsample { clear, protected });
        }
    }
    Some(SampleEncryption { iv, subsamples: found })
}

/// That the subsamples of a sample are not as long as it is.
pub(super) fn check(encryption: &SampleEncryption, size: u32, at: u64) -> Result<(), DemuxError> {
    let sum = |sum: u64, part: &Subsample| sum + u64::from(part.clear) + u64::from(part.protected);
    let total = encryption.subsamples.iter().fold(0, sum);
    if encryption.subsamples.is_empty() || total == u64::from(size) {
        return Ok(());
    }
    Err(fail(at, format!("a sample of {size} bytes has subsamples of {total} bytes")))
}

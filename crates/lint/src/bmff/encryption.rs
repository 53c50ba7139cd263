//! How the samples of a fragment are encrypted (ISO/IEC 23001-7 §6, §7).

use drm::{Iv, ProtectionScheme, SampleEncryption, Subsample, TrackProtection};

use super::Fault;
use super::boxes::{Atom, Fields, name};
use super::entry::read_defaults;
use super::segment::TrackFragment;
use crate::rules::cenc as rules;

/// Per sample: under which protection, and how; `None` for a clear sample.
pub(crate) type Encryption = Vec<Option<(TrackProtection, SampleEncryption)>>;

/// Reads what protects each sample of a protected track. `None` when it cannot be told.
pub(crate) fn read(
    track: &TrackFragment<'_>,
    moof_at: usize,
    bytes: &[u8],
    default: &TrackProtection,
    nal: bool,
    faults: &mut Vec<Fault>,
) -> Option<Encryption> {
    let protections = groups(track, default, faults)?;
    let senc = track.atom.child(b"senc");
    let saiz = track.atom.child(b"saiz").and_then(|atom| Some((atom, sizes(&atom)?)));
    let offset = track.atom.child(b"saio").and_then(|atom| Some((atom, offset(&atom)?)));
    let Some(senc) = senc else {
        return read_aux(track, moof_at, bytes, &protections, saiz, offset, nal, faults);
    };
    let (_, flags, mut fields) = senc.full()?;
    let count = fields.u32()?;
    if count as usize != track.samples.len() {
        let message = format!("senc has {count} entries for {} samples", track.samples.len());
        faults.push(Fault::new(rules::SENC, senc.at, message));
        return None;
    }
    let mut out = Encryption::with_capacity(track.samples.len());
    let mut lengths = Vec::new();
    for protection in &protections {
        let before = fields.rest().len();
        match protection {
            Some(protection) => {
                let Some(entry) = read_entry(&mut fields, protection, flags & 2 != 0) else {
                    let message = format!(
                        "senc ends in entry {} of {count}, with IVs of {} bytes",
                        out.len(),
                        protection.iv_size
                    );
                    faults.push(Fault::new(rules::SENC, senc.at, message));
                    return None;
                };
                out.push(Some((protection.clone(), entry)));
            }
            None => out.push(None),
        }
        lengths.push(before - fields.rest().len());
    }
    if !fields.rest().is_empty() {
        faults.push(Fault::new(
            rules::SENC,
            senc.at,
            format!("{} bytes are left behind the last entry of senc", fields.rest().len()),
        ));
    }
    check_sizes(&lengths, saiz, senc.at, faults);
    let wanted = senc.body_at() + 8;
    if let Some((atom, offset)) = offset
        && lengths.iter().any(|&length| length > 0)
        && moof_at.checked_add(usize::try_from(offset).unwrap_or(usize::MAX)) != Some(wanted)
    {
        let message = format!(
            "saio says {offset}, the first entry of senc lies at {} of the fragment",
            wanted.saturating_sub(moof_at)
        );
        faults.push(Fault::new(rules::SAIO, atom.at, message));
    }
    Some(out)
}

fn check_sizes(lengths: &[usize], saiz: Option<(Atom<'_>, Vec<u8>)>, at: usize, faults: &mut Vec<Fault>) {
    let needed = lengths.iter().any(|&length| length > 0);
    match saiz {
        Some((atom, sizes)) => {
            let differing = sizes.iter().zip(lengths).position(|(&size, &length)| usize::from(size) != length);
            if sizes.len() != lengths.len() {
                let message = format!("saiz has {} sizes for {} samples", sizes.len(), lengths.len());
                faults.push(Fault::new(rules::SAIZ, atom.at, message));
            } else if let Some(index) = differing {
                let message =
                    format!("saiz says {} bytes for sample {index}, senc has {}", sizes[index], lengths[index]);
                faults.push(Fault::new(rules::SAIZ, atom.at, message));
            }
        }
        None if needed => faults.push(Fault::new(rules::SAIZ, at, "senc comes without saiz")),
        None => {}
    }
}

fn read_entry(fields: &mut Fields<'_>, protection: &TrackProtection, subsamples: bool) -> Option<SampleEncryption> {
    let iv = match protection.iv_size {
        0 => None,
        size => Some(Iv::new(fields.bytes(size.into())?)?),
    };
    let mut list = Vec::new();
    if subsamples {
        for _ in 0..fields.u16()? {
            list.push(Subsample { clear: fields.u16()?, protected: fields.u32()? });
        }
    }
    Some(SampleEncryption { iv, subsamples: list })
}

/// Without `senc`, entries lie where `saio` points.
#[expect(clippy::too_many_arguments, reason = "the pieces of one table")]
fn read_aux(
    track: &TrackFragment<'_>,
    moof_at: usize,
    bytes: &[u8],
    protections: &[Option<TrackProtection>],
    saiz: Option<(Atom<'_>, Vec<u8>)>,
    offset: Option<(Atom<'_>, u64)>,
    nal: bool,
    faults: &mut Vec<Fault>,
) -> Option<Encryption> {
    let needed = protections.iter().flatten().any(|protection| protection.iv_size > 0 || nal);
    let (Some((_, sizes)), Some((atom, offset))) = (saiz, offset) else {
        if needed {
            faults.push(Fault::new(
                rules::SENC_MISSING,
                track.atom.at,
                "protected samples have neither senc nor saiz with saio",
            ));
            return None;
        }
        let whole =
            |protection: &TrackProtection| (protection.clone(), SampleEncryption { iv: None, subsamples: Vec::new() });
        return Some(protections.iter().map(|protection| protection.as_ref().map(whole)).collect());
    };
    let start = moof_at.checked_add(usize::try_from(offset).ok()?);
    let Some(rest) = start.and_then(|start| bytes.get(start..)) else {
        faults.push(Fault::new(rules::SAIO, atom.at, format!("saio points at {offset}, outside of the object")));
        return None;
    };
    let mut fields = Fields::new(rest);
    let mut out = Encryption::new();
    for (protection, &size) in protections.iter().zip(&sizes) {
        let mut entry = Fields::new(fields.bytes(size.into())?);
        match protection {
            Some(protection) => {
                let subsamples = size > protection.iv_size;
                out.push(Some((protection.clone(), read_entry(&mut entry, protection, subsamples)?)));
            }
            None => out.push(None),
        }
    }
    (out.len() == protections.len()).then_some(out)
}

fn sizes(saiz: &Atom<'_>) -> Option<Vec<u8>> {
    let (_, flags, mut fields) = saiz.full()?;
    if flags & 1 != 0 {
        fields.u64()?;
    }
    let default = fields.u8()?;
    let count = fields.u32()? as usize;
    match default {
        // No fragment of an object under the size limit has more samples.
        0 => fields.bytes(count).map(<[u8]>::to_vec),
        size => (count <= 1 << 20).then(|| vec![size; count]),
    }
}

fn offset(saio: &Atom<'_>) -> Option<u64> {
    let (version, flags, mut fields) = saio.full()?;
    if flags & 1 != 0 {
        fields.u64()?;
    }
    if fields.u32()? == 0 {
        return None;
    }
    fields.sized(version)
}

/// The protection of every sample, after `seig` groups (§6).
fn groups(
    track: &TrackFragment<'_>,
    default: &TrackProtection,
    faults: &mut Vec<Fault>,
) -> Option<Vec<Option<TrackProtection>>> {
    let mut out = vec![Some(default.clone()); track.samples.len()];
    let of = |kind: &[u8; 4]| {
        track.atom.children(0).flatten().find(|atom| atom.kind == *kind && atom.body.get(4..8) == Some(b"seig"))
    };
    let Some(sbgp) = of(b"sbgp") else { return Some(out) };
    let entries = of(b"sgpd").and_then(|sgpd| descriptions(&sgpd, default.scheme)).unwrap_or_default();
    let (version, _, mut fields) = sbgp.full()?;
    fields.u32()?;
    if version == 1 {
        fields.u32()?;
    }
    let mut at = 0;
    for _ in 0..fields.u32()? {
        let (Some(count), Some(index)) = (fields.u32(), fields.u32()) else {
            faults.push(Fault::new(
                rules::SEIG,
                sbgp.at,
                format!("{} counts more entries than it has", name(sbgp.kind)),
            ));
            return None;
        };
        let end = out.len().min(at + count as usize);
        if index > 0 {
            // Descriptions of this fragment count from 0x10001 (ISO/IEC 14496-12 §8.9.4); those of the track are not read.
            let local = index.checked_sub(0x1_0001)? as usize;
            let Some(entry) = entries.get(local) else {
                faults.push(Fault::new(rules::SEIG, sbgp.at, format!("there is no seig description {index:#x}")));
                return None;
            };
            out[at.min(end)..end].fill(entry.clone());
        }
        at = end;
    }
    Some(out)
}

fn descriptions(sgpd: &Atom<'_>, scheme: ProtectionScheme) -> Option<Vec<Option<TrackProtection>>> {
    let (version, _, mut fields) = sgpd.full()?;
    fields.u32()?;
    let default = if version >= 1 { fields.u32()? } else { 0 };
    if version >= 2 {
        fields.u32()?;
    }
    let mut out = Vec::new();
    for _ in 0..fields.u32()? {
        let length = if version >= 1 && default == 0 { fields.u32()? } else { default };
        let body = if length == 0 { fields.rest() } else { fields.bytes(length as usize)? };
        let (protection, protected) = read_defaults(Fields::new(body), scheme, scheme.has_pattern())?;
        out.push(protected.then_some(protection));
        if length == 0 {
            break;
        }
    }
    Some(out)
}

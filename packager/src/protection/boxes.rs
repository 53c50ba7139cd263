//! `sinf`, `senc`, `saiz`, `saio`, and sample groups of type `seig`.

use drm::{Iv, SegmentAux, TrackProtection};

use super::SegmentProtection;
use crate::isobmff::Boxes;

/// `sgpd` and `sbgp` grouping type, and the group description index of fragment-local groups (ISO/IEC 14496-12 §8.9.4).
const SEIG: &[u8; 4] = b"seig";
const LOCAL_GROUP: u32 = 0x1_0001;

/// `sinf` (ISO/IEC 14496-12 §8.12.1): the entry's name in the clear, the scheme, and the defaults of every sample.
pub(crate) fn scheme_information(w: &mut Boxes, original: &[u8; 4], protection: &TrackProtection) {
    w.put(b"sinf", |w| {
        w.put(b"frma", |w| w.raw(original));
        w.put_full(b"schm", 0, 0, |w| {
            w.raw(protection.scheme.as_str().as_bytes());
            w.u32(0x0001_0000);
        });
        w.put(b"schi", |w| {
            let version = u8::from(protection.scheme.has_pattern());
            w.put_full(b"tenc", version, 0, |w| {
                w.u8(0);
                defaults(w, protection);
            });
        });
    });
}

/// What `tenc` (§8.2.2) and `seig` (§6) share, from the pattern on.
fn defaults(w: &mut Boxes, protection: &TrackProtection) {
    w.u8(protection.crypt_blocks << 4 | protection.skip_blocks & 0x0f);
    w.u8(1);
    w.u8(protection.iv_size);
    w.raw(&protection.key_id.0);
    if let Some(iv) = constant_iv(protection) {
        w.u8(iv.as_bytes().len() as u8);
        w.raw(iv.as_bytes());
    }
}

fn constant_iv(protection: &TrackProtection) -> Option<Iv> {
    protection.constant_iv.filter(|_| protection.iv_size == 0)
}

impl SegmentProtection<'_> {
    /// Bytes that the boxes take, about.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Encrypted { aux, .. } => 128 + aux.entries_len() + aux.sample_count(),
            Self::Clear => 128,
        }
    }

    /// Writes what belongs into `traf` behind the run of `samples` samples. Returns where `saio` names its offset, and
    /// the first entry of `senc` that it names; `None` when the samples have nothing of their own to say.
    pub(crate) fn write(&self, w: &mut Boxes, samples: u32) -> Option<(usize, usize)> {
        match *self {
            Self::Encrypted { aux, group } => {
                let places = (!aux.is_empty()).then(|| auxiliary(w, aux));
                if let Some(group) = group {
                    sample_group(w, samples, |w| defaults(w, group), constant_iv(group));
                }
                places
            }
            Self::Clear => {
                sample_group(w, samples, |w| w.zeros(19), None);
                None
            }
        }
    }
}

/// `saiz`, `saio` (ISO/IEC 14496-12 §8.7.8, §8.7.9) and `senc` (§7.2).
fn auxiliary(w: &mut Boxes, aux: &SegmentAux) -> (usize, usize) {
    let samples = aux.sample_count() as u32;
    w.put_full(b"saiz", 0, 0, |w| {
        let uniform = aux.uniform_info_size();
        w.u8(uniform.unwrap_or(0));
        w.u32(samples);
        if uniform.is_none() {
            aux.info_sizes().for_each(|size| w.u8(size));
        }
    });
    let mut offset = 0;
    w.put_full(b"saio", 0, 0, |w| {
        w.u32(1);
        offset = w.len();
        w.u32(0);
    });
    let mut first_entry = 0;
    w.put_full(b"senc", 0, if aux.has_subsamples() { 2 } else { 0 }, |w| {
        w.u32(samples);
        first_entry = w.len();
        w.append(|out| aux.write_entries(out));
    });
    (offset, first_entry)
}

/// A sample group of all samples of the fragment that are not as `tenc` says (§6).
fn sample_group(w: &mut Boxes, samples: u32, description: impl FnOnce(&mut Boxes), constant: Option<Iv>) {
    w.put_full(b"sgpd", 1, 0, |w| {
        w.raw(SEIG);
        w.u32(20 + constant.map_or(0, |iv| 1 + iv.as_bytes().len() as u32));
        w.u32(1);
        w.u8(0);
        description(w);
    });
    w.put_full(b"sbgp", 0, 0, |w| {
        w.raw(SEIG);
        w.u32(1);
        w.u32(samples);
        w.u32(LOCAL_GROUP);
    });
}

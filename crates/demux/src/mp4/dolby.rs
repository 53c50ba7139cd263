//! Dolby Vision, which is not carried as such: what is left of pictures without it (Dolby Vision Streams Within the ISO
//! Base Media File Format, §2.2, §3.2).

use super::boxes::Atom;
use crate::DemuxError;

/// What a sample entry says of Dolby Vision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dolby {
    /// `dv_profile`.
    pub(super) profile: u8,
    /// Whether the pictures are those of another system, which all decoders know: HDR10, HLG or SDR.
    pub(super) compatible: bool,
}

impl Dolby {
    /// From the boxes of a sample entry behind its `header` bytes of fields, when one speaks of it.
    pub(super) fn of(entry: &Atom, header: usize) -> Result<Option<Self>, DemuxError> {
        for atom in entry.children_from(header) {
            let atom = atom?;
            if matches!(&atom.kind, b"dvcC" | b"dvvC" | b"dvwC") {
                let mut fields = atom.fields();
                let mut read = || {
                    fields.skip(2)?;
                    Some((fields.u16()?, fields.u8()?))
                };
                let (bits, compatibility) = read().ok_or_else(|| atom.short())?;
                return Ok(Some(Self { profile: (bits >> 9) as u8, compatible: compatibility >> 4 != 0 }));
            }
        }
        Ok(None)
    }
}

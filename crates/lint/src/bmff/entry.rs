//! Sample entries (ISO/IEC 14496-12 §8.5.2, §12) and what protects them (§8.12).

use drm::{Iv, KeyId, ProtectionScheme, TrackProtection};

use super::Fault;
use super::boxes::{Atom, Fields, name};
use crate::rules::{bmff as rules, cenc};

/// What a sample entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Format of the samples, that of `frma` in a protected entry.
    pub(crate) format: [u8; 4],
    /// For pictures.
    pub(crate) size: Option<(u16, u16)>,
    /// For sound: channels and samples per second.
    pub(crate) sound: Option<(u16, u32)>,
    /// Payload of the decoder configuration box.
    pub(crate) config: Vec<u8>,
    /// `colr` of type nclx: primaries, transfer, matrix.
    pub(crate) colour: Option<(u16, u16, u16)>,
    /// `pasp`.
    pub(crate) pixel_aspect: (u32, u32),
    pub(crate) protection: Option<TrackProtection>,
    /// Whether it is an `encv`, `enca` or the like.
    pub(crate) protected: bool,
    pub(crate) scheme_code: Option<[u8; 4]>,
}

/// The configuration box of a format.
fn config_kind(format: [u8; 4]) -> Option<[u8; 4]> {
    Some(*match &format {
        b"avc1" | b"avc3" | b"dvav" | b"dva1" => b"avcC",
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => b"hvcC",
        b"av01" => b"av1C",
        b"vp08" | b"vp09" => b"vpcC",
        b"mp4a" => b"esds",
        b"ac-3" => b"dac3",
        b"ec-3" => b"dec3",
        b"Opus" => b"dOps",
        b"fLaC" => b"dfLa",
        b"wvtt" => b"vttC",
        _ => return None,
    })
}

impl Entry {
    /// Reads a child of `stsd` under a handler. What is broken in it goes to `faults`.
    pub(crate) fn read(atom: &Atom<'_>, handler: [u8; 4], faults: &mut Vec<Fault>) -> Option<Self> {
        let mut entry = Self {
            format: atom.kind,
            size: None,
            sound: None,
            config: Vec::new(),
            colour: None,
            pixel_aspect: (1, 1),
            protection: None,
            protected: matches!(&atom.kind, b"encv" | b"enca" | b"enct" | b"encs"),
            scheme_code: None,
        };
        let skip = match &handler {
            b"vide" => {
                let mut fields = Fields::new(atom.body.get(24..)?);
                entry.size = Some((fields.u16()?, fields.u16()?));
                78
            }
            b"soun" => {
                let mut fields = Fields::new(atom.body.get(8..)?);
                let version = fields.u16()?;
                let mut fields = Fields::new(atom.body.get(16..)?);
                let channels = fields.u16()?;
                let rate = Fields::new(atom.body.get(24..)?).u32()? >> 16;
                entry.sound = Some((channels, rate));
                // QuickTime's longer forms.
                match version {
                    1 => 44,
                    2 => 64,
                    _ => 28,
                }
            }
            b"text" if atom.kind == *b"wvtt" => 8,
            // stpp, sbtt and others have strings first, which are not needed.
            _ => return Some(entry),
        };
        let sinf = atom.child_after(skip, b"sinf");
        if entry.protected {
            entry.read_sinf(atom, sinf, faults);
        }
        for child in atom.children(skip) {
            match child {
                Ok(child) => entry.read_child(&child),
                // Four zero bytes end old entries.
                Err(fault) if atom.end() - fault.offset == 4 => {}
                Err(fault) => faults.push(fault),
            }
        }

        if let (true, Some(wanted)) = (entry.config.is_empty(), config_kind(entry.format)) {
            let message = format!("sample entry {} has no {}", name(entry.format), name(wanted));
            faults.push(Fault::new(rules::BOX_MISSING, atom.at, message));
        }
        Some(entry)
    }

    fn read_child(&mut self, child: &Atom<'_>) {
        if config_kind(self.format) == Some(child.kind) {
            self.config = child.body.to_vec();
        }
        match &child.kind {
            b"colr" => {
                let mut fields = Fields::new(child.body);
                if fields.array() == Some(*b"nclx")
                    && let (Some(a), Some(b), Some(c)) = (fields.u16(), fields.u16(), fields.u16())
                {
                    self.colour = Some((a, b, c));
                }
            }
            b"pasp" => {
                let mut fields = Fields::new(child.body);
                if let (Some(h), Some(v)) = (fields.u32(), fields.u32())
                    && h > 0
                    && v > 0
                {
                    self.pixel_aspect = (h, v);
                }
            }
            _ => {}
        }
    }

    fn read_sinf(&mut self, atom: &Atom<'_>, sinf: Option<Atom<'_>>, faults: &mut Vec<Fault>) {
        let Some(sinf) = sinf else {
            faults.push(Fault::new(cenc::SINF, atom.at, format!("sample entry {} has no sinf", atom.name())));
            return;
        };
        match sinf.child(b"frma").and_then(|frma| Fields::new(frma.body).array()) {
            Some(format) => self.format = format,
            None => faults.push(Fault::new(cenc::SINF, sinf.at, "sinf has no frma")),
        }
        self.scheme_code = sinf.child(b"schm").and_then(|schm| schm.full()?.2.array());
        let Some(code) = self.scheme_code else {
            faults.push(Fault::new(cenc::SINF, sinf.at, "sinf has no schm"));
            return;
        };
        let Some(scheme) = ProtectionScheme::from_code(&code) else {
            faults.push(Fault::new(cenc::SCHEME, sinf.at, format!("schm has scheme {:?}", name(code))));
            return;
        };
        let Some(tenc) = sinf.child(b"schi").and_then(|schi| schi.child(b"tenc")) else {
            faults.push(Fault::new(cenc::SINF, sinf.at, "sinf has no schi with tenc"));
            return;
        };
        match tenc.full().and_then(|(version, _, fields)| read_defaults(fields, scheme, version > 0)) {
            Some((protection, true)) => {
                check_defaults(&protection, self.sound.is_some(), tenc.at, faults);
                self.protection = Some(protection);
            }
            Some((_, false)) => {
                faults.push(Fault::new(cenc::SINF, tenc.at, "tenc says that samples are not protected by default"))
            }
            None => faults.push(Fault::new(cenc::SINF, tenc.at, "tenc ends before its fields")),
        }
    }
}

impl<'a> Atom<'a> {
    fn child_after(&self, skip: usize, kind: &[u8; 4]) -> Option<Atom<'a>> {
        self.children(skip).flatten().find(|atom| atom.kind == *kind)
    }
}

/// The fields that `tenc` (§8.2) and `seig` (§6) share, and whether they protect.
pub(crate) fn read_defaults(
    mut fields: Fields<'_>,
    scheme: ProtectionScheme,
    pattern: bool,
) -> Option<(TrackProtection, bool)> {
    fields.u8()?;
    let blocks = fields.u8()?;
    let protected = fields.u8()?;
    let iv_size = fields.u8()?;
    let key_id = KeyId(fields.array()?);
    let mut constant_iv = None;
    if protected == 1 && iv_size == 0 {
        let size = fields.u8().unwrap_or(0);
        constant_iv = fields.bytes(size.into()).and_then(Iv::new);
    }
    let (crypt_blocks, skip_blocks) = if pattern { (blocks >> 4, blocks & 15) } else { (0, 0) };
    Some((TrackProtection { scheme, key_id, iv_size, constant_iv, crypt_blocks, skip_blocks }, protected == 1))
}

/// What the scheme asks of IVs and patterns.
pub(crate) fn check_defaults(protection: &TrackProtection, audio: bool, at: usize, faults: &mut Vec<Fault>) {
    let (scheme, size) = (protection.scheme, protection.iv_size);
    let sizes: &[u8] = match scheme {
        ProtectionScheme::Cenc | ProtectionScheme::Cens => &[8, 16],
        ProtectionScheme::Cbc1 => &[16],
        ProtectionScheme::Cbcs => &[0, 8, 16],
    };
    if !sizes.contains(&size) {
        faults.push(Fault::new(cenc::IV_SIZE, at, format!("IVs have {size} bytes under scheme {scheme}")));
    }
    if size == 0 && protection.constant_iv.is_none() && sizes.contains(&0) {
        faults.push(Fault::new(
            cenc::CONSTANT_IV,
            at,
            "samples have no IV and the track has no constant one of 8 or 16 bytes",
        ));
    }
    let (crypt, skip) = (protection.crypt_blocks, protection.skip_blocks);
    if !scheme.has_pattern() && (crypt, skip) != (0, 0) {
        faults.push(Fault::new(
            cenc::PATTERN,
            at,
            format!("scheme {scheme} has no pattern, but {crypt}:{skip} is given"),
        ));
    } else if scheme.has_pattern() && !audio && crypt == 0 {
        faults.push(Fault::new(
            cenc::PATTERN,
            at,
            format!("scheme {scheme} needs a pattern for video, and {crypt}:{skip} is given"),
        ));
    }
}

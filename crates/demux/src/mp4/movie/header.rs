//! What is said of a track besides its samples: headers, where its media lie, names and roles.

use media_types::Timescale;

use crate::mp4::boxes::{Atom, fail};
use crate::mp4::language;
use crate::{DemuxError, Roles};

/// `tkhd` (§8.3.2).
pub(in crate::mp4) struct TrackHeader {
    pub(in crate::mp4) id: u32,
    pub(in crate::mp4) enabled: bool,
    pub(in crate::mp4) turned: bool,
}

impl TrackHeader {
    pub(in crate::mp4) fn parse(tkhd: &Atom) -> Result<Self, DemuxError> {
        let (version, flags, mut fields) = tkhd.full()?;
        let mut read = || {
            fields.skip(if version == 1 { 16 } else { 8 })?;
            let id = fields.u32()?;
            fields.skip(if version == 1 { 12 } else { 8 } + 16)?;
            let (a, b, _) = (fields.i32()?, fields.i32()?, fields.i32()?);
            let (c, d) = (fields.i32()?, fields.i32()?);
            Some(Self { id, enabled: flags & 1 != 0, turned: b != 0 || c != 0 || a < 0 || d < 0 })
        };
        read().ok_or_else(|| tkhd.short())
    }
}

/// `mdhd` and `elng` (§8.4.2, §8.4.6).
pub(in crate::mp4) struct MediaHeader {
    pub(in crate::mp4) timescale: Timescale,
    pub(in crate::mp4) language: String,
}

impl MediaHeader {
    pub(in crate::mp4) fn parse(mdia: &Atom, quicktime: bool) -> Result<Self, DemuxError> {
        let mdhd = mdia.need(b"mdhd")?;
        let (version, _, mut fields) = mdhd.full()?;
        let mut read = || {
            fields.skip(if version == 1 { 16 } else { 8 })?;
            let timescale = fields.u32()?;
            fields.skip(if version == 1 { 8 } else { 4 })?;
            Some((timescale, fields.u16()?))
        };
        let (timescale, packed) = read().ok_or_else(|| mdhd.short())?;
        let timescale = Timescale::new(timescale).ok_or_else(|| fail(mdhd.at, "a track's timescale is 0"))?;
        let extended = match mdia.child(b"elng")? {
            Some(elng) => elng.full().ok().and_then(|(_, _, mut fields)| language::tag(fields.text())),
            None => None,
        };
        Ok(Self { timescale, language: extended.unwrap_or_else(|| language::unpack(packed, quicktime)) })
    }
}

/// That the media lie in this file (`dref`, §8.7.2).
pub(in crate::mp4) fn own_media(minf: &Atom, reference: u16, id: u32) -> Result<(), DemuxError> {
    let Some(dref) = minf.child(b"dinf")?.map(|dinf| dinf.child(b"dref")).transpose()?.flatten() else { return Ok(()) };
    let Some(index) = usize::from(reference).checked_sub(1) else { return Ok(()) };
    let Some(entry) = dref.children_from(8).nth(index) else { return Ok(()) };
    let entry = entry?;
    let (_, flags, _) = entry.full()?;
    if flags & 1 != 0 {
        return Ok(());
    }
    Err(fail(entry.at, format!("track {id} keeps its media in another file, which is not read; join them into one")))
}

/// Names and roles in `udta`, of which a damaged one is no reason to refuse anything.
pub(in crate::mp4) fn user_data(udta: &Atom, roles: &mut Roles, label: &mut Option<String>) {
    for atom in udta.children().map_while(Result::ok) {
        match &atom.kind {
            b"name" => *label = language::label(atom.body).or(label.take()),
            b"kind" => {
                if let Ok((_, _, mut fields)) = atom.full() {
                    let scheme = fields.text();
                    add_role(roles, scheme, fields.text());
                }
            }
            _ => {}
        }
    }
}

/// `kind` (§8.10.4): roles of DASH (ISO/IEC 23009-1 §5.8.5.5) and of HTML.
fn add_role(roles: &mut Roles, scheme: &[u8], value: &[u8]) {
    if !matches!(scheme, b"urn:mpeg:dash:role:2011" | b"about:html-kind") {
        return;
    }
    match value {
        b"main" => roles.default = true,
        b"commentary" => roles.commentary = true,
        b"forced-subtitle" | b"forced_subtitle" => roles.forced = true,
        b"caption" | b"captions" => roles.hearing_impaired = true,
        b"description" | b"descriptions" | b"main-desc" => roles.visual_impaired = true,
        _ => {}
    }
}

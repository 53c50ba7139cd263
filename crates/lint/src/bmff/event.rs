//! Event messages (`emsg`, ISO/IEC 23009-1 §5.10.3.3).

use super::boxes::{Atom, Fields};

/// Schemes that are remembered of a track.
pub(crate) const MAX_SCHEMES: usize = 64;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Position of its box in the object.
    pub(crate) at: usize,
    pub(crate) scheme: String,
    pub(crate) value: String,
    /// Ticks a second, never 0.
    pub(crate) timescale: u32,
    /// On the line of the track; `None` in version 0, whose times count from the segment.
    pub(crate) time: Option<u64>,
    /// Position of the fragment behind it.
    pub(crate) fragment: usize,
}

impl Event {
    /// Reads a box in front of a fragment.
    pub(crate) fn read(atom: &Atom<'_>, fragment: usize) -> Result<Self, &'static str> {
        let cut = "emsg ends before its fields do";
        let (version, _, mut fields) = atom.full().ok_or(cut)?;
        // Version 1 has its strings behind the numbers.
        let before = match version {
            0 => Some((string(&mut fields)?, string(&mut fields)?)),
            1 => None,
            _ => return Err("emsg is neither of version 0 nor of version 1"),
        };
        let timescale = fields.u32().ok_or(cut)?;
        let time = if version == 0 { fields.u32().map(u64::from) } else { fields.u64() }.ok_or(cut)?;
        // Duration and id.
        fields.bytes(8).ok_or(cut)?;
        let (scheme, value) = match before {
            Some(strings) => strings,
            None => (string(&mut fields)?, string(&mut fields)?),
        };
        if timescale == 0 {
            return Err("the timescale of emsg is 0");
        }
        if scheme.is_empty() {
            return Err("emsg names no scheme");
        }
        let time = Some(time).filter(|_| version == 1);
        Ok(Self { at: atom.at, scheme, value, timescale, time, fragment })
    }
}

/// UTF-8 up to a 0.
fn string(fields: &mut Fields<'_>) -> Result<String, &'static str> {
    let length = fields.rest().iter().position(|&byte| byte == 0).ok_or("a string of emsg does not end")?;
    let text = fields.bytes(length).and_then(|bytes| std::str::from_utf8(bytes).ok());
    fields.u8();
    text.map(str::to_owned).ok_or("a string of emsg is not UTF-8")
}

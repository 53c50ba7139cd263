//! The rest of the bit stream information of E-AC-3 (§E.1.2.2), for `chanmap`, `bsmod` and the extension at its end.

use super::frame::{Kind, SyncFrame};
use crate::bits::Bits;

/// Reads on behind `bsid`. `None` when the bytes end first; what was read by then is in `frame`.
pub(super) fn read(frame: &mut SyncFrame, bits: &mut Bits<'_>) -> Option<()> {
    let dual_mono = frame.acmod == 0;
    // dialnorm, compre, compr; again for the second channel of dual mono
    for _ in 0..1 + u32::from(dual_mono) {
        bits.skip(5)?;
        optional(bits, 8)?;
    }
    if frame.kind == Kind::Dependent && bits.flag()? {
        frame.channel_map = Some(bits.take(16)? as u16);
    }
    if bits.flag()? {
        metadata(frame, bits)?;
    }
    if bits.flag()? {
        information(frame, bits)?;
    }
    if frame.kind == Kind::Independent && frame.blocks != 6 {
        // convsync
        bits.skip(1)?;
    }
    if frame.kind == Kind::Converted && (frame.blocks == 6 || bits.flag()?) {
        // frmsizecod
        bits.skip(6)?;
    }
    // addbsie, addbsil
    if bits.flag()? {
        let length = bits.take(6)? + 1;
        // ETSI TS 103 420 §8.3: flag_ec3_extension_type_a, complexity_index_type_a
        if length >= 2 {
            bits.skip(7)?;
            if bits.flag()? {
                frame.joc_complexity = Some(bits.take(8)? as u8);
            }
        }
    }
    Some(())
}

/// Mixing metadata (`mixmdate`).
fn metadata(frame: &SyncFrame, bits: &mut Bits<'_>) -> Option<()> {
    let (acmod, dual_mono) = (frame.acmod, frame.acmod == 0);
    if acmod > 2 {
        bits.skip(2)?;
        if acmod & 1 == 1 {
            bits.skip(6)?;
        }
    }
    if acmod & 4 == 4 {
        bits.skip(6)?;
    }
    if frame.lfe {
        optional(bits, 5)?;
    }
    if frame.kind != Kind::Independent {
        return Some(());
    }
    // pgmscl, pgmscl2, extpgmscl
    for _ in 0..2 + u32::from(dual_mono) {
        optional(bits, 6)?;
    }
    // mixdef
    match bits.take(2)? {
        0 => {}
        1 => bits.skip(5)?,
        2 => bits.skip(12)?,
        _ => {
            let length = bits.take(5)? as usize + 2;
            bits.skip(8 * length)?;
        }
    }
    if acmod < 2 {
        // panmean, paninfo
        for _ in 0..1 + u32::from(dual_mono) {
            optional(bits, 14)?;
        }
    }
    // frmmixcfginfoe
    if bits.flag()? {
        match frame.blocks {
            1 => bits.skip(5)?,
            blocks => (0..blocks).try_for_each(|_| optional(bits, 5))?,
        }
    }
    Some(())
}

/// Informational metadata (`infomdate`).
fn information(frame: &mut SyncFrame, bits: &mut Bits<'_>) -> Option<()> {
    frame.bsmod = bits.take(3)? as u8;
    // copyrightb, origbs
    bits.skip(2)?;
    match frame.acmod {
        // dsurmod, dheadphonmod
        2 => bits.skip(4)?,
        // dsurexmod
        6.. => bits.skip(2)?,
        _ => {}
    }
    // mixlevel, roomtyp, adconvtyp; again for the second channel of dual mono
    for _ in 0..1 + u32::from(frame.acmod == 0) {
        optional(bits, 8)?;
    }
    // sourcefscod
    if frame.fscod < 3 {
        bits.skip(1)?;
    }
    Some(())
}

/// A value behind a flag that says it is there.
fn optional(bits: &mut Bits<'_>, width: usize) -> Option<()> {
    match bits.flag()? {
        true => bits.skip(width),
        false => Some(()),
    }
}

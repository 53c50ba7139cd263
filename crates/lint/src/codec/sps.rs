//! Sequence parameter sets, so far as they tell of the picture's size and colour.

use bitstream::bits::{Bits, unescape};

/// What a sequence parameter set says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sps {
    /// After cropping.
    pub(super) size: (u32, u32),
    pub(super) transfer: Option<u16>,
}

fn cropped(size: (u32, u32), unit: (u32, u32), crop: [u32; 4]) -> Option<(u32, u32)> {
    let [left, right, top, bottom] = crop;
    let width = size.0.checked_sub(unit.0.checked_mul(left.checked_add(right)?)?)?;
    let height = size.1.checked_sub(unit.1.checked_mul(top.checked_add(bottom)?)?)?;
    (width > 0 && height > 0).then_some((width, height))
}

fn four(bits: &mut Bits<'_>) -> Option<[u32; 4]> {
    Some([bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?])
}

/// ITU-T H.264 §7.3.2.1.1.
pub(super) fn avc(nal: &[u8]) -> Option<Sps> {
    let bytes = unescape(nal, 512);
    let mut bits = Bits::new(bytes.get(1..)?);
    let profile = bits.take(8)?;
    bits.skip(16)?;
    bits.ue()?;
    let mut chroma = 1;
    let mut planes = false;
    if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(&profile) {
        chroma = bits.ue()?;
        planes = chroma == 3 && bits.flag()?;
        bits.ue()?;
        bits.ue()?;
        bits.skip(1)?;
        if bits.flag()? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.ue()?;
    match bits.ue()? {
        0 => drop(bits.ue()?),
        1 => {
            bits.skip(1)?;
            bits.se()?;
            bits.se()?;
            for _ in 0..bits.ue()?.min(256) {
                bits.se()?;
            }
        }
        _ => {}
    }
    bits.ue()?;
    bits.skip(1)?;
    let width = bits.ue()?.checked_add(1)?.checked_mul(16)?;
    let units = bits.ue()?.checked_add(1)?;
    let frames_only = bits.take(1)?;
    let height = units.checked_mul(16 * (2 - frames_only))?;
    if frames_only == 0 {
        bits.skip(1)?;
    }
    bits.skip(1)?;
    let crop = if bits.flag()? { four(&mut bits)? } else { [0; 4] };
    let (x, y) = match chroma {
        1 if !planes => (2, 2),
        2 if !planes => (2, 1),
        _ => (1, 1),
    };
    let size = cropped((width, height), (x, y * (2 - frames_only)), crop)?;
    Some(Sps { size, transfer: if bits.flag().unwrap_or(false) { transfer(&mut bits) } else { None } })
}

fn scaling_list(bits: &mut Bits<'_>, size: u32) -> Option<()> {
    let (mut last, mut next) = (8_i32, 8_i32);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.se()?.rem_euclid(256)).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// The start of the VUI (§E.1.1), which both standards share.
fn transfer(bits: &mut Bits<'_>) -> Option<u16> {
    if bits.flag()? && bits.take(8)? == 255 {
        bits.skip(32)?;
    }
    if bits.flag()? {
        bits.skip(1)?;
    }
    if !bits.flag()? {
        return None;
    }
    bits.skip(4)?;
    if !bits.flag()? {
        return None;
    }
    bits.skip(8)?;
    bits.take(8).map(|value| value as u16)
}

/// ITU-T H.265 §7.3.2.2.1, up to the conformance window.
pub(super) fn hevc(nal: &[u8]) -> Option<Sps> {
    let bytes = unescape(nal, 512);
    let mut bits = Bits::new(bytes.get(2..)?);
    bits.skip(4)?;
    let sub_layers = bits.take(3)?;
    bits.skip(1)?;
    bits.skip(88)?;
    bits.skip(8)?;
    let mut present = [(false, false); 8];
    for slot in present.iter_mut().take(sub_layers as usize) {
        *slot = (bits.flag()?, bits.flag()?);
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers as usize))?;
    }
    for (profile, level) in &present[..sub_layers as usize] {
        bits.skip(usize::from(*profile) * 88 + usize::from(*level) * 8)?;
    }
    bits.ue()?;
    let chroma = bits.ue()?;
    let planes = chroma == 3 && bits.flag()?;
    let size = (bits.ue()?, bits.ue()?);
    let crop = if bits.flag()? { four(&mut bits)? } else { [0; 4] };
    let unit = match chroma {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    Some(Sps { size: cropped(size, if planes { (1, 1) } else { unit }, crop)?, transfer: None })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sizes_are_those_of_the_cropped_picture() {
        // Of x264 and x265, 320x180.
        let avc = avc(&hex::decode("6764000cacb202833f3e0220000003002000000641e2854901").unwrap()).unwrap();
        assert_eq!(avc.size, (320, 180));
        let text = "42010101600000030090000003000003003ca00a080b9f7964a924caf0168080000003008000000c8420";
        assert_eq!(hevc(&hex::decode(text).unwrap()).unwrap().size, (320, 180));
    }
}

//! `Block` and `SimpleBlock`: their heads and lacing (RFC 9559 §10).

use super::ebml;

/// The head of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHead {
    pub(super) track: u64,
    /// Relative to the Cluster, in timestamp units.
    pub(super) relative: i16,
    /// Only a `SimpleBlock` says it here.
    pub(super) keyframe: bool,
    pub(super) lacing: Lacing,
    /// Bytes of this head.
    pub(super) length: usize,
}

/// How several frames share a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lacing {
    None,
    Xiph,
    Fixed,
    Ebml,
}

impl BlockHead {
    /// The most bytes a head has.
    pub(super) const MAX: usize = 11;

    /// Reads the head at the start of `bytes`; `None` when it is cut short.
    pub(super) fn read(bytes: &[u8]) -> Option<BlockHead> {
        let (track, at) = ebml::variable(bytes)?;
        let &[high, low, flags] = bytes.get(at..at + 3)? else { return None };
        let lacing = match flags & 0x06 {
            0x00 => Lacing::None,
            0x02 => Lacing::Xiph,
            0x04 => Lacing::Fixed,
            _ => Lacing::Ebml,
        };
        let relative = i16::from_be_bytes([high, low]);
        Some(BlockHead { track: track?, relative, keyframe: flags & 0x80 != 0, lacing, length: at + 3 })
    }
}

/// Puts the frames' offsets and sizes into `frames`, as of a block's content of `size` bytes behind its head, of which
/// `bytes` is the beginning. `None` when they do not fit.
pub(super) fn laces(lacing: Lacing, bytes: &[u8], size: u64, frames: &mut Vec<(u64, u64)>) -> Option<()> {
    frames.clear();
    if lacing == Lacing::None {
        frames.push((0, size));
        return Some(());
    }
    let count = u64::from(*bytes.first()?) + 1;
    let mut at = 1;
    match lacing {
        Lacing::Fixed => {
            let each = (size - 1) / count;
            (size - 1).is_multiple_of(count).then_some(())?;
            frames.extend((0..count).map(|_| (0, each)));
        }
        Lacing::Xiph => {
            for _ in 1..count {
                let mut length = 0;
                loop {
                    let byte = *bytes.get(at)?;
                    at += 1;
                    length += u64::from(byte);
                    if byte != 255 {
                        break;
                    }
                }
                frames.push((0, length));
            }
        }
        _ => ebml_sizes(bytes, count, &mut at, frames)?,
    }
    place(lacing, at as u64, size, frames)
}

/// Sizes as a first one and differences, which are offset by half their range (§10.3.3).
fn ebml_sizes(bytes: &[u8], count: u64, at: &mut usize, frames: &mut Vec<(u64, u64)>) -> Option<()> {
    let mut previous = 0i64;
    for index in 1..count {
        let (value, length) = ebml::variable(bytes.get(*at..)?)?;
        *at += length;
        let value = i64::try_from(value?).ok()?;
        previous = if index == 1 { value } else { previous.checked_add(value - ((1 << (7 * length - 1)) - 1))? };
        frames.push((0, u64::try_from(previous).ok()?));
    }
    Some(())
}

/// Gives the frames their offsets from `at` on; the last of Xiph and EBML lacing takes what is left.
fn place(lacing: Lacing, mut at: u64, size: u64, frames: &mut Vec<(u64, u64)>) -> Option<()> {
    for frame in frames.iter_mut() {
        frame.0 = at;
        at = at.checked_add(frame.1)?;
    }
    if lacing != Lacing::Fixed {
        frames.push((at, size.checked_sub(at)?));
    }
    (at <= size).then_some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn heads_and_laces_are_read_as_the_standard_shows_them() {
        let head = BlockHead::read(&[0x81, 0xFF, 0xFE, 0x86]).unwrap();
        assert_eq!(head, BlockHead { track: 1, relative: -2, keyframe: true, lacing: Lacing::Ebml, length: 4 });
        let mut frames = Vec::new();
        // RFC 9559 §10.3.2 and §10.3.3: frames of 800, 500 and 1000 bytes.
        let xiph = [0x02, 0xFF, 0xFF, 0xFF, 0x23, 0xFF, 0xF5];
        laces(Lacing::Xiph, &xiph, 2307, &mut frames).unwrap();
        assert_eq!(frames, [(7, 800), (807, 500), (1307, 1000)]);
        let ebml = [0x02, 0x43, 0x20, 0x5E, 0xD3];
        laces(Lacing::Ebml, &ebml, 2305, &mut frames).unwrap();
        assert_eq!(frames, [(5, 800), (805, 500), (1305, 1000)]);
        laces(Lacing::Fixed, &[0x02], 2401, &mut frames).unwrap();
        assert_eq!(frames, [(1, 800), (801, 800), (1601, 800)]);
        assert_eq!(laces(Lacing::Fixed, &[0x02], 2402, &mut frames), None);
        assert_eq!(laces(Lacing::Xiph, &xiph, 1300, &mut frames), None);
    }

    proptest! {
        #[test]
        fn laced_frames_lie_inside_their_block(bytes in prop::collection::vec(any::<u8>(), 1..300), more in 0u64..3000, kind in 0..4) {
            let lacing = [Lacing::None, Lacing::Xiph, Lacing::Fixed, Lacing::Ebml][kind as usize];
            let size = bytes.len() as u64 + more;
            let mut frames = Vec::new();
            if laces(lacing, &bytes, size, &mut frames).is_some() {
                prop_assert!(frames.iter().all(|&(at, length)| at + length <= size));
                prop_assert!(frames.len() <= 256);
            }
            let _ = BlockHead::read(&bytes);
        }
    }
}

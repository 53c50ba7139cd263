//! Whether a Matroska file was cut off: libavformat takes an element that is not whole for the end.

use crate::open::SharedSource;

/// Elements that are followed behind the last packet.
const MOST_ELEMENTS: usize = 100_000;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;

/// Whether what follows the last packet is not whole, or the segment says that there was more (RFC 9559 §5.1, RFC 8794 §6).
/// `last` is where the frames of the block begin that was read last, as packets say it.
///
/// A recorder that pipes its file says nothing of sizes: such a file is whole when it ends with an element.
pub(crate) fn is_cut(bytes: &SharedSource, last: Option<u64>) -> bool {
    let stated = segment_end(bytes).is_some_and(|end| end > bytes.size());
    let Some(mut offset) = last.and_then(|block| block_end(bytes, block)) else { return stated };
    for _ in 0..MOST_ELEMENTS {
        if offset >= bytes.size() {
            return stated || offset > bytes.size();
        }
        let Some(element) = Element::read(bytes, offset) else { return true };
        offset = match element.size {
            // Of a cluster only what is in it counts: the place of its end is not kept.
            Some(size) if element.id != CLUSTER => element.body.saturating_add(size),
            _ => element.body,
        };
    }
    stated
}

struct Element {
    id: u32,
    /// Where its data begin.
    body: u64,
    /// `None` when it is not known.
    size: Option<u64>,
}

impl Element {
    /// `None` when its header is not whole, or is none.
    fn read(bytes: &SharedSource, offset: u64) -> Option<Self> {
        let head = head_at(bytes, offset)?;
        let length = length_of(*head.first()?).filter(|&length| length <= 4)?;
        let id = head.get(..length)?.iter().fold(0, |id, &byte| id << 8 | u32::from(byte));
        let (size, width) = number(head.get(length..)?)?;
        Some(Self { id, body: offset + (length + width) as u64, size })
    }
}

fn head_at(bytes: &SharedSource, offset: u64) -> Option<Vec<u8>> {
    let mut head = vec![0; 12];
    let mut filled = 0;
    while filled < head.len() {
        match bytes.read_at(offset + filled as u64, &mut head[filled..]).ok()? {
            0 => break,
            read => filled += read,
        }
    }
    head.truncate(filled);
    Some(head)
}

/// Bytes of a number of variable length, by its first one.
fn length_of(first: u8) -> Option<usize> {
    (first != 0).then(|| first.leading_zeros() as usize + 1)
}

/// A size, and how many bytes it takes; all ones say that it is not known.
fn number(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let length = length_of(*bytes.first()?)?;
    let whole = bytes.get(..length)?.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
    let largest = (1_u64 << (7 * length)) - 1;
    let value = whole & largest;
    Some(((value != largest).then_some(value), length))
}

/// Where the segment ends, when it says so.
fn segment_end(bytes: &SharedSource) -> Option<u64> {
    let head = Element::read(bytes, 0)?;
    let segment = Element::read(bytes, head.body.checked_add(head.size?)?)?;
    segment.body.checked_add(segment.size.filter(|_| segment.id == SEGMENT)?)
}

/// Where the block ends whose data begin at `block`: its header lies right before them.
fn block_end(bytes: &SharedSource, block: u64) -> Option<u64> {
    let before = block.checked_sub(9)?;
    let head = head_at(bytes, before)?;
    let head = head.get(..9)?;
    let sizes = (1..=8_usize).filter_map(|width| {
        let (size, length) = number(&head[9 - width..])?;
        // SimpleBlock, Block.
        (length == width && matches!(head[8 - width], 0xa3 | 0xa1)).then_some(size?)
    });
    block.checked_add(sizes.min()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io;

    use pipeline::SourceRead;

    use super::*;

    struct Bytes(Vec<u8>);

    impl SourceRead for Bytes {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
            let rest = self.0.get(offset as usize..).unwrap_or_default();
            let read = rest.len().min(buf.len());
            buf[..read].copy_from_slice(&rest[..read]);
            Ok(read)
        }
    }

    /// A file of two blocks in a cluster, and where the data of the first one begin.
    fn file(segment: &[u8], cluster: &[u8]) -> (Vec<u8>, u64) {
        let mut file = [&[0x1a, 0x45, 0xdf, 0xa3, 0x82, 0, 0][..], &[0x18, 0x53, 0x80, 0x67], segment].concat();
        file.extend([&[0x1f, 0x43, 0xb6, 0x75][..], cluster, &[0xe7, 0x81, 0]].concat());
        file.extend([0xa3, 0x40, 6, 0x81, 0, 0, 0x80, 1, 2]);
        let first = file.len() as u64 - 6;
        file.extend([0xa0, 0x8a, 0xa1, 0x85, 0x81, 0, 0, 0, 9, 0x9b, 0x81, 40]);
        (file, first)
    }

    fn cut(bytes: &[u8], last: Option<u64>) -> bool {
        is_cut(&SharedSource::new(Box::new(Bytes(bytes.to_vec()))), last)
    }

    #[test]
    fn a_file_without_sizes_is_whole_when_it_ends_with_an_element() {
        let (file, first) = file(&[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[0xff]);
        assert!(!cut(&file, Some(first)));
        let second = file.len() - 12;
        assert!(!cut(&file[..second], Some(first)));
        assert!((second + 1..file.len()).all(|length| cut(&file[..length], Some(first))));
        assert!(!cut(&file, None) && !cut(&[], None) && !cut(&file, Some(3)));
    }

    #[test]
    fn a_segment_that_states_its_size_says_that_there_was_more() {
        let (file, first) = file(&[0x9d], &[0x98]);
        assert!(!cut(&file, Some(first)));
        assert!(cut(&file[..file.len() - 12], Some(first)));
    }
}

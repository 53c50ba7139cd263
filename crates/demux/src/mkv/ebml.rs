//! Reading EBML elements (RFC 8794).

/// The head of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// With its marker bits.
    pub(super) id: u32,
    /// Bytes of content; `None` when unknown (§6.2).
    pub(super) size: Option<u64>,
    /// Bytes of identifier and size.
    pub(super) length: u64,
}

impl Head {
    /// The most bytes a head has: 4 of identifier, 8 of size.
    pub(super) const MAX: usize = 12;

    /// Reads the head at the start of `bytes`. `None` when it is no head or cut short.
    pub(super) fn read(bytes: &[u8]) -> Option<Head> {
        let id_length = bytes.first()?.leading_zeros() as usize + 1;
        if id_length > 4 {
            return None;
        }
        let id = bytes.get(..id_length)?.iter().fold(0, |id, &byte| id << 8 | u32::from(byte));
        let (size, size_length) = variable(&bytes[id_length..])?;
        Some(Head { id, size, length: (id_length + size_length) as u64 })
    }
}

/// A variable-size integer (§4) and its length; the value is `None` when all its bits are ones, which means unknown.
pub(super) fn variable(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    if length > 8 {
        return None;
    }
    let value = bytes.get(..length)?.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
    let mask = (1u64 << (7 * length)) - 1;
    let value = value & mask;
    Some(((value != mask).then_some(value), length))
}

/// The elements inside a master element that is all there. Ends early where they do not nest.
pub(super) fn children(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let head = Head::read(rest)?;
        let content = rest.get(usize::try_from(head.length).ok()?..)?;
        let size = usize::try_from(head.size?).ok()?;
        let (content, tail) = content.split_at_checked(size)?;
        rest = tail;
        Some((head.id, content))
    })
}

/// An unsigned integer (§7.2); `None` beyond 8 bytes.
pub(super) fn unsigned(content: &[u8]) -> Option<u64> {
    (content.len() <= 8).then(|| content.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// A signed integer (§7.1); `None` beyond 8 bytes.
pub(super) fn signed(content: &[u8]) -> Option<i64> {
    let value = unsigned(content)?;
    let unused = 64 - 8 * content.len() as u32;
    Some(if unused == 64 { 0 } else { (value << unused) as i64 >> unused })
}

/// A float (§7.3).
pub(super) fn float(content: &[u8]) -> Option<f64> {
    match content.len() {
        0 => Some(0.0),
        4 => content.try_into().ok().map(|bytes| f64::from(f32::from_be_bytes(bytes))),
        8 => content.try_into().ok().map(f64::from_be_bytes),
        _ => None,
    }
}

/// A string without the zero bytes that pad it (§7.4, §7.5), at most 1,000 characters; `None` when it is empty.
pub(super) fn string(content: &[u8]) -> Option<String> {
    let end = content.iter().position(|&byte| byte == 0).unwrap_or(content.len());
    let text: String = String::from_utf8_lossy(&content[..end.min(4000)]).chars().take(1000).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn heads_are_read_as_the_standard_writes_them() {
        let head = |bytes: &[u8]| Head::read(bytes);
        assert_eq!(head(&[0xEC, 0x82]), Some(Head { id: 0xEC, size: Some(2), length: 2 }));
        assert_eq!(head(&[0x42, 0x86, 0x40, 0x02]), Some(Head { id: 0x4286, size: Some(2), length: 4 }));
        assert_eq!(
            head(&[0x1F, 0x43, 0xB6, 0x75, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            Some(Head { id: 0x1F43_B675, size: None, length: 12 })
        );
        assert_eq!(head(&[0x1F, 0x43, 0xB6, 0x75, 0xFF]).unwrap().size, None);
        assert_eq!(head(&[0x08, 0x80]), None);
        assert_eq!(head(&[0xEC]), None);
    }

    #[test]
    fn numbers_have_their_signs() {
        assert_eq!(
            (signed(&[0xFF]), signed(&[0x7F]), signed(&[]), signed(&[0xFF, 0x00])),
            (Some(-1), Some(127), Some(0), Some(-256))
        );
        assert_eq!((unsigned(&[0xFF]), unsigned(&[0; 9])), (Some(255), None));
        assert_eq!(float(&48_000f32.to_be_bytes()), Some(48_000.0));
    }

    proptest! {
        #[test]
        fn children_never_lie_outside(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let total: usize = children(&bytes).map(|(_, content)| content.len()).sum();
            prop_assert!(total <= bytes.len());
            let _ = (float(&bytes), string(&bytes), signed(&bytes));
        }
    }
}

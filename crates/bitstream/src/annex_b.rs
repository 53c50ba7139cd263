//! The byte stream format: NAL units between start codes (ITU-T H.264 and H.265, Annex B).

/// The NAL units of `bytes` with their headers, without start codes, `zero_byte` and `trailing_zero_8bits`. What lies
/// before the first start code is passed over; the last unit ends with `bytes`. Empty units are left out.
pub fn units(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = match start_code(bytes) {
        Some(at) => &bytes[at + 3..],
        None => &[],
    };
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (unit, tail) = match start_code(rest) {
                Some(at) => (&rest[..at], &rest[at + 3..]),
                None => (rest, &[][..]),
            };
            rest = tail;
            let unit = without_trailing_zeros(unit);
            if !unit.is_empty() {
                return Some(unit);
            }
        }
        None
    })
}

/// Where the first `00 00 01` of `bytes` lies.
///
/// It looks at every third byte: only 0 and 1 can be part of a start code, and coded pictures rarely hold them.
pub fn start_code(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    while let Some(&byte) = bytes.get(at) {
        at += match byte {
            2.. => 3,
            1 if bytes[at - 2..at] == [0, 0] => return Some(at - 2),
            1 => 3,
            0 => 1,
        };
    }
    None
}

fn without_trailing_zeros(unit: &[u8]) -> &[u8] {
    match unit.iter().rposition(|&byte| byte != 0) {
        Some(last) => &unit[..=last],
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_lie_between_start_codes_of_both_lengths() {
        let stream = [9, 0, 0, 0, 1, 7, 8, 0, 0, 1, 5, 0, 0, 3, 1, 0, 0, 0, 1, 0, 0, 1, 6, 0, 0];
        assert_eq!(units(&stream).collect::<Vec<_>>(), [&[7, 8][..], &[5, 0, 0, 3, 1], &[6]]);
        assert_eq!(units(&[1, 2, 3]).count(), 0);
        assert_eq!(units(&[0, 0, 1]).count(), 0);
    }

    proptest! {
        #[test]
        fn the_first_start_code_is_found(bytes in prop::collection::vec(0u8..4, 0..80)) {
            prop_assert_eq!(start_code(&bytes), bytes.windows(3).position(|window| window == [0, 0, 1]));
        }

        #[test]
        fn units_that_were_written_come_back(units_in in prop::collection::vec(prop::collection::vec(1u8.., 1..20), 0..8), long in any::<bool>()) {
            let mut stream = Vec::new();
            for unit in &units_in {
                stream.extend_from_slice(if long { &[0, 0, 0, 1] } else { &[0, 0, 1] });
                stream.extend_from_slice(unit);
            }
            prop_assert_eq!(units(&stream).collect::<Vec<_>>(), units_in);
        }
    }
}

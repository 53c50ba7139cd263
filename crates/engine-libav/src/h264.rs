//! The H.264 decoder configuration record, from what the encoder calls its headers.

use bytes::Bytes;

/// Builds an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1) with 4-byte lengths from parameter sets, each
/// behind a start code or a 4-byte length. `None` when there is no complete pair.
pub(crate) fn decoder_configuration(headers: &[u8]) -> Option<Bytes> {
    let units = if headers.starts_with(&[0, 0, 0, 1]) || headers.starts_with(&[0, 0, 1]) {
        by_start_code(headers)
    } else {
        by_length(headers)?
    };
    let of_type =
        |wanted: u8| units.iter().copied().filter(move |unit| unit.first().is_some_and(|head| head & 0x1f == wanted));
    let (sps, pps) = (of_type(7).collect::<Vec<_>>(), of_type(8).collect::<Vec<_>>());
    let first = *sps.first()?;
    if first.len() < 4 || pps.is_empty() || sps.len() > 31 || pps.len() > 255 {
        return None;
    }
    let mut record = vec![1, first[1], first[2], first[3], 0xff, 0xe0 | sps.len() as u8];
    for unit in &sps {
        record.extend(u16::try_from(unit.len()).ok()?.to_be_bytes());
        record.extend_from_slice(unit);
    }
    record.push(pps.len() as u8);
    for unit in &pps {
        record.extend(u16::try_from(unit.len()).ok()?.to_be_bytes());
        record.extend_from_slice(unit);
    }
    // High profiles state their chroma format and depths; this encoder is only ever asked for 8-bit 4:2:0.
    if matches!(first[1], 100 | 110 | 122 | 144) {
        record.extend([0xfc | 1, 0xf8, 0xf8, 0]);
    }
    Some(record.into())
}

fn by_start_code(bytes: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> =
        (0..bytes.len().saturating_sub(2)).filter(|&at| bytes[at..at + 3] == [0, 0, 1]).map(|at| at + 3).collect();
    let ends = starts.iter().skip(1).map(|start| start - 3).chain([bytes.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            let unit = &bytes[start..end];
            // A 4-byte start code's leading zero belongs to the next unit, not to this one.
            &unit[..unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)]
        })
        .collect()
}

fn by_length(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut units = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        units.push(rest.get(..length)?);
        bytes = &rest[length..];
    }
    bytes.is_empty().then_some(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPS: [u8; 6] = [0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9];
    const PPS: [u8; 4] = [0x68, 0xeb, 0xe3, 0xcb];

    #[test]
    fn start_codes_and_lengths_give_the_same_record() {
        let annex_b = [&[0, 0, 0, 1][..], &SPS, &[0, 0, 0, 1], &PPS].concat();
        let lengths = [&[0, 0, 0, 6][..], &SPS, &[0, 0, 0, 4], &PPS].concat();
        let record = decoder_configuration(&annex_b).expect("a record");
        assert_eq!(Some(&record), decoder_configuration(&lengths).as_ref());
        assert_eq!(&record[..8], [1, 0x64, 0x00, 0x1f, 0xff, 0xe1, 0, 6]);
        assert_eq!(&record[record.len() - 4..], [0xfd, 0xf8, 0xf8, 0], "high profile extension");
    }

    #[test]
    fn headers_without_a_picture_parameter_set_give_no_record() {
        assert_eq!(decoder_configuration(&[&[0, 0, 0, 1][..], &SPS].concat()), None);
        assert_eq!(decoder_configuration(&[0, 0, 0, 200, 1]), None);
    }
}

//! How an input holds a track: a codec configuration and samples, each behind its length.

/// The configuration behind a 16-bit length, then samples each behind a 32-bit length, all big-endian. Lengths beyond the
/// end reach to the end, so that every input is one.
pub(crate) fn split(data: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let (length, rest) = data.split_first_chunk::<2>().unwrap_or((&[0; 2], &[]));
    let (config, mut rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
    let mut samples = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (sample, behind) = behind.split_at(length.min(behind.len()));
        samples.push(sample);
        rest = behind;
    }
    (config, samples)
}

/// As [`split`] takes it apart.
#[cfg(test)]
pub(crate) fn join<'a>(config: &[u8], samples: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut data = u16::try_from(config.len()).expect("a configuration is short").to_be_bytes().to_vec();
    data.extend_from_slice(config);
    for sample in samples {
        data.extend(u32::try_from(sample.len()).expect("a sample is short").to_be_bytes());
        data.extend_from_slice(sample);
    }
    data
}

//! Encrypting the segments of a track, and back.

use bytes::Bytes;
use drm::{
    ContentKey, Iv, KeyId, ProtectionScheme, SampleDecryptor, SampleEncryption, SegmentAux, SegmentEncryptor,
    Subsample, TrackProtection,
};
use media_types::CodecConfig;

/// Two bytes of choice, then a track. The lower bits of the first byte choose the scheme; from 128 on the samples are
/// decrypted by what their own first bytes say, otherwise encrypted and then decrypted, which gives the same. The second
/// byte chooses the codec.
pub fn encryption(data: &[u8]) {
    encrypted(data);
}

/// How many samples were encrypted and came back.
pub(crate) fn encrypted(data: &[u8]) -> usize {
    let &[choice, codec, ref track @ ..] = data else { return 0 };
    let (config, samples) = crate::pieces::split(track);
    let scheme = ProtectionScheme::ALL[usize::from(choice & 3)];
    if choice >= 128 {
        samples.iter().for_each(|sample| foreign(scheme, choice >> 2 & 31, sample));
        return 0;
    }
    let key = ContentKey::new([9; 16]);
    let Ok(mut encryptor) =
        SegmentEncryptor::new(scheme, KeyId([5; 16]), &key, "video-1080p", &config_of(codec, config))
    else {
        return 0;
    };
    if choice & 4 != 0 {
        encryptor = encryptor.with_pattern(choice >> 3 & 15, 1).unwrap_or_else(|| {
            assert_eq!(choice >> 3 & 15, 0, "1 to 15 are patterns");
            SegmentEncryptor::new(scheme, KeyId([5; 16]), &key, "t", &CodecConfig::Aac(Bytes::new()))
                .expect("sound needs no configuration")
        });
    }
    let decryptor = SampleDecryptor::new(&key, encryptor.protection()).expect("its own pattern is one");
    let (mut aux, mut done) = (SegmentAux::new(), 0);
    for (index, segment) in samples.chunks(samples.len().div_ceil(2).max(1)).enumerate() {
        if choice & 64 != 0 && index == 0 {
            let _ = encryptor.pass(&segment.concat(), segment.iter().map(|sample| sample.len()));
            continue;
        }
        done += segment_and_back(&mut encryptor, &decryptor, index as u64, segment, &mut aux);
    }
    done
}

/// The number stands for the codec.
pub(crate) fn config_of(codec: u8, config: &[u8]) -> CodecConfig {
    let config = Bytes::copy_from_slice(config);
    match codec % 11 {
        0 => CodecConfig::Avc(config),
        1 => CodecConfig::Hevc(config),
        2 => CodecConfig::Av1(config),
        3 => CodecConfig::Vp9(config),
        4 => CodecConfig::Aac(config),
        5 => CodecConfig::Ac3(config),
        6 => CodecConfig::Eac3(config),
        7 => CodecConfig::Opus(config),
        8 => CodecConfig::Flac(config),
        9 => CodecConfig::Wvtt(config),
        _ => CodecConfig::Stpp(config),
    }
}

fn segment_and_back(
    encryptor: &mut SegmentEncryptor,
    decryptor: &SampleDecryptor,
    index: u64,
    samples: &[&[u8]],
    aux: &mut SegmentAux,
) -> usize {
    let clear = samples.concat();
    let mut payload = clear.clone();
    let sizes = samples.iter().map(|sample| sample.len());
    let seed = encryptor.seed(index, &clear);
    if encryptor.encrypt_segment(&mut payload, sizes, &seed, aux).is_err() {
        return 0;
    }
    assert_eq!(aux.sample_count(), samples.len());
    let mut entries = Vec::new();
    aux.write_entries(&mut entries);
    assert_eq!(entries.len(), aux.entries_len());
    assert_eq!(aux.info_sizes().len(), samples.len());
    let mut rest = &mut payload[..];
    for (at, sample) in samples.iter().enumerate() {
        let (encrypted, behind) = rest.split_at_mut(sample.len());
        rest = behind;
        let encryption = aux.sample(at).expect("there is one for each sample");
        assert!(encryptor.protection().scheme == ProtectionScheme::Cbcs || whole_blocks(&encryption));
        decryptor.decrypt(encrypted, &encryption).expect("what was encrypted is decrypted");
    }
    assert_eq!(payload, clear);
    samples.len()
}

/// What all schemes but `cbcs` protect in a sample with subsamples.
fn whole_blocks(encryption: &SampleEncryption) -> bool {
    encryption.subsamples.iter().all(|subsample| subsample.protected.is_multiple_of(16))
}

/// A sample with a map of its own: byte 0 the pattern, 1 how many subsamples, then 3 bytes for each.
fn foreign(scheme: ProtectionScheme, flags: u8, sample: &[u8]) {
    let &[pattern, count, ref rest @ ..] = sample else { return };
    let (map, media) = rest.split_at(rest.len().min(3 * usize::from(count)));
    let subsamples = map
        .chunks_exact(3)
        .map(|entry| Subsample {
            clear: u16::from(entry[0]) << (entry[2] & 8),
            protected: u32::from(entry[1]) << (entry[2] & 24),
        })
        .collect();
    let constant_iv = (flags & 1 != 0).then(|| Iv::new(&[1; 16])).flatten();
    let protection = TrackProtection {
        scheme,
        key_id: KeyId([5; 16]),
        iv_size: if flags & 1 != 0 { 0 } else { 8 },
        constant_iv,
        crypt_blocks: pattern >> 4,
        skip_blocks: pattern & 15,
    };
    let Ok(decryptor) = SampleDecryptor::new(&ContentKey::new([9; 16]), &protection) else { return };
    let iv = (flags & 2 != 0).then(|| Iv::new(if flags & 4 != 0 { &[0xff; 16] } else { &[0xff; 8] })).flatten();
    let mut media = media.to_vec();
    let before = media.clone();
    if decryptor.decrypt(&mut media, &SampleEncryption { iv, subsamples }).is_err() {
        assert_eq!(media, before, "a sample that is refused is as it was");
    }
}

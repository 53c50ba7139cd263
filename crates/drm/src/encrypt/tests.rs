#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::decrypt::SampleDecryptor;

const ID: KeyId = KeyId([2; 16]);

fn key() -> ContentKey {
    ContentKey::new(*b"a key for tests.")
}

fn audio(scheme: ProtectionScheme) -> SegmentEncryptor {
    SegmentEncryptor::new(scheme, ID, &key(), "audio-en", &CodecConfig::Aac(Vec::new().into())).ok().unwrap()
}

/// Decrypts what was encrypted, by what was written about it.
fn undo(encryptor: &SegmentEncryptor, payload: &mut [u8], sizes: &[usize], aux: &SegmentAux) {
    let decryptor = SampleDecryptor::new(&key(), encryptor.protection()).ok().unwrap();
    let mut rest = payload;
    for (index, &size) in sizes.iter().enumerate() {
        let (sample, tail) = rest.split_at_mut(size);
        rest = tail;
        decryptor.decrypt(sample, &aux.sample(index).unwrap()).unwrap();
    }
}

#[test]
fn text_is_not_encrypted() {
    let text = CodecConfig::Wvtt("WEBVTT".into());
    assert_eq!(SegmentEncryptor::new(ProtectionScheme::Cbcs, ID, &key(), "t", &text).err(), Some(EncryptError::Text));
    let broken = CodecConfig::Avc(vec![1, 2].into());
    assert_eq!(
        SegmentEncryptor::new(ProtectionScheme::Cbcs, ID, &key(), "t", &broken).err(),
        Some(EncryptError::Config { codec: "AVC" })
    );
}

#[test]
fn sizes_that_do_not_make_up_the_payload_are_refused() {
    let mut aux = SegmentAux::new();
    for (sizes, stated) in [(vec![10, 10], 20), (vec![10, 20], 30), (vec![usize::MAX], usize::MAX)] {
        let mut payload = vec![0; 25];
        let mut encryptor = audio(ProtectionScheme::Cenc);
        let seed = encryptor.seed(0, &payload);
        let found = encryptor.encrypt_segment(&mut payload, sizes.into_iter(), &seed, &mut aux);
        assert_eq!(found, Err(EncryptError::Sizes { stated, found: 25 }));
        assert_eq!(payload, [0; 25]);
    }
}

#[test]
fn partial_blocks_are_encrypted_under_cenc_alone() {
    for scheme in ProtectionScheme::ALL {
        let mut payload = vec![0; 40];
        let mut encryptor = audio(scheme);
        let seed = encryptor.seed(0, &payload);
        encryptor.encrypt_segment(&mut payload, [40].into_iter(), &seed, &mut SegmentAux::new()).unwrap();
        assert!(payload[..32] != [0; 32], "{scheme}");
        assert_eq!(payload[32..] == [0; 8], scheme != ProtectionScheme::Cenc, "{scheme}");
    }
}

#[test]
fn auxiliary_information_is_as_each_scheme_wants_it() {
    for (scheme, iv_size, empty) in [
        (ProtectionScheme::Cenc, 8, false),
        (ProtectionScheme::Cens, 8, false),
        (ProtectionScheme::Cbc1, 16, false),
        (ProtectionScheme::Cbcs, 0, true),
    ] {
        let mut encryptor = audio(scheme);
        let (mut payload, mut aux) = (vec![1; 64], SegmentAux::new());
        let seed = encryptor.seed(0, &payload);
        encryptor.encrypt_segment(&mut payload, [32, 32].into_iter(), &seed, &mut aux).unwrap();
        assert_eq!(
            (encryptor.protection().iv_size, aux.uniform_info_size(), aux.is_empty()),
            (iv_size, Some(iv_size), empty)
        );
        assert_eq!(encryptor.protection().constant_iv.is_some(), empty);
        let mut entries = Vec::new();
        aux.write_entries(&mut entries);
        assert_eq!((entries.len(), aux.entries_len()), (2 * usize::from(iv_size), 2 * usize::from(iv_size)));
        assert_eq!(aux.sample_count(), 2);
        let mut again = vec![1; 64];
        encryptor.encrypt_segment(&mut again, [32, 32].into_iter(), &seed, &mut aux).unwrap();
        assert_eq!(payload, again, "same bytes in, same bytes out");
    }
}

#[test]
fn only_patterns_that_tenc_can_hold_are_taken() {
    assert!(audio(ProtectionScheme::Cbcs).with_pattern(0, 9).is_none());
    assert!(
        audio(ProtectionScheme::Cbcs).with_pattern(16, 0).is_none()
            && audio(ProtectionScheme::Cbcs).with_pattern(1, 16).is_none()
    );
    assert_eq!(audio(ProtectionScheme::Cbcs).with_pattern(5, 5).unwrap().protection().crypt_blocks, 0);
}

proptest! {
    #[test]
    fn whole_samples_come_back_under_every_scheme(
        sizes in prop::collection::vec(0usize..300, 0..20), fill in any::<u8>(), which in 0usize..4,
    ) {
        let mut encryptor = audio(ProtectionScheme::ALL[which]);
        let clear: Vec<u8> = (0..sizes.iter().sum()).map(|at: usize| (at as u8).wrapping_mul(31) ^ fill).collect();
        let (mut payload, mut aux) = (clear.clone(), SegmentAux::new());
        let seed = encryptor.seed(1, &clear);
        encryptor.encrypt_segment(&mut payload, sizes.iter().copied(), &seed, &mut aux).unwrap();
        undo(&encryptor, &mut payload, &sizes, &aux);
        prop_assert_eq!(payload, clear);
    }

    #[test]
    fn no_sample_makes_a_layout_panic(sample in prop::collection::vec(any::<u8>(), 0..200), codec in 0usize..2) {
        let config = [CodecConfig::Av1(Vec::new().into()), CodecConfig::Vp9(Vec::new().into())][codec].clone();
        let mut encryptor = SegmentEncryptor::new(ProtectionScheme::Cenc, ID, &key(), "v", &config).ok().unwrap();
        let (mut payload, seed) = (sample.clone(), encryptor.seed(0, &sample));
        let _ = encryptor.encrypt_segment(&mut payload, [sample.len()].into_iter(), &seed, &mut SegmentAux::new());
    }
}

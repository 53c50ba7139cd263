//! Against Shaka Packager 3.8.0: what it encrypted is decrypted to the clear samples, and what is encrypted here protects
//! the same parts of them. The fixtures are made by `data/make.sh`.

#![allow(clippy::unwrap_used)]

use drm::{
    ContentKey, Iv, KeyId, ProtectionScheme, SampleDecryptor, SampleEncryption, SegmentAux, SegmentEncryptor,
    Subsample, TrackProtection,
};
use media_types::CodecConfig;
use proptest::prelude::*;

const CODECS: [&str; 5] = ["avc", "hevc", "vp9", "av1", "aac"];

fn key() -> ContentKey {
    ContentKey::from_hex("0123456789abcdeffedcba9876543210").ok().unwrap()
}

struct Fixture {
    bytes: Vec<u8>,
}

impl Fixture {
    fn read(codec: &str, scheme: &str) -> Self {
        let path = format!("{}/tests/data/{codec}-{scheme}.mp4", env!("CARGO_MANIFEST_DIR"));
        Self { bytes: std::fs::read(path).unwrap() }
    }

    /// Payload of the last box of this type.
    fn find(&self, kind: &[u8; 4]) -> Option<&[u8]> {
        let at = self.bytes.windows(4).rposition(|window| window == kind)?;
        let size = u32::from_be_bytes(self.bytes[at - 4..at].try_into().unwrap()) as usize;
        self.bytes.get(at + 4..at - 4 + size)
    }

    fn config(&self, codec: &str) -> CodecConfig {
        let of = |kind| self.find(kind).unwrap().to_vec().into();
        match codec {
            "avc" => CodecConfig::Avc(of(b"avcC")),
            "hevc" => CodecConfig::Hevc(of(b"hvcC")),
            "vp9" => CodecConfig::Vp9(of(b"vpcC")),
            "av1" => CodecConfig::Av1(of(b"av1C")),
            _ => CodecConfig::Aac(Vec::new().into()),
        }
    }

    fn sizes(&self) -> Vec<usize> {
        let trun = Fields(self.find(b"trun").unwrap());
        let tfhd = Fields(self.find(b"tfhd").unwrap());
        let (flags, count) = (trun.word(0), trun.word(4) as usize);
        let mut at = 8 + 4 * (flags & 1) + 4 * (flags >> 2 & 1);
        let fields = (flags >> 8 & 15).count_ones();
        let size_at = 4 * (flags >> 8 & 1);
        if flags & 0x200 == 0 {
            let tfhd_flags = tfhd.word(0);
            let before = 8 * (tfhd_flags & 1) + 4 * (tfhd_flags >> 1 & 1) + 4 * (tfhd_flags >> 3 & 1);
            return vec![tfhd.word(8 + before) as usize; count];
        }
        let mut sizes = Vec::new();
        for _ in 0..count {
            sizes.push(trun.word(at + size_at) as usize);
            at += 4 * fields;
        }
        sizes
    }

    fn protection(&self) -> TrackProtection {
        let tenc = self.find(b"tenc").unwrap();
        let scheme = ProtectionScheme::from_code(&self.find(b"schm").unwrap()[4..8]).unwrap();
        let iv_size = tenc[7];
        let constant_iv = (iv_size == 0).then(|| Iv::new(&tenc[25..25 + usize::from(tenc[24])]).unwrap());
        let (crypt_blocks, skip_blocks) = if tenc[0] == 0 { (0, 0) } else { (tenc[5] >> 4, tenc[5] & 15) };
        TrackProtection {
            scheme,
            key_id: KeyId(tenc[8..24].try_into().unwrap()),
            iv_size,
            constant_iv,
            crypt_blocks,
            skip_blocks,
        }
    }

    fn encryption(&self, iv_size: usize, count: usize) -> Vec<SampleEncryption> {
        let Some(senc) = self.find(b"senc") else {
            return vec![SampleEncryption { iv: None, subsamples: Vec::new() }; count];
        };
        let mut rest = &senc[8..];
        let mut take = |count: usize| {
            let (taken, behind) = rest.split_at(count);
            rest = behind;
            taken
        };
        let one = |_| {
            let iv = Iv::new(take(iv_size));
            let number = if senc[3] & 2 == 0 { 0 } else { u16::from_be_bytes(take(2).try_into().unwrap()) };
            let subsamples = (0..number).map(|_| Subsample {
                clear: u16::from_be_bytes(take(2).try_into().unwrap()),
                protected: u32::from_be_bytes(take(4).try_into().unwrap()),
            });
            SampleEncryption { iv, subsamples: subsamples.collect() }
        };
        (0..count).map(one).collect()
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn word(&self, at: u32) -> u32 {
        u32::from_be_bytes(self.0[at as usize..at as usize + 4].try_into().unwrap())
    }
}

#[test]
fn what_shaka_encrypted_is_decrypted() {
    for codec in CODECS {
        let clear = Fixture::read(codec, "clear");
        for scheme in ProtectionScheme::ALL {
            let fixture = Fixture::read(codec, scheme.as_str());
            let protection = fixture.protection();
            assert_eq!(protection.scheme, scheme);
            let sizes = fixture.sizes();
            let decryptor = SampleDecryptor::new(&key(), &protection).ok().unwrap();
            let mut payload = fixture.find(b"mdat").unwrap().to_vec();
            assert_ne!(payload, clear.find(b"mdat").unwrap());
            let mut at = 0;
            for (size, encryption) in sizes.iter().zip(fixture.encryption(protection.iv_size.into(), sizes.len())) {
                decryptor.decrypt(&mut payload[at..at + size], &encryption).unwrap();
                at += size;
            }
            assert!(payload == clear.find(b"mdat").unwrap() && at == payload.len(), "{codec} {scheme}");
        }
    }
}

#[test]
fn the_same_runs_are_protected_as_in_shakas_and_come_back() {
    for codec in CODECS {
        let clear = Fixture::read(codec, "clear");
        let (payload, sizes) = (clear.find(b"mdat").unwrap(), clear.sizes());
        for scheme in ProtectionScheme::ALL {
            let fixture = Fixture::read(codec, scheme.as_str());
            let theirs = fixture.protection();
            let mut encryptor =
                SegmentEncryptor::new(scheme, theirs.key_id, &key(), "track", &clear.config(codec)).ok().unwrap();
            let mut ours = encryptor.protection().clone();
            let mut aux = SegmentAux::new();
            let mut coded = payload.to_vec();
            let seed = encryptor.seed(0, payload);
            encryptor.encrypt_segment(&mut coded, sizes.iter().copied(), &seed, &mut aux).unwrap();
            let decryptor = SampleDecryptor::new(&key(), &ours).ok().unwrap();
            let mut at = 0;
            for (index, encryption) in fixture.encryption(theirs.iv_size.into(), sizes.len()).iter().enumerate() {
                let sample = aux.sample(index).unwrap();
                let (here, there) = (protected(&sample.subsamples), protected(&encryption.subsamples));
                let aligned = scheme != ProtectionScheme::Cbcs || codec == "vp9";
                assert_eq!(here.len(), there.len(), "{codec} {scheme} sample {index}");
                for (here, there) in here.iter().zip(&there) {
                    let moved = here.start - there.start;
                    assert!(
                        here.len() == there.len() && moved < if aligned { 16 } else { 1 },
                        "{codec} {scheme} {index}"
                    );
                }
                let end = at + sizes[index];
                assert_eq!(
                    coded[at..end] == payload[at..end],
                    is_clear(&sample, sizes[index], &ours),
                    "{codec} {scheme} {index}"
                );
                decryptor.decrypt(&mut coded[at..end], &sample).unwrap();
                at = end;
            }
            assert!(coded == payload, "{codec} {scheme}");
            ours.constant_iv = theirs.constant_iv;
            assert_eq!(ours, theirs, "{codec} {scheme}");
        }
    }
}

/// Whether a map leaves nothing to encrypt.
fn is_clear(sample: &SampleEncryption, size: usize, protection: &TrackProtection) -> bool {
    let least = if protection.scheme == ProtectionScheme::Cenc { 1 } else { 16 };
    match &sample.subsamples[..] {
        [] => size < least,
        some => some.iter().all(|subsample| (subsample.protected as usize) < least),
    }
}

/// Where the protected runs of a sample lie. That version leaves what is over to whole blocks clear behind a run, where
/// the AV1 binding and players that expect one subsample a NAL unit want it before.
fn protected(subsamples: &[Subsample]) -> Vec<std::ops::Range<usize>> {
    let mut at = 0;
    let ranges = subsamples.iter().map(|subsample| {
        let start = at + usize::from(subsample.clear);
        at = start + subsample.protected as usize;
        start..at
    });
    ranges.filter(|range| !range.is_empty()).collect()
}

#[test]
fn entries_are_laid_out_as_in_shakas() {
    for codec in ["avc", "hevc", "av1"] {
        let (clear, fixture) = (Fixture::read(codec, "clear"), Fixture::read(codec, "cbcs"));
        let payload = clear.find(b"mdat").unwrap();
        let id = fixture.protection().key_id;
        let mut encryptor =
            SegmentEncryptor::new(ProtectionScheme::Cbcs, id, &key(), "v", &clear.config(codec)).ok().unwrap();
        let mut aux = SegmentAux::new();
        let seed = encryptor.seed(0, payload);
        encryptor.encrypt_segment(&mut payload.to_vec(), clear.sizes().into_iter(), &seed, &mut aux).unwrap();
        let mut entries = Vec::new();
        aux.write_entries(&mut entries);
        assert_eq!(entries, fixture.find(b"senc").unwrap()[8..], "{codec}");
        let saiz = fixture.find(b"saiz").unwrap();
        match aux.uniform_info_size() {
            Some(size) => assert_eq!(saiz[4], size, "{codec}"),
            None => assert!(aux.info_sizes().eq(saiz[9..].iter().copied()), "{codec}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn changed_samples_are_refused_or_come_back(
        codec in 0usize..4, scheme in 0usize..4, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (codec, scheme) = (CODECS[codec], ProtectionScheme::ALL[scheme]);
        let clear = Fixture::read(codec, "clear");
        let sizes = clear.sizes();
        let mut payload = clear.find(b"mdat").unwrap().to_vec();
        for (at, to) in changes {
            let at = at.index(payload.len().min(2000));
            payload[at] = to;
        }
        let mut encryptor =
            SegmentEncryptor::new(scheme, KeyId([0; 16]), &key(), "track", &clear.config(codec)).ok().unwrap();
        let (mut coded, mut aux) = (payload.clone(), SegmentAux::new());
        let seed = encryptor.seed(0, &payload);
        if encryptor.encrypt_segment(&mut coded, sizes.iter().copied(), &seed, &mut aux).is_ok() {
            let decryptor = SampleDecryptor::new(&key(), encryptor.protection()).ok().unwrap();
            let mut rest = &mut coded[..];
            for (index, size) in sizes.iter().enumerate() {
                let (sample, tail) = rest.split_at_mut(*size);
                decryptor.decrypt(sample, &aux.sample(index).unwrap()).unwrap();
                rest = tail;
            }
            prop_assert_eq!(coded, payload);
        }
    }
}

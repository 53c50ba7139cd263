//! Common encryption: where initialisation vectors, subsamples and key groups are found.

use drm::{Iv, KeyId, ProtectionScheme, SampleEncryption, Subsample};

use crate::driver::{Outcome, demux};
use crate::real::make;
use crate::writer::*;

const KEY: [u8; 16] = [0x11; 16];
const OTHER_KEY: [u8; 16] = [0x22; 16];

fn sinf(scheme: &[u8; 4], tenc: &[u8]) -> Vec<u8> {
    let schm = full(b"schm", 0, 0, &[&scheme[..], &words(&[0x1_0000])].concat());
    let version = u8::from(tenc[1] != 0);
    let schi = atom(b"schi", &full(b"tenc", version, 0, tenc));
    atom(b"sinf", &[atom(b"frma", b"avc1"), schm, schi].concat())
}

/// Fields of `tenc` or `seig` under a key.
fn tenc(pattern: u8, protected: u8, iv_size: u8, key: [u8; 16], constant: &[u8]) -> Vec<u8> {
    let mut out = [&[0, pattern, protected, iv_size][..], &key].concat();
    if protected == 1 && iv_size == 0 {
        out.push(constant.len() as u8);
        out.extend_from_slice(constant);
    }
    out
}

/// A track of six samples of ten bytes in two chunks, protected so.
fn track(scheme: &[u8; 4], tenc: &[u8], tables: Vec<Vec<u8>>) -> Track {
    let mut track = text(1, &[10; 6], DATA);
    track.handler = *b"vide";
    track.entries = vec![avc(b"encv", 4, &sinf(scheme, tenc))];
    (track.stsc, track.chunks, track.tables) = (vec![1, 3, 1], vec![DATA, DATA + 30], tables);
    track
}

fn read(track: Track, data: &[u8]) -> Outcome {
    let mut whole = vec![0xee; 60];
    whole.extend_from_slice(data);
    demux(&file(&whole, &movie(&[track], &[])), true)
}

fn vectors(out: &Outcome) -> Vec<Option<SampleEncryption>> {
    assert_eq!(out.error, None);
    assert_eq!(out.reads.len(), 6);
    out.reads.iter().map(|read| read.packet.encryption.clone()).collect()
}

fn whole(iv: u8) -> Option<SampleEncryption> {
    Some(SampleEncryption { iv: Iv::new(&[iv; 8]), subsamples: vec![] })
}

fn parts(iv: u8) -> Option<SampleEncryption> {
    Some(SampleEncryption { iv: Iv::new(&[iv; 8]), subsamples: vec![Subsample { clear: 4, protected: 6 }] })
}

/// Encryption data of a sample: all of it, or but for four bytes.
fn aux(iv: u8, subsamples: bool) -> Vec<u8> {
    let mut out = vec![iv; 8];
    if subsamples {
        out.extend_from_slice(&[0, 1, 0, 4, 0, 0, 0, 6]);
    }
    out
}

#[test]
fn initialisation_vectors_are_found_wherever_they_lie() {
    let cenc = tenc(0, 1, 8, KEY, &[]);
    for subsamples in [false, true] {
        let data: Vec<u8> = (1..=6).flat_map(|iv| aux(iv, subsamples)).collect();
        let size = if subsamples { 16 } else { 8 };
        let expected: Vec<_> = (1..=6).map(if subsamples { parts } else { whole }).collect();
        let senc = full(b"senc", 0, if subsamples { 2 } else { 0 }, &[words(&[6]), data.clone()].concat());
        let saiz = full(b"saiz", 0, 0, &[&[size][..], &words(&[6])].concat());
        let each = full(b"saiz", 0, 0, &[&[0][..], &words(&[6]), &[size; 6]].concat());
        let once = full(b"saio", 0, 0, &words(&[1, DATA + 60]));
        let named = full(b"saio", 0, 1, &[&b"cenc\0\0\0\0"[..], &words(&[1, DATA + 60])].concat());
        let chunks = full(b"saio", 0, 0, &words(&[2, DATA + 60, DATA + 60 + 3 * u32::from(size)]));
        for tables in [vec![senc], vec![saiz.clone(), once], vec![each, named], vec![saiz, chunks]] {
            let out = read(track(b"cenc", &cenc, tables), &data);
            assert_eq!(vectors(&out), expected);
            let protection = out.tracks[0].protection.as_ref().unwrap();
            assert_eq!(
                (protection.scheme, protection.key_id, protection.iv_size),
                (ProtectionScheme::Cenc, KeyId(KEY), 8)
            );
            assert!(out.reads.iter().all(|read| read.protection.as_ref() == Some(protection)));
        }
    }
}

#[test]
fn auxiliary_data_of_other_kinds_are_passed_over() {
    let data: Vec<u8> = (1..=6).flat_map(|iv| aux(iv, false)).collect();
    let sizes = |kind: &[u8; 4], size: u8| full(b"saiz", 0, 1, &[&kind[..], &[0; 4], &[size], &words(&[6])].concat());
    let offsets = |kind: &[u8; 4], at: u32| full(b"saio", 0, 1, &[&kind[..], &[0; 4], &words(&[1, at])].concat());
    let other = [sizes(b"misc", 3), offsets(b"misc", 0)];
    let ours = [sizes(b"cenc", 8), offsets(b"cenc", DATA + 60)];
    let out = read(track(b"cenc", &tenc(0, 1, 8, KEY, &[]), [other.clone(), ours].concat()), &data);
    assert_eq!(vectors(&out), (1..=6).map(whole).collect::<Vec<_>>());
    let error = read(track(b"cenc", &tenc(0, 1, 8, KEY, &[]), other.to_vec()), &data).error.unwrap();
    assert!(error.reason.contains("no initialisation vector"), "{error}");
}

#[test]
fn constant_vectors_need_no_data_of_samples() {
    let out = read(track(b"cbcs", &tenc(0x19, 1, 0, KEY, &[7; 16]), vec![]), &[]);
    assert_eq!(vectors(&out), vec![Some(SampleEncryption { iv: None, subsamples: vec![] }); 6]);
    let protection = out.tracks[0].protection.as_ref().unwrap();
    assert_eq!((protection.crypt_blocks, protection.skip_blocks), (1, 9));
    assert_eq!(protection.constant_iv, Iv::new(&[7; 16]));
    let error = read(track(b"cenc", &tenc(0, 1, 8, KEY, &[]), vec![]), &[]).error.unwrap();
    assert!(error.reason.contains("no initialisation vector"), "{error}");
}

#[test]
fn key_groups_override_the_tracks_key_and_may_leave_samples_clear() {
    let entries = [tenc(0, 1, 8, OTHER_KEY, &[]), tenc(0, 0, 0, [0; 16], &[])].concat();
    let sgpd = full(b"sgpd", 1, 0, &[&b"seig"[..], &words(&[20, 2]), &entries].concat());
    let sbgp = full(b"sbgp", 0, 0, &[&b"seig"[..], &words(&[3, 2, 2, 1, 0, 2, 1])].concat());
    let data = [aux(3, false), aux(4, false), aux(5, false)].concat();
    let sizes = full(b"saiz", 0, 0, &[&[0][..], &words(&[6]), &[0, 0, 8, 8, 8, 0]].concat());
    let once = full(b"saio", 0, 0, &words(&[1, DATA + 60]));
    let mut track = track(b"cenc", &tenc(0, 1, 8, KEY, &[]), vec![sgpd, sbgp, sizes, once]);
    track.tables[1] = full(b"sbgp", 0, 0, &[&b"seig"[..], &words(&[4, 2, 2, 1, 0, 2, 1, 1, 2])].concat());
    let out = read(track.clone(), &data);
    assert_eq!(vectors(&out), [None, None, whole(3), whole(4), whole(5), None]);
    let keys: Vec<_> = out.reads.iter().map(|read| read.protection.as_ref().map(|found| found.key_id.0)).collect();
    assert_eq!(keys, [None, None, Some(KEY), Some(OTHER_KEY), Some(OTHER_KEY), None]);
    track.tables[1] = full(b"sbgp", 0, 0, &[&b"seig"[..], &words(&[1, 6, 9])].concat());
    assert!(read(track, &data).error.unwrap().reason.contains("a key group that is not described"));
}

#[test]
fn a_clear_sample_description_makes_a_clear_lead() {
    let mut track = track(b"cbcs", &tenc(0x19, 1, 0, KEY, &[7; 16]), vec![]);
    track.entries.push(avc(b"avc1", 4, &[]));
    track.stsc = vec![1, 3, 2, 2, 3, 1];
    let out = read(track, &[]);
    let constant = Some(SampleEncryption { iv: None, subsamples: vec![] });
    assert_eq!(vectors(&out), [None, None, None, constant.clone(), constant.clone(), constant]);
}

#[test]
fn fragments_have_their_own_vectors_and_groups() {
    let mut track = track(b"cenc", &tenc(0, 1, 8, KEY, &[]), vec![]);
    (track.sizes, track.stts, track.stsc, track.chunks) = (vec![], vec![], vec![], vec![]);
    let init = [atom(b"ftyp", b"iso6\0\0\0\0"), movie(&[track], &mvex(1, 500, 10, 0))].concat();
    let traf = |offset: u32, saio: u32, elsewhere: bool| {
        let entry = tenc(0, 1, 8, OTHER_KEY, &[]);
        let sgpd = full(b"sgpd", 1, 0, &[&b"seig"[..], &words(&[20, 1]), &entry].concat());
        let sbgp = full(b"sbgp", 0, 0, &[&b"seig"[..], &words(&[2, 2, 0, 1, 0x1_0001])].concat());
        let data: Vec<u8> = (1..=3).flat_map(|iv| aux(iv, true)).collect();
        let auxiliary = if elsewhere {
            let saiz = full(b"saiz", 0, 0, &[&[16][..], &words(&[3])].concat());
            [saiz, full(b"saio", 0, 0, &words(&[1, saio]))].concat()
        } else {
            full(b"senc", 0, 2, &[words(&[3]), data.clone()].concat())
        };
        let trun = full(b"trun", 0, 1, &words(&[3, offset]));
        let tfhd = full(b"tfhd", 0, 0x2_0000, &words(&[1]));
        let moof = atom(b"moof", &atom(b"traf", &[tfhd, trun, sgpd, sbgp, auxiliary].concat()));
        let media = if elsewhere { [vec![9; 30], data].concat() } else { vec![9; 30] };
        (moof.len() as u32, [moof, atom(b"mdat", &media)].concat())
    };
    for elsewhere in [false, true] {
        let length = traf(0, 0, elsewhere).0;
        let out = demux(&[init.clone(), traf(length + 8, length + 38, elsewhere).1].concat(), true);
        assert_eq!(out.error, None);
        let found: Vec<_> = out.reads.iter().map(|read| read.packet.encryption.clone()).collect();
        assert_eq!(found, [parts(1), parts(2), parts(3)]);
        let keys: Vec<_> = out.reads.iter().map(|read| read.protection.as_ref().unwrap().key_id.0).collect();
        assert_eq!(keys, [KEY, KEY, OTHER_KEY]);
    }
}

#[test]
fn false_encryption_data_are_noticed() {
    let cenc = tenc(0, 1, 8, KEY, &[]);
    let short = full(b"senc", 0, 0, &[words(&[6]), vec![1; 40]].concat());
    let error = read(track(b"cenc", &cenc, vec![short]), &[]).error.unwrap();
    assert!(error.reason.contains("the encryption data end before the samples do"), "{error}");
    let long = [1; 8].iter().copied().chain([0, 1, 0, 4, 0, 0, 0, 7]).collect::<Vec<u8>>().repeat(6);
    let senc = full(b"senc", 0, 2, &[words(&[6]), long].concat());
    let error = read(track(b"cenc", &cenc, vec![senc]), &[]).error.unwrap();
    assert!(error.reason.contains("a sample of 10 bytes has subsamples of 11 bytes"), "{error}");
    let error = read(track(b"itun", &cenc, vec![]), &[]).error.unwrap();
    assert!(error.reason.contains("protected by 'itun', which is not common encryption"), "{error}");
    let mut short_lengths = track(b"cenc", &cenc, vec![]);
    short_lengths.entries = vec![avc(b"encv", 2, &sinf(b"cenc", &cenc))];
    let error = read(short_lengths, &[]).error.unwrap();
    assert!(error.reason.contains("short lengths and are encrypted"), "{error}");
}

#[test]
fn files_that_ffmpeg_encrypts_are_understood() {
    let key = "-encryption_scheme cenc-aes-ctr -encryption_key 000102030405060708090a0b0c0d0e0f \
               -encryption_kid 11111111111111111111111111111111";
    let codecs = "-c:v libx264 -preset ultrafast -bf 0 -c:a aac -threads 1 -fflags +bitexact -flags +bitexact";
    // Fragments that ffmpeg 5 encrypts lack their vectors.
    for form in ["", "-movflags +faststart"] {
        let clear = demux(&make("clear.mp4", &format!("{codecs} {form}")), true);
        let locked = demux(&make("locked.mp4", &format!("{codecs} {form} {key}")), true);
        assert_eq!((&clear.error, &locked.error), (&None, &None));
        assert_eq!(clear.reads.len(), locked.reads.len());
        for (clear, locked) in clear.reads.iter().zip(&locked.reads) {
            assert_eq!((clear.packet.pts, clear.bytes.len()), (locked.packet.pts, locked.bytes.len()));
            assert_eq!(locked.protection.as_ref().unwrap().key_id, KeyId(KEY));
            let encryption = locked.packet.encryption.as_ref().unwrap();
            assert!(encryption.iv.is_some());
            // What is said to be clear is clear.
            let mut at = 0;
            for part in &encryption.subsamples {
                let clear_bytes = at..at + usize::from(part.clear);
                assert_eq!(clear.bytes[clear_bytes.clone()], locked.bytes[clear_bytes]);
                at += usize::from(part.clear) + part.protected as usize;
            }
            assert!(locked.packet.track == 1 || !encryption.subsamples.is_empty());
        }
    }
}

/// A clip that Shaka Packager 3.8 made twice of the same source, with and without encryption:
///
/// ```sh
/// ffmpeg -f lavfi -i testsrc2=s=96x64:r=25:d=0.8 -c:v libx264 -preset veryfast -bf 2 -g 10 -x264-params slices=2 -bitexact in.mp4
/// packager in=in.mp4,stream=video,output=clear.mp4 --segment_duration 0.4
/// packager in=in.mp4,stream=video,output=$scheme.mp4 --segment_duration 0.4 --clear_lead 0.4 --enable_raw_key_encryption \
///   --keys key_id=11111111111111111111111111111111:key=000102030405060708090a0b0c0d0e0f --protection_scheme $scheme
/// ```
#[test]
fn all_four_schemes_decrypt_to_the_clear_samples() {
    let key = drm::ContentKey::from_hex("000102030405060708090a0b0c0d0e0f").unwrap();
    let clear = demux(include_bytes!("../data/mp4/clear.mp4"), true);
    assert_eq!((&clear.error, clear.reads.len()), (&None, 20));
    for (scheme, file) in [
        (ProtectionScheme::Cenc, &include_bytes!("../data/mp4/cenc.mp4")[..]),
        (ProtectionScheme::Cens, include_bytes!("../data/mp4/cens.mp4")),
        (ProtectionScheme::Cbc1, include_bytes!("../data/mp4/cbc1.mp4")),
        (ProtectionScheme::Cbcs, include_bytes!("../data/mp4/cbcs.mp4")),
    ] {
        let locked = demux(file, true);
        assert_eq!((&locked.error, locked.reads.len(), locked.warnings.len()), (&None, 20, 0));
        assert_eq!(locked.tracks[0].protection.as_ref().map(|protection| protection.scheme), Some(scheme));
        let encrypted = locked.reads.iter().filter(|read| read.packet.encryption.is_some()).count();
        assert_eq!(encrypted, 10, "{scheme}: the first segment is clear");
        for (locked, clear) in locked.reads.iter().zip(&clear.reads) {
            let mut bytes = locked.bytes.clone();
            if let (Some(encryption), Some(protection)) = (&locked.packet.encryption, &locked.protection) {
                assert_ne!(bytes, clear.bytes, "{scheme}");
                drm::decrypt_sample(&key, protection, encryption, &mut bytes).unwrap();
            }
            assert_eq!(bytes, clear.bytes, "{scheme}");
            assert_eq!((locked.packet.dts, locked.packet.pts), (clear.packet.dts, clear.packet.pts), "{scheme}");
        }
    }
}

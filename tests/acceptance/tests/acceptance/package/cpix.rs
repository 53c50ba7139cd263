//! CPIX documents in and out: signed ones, what they tell licence systems, and the keys that were used, handed over.

use std::path::{Path, PathBuf};

use super::inputs::rungs;
use super::{KEYS, attempt, boxes, content, hashes, joined, key_file, key_of, package, tree};
use crate::judge;

/// Keys and certificates that are for tests alone.
fn pair(name: &str) -> (String, String) {
    let data = judge::root().join("crates/cpix/tests/data");
    let of = |kind: &str| data.join(format!("{name}.{kind}.pem")).to_str().unwrap().to_owned();
    (of("key"), of("cert"))
}

/// A document in clear: cbcs, a vector with each key, and data for Widevine, FairPlay and a system that has no name here.
fn document(name: &str) -> PathBuf {
    judge::root().join("tests/acceptance/tests/acceptance/package/cpix").join(name)
}

fn read(out: &Path, name: &str) -> String {
    std::fs::read_to_string(out.join(name)).unwrap()
}

/// What a refused command says; nothing may be left behind.
fn refused(out: &Path, arguments: &[&str]) -> String {
    let output = attempt(&[&rungs().low], out, arguments);
    assert_eq!(output.status.code(), Some(78), "{arguments:?}");
    assert!(!out.exists(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn only_what_the_trusted_signer_has_signed_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let [(_, signer), (_, other)] = [pair("signer"), pair("origin")];
    let [signed, unsigned] = ["signed.xml", "service.xml"].map(document);
    let [signed, unsigned] = [&signed, &unsigned].map(|path| path.to_str().unwrap());
    let text = std::fs::read_to_string(signed).unwrap();
    let changed = folder.path().join("changed.xml");
    std::fs::write(&changed, text.replacen("SW_SECURE_DECODE", "SW_SECURE_CRYPTO", 1)).unwrap();
    let changed = changed.to_str().unwrap();
    let out = |name: &str| folder.path().join(name);
    package(&[&rungs().low], &out("trusted"), &["--cpix", signed, "--cpix-trust", &signer]);
    for (document, arguments, reason) in [
        (signed, &["--cpix-trust", &other][..], "is by a signer that is not trusted"),
        (unsigned, &["--cpix-trust", &signer], "no trusted signature covers"),
        (changed, &["--cpix-trust", &signer], "was changed after it was signed"),
        // Without a signer that is trusted, signatures must hold all the same.
        (changed, &[], "was changed after it was signed"),
    ] {
        let said = refused(&out("refused"), &[&["--cpix", document], arguments].concat());
        assert!(said.contains(reason), "{said}");
    }
    package(&[&rungs().low], &out("unsigned"), &["--cpix", unsigned]);
    assert!(tree(&out("trusted")) == tree(&out("unsigned")), "a signature changes nothing of the result");
}

#[test]
fn what_a_document_says_is_in_init_segments_playlists_and_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let (clear, out) = (folder.path().join("clear"), folder.path().join("out"));
    package(&[&rungs().low], &clear, &[]);
    package(&[&rungs().low], &out, &["--cpix", document("service.xml").to_str().unwrap()]);
    let vectors = [("video-180p", [0u8; 16]), ("audio-und", [16; 16])];
    for (track, mut iv) in vectors {
        (0..16).for_each(|at| iv[at] += at as u8);
        let digits: String = iv.iter().map(|byte| format!("{byte:02x}")).collect();
        let init = std::fs::read(out.join(track).join("init.mp4")).unwrap();
        let [tenc] = boxes(&init, b"tenc")[..] else { panic!("{track} has one tenc box") };
        assert_eq!(tenc[tenc.len() - 16..], iv, "{track}: explicitIV is the constant vector");
        let list = read(&out, &format!("{track}/media.m3u8"));
        assert!(list.lines().filter(|line| line.starts_with("#EXT-X-KEY:")).count() == 4, "{list}");
        assert!(list.lines().all(|line| !line.contains(",IV=0x") || line.contains(&digits)), "{list}");
        let decrypting = ["-decryption_key", key_of(track).1];
        let found = hashes(&judge::ffmpeg_9(), &decrypting, &joined(&out, track), "0:0", true);
        let wanted = hashes(&judge::ffmpeg_9(), &[], &joined(&clear, track), "0:0", true);
        assert!(content(&found) == content(&wanted), "{track}: FFmpeg decrypts to something else");
    }
    let init = std::fs::read(out.join("video-180p/init.mp4")).unwrap();
    let said = boxes(&init, b"pssh").concat();
    for data in [&b"data of the service"[..], b"another system"] {
        assert!(said.windows(data.len()).any(|window| window == data), "{}", String::from_utf8_lossy(data));
    }
    assert!(read(&out, "video-180p/media.m3u8").contains("URI=\"skd://service/media/1\""));
    let master = read(&out, "master.m3u8");
    assert!(master.contains("#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://service/session/1\""), "{master}");
    let manifest = read(&out, "manifest.mpd");
    let widevine = "<ContentProtection robustness=\"SW_SECURE_DECODE\" \
                    schemeIdUri=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\"><cenc:pssh>";
    let quality = "</cenc:pssh><x:quality xmlns:x=\"urn:example:quality\" level=\"sd &amp; hd\"></x:quality>\
                   </ContentProtection>";
    let unnamed = "<ContentProtection schemeIdUri=\"urn:uuid:adb41c24-2dbf-4a6d-958b-4457c0d27b95\"><cenc:pssh>";
    for said in [widevine, quality, unnamed] {
        assert!(manifest.contains(said), "{said}: {manifest}");
    }
}

/// No key of the test is in a file, in any of the forms that keys are written in.
fn holds_no_key(file: &Path, keys: &[&str]) {
    let text = std::fs::read_to_string(file).unwrap();
    let digits = |byte: &u8| char::from(*byte).is_ascii_hexdigit();
    for key in keys {
        assert!(key.len() == 32 && key.as_bytes().iter().all(digits));
        let bytes: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).unwrap()).collect();
        assert!(!text.to_lowercase().contains(&key.to_lowercase()) && !text.contains(&base64(&bytes)), "{key}");
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        (0..4)
            .map(
                move |at| {
                    if at > three.len() { '=' } else { char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]) }
                },
            )
            .collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[test]
fn keys_that_were_handed_over_make_the_same_package_again() {
    let folder = tempfile::tempdir().unwrap();
    let (inputs, keys) = (rungs(), key_file(folder.path()));
    let inputs: [&Path; 2] = [&inputs.low, &inputs.high];
    let [(own, recipient), (foreign, second)] = [pair("packager"), pair("origin")];
    let handed = folder.path().join("handed.xml");
    let handed = handed.to_str().unwrap();
    let [first, again] = ["first", "again"].map(|name| folder.path().join(name));
    let using = ["--scheme", "cbcs", "--key-file", keys.to_str().unwrap()];
    let handing = ["--write-cpix", handed, "--cpix-recipient", &recipient, "--cpix-recipient", &second];
    package(&inputs, &first, &[&using[..], &handing].concat());
    holds_no_key(Path::new(handed), &KEYS.map(|(_, key, _)| key));
    // Either recipient opens it; the signer is none.
    for key in [own, foreign] {
        package(&inputs, &again, &["--cpix", handed, "--cpix-key", &key]);
        assert!(tree(&first) == tree(&again), "the document says all that the key file said");
        std::fs::remove_dir_all(&again).unwrap();
    }
    let said = refused(&again, &["--cpix", handed, "--cpix-key", &pair("signer").0]);
    assert!(said.contains("none of the 2 recipients"), "{said}");
    let said = refused(&again, &[&using[..], &handing].concat());
    assert!(said.contains("it is there already"), "{said}");
    // A package that fails hands nothing over.
    let other = folder.path().join("other.xml");
    let handing = ["--write-cpix", other.to_str().unwrap(), "--cpix-recipient", &recipient];
    let broken = folder.path().join("broken.mp4");
    std::fs::write(&broken, b"no media").unwrap();
    let output = attempt(&[&broken], &again, &[&using[..], &handing].concat());
    assert!(!output.status.success() && !other.exists());
}

#[test]
fn key_periods_that_were_handed_over_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.txt");
    let (even, odd) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
    let line = |period: u32, key: &str| format!("{period:032x}:{key}::{period}\n");
    std::fs::write(&keys, (0..3).map(|n| line(n, if n % 2 == 0 { even } else { odd })).collect::<String>()).unwrap();
    let (own, recipient) = pair("packager");
    let handed = folder.path().join("handed.xml");
    let handed = handed.to_str().unwrap();
    let [first, again] = ["first", "again"].map(|name| folder.path().join(name));
    let using = ["--segment-duration", "2", "--scheme", "cenc", "--key-file", keys.to_str().unwrap()];
    let handing = ["--crypto-period", "4", "--write-cpix", handed, "--cpix-recipient", &recipient];
    package(&[&rungs().low], &first, &[&using[..], &handing].concat());
    holds_no_key(Path::new(handed), &[even, odd]);
    // The document says when each period is.
    package(&[&rungs().low], &again, &["--segment-duration", "2", "--cpix", handed, "--cpix-key", &own]);
    assert!(tree(&first) == tree(&again));
    let media = read(&again, "video-180p/media.m3u8");
    let tags = media.lines().filter(|line| line.starts_with("#EXT-X-KEY:") && line.contains("org.w3.clearkey"));
    assert_eq!(tags.count(), 3, "{media}");
    std::fs::remove_dir_all(&again).unwrap();
    let said = refused(&again, &["--cpix", handed, "--cpix-key", &own, "--crypto-period", "4"]);
    assert!(said.contains("says itself when its key periods begin"), "{said}");
}

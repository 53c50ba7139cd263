//! Keys, and tracks to encrypt.

use drm::pssh::{playready, widevine};
use drm::{ContentKey, KeyEncryptionKey, KeyId, ProtectionScheme, Pssh, WrappedKey};

pub(crate) fn protection_data() -> Vec<Vec<u8>> {
    let ids = [KeyId([1; 16]), KeyId(*b"0123456789abcdef")];
    let key = ContentKey::new([2; 16]);
    let one = playready::object(ids[0], &key, ProtectionScheme::Cenc, Some("https://licence.example/?a=1&b=2"));
    let many = playready::object_of_many(&ids, ProtectionScheme::Cbcs, None);
    let data = widevine::Data {
        key_ids: ids.to_vec(),
        provider: Some("example".to_owned()),
        content_id: Some(vec![1, 2, 3]),
        scheme: Some(ProtectionScheme::Cbcs),
    };
    let boxes = [
        Pssh::common(&ids),
        Pssh::widevine(&ids, ProtectionScheme::Cenc),
        Pssh::playready(one.clone()),
        Pssh::playready(many.clone()),
    ];
    let boxes = boxes.map(|pssh| pssh.to_box());
    [vec![boxes.concat(), one, many, data.to_bytes()], boxes.to_vec()].concat()
}

/// The document that the crate's own tests are made from, and what it writes for it.
pub(crate) fn key_documents() -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/cpix/tests/data");
    let read = |name: &str| std::fs::read(folder.join(name)).expect("the data of the crate's tests are there");
    let full = read("full.xml");
    let written = cpix::Document::parse(&full).expect("it is a document").to_xml().as_bytes().to_vec();
    vec![full, written, read("packager.cert.pem")]
}

pub(crate) fn key_files() -> Vec<Vec<u8>> {
    let id = |digit: char| digit.to_string().repeat(32);
    let texts = [
        format!("# keys\n{}:{}\n", id('1'), id('2')),
        format!("{}:{}:audio\n{}:{}:hd # pictures\n{}:{}\n", id('1'), id('a'), id('2'), id('b'), id('3'), id('c')),
        format!("01234567-89ab-cdef-0123-456789abcdef:{}:uhd\r\n\r\n{}:{}:sd", id('D'), id('4'), id('e')),
    ];
    texts.map(String::into_bytes).to_vec()
}

pub(crate) fn licence_requests() -> Vec<Vec<u8>> {
    [
        r#"{"kids":["AQEBAQEBAQEBAQEBAQEBAQ","MDEyMzQ1Njc4OWFiY2RlZg"],"type":"temporary"}"#,
        r#"{"type" : "persistent-license", "x": [1, -2.5e3, {"y": null, "z\u0041\n": true}], "kids": ["AQEBAQEBAQEBAQEBAQEBAQ"]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub(crate) fn wrapped_keys() -> Vec<Vec<u8>> {
    let under = KeyEncryptionKey::new(&[3; 32]).expect("32 bytes are a key");
    let key = WrappedKey::wrap(&ContentKey::new([8; 16]), &under).as_bytes().to_vec();
    let padded = drm::wrap::wrap_padded(&under, &[8; 16]).expect("16 bytes are wrapped");
    vec![key, padded, vec![1; 40]]
}

pub(crate) fn sealed_objects() -> Vec<Vec<u8>> {
    let key = crate::protection::data_key();
    let sealed = |length| drm::seal::seal(&key, crate::protection::SEALED_NAME, [6; 32], &vec![1; length]);
    [0, 9, 65_537].map(sealed).to_vec()
}

/// Tracks of every codec that has a map of its own and one that has none, under every scheme; and maps of others.
pub(crate) fn encryption() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (codec, name) in (0u8..).zip(["avc", "hevc", "av1", "vp9", "aac"]) {
        for (at, track) in (0u8..).zip(super::tracks(name)) {
            let choices = [0, 1, 2, 3, 4 | 5 << 3 | 1, 64 | 3];
            all.push([&[choices[usize::from(at) % 6], codec], &track[..]].concat());
            all.push([&[choices[usize::from(at + 3) % 6], codec], &track[..]].concat());
        }
    }
    let sample = [&[0x19, 2, 10, 16, 0, 3, 1, 8 | 16][..], &[0x55; 300]].concat();
    let foreign = crate::pieces::join(&[], [&sample[..], &sample]);
    all.extend([128, 128 | 4 | 1, 128 | 8 | 2, 128 | 31 << 2 | 3].map(|choice| [&[choice, 0], &foreign[..]].concat()));
    all
}

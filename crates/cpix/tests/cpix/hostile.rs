//! No bytes do harm.

use cpix::c14n::{Method, canonicalize};
use cpix::signature::{Hash, Part, sign, verify};
use cpix::{Document, speke};
use proptest::prelude::*;

use crate::support::{FULL, packager, plain, random, signer};

/// A document with everything in it: encrypted and signed.
fn everything() -> String {
    let mut document = Document::parse(FULL.as_bytes()).unwrap();
    document.seal(&[packager().1], &mut random(1)).unwrap();
    let (key, certificate) = signer();
    let how = (Method::Exclusive, Hash::Sha256);
    let parts = [Part::Document, Part::ContentKeys];
    sign(&document.to_xml(), &parts, how, (&key, &certificate), &mut random(1)).unwrap().as_str().to_owned()
}

/// All that reads bytes.
fn read(bytes: &[u8]) {
    let trusted = [signer().1];
    if let Ok(document) = Document::parse(bytes) {
        let written = document.to_xml();
        let again = Document::parse(written.as_bytes()).unwrap();
        if !document.usage_rules.iter().any(|rule| rule.unknown_filters) {
            assert_eq!(again, Document::parse(again.to_xml().as_bytes()).unwrap());
        }
        drop(document.problems());
        let _ = document.key_for(&cpix::select::Track::default());
    }
    drop(verify(bytes, &trusted));
    for method in Method::ALL {
        if let Ok(canonical) = canonicalize(bytes, method) {
            assert_eq!(canonicalize(canonical.as_bytes(), method).as_deref(), Ok(&*canonical), "it is a fixed point");
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let body = cpix::Xml::new(text.to_owned());
        let headers = vec![(speke::VERSION_HEADER.to_owned(), "2.1".to_owned())];
        let request = speke::Request { method: "POST", headers, body };
        speke::answer(&request, "test", |_| Some(crate::support::key(1)), speke::describe, &mut random(1));
    }
}

#[test]
fn a_document_cut_off_anywhere_is_an_error() {
    let text = everything();
    let end = text.trim_end().len();
    for cut in (0..end).step_by(13).filter(|cut| text.is_char_boundary(*cut)) {
        assert!(Document::parse(&text.as_bytes()[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn bounds_hold() {
    let entities = "&lt;".repeat(20_000);
    read(format!("<CPIX xmlns='urn:dashif:org:cpix' contentId='{entities}'>{entities}</CPIX>").as_bytes());
    let wide = "<a/>".repeat(100_001);
    assert!(Document::parse(format!("<CPIX xmlns='urn:dashif:org:cpix'>{wide}</CPIX>").as_bytes()).is_err());
    let attributes: String = (0..65).map(|n| format!(" a{n}=''")).collect();
    assert!(Document::parse(format!("<CPIX xmlns='urn:dashif:org:cpix'{attributes}/>").as_bytes()).is_err());
    let many = plain(255);
    assert_eq!(Document::parse(many.to_xml().as_bytes()).unwrap(), many);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn no_markup_makes_it_panic(text in "[<>&;/!?\\[\\]CDATAxmlns:='\" a#x0-9-]{0,200}") {
        read(text.as_bytes());
        read(format!("<CPIX xmlns='urn:dashif:org:cpix'>{text}</CPIX>").as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_change_of_a_document_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..8),
    ) {
        thread_local!(static TEXT: String = everything());
        let mut bytes = TEXT.with(|text| text.clone().into_bytes());
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        read(&bytes);
    }

    #[test]
    fn pieces_of_a_document_in_another_order_do_not_make_it_panic(
        pieces in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let lines: Vec<&str> = FULL.lines().collect();
        let text: String = pieces.iter().map(|piece| lines[piece.index(lines.len())]).collect();
        read(format!("{}\n{text}</CPIX>", lines[2..4].join("\n")).as_bytes());
    }
}

//! Signatures.

use cpix::c14n::Method;
use cpix::signature::{Hash, Part, SignError, SignatureError, SignedError, sign, verify, verify_integrity};
use cpix::{Document, ListHead, Xml};

use crate::support::{FULL, origin, plain, random, signer};

fn document() -> Xml {
    let mut document = plain(2);
    document.keys_head = ListHead { id: Some("keys".to_owned()), update_version: None };
    document.keys[1].id = Some("second".to_owned());
    document.to_xml()
}

const DEFAULT: (Method, Hash) = (Method::Inclusive11, Hash::Sha512);

fn signed(document: &Xml, parts: &[Part], how: (Method, Hash)) -> Xml {
    let (key, certificate) = signer();
    sign(document, parts, how, (&key, &certificate), &mut random(1)).unwrap()
}

fn changed(text: &Xml, from: &str, to: &str) -> Vec<u8> {
    assert!(text.as_str().contains(from), "{from}");
    text.as_str().replacen(from, to, 1).into_bytes()
}

#[test]
fn every_algorithm_signs_and_verifies() {
    let trusted = [signer().1];
    let full = Xml::new(FULL.to_owned());
    for method in Method::ALL {
        for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            let text = signed(&full, &[Part::ContentKeys, Part::Document], (method, hash));
            let verified = verify(text.as_bytes(), &trusted).unwrap();
            assert_eq!(verified.len(), 1, "{method:?} {hash:?}");
            assert_eq!(verified[0].covers, [Part::ContentKeys, Part::Document]);
            assert_eq!(verified[0].signer, trusted[0]);
        }
    }
}

#[test]
fn a_signed_document_says_what_it_said() {
    let text = signed(&document(), &[Part::Document], DEFAULT);
    let (read, verified) = Document::parse_signed(text.as_bytes(), &[signer().1], &[Part::ContentKeys]).unwrap();
    assert_eq!(read, Document::parse(document().as_bytes()).unwrap());
    assert_eq!(verified[0].covers, [Part::Document]);
}

#[test]
fn integrity_is_checked_whoever_signed() {
    let text = signed(&document(), &[Part::ContentKeys], DEFAULT);
    let verified = verify_integrity(text.as_bytes()).unwrap();
    assert_eq!((verified[0].signer.clone(), verified[0].covers.clone()), (signer().1, vec![Part::ContentKeys]));
    let other = changed(&text, "kid=\"0101", "kid=\"0201");
    assert_eq!(verify_integrity(&other), Err(SignatureError::Digest { index: 0, reference: 0 }));
    assert_eq!(verify_integrity(document().as_bytes()), Ok(Vec::new()));
}

#[test]
fn every_list_that_says_something_of_keys_is_to_be_signed() {
    let mut full = Document::parse(FULL.as_bytes()).unwrap();
    full.delivery.push(cpix::DeliveryData::default());
    let all = [Part::DeliveryData, Part::ContentKeys, Part::DrmSystems, Part::Periods, Part::UsageRules];
    assert_eq!(Part::of_keys(&full), all);
    assert_eq!(Part::of_keys(&plain(1)), [Part::ContentKeys]);
}

#[test]
fn a_signature_does_not_depend_on_chance() {
    let (key, certificate) = signer();
    let with = |seed| sign(&document(), &[Part::Document], DEFAULT, (&key, &certificate), &mut random(seed)).unwrap();
    assert_eq!(with(1), with(2));
}

#[test]
fn what_was_changed_is_refused_with_the_reason() {
    let trusted = [signer().1];
    let refused = |bytes: Vec<u8>| verify(&bytes, &trusted).unwrap_err();
    let digest = |reference| SignatureError::Digest { index: 0, reference };
    let whole = signed(&document(), &[Part::Document], DEFAULT);
    assert_eq!(refused(changed(&whole, "lecture-7", "lecture-8")), digest(0));
    assert_eq!(refused(changed(&whole, "c2VjcmV0", "c2VjcmV1")), digest(0));
    assert_eq!(refused(changed(&whole, "</cpix:CPIX>", "<x/></cpix:CPIX>")), digest(0));
    assert_eq!(refused(changed(&whole, "<cpix:CPIX", "<?pi x?><cpix:CPIX")), digest(0));
    let list = signed(&document(), &[Part::ContentKeys], DEFAULT);
    assert_eq!(refused(changed(&list, "c2VjcmV0", "c2VjcmV1")), digest(0));
    assert_eq!(refused(changed(&list, "<ds:DigestValue>", "<ds:DigestValue>A")), SignatureError::Mismatch { index: 0 });
    let exchanged = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    let bytes = changed(&list, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", exchanged);
    assert_eq!(refused(bytes), SignatureError::Mismatch { index: 0 });
    let weak = changed(
        &list,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    );
    assert_eq!(refused(weak), SignatureError::Algorithm { index: 0, what: "signing" });
    let hollow = changed(&list, "<ds:KeyInfo>", "<ds:KeyInfo/><ds:KeyInfo>");
    assert_eq!(refused(hollow), SignatureError::Structure { index: 0, name: "KeyInfo" });
    let elsewhere = changed(&list, "URI=\"#keys\"", "URI=\"#nothing\"");
    assert_eq!(refused(elsewhere), SignatureError::Mismatch { index: 0 });
}

#[test]
fn what_is_not_covered_may_change_and_is_not_reported() {
    let trusted = [signer().1];
    let list = signed(&document(), &[Part::ContentKeys], DEFAULT);
    let moved = changed(&list, "lecture-7", "lecture-8");
    assert_eq!(verify(&moved, &trusted).unwrap()[0].covers, [Part::ContentKeys]);
    let missing = Document::parse_signed(&moved, &trusted, &[Part::ContentKeys, Part::Document]);
    assert_eq!(missing.unwrap_err(), SignedError::NotCovered(Part::Document));
    assert!(Document::parse_signed(&moved, &trusted, &[Part::ContentKeys]).is_ok());
    assert_eq!(verify(document().as_bytes(), &trusted), Ok(Vec::new()));
}

#[test]
fn a_signed_list_elsewhere_does_not_pass_for_the_list() {
    let trusted = [signer().1];
    let list = signed(&document(), &[Part::ContentKeys], DEFAULT);
    // Canonical XML keeps namespaces in scope, so the list verifies wherever it stands; a forged one takes its place.
    let start = list.as_str().find("<cpix:ContentKeyList").unwrap();
    let end = list.as_str().find("</cpix:ContentKeyList>").unwrap() + "</cpix:ContentKeyList>".len();
    let original = &list.as_str()[start..end];
    let forged =
        original.replace("c2VjcmV0", "Zm9yZ2Vk").replace("\"keys\"", "\"forged\"").replace("\"second\"", "\"third\"");
    let wrapped =
        format!("{}{forged}<cpix:Extra>{original}</cpix:Extra>{}", &list.as_str()[..start], &list.as_str()[end..]);
    let verified = verify(wrapped.as_bytes(), &trusted).unwrap();
    assert_eq!(verified[0].covers, [Part::Element { name: "ContentKeyList".to_owned(), id: "keys".to_owned() }]);
    let refused = Document::parse_signed(wrapped.as_bytes(), &trusted, &[Part::ContentKeys]);
    assert_eq!(refused.unwrap_err(), SignedError::NotCovered(Part::ContentKeys));
    let twice = wrapped.replace("\"forged\"", "\"keys\"");
    let refused = verify(twice.as_bytes(), &trusted).unwrap_err();
    assert_eq!(refused, SignatureError::Reference { index: 0, reference: 0 });
}

#[test]
fn signers_must_be_trusted() {
    let list = signed(&document(), &[Part::ContentKeys], DEFAULT);
    assert_eq!(verify(list.as_bytes(), &[origin().1]), Err(SignatureError::UnknownSigner { index: 0 }));
    assert_eq!(verify(list.as_bytes(), &[]), Err(SignatureError::UnknownSigner { index: 0 }));
}

#[test]
fn several_signatures_stand_beside_one_another() {
    let list = signed(&document(), &[Part::ContentKeys], (Method::Exclusive, Hash::Sha256));
    let (key, certificate) = origin();
    let both = sign(&list, &[Part::Document], DEFAULT, (&key, &certificate), &mut random(1)).unwrap();
    let element = Part::Element { name: "ContentKey".to_owned(), id: "second".to_owned() };
    let three = signed(&both, std::slice::from_ref(&element), DEFAULT);
    let trusted = [signer().1, certificate];
    let covers =
        |text: &Xml| verify(text.as_bytes(), &trusted).map(|all| all.into_iter().map(|v| v.covers).collect::<Vec<_>>());
    assert_eq!(covers(&both).unwrap(), [vec![Part::ContentKeys], vec![Part::Document]]);
    // The signature over the whole document was made before the third, which changes the document.
    assert_eq!(covers(&three), Err(SignatureError::Digest { index: 1, reference: 0 }));
    // Taking the first away breaks it as well.
    let first = both.as_str().find("<ds:Signature ").unwrap();
    let end = both.as_str().find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let without = Xml::new(format!("{}{}", &both.as_str()[..first], &both.as_str()[end..]));
    assert_eq!(covers(&without), Err(SignatureError::Digest { index: 0, reference: 0 }));
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let (key, certificate) = signer();
    let refused = |document: &Xml, parts: &[Part]| {
        sign(document, parts, DEFAULT, (&key, &certificate), &mut random(1)).unwrap_err()
    };
    assert_eq!(refused(&document(), &[]), SignError::Nothing);
    assert_eq!(refused(&document(), &[Part::Periods]), SignError::NotThere(Part::Periods));
    let nameless = Xml::new(document().as_str().replace(" id=\"keys\"", ""));
    assert_eq!(refused(&nameless, &[Part::ContentKeys]), SignError::NotThere(Part::ContentKeys));
    let twice = Xml::new(document().as_str().replace("\"second\"", "\"keys\""));
    assert_eq!(refused(&twice, &[Part::ContentKeys]), SignError::NotThere(Part::ContentKeys));
    assert_eq!(refused(&Xml::new("<a>b</a>".to_owned()), &[Part::Document]), SignError::Root);
    let comment = Xml::new(format!("{}<!-- </cpix:CPIX> -->", document().as_str()));
    assert_eq!(refused(&comment, &[Part::Document]), SignError::Root);
    let other = sign(&document(), &[Part::Document], DEFAULT, (&key, &origin().1), &mut random(1));
    assert_eq!(other.unwrap_err(), SignError::Key);
}

#[test]
fn a_signature_by_another_implementation_verifies() {
    // Made by `tests/data/make-signed.sh` with xmlsec1.
    let text = include_bytes!("../data/signed-by-xmlsec.xml");
    let verified = verify(text, &[signer().1]).unwrap();
    assert_eq!(verified[0].covers, [Part::ContentKeys, Part::Document]);
}

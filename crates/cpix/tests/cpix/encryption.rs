//! Keys for named recipients.

use cpix::encryption::{MacPolicy, OpenError, SealError};
use cpix::{Certificate, CertificateError, Document, DocumentKey, KeyData, PrivateKey};
use drm::KeyId;

use crate::support::{key, kid, origin, packager, plain, random, signer};

fn sealed(keys: u8, recipients: &[Certificate]) -> Document {
    let mut document = plain(keys);
    document.seal(recipients, &mut random(1)).unwrap();
    Document::parse(document.to_xml().as_bytes()).unwrap()
}

fn open(document: &Document, key: &PrivateKey) -> Result<Vec<KeyId>, OpenError> {
    let keys = document.content_keys(Some((key, MacPolicy::Required)), &mut random(2))?;
    assert!(keys.iter().all(|(kid, found)| *found == crate::support::key(kid.0[0])));
    Ok(keys.into_iter().map(|(kid, _)| kid).collect())
}

fn value(document: &mut Document, index: usize) -> &mut cpix::EncryptedValue {
    match &mut document.keys[index].data {
        KeyData::Encrypted(value) => value,
        _ => unreachable!("the document was sealed"),
    }
}

#[test]
fn every_recipient_and_nobody_else_opens_the_keys() {
    let ((ours, certificate), (theirs, other), (stranger, _)) = (packager(), origin(), signer());
    let document = sealed(3, &[certificate, other]);
    let text = document.to_xml();
    assert!(!text.as_str().contains("PlainValue") && !text.as_str().contains("c2VjcmV0"));
    assert_eq!(open(&document, &ours).unwrap(), [kid(0), kid(1), kid(2)]);
    assert_eq!(open(&document, &theirs).unwrap(), [kid(0), kid(1), kid(2)]);
    assert_eq!(open(&document, &stranger), Err(OpenError::NotForUs(2)));
    let mut opened = document.clone();
    opened.open(&ours, MacPolicy::Required, &mut random(3)).unwrap();
    assert_eq!(opened, plain(3));
}

#[test]
fn equal_keys_are_encrypted_differently_and_a_seed_always_the_same_way() {
    let (_, certificate) = packager();
    let mut document = plain(2);
    document.keys[1].data = KeyData::Plain(key(0));
    let mut again = document.clone();
    document.seal(std::slice::from_ref(&certificate), &mut random(1)).unwrap();
    again.seal(&[certificate], &mut random(1)).unwrap();
    assert_eq!(document.to_xml(), again.to_xml());
    let first = value(&mut document, 0).clone();
    assert_ne!(first.cipher, value(&mut document, 1).cipher);
    assert_eq!((first.cipher.len(), first.mac.unwrap().len()), (48, 64));
}

#[test]
fn what_was_tampered_with_is_refused_with_the_reason() {
    let (ours, certificate) = packager();
    let document = sealed(2, &[certificate]);
    let refused = |change: &dyn Fn(&mut Document)| {
        let mut changed = document.clone();
        change(&mut changed);
        open(&changed, &ours).unwrap_err()
    };
    assert_eq!(refused(&|d| value(d, 1).cipher[20] ^= 1), OpenError::MacMismatch(kid(1)));
    assert_eq!(refused(&|d| value(d, 0).mac.as_mut().unwrap()[0] ^= 1), OpenError::MacMismatch(kid(0)));
    assert_eq!(refused(&|d| value(d, 0).mac.as_mut().unwrap().truncate(8)), OpenError::MacMismatch(kid(0)));
    assert_eq!(refused(&|d| value(d, 0).mac = None), OpenError::MacMissing(kid(0)));
    assert_eq!(refused(&|d| d.delivery[0].mac = None), OpenError::MacMissing(kid(0)));
    assert_eq!(refused(&|d| value(d, 0).algorithm = "none".into()), OpenError::Algorithm { what: "a content key" });
    let wrapped = |d: &mut Document, change: &dyn Fn(&mut cpix::EncryptedValue)| {
        change(d.delivery[0].document_keys[0].value.as_mut().unwrap());
    };
    let unwrap = OpenError::Unwrap { what: "the document key" };
    assert_eq!(refused(&|d| wrapped(d, &|v| v.cipher[9] ^= 1)), unwrap);
    assert_eq!(refused(&|d| wrapped(d, &|v| v.cipher.truncate(100))), unwrap);
    let algorithm = OpenError::Algorithm { what: "the document key" };
    assert_eq!(refused(&|d| wrapped(d, &|v| v.algorithm = "none".into())), algorithm);
    assert_eq!(refused(&|d| d.delivery[0].document_keys.clear()), OpenError::NotEncryptedFor(kid(0)));
    assert_eq!(refused(&|d| d.delivery[0].document_keys[0].value = None), OpenError::DocumentKey);
    let mac_key = |d: &mut Document| d.delivery[0].document_keys[0].value = d.delivery[0].mac.clone().unwrap().key;
    assert_eq!(refused(&mac_key), OpenError::DocumentKey);
}

#[test]
fn a_missing_mac_is_accepted_only_when_allowed() {
    let (ours, certificate) = packager();
    let mut document = sealed(1, &[certificate]);
    document.delivery[0].mac = None;
    let mut lenient = document.clone();
    lenient.open(&ours, MacPolicy::IfPresent, &mut random(1)).unwrap();
    assert_eq!(lenient, plain(1));
    // Even then what is there must match, and the padding must be right.
    value(&mut document, 0).cipher[47] ^= 1;
    let opened = document.content_keys(Some((&ours, MacPolicy::IfPresent)), &mut random(1));
    assert!(matches!(opened.err(), Some(OpenError::ContentKey(found)) if found == kid(0)));
}

#[test]
fn document_keys_are_used_for_the_content_keys_they_name() {
    let (ours, certificate) = packager();
    let mut document = sealed(2, &[certificate]);
    let of_all: DocumentKey = document.delivery[0].document_keys[0].clone();
    document.delivery[0].document_keys = vec![DocumentKey { encrypts: vec![kid(0)], ..of_all.clone() }];
    let document = Document::parse(document.to_xml().as_bytes()).unwrap();
    assert_eq!(open(&document, &ours), Err(OpenError::NotEncryptedFor(kid(1))));
    let mut both = document.clone();
    both.delivery[0].document_keys.push(DocumentKey { encrypts: vec![kid(9), kid(1)], ..of_all });
    let both = Document::parse(both.to_xml().as_bytes()).unwrap();
    assert_eq!(open(&both, &ours).unwrap(), [kid(0), kid(1)]);
}

#[test]
fn sealing_needs_recipients_and_clear_keys() {
    let (_, certificate) = packager();
    let mut document = plain(1);
    assert_eq!(document.seal(&[], &mut random(1)), Err(SealError::NoRecipient));
    assert_eq!(document, plain(1));
    document.seal(std::slice::from_ref(&certificate), &mut random(1)).unwrap();
    assert_eq!(document.seal(&[certificate], &mut random(1)), Err(SealError::Encrypted(kid(0))));
}

#[test]
fn without_a_private_key_encrypted_keys_are_left_out() {
    let (_, certificate) = packager();
    let mut document = sealed(2, &[certificate]);
    document.keys[1].data = KeyData::Plain(key(1));
    let keys = document.content_keys(None, &mut random(1)).unwrap();
    assert!(keys.len() == 1 && keys[0].0 == kid(1) && keys[0].1 == key(1));
}

#[test]
fn keys_and_certificates_that_cannot_be_used_are_refused() {
    let (_, certificate) = packager();
    assert_eq!(Certificate::from_der(&certificate.der()[..200]), Err(CertificateError::Der));
    assert_eq!(Certificate::from_pem("no PEM"), Err(CertificateError::Pem));
    assert!(PrivateKey::from_pem(include_str!("../data/packager.cert.pem")).is_err());
    let (ours, _) = packager();
    assert!(ours.belongs_to(&certificate) && !ours.belongs_to(&origin().1));
}

#[test]
fn a_document_by_another_implementation_opens() {
    // Made by `tests/data/make-sealed.py` with openssl.
    let text = include_bytes!("../data/sealed-by-openssl.xml");
    let mut document = Document::parse(text).unwrap();
    document.open(&packager().0, MacPolicy::Required, &mut random(1)).unwrap();
    assert_eq!(document, plain(1));
}

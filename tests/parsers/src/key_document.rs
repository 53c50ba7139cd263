//! Documents of key services.

use cpix::c14n::{Method, canonicalize};
use cpix::{Certificate, Document, signature};

/// A CPIX document: what is read is written and read again as the same, and its canonical forms are forms of the same.
pub fn key_document(data: &[u8]) {
    if let Ok(document) = Document::parse(data) {
        let _ = document.problems();
        assert!(document.keys.iter().all(|key| document.key(key.kid).is_some()));
        for period in &document.periods {
            let _ = (period.check(), period.offsets_ns());
        }
        let written = document.to_xml();
        let again = Document::parse(written.as_bytes()).expect("what was written is read");
        assert!(again == document, "what was written is read as the same");
        assert_eq!(again.to_xml().as_bytes(), written.as_bytes());
    }
    for method in Method::ALL {
        if let Ok(canonical) = canonicalize(data, method) {
            let again = canonicalize(canonical.as_bytes(), method).expect("the canonical form is read");
            assert_eq!(again, canonical, "the canonical form is its own");
        }
    }
    // Nobody is trusted, so that nothing with a signature passes.
    assert!(signature::verify(data, &[]).is_ok_and(|found| found.is_empty()) || signature::verify(data, &[]).is_err());
    let _ = Certificate::from_der(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Certificate::from_pem(text);
    }
}

//! Signatures checked.

use std::collections::HashMap;

use super::{ENVELOPED, Hash, Part};
use crate::c14n::{self, Canonical, CanonicalError, Method};
use crate::error::ParseError;
use crate::text::from_base64;
use crate::xml::{self, CPIX, DS, Element, Tree};
use crate::{Certificate, CertificateError};
use subtle::ConstantTimeEq;

/// The most signatures of a document.
pub const MAX_SIGNATURES: usize = 8;
/// The most references of one signature.
pub const MAX_REFERENCES: usize = 16;

/// A signature that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whose it is.
    pub signer: Certificate,
    /// What it covers.
    pub covers: Vec<Part>,
}

/// A signature does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The document cannot be read.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// More signatures than are looked at.
    #[error("the document has more than {MAX_SIGNATURES} signatures")]
    TooMany,
    /// Something that a signature must have is missing, given twice or no base64.
    #[error("signature {index} has no proper {name}")]
    Structure {
        /// 0-based place among the signatures.
        index: usize,
        /// What is not there as it should be.
        name: &'static str,
    },
    /// An algorithm that is not known or too weak.
    #[error("signature {index} uses an algorithm for {what} that is not supported")]
    Algorithm {
        /// 0-based place among the signatures.
        index: usize,
        /// What it is used for.
        what: &'static str,
    },
    /// Its certificate cannot be used.
    #[error("signature {index}: {problem}")]
    Certificate {
        /// 0-based place among the signatures.
        index: usize,
        /// What is wrong.
        problem: CertificateError,
    },
    /// The signer is none of the trusted ones.
    #[error("signature {index} is by a signer that is not trusted")]
    UnknownSigner {
        /// 0-based place among the signatures.
        index: usize,
    },
    /// What it signs was changed, or it was made with another key.
    #[error("signature {index} does not match its signer")]
    Mismatch {
        /// 0-based place among the signatures.
        index: usize,
    },
    /// A reference to something else than this document or one element of it.
    #[error("reference {reference} of signature {index} names no single element of this document")]
    Reference {
        /// 0-based place among the signatures.
        index: usize,
        /// 0-based place among its references.
        reference: usize,
    },
    /// A signed element was changed.
    #[error("what reference {reference} of signature {index} covers was changed after it was signed")]
    Digest {
        /// 0-based place among the signatures.
        index: usize,
        /// 0-based place among its references.
        reference: usize,
    },
    /// There is no canonical form.
    #[error("signature {index}: {problem}")]
    Canonical {
        /// 0-based place among the signatures.
        index: usize,
        /// Why.
        problem: CanonicalError,
    },
}

/// Checks all the signatures of a document. Each must hold, and be by one of `trusted`: the very certificate. Empty when
/// there is no signature.
///
/// # Errors
/// See [`SignatureError`].
pub fn verify(bytes: &[u8], trusted: &[Certificate]) -> Result<Vec<Verified>, SignatureError> {
    of_tree(&xml::parse(bytes)?, Some(trusted))
}

/// Checks that what all the signatures of a document cover was not changed since, whoever made them: no proof of where it
/// comes from.
///
/// # Errors
/// See [`SignatureError`].
pub fn verify_integrity(bytes: &[u8]) -> Result<Vec<Verified>, SignatureError> {
    of_tree(&xml::parse(bytes)?, None)
}

/// With the signers that are trusted, or any.
pub(super) fn of_tree(tree: &Tree, trusted: Option<&[Certificate]>) -> Result<Vec<Verified>, SignatureError> {
    let signatures: Vec<&Element> = tree.root.named(DS, "Signature").take(MAX_SIGNATURES + 1).collect();
    if signatures.len() > MAX_SIGNATURES {
        return Err(SignatureError::TooMany);
    }
    if signatures.is_empty() {
        return Ok(Vec::new());
    }
    let ids = ids(tree);
    let check = |(index, signature)| One { tree, ids: &ids, index, signature }.verify(trusted);
    signatures.into_iter().enumerate().map(check).collect()
}

/// Elements by `id`; `None` for an id that several have, which could otherwise pass for one another.
pub(super) fn ids(tree: &Tree) -> HashMap<&str, Option<&Element>> {
    let mut ids = HashMap::new();
    tree.root.walk(&mut |element| {
        for name in ["id", "Id", "ID"] {
            if let Some(id) = element.attribute(name) {
                ids.entry(id).and_modify(|known| *known = None).or_insert(Some(element));
            }
        }
    });
    ids
}

struct One<'a> {
    tree: &'a Tree,
    ids: &'a HashMap<&'a str, Option<&'a Element>>,
    index: usize,
    signature: &'a Element,
}

impl<'a> One<'a> {
    fn verify(&self, trusted: Option<&[Certificate]>) -> Result<Verified, SignatureError> {
        let index = self.index;
        let info = self.only(self.signature, "SignedInfo")?;
        let signer = self.signer()?;
        if trusted.is_some_and(|trusted| !trusted.contains(&signer)) {
            return Err(SignatureError::UnknownSigner { index });
        }
        let (method, prefixes) = self.canonicalization(self.only(info, "CanonicalizationMethod")?)?;
        let uri = self.only(info, "SignatureMethod")?.attribute("Algorithm").unwrap_or_default();
        let hash = Hash::ALL.into_iter().find(|hash| hash.signature_uri() == uri);
        let hash = hash.ok_or(SignatureError::Algorithm { index, what: "signing" })?;
        let value = self.base64(self.signature, "SignatureValue")?;
        let signed = self.element(info, method, &prefixes, None)?;
        let checked = signer.key.verify(hash.padding(), &hash.digest(&signed), &value);
        checked.map_err(|_| SignatureError::Mismatch { index })?;
        // Only now is any work done for what the document itself asks for.
        let references: Vec<&Element> = info.named(DS, "Reference").take(MAX_REFERENCES + 1).collect();
        if references.is_empty() || references.len() > MAX_REFERENCES {
            return Err(SignatureError::Structure { index, name: "Reference" });
        }
        let check = |(number, reference)| self.reference(number, reference);
        let covers = references.into_iter().enumerate().map(check).collect::<Result<_, _>>()?;
        Ok(Verified { signer, covers })
    }

    fn signer(&self) -> Result<Certificate, SignatureError> {
        let index = self.index;
        let info = self.only(self.signature, "KeyInfo")?;
        let data = info.named(DS, "X509Data").find(|data| data.child(DS, "X509Certificate").is_some());
        let certificate = data.and_then(|data| data.child(DS, "X509Certificate"));
        let certificate = certificate.ok_or(SignatureError::Structure { index, name: "X509Certificate" })?;
        let der = from_base64(&certificate.text());
        let der = der.ok_or(SignatureError::Structure { index, name: "X509Certificate" })?;
        Certificate::from_der(&der).map_err(|problem| SignatureError::Certificate { index, problem })
    }

    fn canonicalization(&self, element: &Element) -> Result<(Method, Vec<String>), SignatureError> {
        let uri = element.attribute("Algorithm").unwrap_or_default();
        let unknown = SignatureError::Algorithm { index: self.index, what: "canonicalization" };
        let method = Method::from_uri(uri).ok_or(unknown)?;
        let listed = element.child(Method::Exclusive.uri(), "InclusiveNamespaces");
        let listed = listed.and_then(|found| found.attribute("PrefixList")).unwrap_or_default();
        let prefixes = listed.split_ascii_whitespace().take(64);
        Ok((method, prefixes.map(|prefix| prefix.replace("#default", "")).collect()))
    }

    fn reference(&self, number: usize, reference: &Element) -> Result<Part, SignatureError> {
        let index = self.index;
        let mut method = None;
        let mut enveloped = false;
        let transforms = reference.child(DS, "Transforms");
        for transform in transforms.into_iter().flat_map(|transforms| transforms.elements()) {
            let unknown = SignatureError::Algorithm { index, what: "a transform" };
            match transform.attribute("Algorithm") {
                _ if !transform.is(DS, "Transform") || method.is_some() => return Err(unknown),
                Some(ENVELOPED) => enveloped = true,
                _ => method = Some(self.canonicalization(transform)?),
            }
        }
        // Without one, XML Signature §4.4.3.2 says Canonical XML 1.0.
        let (method, prefixes) = method.unwrap_or((Method::Inclusive10, Vec::new()));
        let uri = self.only(reference, "DigestMethod")?.attribute("Algorithm").unwrap_or_default();
        let hash = Hash::ALL.into_iter().find(|hash| hash.digest_uri() == uri);
        let hash = hash.ok_or(SignatureError::Algorithm { index, what: "a digest" })?;
        let expected = self.base64(reference, "DigestValue")?;
        let without = enveloped.then_some(self.signature.at);
        let nothing = SignatureError::Reference { index, reference: number };
        let (part, text) = match reference.attribute("URI") {
            Some("") => {
                let how = Canonical { method, prefixes: &prefixes, without };
                (Part::Document, c14n::document(self.tree, &how))
            }
            Some(uri) => {
                let id = uri.strip_prefix('#').ok_or_else(|| nothing.clone())?;
                let element = self.ids.get(id).copied().flatten().ok_or(nothing)?;
                (self.part(element, id), self.element(element, method, &prefixes, without)?)
            }
            None => return Err(nothing),
        };
        match bool::from(hash.digest(&text).ct_eq(&expected)) {
            true => Ok(part),
            false => Err(SignatureError::Digest { index, reference: number }),
        }
    }

    /// A list counts as that list only at its place and without another beside it; the root counts as the document only without what is around it.
    fn part(&self, element: &Element, id: &str) -> Part {
        let mut named = self.tree.root.named(CPIX, &element.local);
        let in_place = matches!((named.next(), named.next()), (Some(only), None) if only.at == element.at);
        let list = if in_place { Part::of_list(&element.local) } else { None };
        match list {
            Some(list) => list,
            None if element.at == self.tree.root.at => Part::Document,
            None => Part::Element { name: element.local.clone(), id: id.to_owned() },
        }
    }

    fn element(
        &self,
        element: &Element,
        method: Method,
        prefixes: &[String],
        without: Option<usize>,
    ) -> Result<String, SignatureError> {
        let how = Canonical { method, prefixes, without };
        let index = self.index;
        let text = c14n::element(self.tree, element.at, &how);
        let text = text.map_err(|problem| SignatureError::Canonical { index, problem })?;
        text.ok_or(SignatureError::Structure { index, name: "element" })
    }

    fn only(&self, parent: &'a Element, name: &'static str) -> Result<&'a Element, SignatureError> {
        let mut found = parent.elements().filter(|element| element.is(DS, name));
        match (found.next(), found.next()) {
            (Some(element), None) => Ok(element),
            _ => Err(SignatureError::Structure { index: self.index, name }),
        }
    }

    fn base64(&self, parent: &'a Element, name: &'static str) -> Result<Vec<u8>, SignatureError> {
        let bytes = from_base64(&self.only(parent, name)?.text());
        Ok(bytes.ok_or(SignatureError::Structure { index: self.index, name })?.to_vec())
    }
}

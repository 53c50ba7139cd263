//! Signatures made.

use super::{ENVELOPED, Hash, Part, verify};
use crate::c14n::{self, Canonical, CanonicalError, Method};
use crate::certificate::Source;
use crate::error::ParseError;
use crate::text::to_base64;
use crate::xml::{self, CPIX, DS, Element, Tree, Xml, escape_attribute};
use crate::{Certificate, PrivateKey, Random};

/// A document cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It cannot be read.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The root is no CPIX with content.
    #[error("the document is no CPIX document with content")]
    Root,
    /// There is nothing to sign.
    #[error("no part to sign was named")]
    Nothing,
    /// What should be signed is not there once, or has no id that it alone has.
    #[error("the document has no {0:?} with an id of its own")]
    NotThere(Part),
    /// Key and certificate are not of one pair.
    #[error("the private key is not the one of the certificate")]
    Key,
    /// There is no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// The RSA key is unusable.
    #[error("the private key cannot sign")]
    Rsa,
}

/// Signs `parts` of a document with one signature, put last in it. Lists and elements need an `id`. `random` blinds the
/// private key; the signature does not depend on it.
///
/// # Errors
/// See [`SignError`].
pub fn sign(
    document: &Xml,
    parts: &[Part],
    (method, hash): (Method, Hash),
    (key, certificate): (&PrivateKey, &Certificate),
    random: &mut Random<'_>,
) -> Result<Xml, SignError> {
    if !key.belongs_to(certificate) {
        return Err(SignError::Key);
    }
    if parts.is_empty() {
        return Err(SignError::Nothing);
    }
    let tree = xml::parse(document.as_bytes())?;
    let text = document.as_str();
    let end = text.rfind("</").filter(|_| tree.root.is(CPIX, "CPIX") && !tree.root.children.is_empty());
    let end = end.ok_or(SignError::Root)?;
    let mut references = String::new();
    for part in parts {
        reference(&tree, part, method, hash, &mut references)?;
    }
    let compose = |value: &str| compose(&references, value, method, hash, certificate);
    let assemble = |signature: &str| {
        let mut whole = String::with_capacity(text.len() + signature.len());
        [&text[..end], signature, &text[end..]].iter().for_each(|piece| whole.push_str(piece));
        Xml::new(whole)
    };
    let unsigned = assemble(&compose(""));
    let before = tree.root.named(DS, "Signature").count();
    let tree = xml::parse(unsigned.as_bytes())?;
    // The last end tag of the text may lie in a comment behind the root.
    let info = tree.root.named(DS, "Signature").nth(before).and_then(|signature| signature.child(DS, "SignedInfo"));
    let how = Canonical { method, prefixes: &[], without: None };
    let info = info.map(|info| c14n::element(&tree, info.at, &how)).transpose()?.flatten().ok_or(SignError::Root)?;
    let digest = hash.digest(&info);
    let value = key.0.sign_with_rng(&mut Source(random), hash.padding(), &digest).map_err(|_| SignError::Rsa)?;
    Ok(assemble(&compose(&to_base64(&value))))
}

/// Appends the `Reference` of a part.
fn reference(tree: &Tree, part: &Part, method: Method, hash: Hash, out: &mut String) -> Result<(), SignError> {
    // An earlier signature of the same element must not be left out: only the new one is, and it is not there yet.
    let how = Canonical { method, prefixes: &[], without: None };
    let (uri, text) = match part {
        Part::Document => (String::new(), c14n::document(tree, &how)),
        _ => {
            let missing = || SignError::NotThere(part.clone());
            let element = find(tree, part).ok_or_else(missing)?;
            let id = element.attribute("id").ok_or_else(missing)?;
            let unique = verify::ids(tree).get(id).copied().flatten().is_some_and(|known| known.at == element.at);
            let text = c14n::element(tree, element.at, &how)?.filter(|_| unique).ok_or_else(missing)?;
            (format!("#{id}"), text)
        }
    };
    out.push_str("<ds:Reference URI=\"");
    escape_attribute(&uri, out);
    out.push_str("\"><ds:Transforms>");
    if *part == Part::Document {
        out.push_str(&format!("<ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>"));
    }
    let digest = to_base64(&hash.digest(&text));
    out.push_str(&format!(
        "<ds:Transform Algorithm=\"{}\"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\"{}\">\
         </ds:DigestMethod><ds:DigestValue>{}</ds:DigestValue></ds:Reference>",
        method.uri(),
        hash.digest_uri(),
        digest.as_str(),
    ));
    Ok(())
}

fn find<'a>(tree: &'a Tree, part: &Part) -> Option<&'a Element> {
    match part {
        Part::Element { name, id } => {
            let found = verify::ids(tree).get(id.as_str()).copied().flatten();
            found.filter(|element| element.local == *name)
        }
        _ => tree.root.child(CPIX, part.list()?),
    }
}

fn compose(references: &str, value: &str, method: Method, hash: Hash, certificate: &Certificate) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{}\">\
         </ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod>{references}\
         </ds:SignedInfo><ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
        method.uri(),
        hash.signature_uri(),
        to_base64(certificate.der()).as_str(),
    )
}

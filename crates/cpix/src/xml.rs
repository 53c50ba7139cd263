//! A small tree of an XML document, bounded in every direction, and the text it came from.

mod build;
mod out;
mod tree;

pub(crate) use build::locate;
pub(crate) use build::{MAX_BYTES, parse};
pub(crate) use out::{Out, escape_attribute, escape_text};
pub(crate) use tree::{Attribute, Element, Node, Pi, Tree};

use zeroize::Zeroizing;

/// The namespace of CPIX.
pub(crate) const CPIX: &str = "urn:dashif:org:cpix";
/// The namespace of PSKC (RFC 6030).
pub(crate) const PSKC: &str = "urn:ietf:params:xml:ns:keyprov:pskc";
/// The namespace of XML Encryption.
pub(crate) const ENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// The namespace of XML Signature.
pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// The namespace of the prefix `xml`.
pub(crate) const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// The text of a document, which may hold keys in clear: wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Xml(Zeroizing<String>);

impl Xml {
    /// Takes over `text`.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, to be sent or stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its UTF-8 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Xml {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Xml({} bytes)", self.0.len())
    }
}

//! Why a document cannot be read, and where.

/// A document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (line {line}, column {column})")]
pub struct ParseError {
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a document. Never repeats what it holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// More bytes than are read.
    #[error("the document has {0} bytes, more than {max}", max = crate::xml::MAX_BYTES)]
    TooLong(usize),
    /// Bytes that are no UTF-8, or a declaration of another encoding.
    #[error("the document is not UTF-8")]
    Encoding,
    /// Not XML.
    #[error("the document is not well-formed XML: {0}")]
    Malformed(&'static str),
    /// A document type declaration, which could define entities.
    #[error("the document has a document type declaration")]
    DocumentType,
    /// More of something than is read.
    #[error("the document has more than {max} {what}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many are read.
        max: usize,
    },
    /// The root is another element.
    #[error("the root element is not CPIX of urn:dashif:org:cpix")]
    Root,
    /// An attribute that the schema demands.
    #[error("{element} has no {name} attribute")]
    MissingAttribute {
        /// Where it is missing.
        element: &'static str,
        /// What is missing.
        name: &'static str,
    },
    /// An element that the schema demands.
    #[error("{element} has no {name} element")]
    MissingElement {
        /// Where it is missing.
        element: &'static str,
        /// What is missing.
        name: &'static str,
    },
    /// An element that may occur once.
    #[error("{element} has more than one {name} element")]
    Repeated {
        /// Where it occurs again.
        element: &'static str,
        /// What does.
        name: &'static str,
    },
    /// A value that is not of its type.
    #[error("{what} is not {expected}")]
    Value {
        /// Which value.
        what: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A content key of another length than AES-128 has.
    #[error("the content key has {0} bytes instead of 16")]
    KeyLength(usize),
}

//! SCIM 2.0 (RFC 7643, RFC 7644) without a server: what may be said of people and groups, how they are asked for, and how they
//! are changed.
//!
//! - [`schema`]: attributes and what they are, as `/Schemas` and `/ResourceTypes` tell it. [`USER`], [`GROUP`]: the two kinds of
//!   resource, in `catalogue`.
//! - [`AttributePath`], [`Path`]: what names an attribute, in filters and in changes.
//! - [`Filter`]: the language of `filter`, read and written. `evaluate`: whether a resource is meant by one.
//! - [`accept`]: a resource as a client has sent it, in the schema's own spelling. [`Wanted`]: the attributes that an answer has.
//! - [`patch`]: changes of a resource.
//!
//! Resources are JSON objects. Names of attributes are compared without their case, and are in the schema's spelling once they were
//! accepted.
//!
//! Layer 2: pure. All that is read here is from strangers, and has bounds.

mod catalogue;
mod evaluate;
mod filter;
pub mod patch;
mod path;
mod resource;
pub mod schema;
mod time;
mod wanted;

pub use catalogue::{ENTERPRISE_USER, GROUP, USER};
pub use filter::{Filter, Literal, MAX_DEPTH, MAX_FILTER_BYTES, Operator};
pub use path::{AttributePath, Path};
pub use resource::accept;
pub use wanted::Wanted;

use thiserror::Error;

/// What is wrong with a request, by the keywords of RFC 7644 §3.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A filter that cannot be read, or compares what cannot be compared.
    InvalidFilter,
    /// A path that cannot be read, or names no attribute.
    InvalidPath,
    /// A message of another shape.
    InvalidSyntax,
    /// A value that the attribute does not take.
    InvalidValue,
    /// A change of what is not to be changed.
    Mutability,
    /// A path that leads to nothing that is there.
    NoTarget,
}

/// Why a request is refused: always 400.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{detail}")]
pub struct Refusal {
    /// Which keyword tells it.
    pub fault: Fault,
    /// One clause about this occurrence.
    pub detail: String,
}

impl Refusal {
    pub(crate) fn new(fault: Fault, detail: impl Into<String>) -> Self {
        Self { fault, detail: detail.into() }
    }

    pub(crate) fn filter(detail: impl Into<String>) -> Self {
        Self::new(Fault::InvalidFilter, detail)
    }

    pub(crate) fn path(detail: impl Into<String>) -> Self {
        Self::new(Fault::InvalidPath, detail)
    }

    pub(crate) fn syntax(detail: impl Into<String>) -> Self {
        Self::new(Fault::InvalidSyntax, detail)
    }

    pub(crate) fn value(detail: impl Into<String>) -> Self {
        Self::new(Fault::InvalidValue, detail)
    }
}

/// Text of a stranger, as much of it as a refusal repeats.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    text.chars().take(MOST).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

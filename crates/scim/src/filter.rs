//! The language of filters (RFC 7644 §3.4.2.2): `not` binds more than `and`, and that more than `or`.

mod read;

use std::fmt;

use serde_json::Number;

pub(crate) use self::read::Reader;
use crate::{AttributePath, Refusal, shown};

/// The longest filter that is read.
pub const MAX_FILTER_BYTES: usize = 4096;
/// How deep parentheses, brackets and `not` may stand in one another.
pub const MAX_DEPTH: usize = 16;

/// Which resources are meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Those that all of these mean; two at least.
    And(Vec<Filter>),
    /// Those that one of these means; two at least.
    Or(Vec<Filter>),
    /// All others.
    Not(Box<Filter>),
    /// Those that have a value of this attribute.
    Present(AttributePath),
    /// Those of which a value of this attribute compares so.
    Compare(AttributePath, Operator, Literal),
    /// Those of which one value of this attribute is meant by the filter, as a whole.
    Values(AttributePath, Box<Filter>),
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Is the same.
    Eq,
    /// Is not the same.
    Ne,
    /// Has it within.
    Co,
    /// Begins with it.
    Sw,
    /// Ends with it.
    Ew,
    /// Is greater, or later.
    Gt,
    /// Is not less, or earlier.
    Ge,
    /// Is less, or earlier.
    Lt,
    /// Is not greater, or later.
    Le,
}

impl Operator {
    /// All that there are, with their names.
    pub const ALL: [(&'static str, Self); 9] = [
        ("eq", Self::Eq),
        ("ne", Self::Ne),
        ("co", Self::Co),
        ("sw", Self::Sw),
        ("ew", Self::Ew),
        ("gt", Self::Gt),
        ("ge", Self::Ge),
        ("lt", Self::Lt),
        ("le", Self::Le),
    ];

    fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, operator)| *operator)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.iter().find(|(_, operator)| operator == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// Text, or what is written as such.
    Text(String),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{}", serde_json::Value::from(value.as_str())),
        }
    }
}

impl Filter {
    /// Reads one.
    ///
    /// # Errors
    /// [`InvalidFilter`](crate::Fault::InvalidFilter) when it is none, longer than [`MAX_FILTER_BYTES`], or deeper than [`MAX_DEPTH`].
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > MAX_FILTER_BYTES {
            return Err(Refusal::filter(format!("a filter has at most {MAX_FILTER_BYTES} bytes")));
        }
        let mut reader = Reader::of(text);
        let filter = reader.either()?;
        match reader.rest() {
            "" => Ok(filter),
            rest => Err(Refusal::filter(format!("{} cannot follow a filter", shown(rest)))),
        }
    }
}

/// As one writes it, with parentheses where they are needed.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) => listed(f, all, "and", |one| matches!(one, Self::And(_) | Self::Or(_))),
            Self::Or(all) => listed(f, all, "or", |one| matches!(one, Self::Or(_))),
            Self::Not(one) => write!(f, "not ({one})"),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Compare(path, operator, literal) => write!(f, "{path} {operator} {literal}"),
            Self::Values(path, filter) => write!(f, "{path}[{filter}]"),
        }
    }
}

fn listed(f: &mut fmt::Formatter<'_>, all: &[Filter], between: &str, needs: fn(&Filter) -> bool) -> fmt::Result {
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            write!(f, " {between} ")?;
        }
        if needs(one) { write!(f, "({one})")? } else { write!(f, "{one}")? }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

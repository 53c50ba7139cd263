//! What names an attribute: in filters, in lists of attributes, and in changes.

use std::fmt;

use crate::filter::Reader;
use crate::{Filter, MAX_FILTER_BYTES, Refusal, shown};

/// The name of an attribute, perhaps of one of its own, perhaps of the schema that it is of (RFC 7644 §3.10):
/// `urn:ietf:params:scim:schemas:core:2.0:User:name.givenName`.
///
/// Compared as it is spelled: whatever asks a schema does so without case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributePath {
    /// The schema.
    pub urn: Option<String>,
    /// The attribute.
    pub name: String,
    /// One of its own.
    pub part: Option<String>,
}

impl AttributePath {
    /// The path of an attribute without a schema.
    pub fn of(name: &str) -> Self {
        Self { urn: None, name: name.to_owned(), part: None }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`InvalidPath`](crate::Fault::InvalidPath).
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refused = || Refusal::path(format!("{} is no name of an attribute", shown(text)));
        let fine = |name: &&str| is_name(name);
        let (urn, rest) = match text.rsplit_once(':') {
            Some((urn, rest)) if is_urn(urn) && text.len() <= MAX_FILTER_BYTES => (Some(urn.to_owned()), rest),
            None => (None, text),
            Some(_) => return Err(refused()),
        };
        let (name, part) = match rest.split_once('.') {
            Some((name, part)) => (name, Some(part)),
            None => (rest, None),
        };
        let name = Some(name).filter(fine).ok_or_else(refused)?.to_owned();
        let part = match part {
            Some(part) => Some(Some(part).filter(fine).ok_or_else(refused)?.to_owned()),
            None => None,
        };
        Ok(Self { urn, name, part })
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.name)?;
        match &self.part {
            Some(part) => write!(f, ".{part}"),
            None => Ok(()),
        }
    }
}

/// Letters first, then digits, `-` and `_` too (RFC 7643 §2.1); `$ref` has a sign in front.
fn is_name(text: &str) -> bool {
    let bare = text.strip_prefix('$').unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    bare.len() <= 100 && bare.starts_with(|first: char| first.is_ascii_alphabetic()) && bare.bytes().all(plain)
}

fn is_urn(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:")) && text.len() > 4 && text.bytes().all(plain)
}

/// What a change is about (RFC 7644 §3.5.2): an attribute, or those of its values that a filter means, or a part of either.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The attribute; without a part where a filter stands between.
    pub attribute: AttributePath,
    /// Which of its values.
    pub filter: Option<Filter>,
    /// Which part of these, behind the filter.
    pub part: Option<String>,
}

impl Path {
    /// Reads one: `userName`, `name.givenName`, `emails[type eq "work"]`, `emails[type eq "work"].value`.
    ///
    /// # Errors
    /// [`InvalidPath`](crate::Fault::InvalidPath), and [`InvalidFilter`](crate::Fault::InvalidFilter) of what stands in brackets.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let Some((attribute, rest)) = text.split_once('[') else {
            return Ok(Self { attribute: AttributePath::parse(text)?, filter: None, part: None });
        };
        let attribute = AttributePath::parse(attribute)?;
        if attribute.part.is_some() || text.len() > MAX_FILTER_BYTES {
            return Err(Refusal::path("only an attribute itself has values to choose from"));
        }
        let (filter, rest) = Reader::of(rest).bracketed()?;
        let part = match rest.strip_prefix('.') {
            Some(part) if is_name(part) => Some(part.to_owned()),
            None if rest.is_empty() => None,
            _ => return Err(Refusal::path(format!("{} cannot follow a filter", shown(rest)))),
        };
        Ok(Self { attribute, filter: Some(filter), part })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.attribute)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        match &self.part {
            Some(part) => write!(f, ".{part}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Fault;

    #[test]
    fn a_path_is_read_and_written_as_it_was() {
        for text in [
            "userName",
            "name.givenName",
            "members.$ref",
            "emails[type eq \"work\"]",
            "emails[type eq \"work\" and value co \"@x\"].value",
            "addresses[not (type eq \"work\")].postalCode",
            "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName",
            "urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq \"work\"].value",
        ] {
            assert_eq!(Path::parse(text).unwrap().to_string(), text);
        }
        let extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        assert_eq!(Path::parse(extension).unwrap().attribute.name, "User");
        assert_eq!(Path::parse("Emails[Type EQ \"work\"]").unwrap().to_string(), "Emails[Type eq \"work\"]");
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for (text, fault) in [
            ("", Fault::InvalidPath),
            (".", Fault::InvalidPath),
            ("name.", Fault::InvalidPath),
            ("name.a.b", Fault::InvalidPath),
            ("9a", Fault::InvalidPath),
            ("a b", Fault::InvalidPath),
            ("$", Fault::InvalidPath),
            ("a:b", Fault::InvalidPath),
            ("urn::", Fault::InvalidPath),
            ("name.x[a pr]", Fault::InvalidPath),
            ("emails[type eq \"work\"]value", Fault::InvalidPath),
            ("emails[type eq \"work\"].", Fault::InvalidPath),
            ("emails[type eq \"work\"].a.b", Fault::InvalidPath),
            ("emails[type eq \"work\"", Fault::InvalidFilter),
            ("emails[]", Fault::InvalidFilter),
            ("emails[type eq \"work\"]]", Fault::InvalidPath),
        ] {
            assert_eq!(Path::parse(text).map_err(|refusal| refusal.fault), Err(fault), "{text}");
        }
    }
}

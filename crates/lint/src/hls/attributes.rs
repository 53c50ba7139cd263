//! Attribute lists (RFC 8216bis §4.2).

use crate::report::{Findings, Place};
use crate::rules::hls as rules;

/// One value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) quoted: bool,
}

/// The attributes of a tag, first ones first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) list: Vec<(String, Value)>,
    pub(crate) line: u32,
}

impl Attributes {
    /// Reads a list; what is broken in it is found.
    pub(crate) fn read(text: &str, place: Place<'_>, findings: &mut Findings) -> Self {
        let mut list: Vec<(String, Value)> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let Some((name, after)) = rest.split_once('=') else {
                findings.add(rules::ATTRIBUTE_SYNTAX, place, format!("{rest:?} is not NAME=value"));
                break;
            };
            if name.is_empty()
                || !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
            {
                findings.add(
                    rules::ATTRIBUTE_SYNTAX,
                    place,
                    format!("attribute name {name:?} has characters other than A-Z, 0-9 and -"),
                );
            }
            let (value, tail) = match after.strip_prefix('"') {
                Some(inside) => match inside.split_once('"') {
                    Some((text, tail)) => (Value { text: text.to_owned(), quoted: true }, tail),
                    None => {
                        findings.add(
                            rules::ATTRIBUTE_SYNTAX,
                            place,
                            format!("the quoted string of {name} does not end"),
                        );
                        break;
                    }
                },
                None => {
                    let end = after.find(',').unwrap_or(after.len());
                    (Value { text: after[..end].trim().to_owned(), quoted: false }, &after[end..])
                }
            };
            let name = name.trim().to_owned();
            if list.iter().any(|(other, _)| *other == name) {
                findings.add(rules::ATTRIBUTE_DUPLICATE, place, format!("{name} appears twice"));
            } else {
                list.push((name, value));
            }
            rest = match tail.strip_prefix(',') {
                Some("") => {
                    findings.add(rules::ATTRIBUTE_SYNTAX, place, "the attribute list ends with a comma");
                    ""
                }
                Some(next) => next,
                None if tail.trim().is_empty() => "",
                None => {
                    findings.add(rules::ATTRIBUTE_SYNTAX, place, format!("{tail:?} follows a value without a comma"));
                    ""
                }
            };
        }
        Self { list, line: place.line.unwrap_or(0) }
    }

    /// The text of a value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(other, _)| other == name).map(|(_, value)| value.text.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    pub(crate) fn is_yes(&self, name: &str) -> bool {
        self.get(name) == Some("YES")
    }
}

//! Text to tree.

use std::rc::Rc;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesPI, BytesStart, Event};
use quick_xml::reader::Reader;
use zeroize::Zeroizing;

use super::{Attribute, Element, Node, Pi, Tree, XML};
use crate::error::{ParseError, Problem};

/// The longest document that is read.
pub(crate) const MAX_BYTES: usize = 4 << 20;
const MAX_DEPTH: usize = 64;
const MAX_ELEMENTS: usize = 100_000;
const MAX_ATTRIBUTES: usize = 64;
const MAX_NAMESPACES: usize = 64;

type Fault = (usize, Problem);

/// Reads a whole document.
///
/// # Errors
/// It is no UTF-8, not well-formed with regard to namespaces, declares a document type, or exceeds a bound.
pub(crate) fn parse(bytes: &[u8]) -> Result<Tree, ParseError> {
    if bytes.len() > MAX_BYTES {
        return Err(ParseError { line: 1, column: 1, problem: Problem::TooLong(bytes.len()) });
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            return Err(locate(valid, valid.len(), Problem::Encoding));
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = text.find(|c| !is_allowed(c)) {
        return Err(locate(text, at, Problem::Malformed("a character that XML does not allow")));
    }
    Builder::default().run(text).map_err(|(at, problem)| locate(text, at, problem))
}

/// The error of a place in `text`.
pub(crate) fn locate(text: &str, at: usize, problem: Problem) -> ParseError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ParseError { line: line as u32, column: column as u32, problem }
}

/// `Char` of XML 1.0 §2.2.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    /// Declarations in scope with the depth they were made at.
    scope: Vec<(Rc<str>, Rc<str>)>,
    count: usize,
    before: Vec<Pi>,
    root: Option<Element>,
    after: Vec<Pi>,
}

impl Builder {
    fn run(mut self, text: &str) -> Result<Tree, Fault> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        loop {
            let at = reader.buffer_position() as usize;
            let event = reader.read_event().map_err(|error| (at, Problem::Malformed(reason(&error))))?;
            match event {
                Event::Start(tag) => self.start(&tag, at)?,
                Event::Empty(tag) => {
                    self.start(&tag, at)?;
                    self.end(at)?;
                }
                Event::End(_) => self.end(at)?,
                Event::Text(part) => self.text(&part.xml10_content(), at)?,
                Event::CData(part) if !self.open.is_empty() => self.text(&part.xml10_content(), at)?,
                Event::CData(_) => return Err((at, Problem::Malformed("text outside the root element"))),
                Event::GeneralRef(reference) => {
                    let resolved = match reference.resolve_char_ref() {
                        Ok(Some(c)) if is_allowed(c) => c,
                        Ok(None) => predefined(&reference.xml10_content())
                            .ok_or((at, Problem::Malformed("a reference to an entity that is not declared")))?,
                        _ => {
                            return Err((at, Problem::Malformed("a reference to a character that XML does not allow")));
                        }
                    };
                    if self.open.is_empty() {
                        return Err((at, Problem::Malformed("text outside the root element")));
                    }
                    self.text(resolved.encode_utf8(&mut [0; 4]), at)?;
                }
                Event::Comment(_) => {}
                Event::Decl(declaration) => {
                    if at > 0 {
                        return Err((at, Problem::Malformed("an XML declaration that is not at the start")));
                    }
                    if let Some(encoding) = declaration.encoding()
                        && !encoding.is_ok_and(|name| matches!(&*name.to_ascii_lowercase(), "utf-8" | "us-ascii"))
                    {
                        return Err((at, Problem::Encoding));
                    }
                }
                Event::PI(pi) => self.instruction(&pi),
                Event::DocType(_) => return Err((at, Problem::DocumentType)),
                Event::Eof => break,
            }
        }
        if !self.open.is_empty() {
            return Err((text.len(), Problem::Malformed("an element is not closed")));
        }
        let root = self.root.ok_or((text.len(), Problem::Malformed("there is no root element")))?;
        Ok(Tree { before: self.before, root, after: self.after })
    }

    fn start(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<(), Fault> {
        if self.root.is_some() {
            return Err((at, Problem::Malformed("a second root element")));
        }
        self.count += 1;
        if self.count > MAX_ELEMENTS {
            return Err((at, Problem::TooMany { what: "elements", max: MAX_ELEMENTS }));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err((at, Problem::TooMany { what: "elements inside one another", max: MAX_DEPTH }));
        }
        let mut element = Element {
            prefix: Rc::from(""),
            local: String::new(),
            namespace: Rc::from(""),
            attributes: Vec::new(),
            declared: Vec::new(),
            children: Vec::new(),
            at,
        };
        let attributes = self.declare(tag, &mut element)?;
        let (prefix, local) = split(tag.name().into_inner(), at)?;
        element.namespace = self.resolve(prefix).ok_or((at, UNDECLARED))?;
        element.prefix = Rc::from(prefix);
        element.local = local.to_owned();
        for (name, value) in attributes {
            let (prefix, local) = split(&name, at)?;
            let namespace = match prefix {
                "" => Rc::from(""),
                _ => self.resolve(prefix).ok_or((at, UNDECLARED))?,
            };
            if element.attributes.iter().any(|a| a.local == local && a.namespace == namespace) {
                return Err((at, Problem::Malformed("an attribute is given twice")));
            }
            element.attributes.push(Attribute { prefix: Rc::from(prefix), local: local.to_owned(), namespace, value });
        }
        self.open.push(element);
        Ok(())
    }

    /// Takes the namespace declarations of a tag into scope; gives its other attributes.
    fn declare(&mut self, tag: &BytesStart<'_>, element: &mut Element) -> Result<Vec<(String, String)>, Fault> {
        let at = element.at;
        let mut others = Vec::new();
        for (index, attribute) in tag.attributes().with_checks(false).enumerate() {
            if index >= MAX_ATTRIBUTES {
                return Err((at, Problem::TooMany { what: "attributes on one element", max: MAX_ATTRIBUTES }));
            }
            let attribute = attribute.map_err(|_| (at, Problem::Malformed("an attribute is malformed")))?;
            if attribute.value.contains('<') {
                return Err((at, Problem::Malformed("an attribute is malformed")));
            }
            let value = attribute.normalized_value(XmlVersion::Explicit1_0);
            let value =
                value.map_err(|_| (at, Problem::Malformed("an attribute holds a reference that is not known")))?;
            if !value.chars().all(is_allowed) {
                return Err((at, Problem::Malformed("a reference to a character that XML does not allow")));
            }
            let name: &str = attribute.key.into_inner();
            let prefix = match name.strip_prefix("xmlns") {
                Some("") => "",
                Some(rest) if rest.starts_with(':') => split(name, at)?.1,
                _ => {
                    others.push((name.to_owned(), value.into_owned()));
                    continue;
                }
            };
            let reserved = prefix == "xmlns" || (prefix == "xml") != (*value == *XML);
            if reserved || (!prefix.is_empty() && value.is_empty()) {
                return Err((at, Problem::Malformed("a namespace declaration is malformed")));
            }
            if element.declared.iter().any(|(known, _)| **known == *prefix) {
                return Err((at, Problem::Malformed("an attribute is given twice")));
            }
            if prefix != "xml" {
                element.declared.push((Rc::from(prefix), Rc::from(&*value)));
            }
        }
        self.scope.extend(element.declared.iter().cloned());
        if self.scope.len() > MAX_NAMESPACES {
            return Err((at, Problem::TooMany { what: "namespaces in scope", max: MAX_NAMESPACES }));
        }
        Ok(others)
    }

    fn resolve(&self, prefix: &str) -> Option<Rc<str>> {
        let found = self.scope.iter().rev().find(|(known, _)| **known == *prefix);
        match prefix {
            _ if found.is_some() => found.map(|(_, name)| name.clone()),
            "" => Some(Rc::from("")),
            "xml" => Some(Rc::from(XML)),
            _ => None,
        }
    }

    fn end(&mut self, at: usize) -> Result<(), Fault> {
        let element = self.open.pop().ok_or((at, Problem::Malformed("an end tag without a start tag")))?;
        self.scope.truncate(self.scope.len().saturating_sub(element.declared.len()));
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, at: usize) -> Result<(), Fault> {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Text(Zeroizing::new(text.to_owned()))),
            None if text.trim_matches([' ', '\t', '\n', '\r']).is_empty() => {}
            None => return Err((at, Problem::Malformed("text outside the root element"))),
        }
        Ok(())
    }

    fn instruction(&mut self, pi: &BytesPI<'_>) {
        let data = pi.content().trim_start_matches([' ', '\t', '\n', '\r']);
        let data = data.replace("\r\n", "\n").replace('\r', "\n");
        let pi = Pi { target: pi.target().to_owned(), data };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Pi(pi)),
            None if self.root.is_some() => self.after.push(pi),
            None => self.before.push(pi),
        }
    }
}

const UNDECLARED: Problem = Problem::Malformed("a prefix that is not declared");

/// Prefix and local part of a qualified name.
fn split(name: &str, at: usize) -> Result<(&str, &str), Fault> {
    let (prefix, local) = match name.split_once(':') {
        Some(("", _)) => return Err((at, Problem::Malformed("a malformed name"))),
        Some(both) => both,
        None => ("", name),
    };
    let start = |c: char| c.is_alphabetic() || c == '_' || c > '\u{bf}';
    let part = |c: char| start(c) || c.is_numeric() || matches!(c, '-' | '.' | '\u{b7}');
    let well_formed = |name: &str| name.starts_with(start) && name.chars().all(part);
    if !well_formed(local) || !(prefix.is_empty() || well_formed(prefix)) {
        return Err((at, Problem::Malformed("a malformed name")));
    }
    Ok((prefix, local))
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}

/// The kind of error alone: the parser's own messages repeat parts of the document.
fn reason(error: &quick_xml::Error) -> &'static str {
    match error {
        quick_xml::Error::Syntax(_) => "markup that does not end",
        quick_xml::Error::IllFormed(_) => "tags that do not match, or a stray ampersand",
        quick_xml::Error::InvalidAttr(_) => "an attribute is malformed",
        quick_xml::Error::Escape(_) => "a malformed reference",
        _ => "it cannot be read",
    }
}

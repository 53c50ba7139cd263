//! The canonical form of a document or of one element in it, without comments: Canonical XML 1.0 and 1.1, and Exclusive
//! XML Canonicalization 1.0.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::ParseError;
use crate::xml::{self, Attribute, Element, Node, Pi, Tree, XML, escape_attribute, escape_text};

/// A way of writing XML in one form alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Canonical XML 1.0.
    Inclusive10,
    /// Canonical XML 1.1, the one CPIX demands (clause "Mandatory Algorithms").
    Inclusive11,
    /// Exclusive XML Canonicalization 1.0: namespaces are written where they are used.
    Exclusive,
}

impl Method {
    /// All methods.
    pub const ALL: [Method; 3] = [Self::Inclusive10, Self::Inclusive11, Self::Exclusive];

    /// The URI that names it in a signature.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Inclusive10 => "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            Self::Inclusive11 => "http://www.w3.org/2006/12/xml-c14n11",
            Self::Exclusive => "http://www.w3.org/2001/10/xml-exc-c14n#",
        }
    }

    /// The method of a URI; those that keep comments are not known.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.uri() == uri)
    }
}

/// Why an element has no canonical form here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// Canonical XML 1.1 would join the `xml:base` of elements around it (§2.4).
    #[error("an element around the signed one has an xml:base")]
    Base,
}

/// The canonical form of a whole document.
///
/// # Errors
/// It cannot be read.
pub fn canonicalize(bytes: &[u8], method: Method) -> Result<String, ParseError> {
    let tree = xml::parse(bytes)?;
    Ok(document(&tree, &Canonical { method, prefixes: &[], without: None }))
}

/// What is written, and how.
pub(crate) struct Canonical<'a> {
    pub(crate) method: Method,
    /// Prefixes that the exclusive method treats as the inclusive ones do; empty for the default namespace.
    pub(crate) prefixes: &'a [String],
    /// The element left out: its place in the text.
    pub(crate) without: Option<usize>,
}

/// The whole document.
pub(crate) fn document(tree: &Tree, how: &Canonical<'_>) -> String {
    let mut writer = Writer::new(how);
    for pi in &tree.before {
        writer.instruction(pi);
        writer.out.push('\n');
    }
    writer.element(&tree.root, &[]);
    for pi in &tree.after {
        writer.out.push('\n');
        writer.instruction(pi);
    }
    writer.out
}

/// The element that begins at `at` with all below it; `None` when there is none.
///
/// # Errors
/// See [`CanonicalError`].
pub(crate) fn element(tree: &Tree, at: usize, how: &Canonical<'_>) -> Result<Option<String>, CanonicalError> {
    let mut path = Vec::new();
    if !find(&tree.root, at, &mut path) {
        return Ok(None);
    }
    let Some((apex, around)) = path.split_last() else { return Ok(None) };
    let mut inherited: BTreeMap<&str, &Attribute> = BTreeMap::new();
    for ancestor in around {
        let of_xml = ancestor.attributes.iter().filter(|a| *a.namespace == *XML);
        for attribute in of_xml {
            match (how.method, attribute.local.as_str()) {
                (Method::Exclusive, _) => {}
                (Method::Inclusive11, "base") => return Err(CanonicalError::Base),
                (Method::Inclusive11, name) if !matches!(name, "lang" | "space") => {}
                (_, name) => drop(inherited.insert(name, attribute)),
            }
        }
    }
    inherited.retain(|name, _| !apex.attributes.iter().any(|a| a.local == **name && *a.namespace == *XML));
    let mut writer = Writer::new(how);
    for ancestor in around {
        writer.scope.extend(ancestor.declared.iter().map(|(prefix, name)| (&**prefix, name)));
    }
    writer.element(apex, &inherited.into_values().collect::<Vec<_>>());
    Ok(Some(writer.out))
}

/// The elements from the root down to the one that begins at `at`.
fn find<'a>(element: &'a Element, at: usize, path: &mut Vec<&'a Element>) -> bool {
    path.push(element);
    if element.at == at || element.elements().any(|child| find(child, at, path)) {
        return true;
    }
    path.pop();
    false
}

struct Writer<'a> {
    how: &'a Canonical<'a>,
    out: String,
    /// Declarations in scope, the nearest last.
    scope: Vec<(&'a str, &'a Rc<str>)>,
    /// Declarations written, the nearest last.
    rendered: Vec<(&'a str, &'a str)>,
    apex: bool,
}

impl<'a> Writer<'a> {
    fn new(how: &'a Canonical<'a>) -> Self {
        Self { how, out: String::new(), scope: Vec::new(), rendered: Vec::new(), apex: true }
    }

    fn in_scope(&self, prefix: &str) -> &'a str {
        self.scope.iter().rev().find(|(known, _)| *known == prefix).map_or("", |(_, name)| name)
    }

    fn is_rendered(&self, prefix: &str, name: &str) -> bool {
        let found = self.rendered.iter().rev().find(|(known, _)| *known == prefix);
        found.map_or(prefix.is_empty() && name.is_empty(), |(_, known)| *known == name)
    }

    /// The prefixes whose declarations this element may need.
    fn candidates(&self, element: &'a Element) -> Vec<&'a str> {
        let mut prefixes: Vec<&'a str> = match self.how.method {
            Method::Exclusive => {
                let of_attributes = element.attributes.iter().map(|a| &*a.prefix).filter(|prefix| !prefix.is_empty());
                let listed = self.how.prefixes.iter().map(String::as_str);
                std::iter::once(&*element.prefix).chain(of_attributes).chain(listed).collect()
            }
            _ if self.apex => self.scope.iter().map(|(prefix, _)| *prefix).collect(),
            _ => element.declared.iter().map(|(prefix, _)| &**prefix).collect(),
        };
        prefixes.sort_unstable();
        prefixes.dedup();
        prefixes
    }

    fn element(&mut self, element: &'a Element, inherited: &[&'a Attribute]) {
        let (scope, rendered) = (self.scope.len(), self.rendered.len());
        self.scope.extend(element.declared.iter().map(|(prefix, name)| (&**prefix, name)));
        self.out.push('<');
        self.name(&element.prefix, &element.local);
        for prefix in self.candidates(element) {
            let name = self.in_scope(prefix);
            // A listed prefix may be declared nowhere, and nothing undeclares one.
            let absent = prefix == "xml" || (!prefix.is_empty() && name.is_empty());
            if absent || self.is_rendered(prefix, name) {
                continue;
            }
            self.rendered.push((prefix, name));
            self.out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            self.out.push_str(prefix);
            self.out.push_str("=\"");
            escape_attribute(name, &mut self.out);
            self.out.push('"');
        }
        self.apex = false;
        let mut attributes: Vec<&Attribute> = element.attributes.iter().chain(inherited.iter().copied()).collect();
        attributes.sort_by(|a, b| (&*a.namespace, &a.local).cmp(&(&*b.namespace, &b.local)));
        for attribute in attributes {
            self.out.push(' ');
            self.name(&attribute.prefix, &attribute.local);
            self.out.push_str("=\"");
            escape_attribute(&attribute.value, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
        for child in &element.children {
            match child {
                Node::Element(child) if self.how.without == Some(child.at) => {}
                Node::Element(child) => self.element(child, &[]),
                Node::Text(text) => escape_text(text, &mut self.out),
                Node::Pi(pi) => self.instruction(pi),
            }
        }
        self.out.push_str("</");
        self.name(&element.prefix, &element.local);
        self.out.push('>');
        self.scope.truncate(scope);
        self.rendered.truncate(rendered);
    }

    fn name(&mut self, prefix: &str, local: &str) {
        if !prefix.is_empty() {
            self.out.push_str(prefix);
            self.out.push(':');
        }
        self.out.push_str(local);
    }

    fn instruction(&mut self, pi: &Pi) {
        self.out.push_str("<?");
        self.out.push_str(&pi.target);
        if !pi.data.is_empty() {
            self.out.push(' ');
            self.out.push_str(&pi.data);
        }
        self.out.push_str("?>");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const TEXT: &str = "<a xmlns='urn:a' xmlns:p='urn:p' xml:lang='de' xml:id='top' xml:space='default'>\
        <m xmlns:q='urn:q' xml:lang='en'><b xml:space='preserve' z='1'><p:c/></b></m></a>";

    fn of_b(text: &str, method: Method, prefixes: &[&str]) -> Result<String, CanonicalError> {
        let tree = xml::parse(text.as_bytes()).unwrap();
        let prefixes: Vec<String> = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
        let how = Canonical { method, prefixes: &prefixes, without: None };
        element(&tree, text.find("<b").unwrap(), &how).map(|text| text.unwrap())
    }

    #[test]
    fn an_element_alone_takes_along_what_is_in_force_around_it() {
        let inclusive = |id: &str| {
            format!(
                "<b xmlns=\"urn:a\" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" z=\"1\"{id} xml:lang=\"en\" xml:space=\"preserve\">\
                 <p:c></p:c></b>"
            )
        };
        assert_eq!(of_b(TEXT, Method::Inclusive10, &[]).unwrap(), inclusive(" xml:id=\"top\""));
        // Canonical XML 1.1 §2.4: an id belongs to one element.
        assert_eq!(of_b(TEXT, Method::Inclusive11, &[]).unwrap(), inclusive(""));
    }

    #[test]
    fn the_exclusive_form_takes_along_listed_prefixes_alone() {
        let exclusive = |more: &str, at_c: &str| {
            format!("<b xmlns=\"urn:a\"{more} z=\"1\" xml:space=\"preserve\"><p:c{at_c}></p:c></b>")
        };
        assert_eq!(of_b(TEXT, Method::Exclusive, &[]).unwrap(), exclusive("", " xmlns:p=\"urn:p\""));
        let listed = of_b(TEXT, Method::Exclusive, &["q", "p", "unknown", "xml"]).unwrap();
        assert_eq!(listed, exclusive(" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\"", ""));
    }

    #[test]
    fn a_base_around_the_element_is_refused_where_it_would_have_to_be_joined() {
        let text = TEXT.replace("xml:lang='en'", "xml:base='http://example.org/'");
        assert_eq!(of_b(&text, Method::Inclusive11, &[]), Err(CanonicalError::Base));
        assert!(of_b(&text, Method::Inclusive10, &[]).unwrap().contains("xml:base"));
        assert!(!of_b(&text, Method::Exclusive, &[]).unwrap().contains("xml:base"));
    }

    #[test]
    fn the_element_left_out_is_left_out() {
        let tree = xml::parse(b"<a>1<b>2</b>3</a>").unwrap();
        let how = Canonical { method: Method::Inclusive10, prefixes: &[], without: Some(4) };
        assert_eq!(document(&tree, &how), "<a>13</a>");
        assert_eq!(element(&tree, 9, &how), Ok(None));
    }
}

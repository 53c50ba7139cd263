//! What a document consists of, names resolved to namespaces.

use std::rc::Rc;

use zeroize::Zeroizing;

/// A whole document.
pub(crate) struct Tree {
    /// Processing instructions before the root.
    pub(crate) before: Vec<Pi>,
    /// The document element.
    pub(crate) root: Element,
    /// Processing instructions behind the root.
    pub(crate) after: Vec<Pi>,
}

/// A processing instruction.
pub(crate) struct Pi {
    pub(crate) target: String,
    pub(crate) data: String,
}

/// An element with all below it.
pub(crate) struct Element {
    /// As written; empty without one.
    pub(crate) prefix: Rc<str>,
    /// Without prefix.
    pub(crate) local: String,
    /// What the prefix stands for; empty for none.
    pub(crate) namespace: Rc<str>,
    /// In the order of the document, without namespace declarations.
    pub(crate) attributes: Vec<Attribute>,
    /// Namespaces declared here: prefix (empty for the default one) and name.
    pub(crate) declared: Vec<(Rc<str>, Rc<str>)>,
    /// What it holds; comments are left out.
    pub(crate) children: Vec<Node>,
    /// Where its start tag begins in the text; no two elements share it.
    pub(crate) at: usize,
}

/// An attribute that is no namespace declaration.
pub(crate) struct Attribute {
    pub(crate) prefix: Rc<str>,
    pub(crate) local: String,
    pub(crate) namespace: Rc<str>,
    /// Normalised, references resolved.
    pub(crate) value: String,
}

/// What an element holds.
pub(crate) enum Node {
    Element(Element),
    /// Wiped when dropped: it may be a key.
    Text(Zeroizing<String>),
    Pi(Pi),
}

impl Element {
    /// Whether it has this name.
    pub(crate) fn is(&self, namespace: &str, local: &str) -> bool {
        self.local == local && *self.namespace == *namespace
    }

    /// Its child elements.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// Its child elements of one name.
    pub(crate) fn named<'a>(&'a self, namespace: &'a str, local: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements().filter(move |element| element.is(namespace, local))
    }

    /// The first child element of that name.
    pub(crate) fn child(&self, namespace: &str, local: &str) -> Option<&Element> {
        self.elements().find(|element| element.is(namespace, local))
    }

    /// The value of an attribute without namespace.
    pub(crate) fn attribute(&self, local: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| a.local == local && a.namespace.is_empty());
        found.map(|a| a.value.as_str())
    }

    /// All the text directly in it.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        let parts = || {
            self.children.iter().filter_map(|node| match node {
                Node::Text(text) => Some(text.as_str()),
                _ => None,
            })
        };
        let mut all = Zeroizing::new(String::with_capacity(parts().map(str::len).sum()));
        parts().for_each(|part| all.push_str(part));
        all
    }

    /// Calls `visit` on it and on all elements below it, in the order of the document.
    pub(crate) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Element)) {
        visit(self);
        self.elements().for_each(|element| element.walk(visit));
    }
}

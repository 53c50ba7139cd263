//! XML to a tree of what matters, each element with its place in the source.

use std::ops::Range;

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::{XmlVersion, escape};

use super::names::{Attr, Space, Tag};
use crate::TextError;
use crate::error::{Warnings, excerpt};

const DEPTH_LIMIT: usize = 64;
const ELEMENT_LIMIT: usize = 500_000;
const ATTRIBUTE_LIMIT: usize = 200;

#[derive(Clone, Debug)]
pub(crate) enum Child {
    Element(usize),
    Text(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) tag: Tag,
    pub(crate) parent: Option<usize>,
    pub(crate) children: Vec<Child>,
    attributes: Vec<(Attr, Box<str>)>,
    /// From its start tag's first byte to behind its end tag.
    pub(crate) span: Range<usize>,
}

impl Node {
    pub(crate) fn get(&self, name: Attr) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| *other == name).map(|(_, value)| &**value)
    }

    pub(crate) fn elements(&self) -> impl Iterator<Item = usize> {
        self.children.iter().filter_map(|child| match child {
            Child::Element(index) => Some(*index),
            Child::Text(_) => None,
        })
    }
}

/// Elements in document order; the first is the root.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    pub(super) namespace: String,
    /// Text of `conformsToStandard` elements, which name a profile.
    pub(super) conforms_to: Vec<String>,
}

fn failure(offset: usize, reason: impl ToString) -> TextError {
    TextError::Xml { offset, reason: reason.to_string() }
}

impl Tree {
    pub(super) fn parse(text: &str, warnings: &mut Warnings) -> Result<Self, TextError> {
        let mut builder = Builder {
            tree: Tree { nodes: Vec::new(), namespace: String::new(), conforms_to: Vec::new() },
            open: Vec::new(),
            namespaceless: false,
            conforming: false,
            warnings,
        };
        let mut reader = NsReader::from_str(text);
        let place = |position: u64| usize::try_from(position).unwrap_or(usize::MAX).min(text.len());
        loop {
            let from = place(reader.buffer_position());
            let event = reader.read_event().map_err(|error| failure(place(reader.error_position()), error))?;
            let to = place(reader.buffer_position());
            match event {
                Event::Start(tag) => builder.open(&reader, &tag, from..to)?,
                Event::Empty(tag) => {
                    builder.open(&reader, &tag, from..to)?;
                    builder.close(to);
                }
                Event::End(_) => builder.close(to),
                Event::Text(text) => builder.text(&text.xml10_content(), from)?,
                Event::CData(text) => builder.text(&text.xml10_content(), from)?,
                Event::GeneralRef(name) => match name.resolve_char_ref() {
                    Ok(Some(c)) => builder.text(c.encode_utf8(&mut [0; 4]), from)?,
                    Ok(None) => match escape::resolve_xml_entity(&name) {
                        Some(value) => builder.text(value, from)?,
                        None => return Err(failure(from, format!("the entity {:?} is not defined", excerpt(&name)))),
                    },
                    Err(error) => return Err(failure(from, error)),
                },
                Event::DocType(_) => return Err(failure(from, "document type declarations are not accepted")),
                Event::Eof if !builder.open.is_empty() => {
                    return Err(failure(to, "the document ends inside an element"));
                }
                Event::Eof if builder.tree.nodes.is_empty() => return Err(TextError::NotTtml { found: String::new() }),
                Event::Eof => return Ok(builder.tree),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    pub(crate) fn root(&self) -> &Node {
        &self.nodes[0]
    }

    pub(crate) fn body(&self) -> Option<usize> {
        self.root().elements().find(|&index| self.nodes[index].tag == Tag::Body)
    }

    /// A `p` below the body, or a `div` that has neither `p` nor `div`: the image profile's leaves.
    pub(crate) fn is_leaf(&self, index: usize) -> bool {
        let node = &self.nodes[index];
        match node.tag {
            Tag::P => true,
            Tag::Div => !node.elements().any(|child| matches!(self.nodes[child].tag, Tag::P | Tag::Div)),
            _ => false,
        }
    }

    /// A leaf of pictures.
    pub(crate) fn has_image(&self, index: usize) -> bool {
        let node = &self.nodes[index];
        node.get(Attr::BackgroundImage).is_some() || node.elements().any(|child| self.nodes[child].tag == Tag::Image)
    }
}

struct Builder<'w> {
    tree: Tree,
    open: Vec<usize>,
    /// The root has no namespace, against the standard; its kind is read all the same.
    namespaceless: bool,
    /// Inside an element that names a standard.
    conforming: bool,
    warnings: &'w mut Warnings,
}

impl Builder<'_> {
    fn open(&mut self, reader: &NsReader<&[u8]>, tag: &BytesStart<'_>, span: Range<usize>) -> Result<(), TextError> {
        let (result, local) = reader.resolver().resolve_element(tag.name());
        let local = local.into_inner();
        let mut space = space(&result);
        if self.tree.nodes.is_empty() {
            self.namespaceless = space == Space::None && local == "tt";
            if self.namespaceless {
                self.warnings.push(0, "the root element has no namespace and is taken for that of TTML");
            } else if space != Space::Ttml || local != "tt" {
                return Err(TextError::NotTtml { found: excerpt(tag.name().into_inner()) });
            }
            if let ResolveResult::Bound(namespace) = &result {
                self.tree.namespace = namespace.into_inner().to_owned();
            }
        } else if self.open.is_empty() {
            return Err(failure(span.start, "a second root element"));
        }
        if self.namespaceless && space == Space::None {
            space = Space::Ttml;
        }
        if self.open.len() == DEPTH_LIMIT {
            return Err(failure(span.start, format!("more than {DEPTH_LIMIT} levels of elements")));
        }
        if self.tree.nodes.len() == ELEMENT_LIMIT {
            return Err(TextError::TooLarge { what: "elements", found: ELEMENT_LIMIT + 1, limit: ELEMENT_LIMIT });
        }
        let parent = self.open.last().copied();
        let index = self.tree.nodes.len();
        let attributes = attributes(reader, tag, span.start)?;
        self.conforming = space == Space::EbuMetadata && local == "conformsToStandard";
        self.tree.nodes.push(Node { tag: Tag::of(space, local), parent, children: Vec::new(), attributes, span });
        if let Some(parent) = parent {
            self.tree.nodes[parent].children.push(Child::Element(index));
        }
        self.open.push(index);
        Ok(())
    }

    fn close(&mut self, to: usize) {
        self.conforming = false;
        if let Some(index) = self.open.pop() {
            self.tree.nodes[index].span.end = to;
        }
    }

    fn text(&mut self, text: &str, from: usize) -> Result<(), TextError> {
        let Some(&parent) = self.open.last() else {
            return match text.trim().is_empty() {
                true => Ok(()),
                false => Err(failure(from, "text outside of the root element")),
            };
        };
        if self.conforming && self.tree.conforms_to.len() < 16 {
            self.tree.conforms_to.push(text.trim().to_owned());
        }
        let node = &mut self.tree.nodes[parent];
        // Only these show text; elsewhere it is indentation or metadata.
        if !matches!(node.tag, Tag::P | Tag::Span) {
            return Ok(());
        }
        match node.children.last_mut() {
            Some(Child::Text(before)) => before.push_str(text),
            _ => node.children.push(Child::Text(text.to_owned())),
        }
        Ok(())
    }
}

fn space(result: &ResolveResult<'_>) -> Space {
    match result {
        ResolveResult::Unbound => Space::None,
        ResolveResult::Bound(namespace) => Space::of(namespace.into_inner()),
        ResolveResult::Unknown(_) => Space::Foreign,
    }
}

fn attributes(
    reader: &NsReader<&[u8]>,
    tag: &BytesStart<'_>,
    offset: usize,
) -> Result<Vec<(Attr, Box<str>)>, TextError> {
    let mut found = Vec::new();
    for (count, attribute) in tag.attributes().enumerate() {
        if count == ATTRIBUTE_LIMIT {
            return Err(failure(offset, format!("an element with more than {ATTRIBUTE_LIMIT} attributes")));
        }
        let attribute = attribute.map_err(|error| failure(offset, error))?;
        let (result, local) = reader.resolver().resolve_attribute(attribute.key);
        if let Some(name) = Attr::of(space(&result), local.into_inner()) {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| failure(offset, error))?;
            found.push((name, value.into()));
        }
    }
    Ok(found)
}

//! Elements of an XML document, with their lines.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element; names are local ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) line: u32,
    /// Names with their prefixes.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
}

const MAX_DEPTH: usize = 32;
const MAX_ELEMENTS: usize = 2_000_000;

impl Element {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Children of this name, whatever their prefix.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// Reads a document; otherwise the line and what is the matter.
pub(crate) fn parse(bytes: &[u8]) -> Result<Element, (u32, String)> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| (line_at(bytes, error.valid_up_to()), "the document is not UTF-8".to_owned()))?;
    let mut reader = Reader::from_str(text);
    let mut stack: Vec<Element> = Vec::new();
    let mut root = None;
    let (mut line, mut counted, mut elements) = (1, 0, 0);
    loop {
        let start = reader.buffer_position() as usize;
        line += bytes[counted..start.max(counted)].iter().filter(|&&byte| byte == b'\n').count() as u32;
        counted = counted.max(start);
        let event = reader.read_event().map_err(|error| (line, error.to_string()))?;
        match event {
            Event::Start(tag) => {
                elements += 1;
                if stack.len() >= MAX_DEPTH || elements > MAX_ELEMENTS {
                    return Err((line, "the document is nested too deeply or has too many elements".to_owned()));
                }
                stack.push(element(&tag, line)?);
            }
            Event::Empty(tag) => {
                elements += 1;
                let element = element(&tag, line)?;
                close(element, &mut stack, &mut root, line)?;
            }
            Event::End(_) => {
                let Some(element) = stack.pop() else { return Err((line, "an end tag has no start".to_owned())) };
                close(element, &mut stack, &mut root, line)?;
            }
            Event::Text(text) => {
                if let Some(top) = stack.last_mut() {
                    top.text.push_str(&text);
                }
            }
            Event::CData(text) => {
                if let Some(top) = stack.last_mut() {
                    top.text.push_str(&text);
                }
            }
            Event::GeneralRef(reference) => {
                if let Some(top) = stack.last_mut() {
                    top.text.push_str(match reference.as_ref() {
                        "amp" => "&",
                        "lt" => "<",
                        "gt" => ">",
                        "quot" => "\"",
                        "apos" => "'",
                        _ => "",
                    });
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    match (root, stack.pop()) {
        (_, Some(open)) => Err((open.line, format!("element {} does not end", open.name))),
        (Some(root), None) => Ok(root),
        (None, None) => Err((line, "there is no element".to_owned())),
    }
}

fn line_at(bytes: &[u8], at: usize) -> u32 {
    1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count() as u32
}

fn close(element: Element, stack: &mut [Element], root: &mut Option<Element>, line: u32) -> Result<(), (u32, String)> {
    match stack.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => return Err((line, "there is a second root element".to_owned())),
    }
    Ok(())
}

fn element(tag: &BytesStart<'_>, line: u32) -> Result<Element, (u32, String)> {
    let whole = tag.name().as_ref().to_owned();
    let (prefix, name) = whole.split_once(':').unwrap_or(("", &whole));
    let mut out = Element { name: name.to_owned(), prefix: prefix.to_owned(), line, ..Element::default() };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| (line, error.to_string()))?;
        let raw = attribute.value.as_ref();
        let value = quick_xml::escape::unescape(raw).map_err(|error| (line, error.to_string()))?.into_owned();
        out.attributes.push((attribute.key.as_ref().to_owned(), value));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn elements_know_their_lines() {
        let root = parse(b"<?xml version='1.0'?>\n<MPD a=\"1&amp;2\">\n <x:P>t&lt;u</x:P>\n\n<Q/></MPD>").unwrap();
        assert_eq!((root.line, root.get("a")), (2, Some("1&2")));
        let lines: Vec<_> =
            root.children.iter().map(|child| (child.prefix.as_str(), child.name.as_str(), child.line)).collect();
        assert_eq!(lines, [("x", "P", 3), ("", "Q", 5)]);
        assert_eq!(root.children[0].text, "t<u");
        for broken in ["", "<a>", "<a></b>", "<a/><b/>", "<a b></a>", "\u{1}"] {
            assert!(parse(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[<>/a: ='\"&;!\\[\\]\n-]{0,60}") {
            let _ = parse(text.as_bytes());
        }
    }
}

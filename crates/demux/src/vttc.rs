//! Samples of WebVTT in ISO BMFF (ISO/IEC 14496-30 §7.5), which text of all other forms becomes.

/// The sample that shows nothing.
pub(crate) const NOTHING: &[u8] = b"\0\0\0\x08vtte";

/// Appends a box.
pub(crate) fn put(out: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) {
    // Texts are at most a read long, so that this fits.
    out.extend_from_slice(&(content.len() as u32).saturating_add(8).to_be_bytes());
    out.extend_from_slice(name);
    out.extend_from_slice(content);
}

/// Lines without what would end a cue inside it: blank lines, arrows and zero characters (W3C WebVTT §4.1).
pub(crate) fn tidy(text: &str) -> String {
    let lines = text.split(['\n', '\r']).map(str::trim_end).filter(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join("\n");
    text.replace("-->", "--&gt;").replace('\0', "")
}

/// Cue text in the making: characters with what is special escaped, in bold, italics and underline, line by line.
#[derive(Debug, Default)]
pub(crate) struct Markup {
    out: String,
    /// The line that is written, and the tags open in it.
    line: String,
    open: Face,
    /// Whether the line shows anything.
    seen: bool,
}

/// How characters are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Face {
    pub(crate) bold: bool,
    pub(crate) italic: bool,
    pub(crate) underline: bool,
}

impl Face {
    fn names(self) -> impl DoubleEndedIterator<Item = char> {
        [(self.bold, 'b'), (self.italic, 'i'), (self.underline, 'u')]
            .into_iter()
            .filter_map(|(on, name)| on.then_some(name))
    }
}

impl Markup {
    /// The next character, shown so.
    pub(crate) fn push(&mut self, character: char, face: Face) {
        if matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}') {
            return self.end_line();
        }
        if character == '\0' {
            return;
        }
        if face != self.open {
            self.turn(face);
        }
        self.seen |= !character.is_whitespace();
        match character {
            '&' => self.line.push_str("&amp;"),
            '<' => self.line.push_str("&lt;"),
            '>' => self.line.push_str("&gt;"),
            other => self.line.push(other),
        }
    }

    /// The text; empty when nothing is shown.
    pub(crate) fn finish(mut self) -> String {
        self.end_line();
        self.out
    }

    fn turn(&mut self, face: Face) {
        for name in self.open.names().rev() {
            self.line.extend(['<', '/', name, '>']);
        }
        for name in face.names() {
            self.line.extend(['<', name, '>']);
        }
        self.open = face;
    }

    fn end_line(&mut self) {
        self.turn(Face::default());
        if std::mem::take(&mut self.seen) {
            if !self.out.is_empty() {
                self.out.push('\n');
            }
            self.out.push_str(self.line.trim_end());
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_nested_and_ends_with_its_line() {
        let mut markup = Markup::default();
        let italic = Face { italic: true, ..Face::default() };
        let both = Face { bold: true, ..italic };
        for (text, face) in [("a<", Face::default()), ("b", italic), ("c\r\n", both), ("d\n \n", both), ("e", italic)] {
            text.chars().for_each(|character| markup.push(character, face));
        }
        assert_eq!(markup.finish(), "a&lt;<i>b</i><b><i>c</i></b>\n<b><i>d</i></b>\n<i>e</i>");
        assert_eq!(Markup::default().finish(), "");
    }
}

//! Lines of Advanced SubStation Alpha as blocks of Matroska hold them (Matroska codec mappings, `S_TEXT/ASS`): what they say,
//! with bold, italics, underline and place.

use super::cue::{Cue, placed};
use crate::vttc::{Face, Markup};

/// Fields of a block before its text: read order, layer, style, name, three margins, effect.
const FIELDS: usize = 8;

/// The cue of a block, empty when it shows no text.
pub(super) fn cue(block: &str) -> Cue {
    let mut line = Line::default();
    let mut rest = block.splitn(FIELDS + 1, ',').nth(FIELDS).unwrap_or_default();
    while let Some(character) = rest.chars().next() {
        let taken = match character {
            // A brace without its partner is text.
            '{' => rest.find('}').map(|end| line.overrides(&rest[1..end], end + 1)),
            '\\' => line.escape(rest),
            _ => None,
        };
        let taken = taken.unwrap_or_else(|| {
            line.push(character);
            character.len_utf8()
        });
        rest = &rest[taken..];
    }
    Cue { id: String::new(), settings: line.settings, text: line.markup.finish() }
}

#[derive(Default)]
struct Line {
    markup: Markup,
    face: Face,
    settings: String,
    /// Whether characters draw lines (`\p1`).
    drawing: bool,
}

impl Line {
    fn push(&mut self, character: char) {
        if !self.drawing {
            self.markup.push(character, self.face);
        }
    }

    /// `\N`, `\n` and `\h`: how many bytes it takes.
    fn escape(&mut self, rest: &str) -> Option<usize> {
        let character = match rest.as_bytes().get(1)? {
            b'N' => '\n',
            b'n' => ' ',
            b'h' => '\u{a0}',
            _ => return None,
        };
        self.push(character);
        Some(2)
    }

    /// The codes of a block in braces; gives back how many bytes it takes.
    fn overrides(&mut self, codes: &str, taken: usize) -> usize {
        for code in codes.split('\\').skip(1).map(str::trim) {
            let number = |name: &str| code.strip_prefix(name)?.trim().parse::<u32>().ok();
            if code.starts_with('r') {
                self.face = Face::default();
            } else if let Some(place) = number("an").and_then(|place| u8::try_from(place).ok()) {
                self.settings = placed(place);
            } else if let Some(weight) = number("b") {
                self.face.bold = weight == 1 || weight >= 600;
            } else if let Some(on) = number("i") {
                self.face.italic = on != 0;
            } else if let Some(on) = number("u") {
                self.face.underline = on != 0;
            } else if let Some(scale) = number("p") {
                self.drawing = scale != 0;
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_they_say_without_their_styling() {
        for (text, want, settings) in [
            ("Hello, world", "Hello, world", ""),
            ("{\\i1}a{\\i0}b{\\b700}c{\\r}d", "<i>a</i>b<b>c</b>d", ""),
            ("{\\an8\\fs20\\c&HFFFFFF&}Up\\Ndown\\hthere & <x>", "Up\ndown\u{a0}there &amp; &lt;x&gt;", "line:0"),
            ("{a comment}a{\\p1}m 0 0 l 9 9{\\p0}b", "ab", ""),
            ("a{b \\x", "a{b \\x", ""),
            ("{\\p1}m 0 0", "", ""),
        ] {
            let found = cue(&format!("7,0,Default,,0,0,0,,{text}"));
            assert_eq!((found.text.as_str(), found.settings.as_str()), (want, settings), "{text}");
        }
        assert_eq!(cue("1,0,Default,,0,0"), Cue::default());
    }
}

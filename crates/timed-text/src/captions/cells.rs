//! Rows of characters, and the text they are.

use media_types::TextPlace;

/// How a character is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) italic: bool,
    pub(super) underline: bool,
}

/// A place for one character.
pub(super) type Cell = Option<(char, Style)>;

/// Some lines that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) place: TextPlace,
    pub(super) text: String,
}

/// Columns of the characters in a row that can be seen: the first, and the one behind the last.
pub(super) fn seen(row: &[Cell]) -> Option<(usize, usize)> {
    let is_seen = |cell: &Cell| cell.is_some_and(|(letter, _)| !letter.is_whitespace());
    Some((row.iter().position(is_seen)?, row.iter().rposition(is_seen)? + 1))
}

/// The text of rows; those in which nothing can be seen are left out.
pub(super) fn text<'a>(rows: impl Iterator<Item = &'a [Cell]>) -> String {
    let (mut out, mut style) = (String::new(), Style::default());
    for (row, (first, end)) in rows.filter_map(|row| Some((row, seen(row)?))) {
        if !out.is_empty() {
            out.push_str("\\N");
        }
        for cell in &row[first..end] {
            match cell {
                Some((letter, wanted)) if !letter.is_whitespace() => {
                    turn(&mut out, 'i', style.italic, wanted.italic);
                    turn(&mut out, 'u', style.underline, wanted.underline);
                    style = *wanted;
                    if matches!(letter, '{' | '}' | '\\') {
                        out.push('\\');
                    }
                    out.push(*letter);
                }
                _ => out.push(' '),
            }
        }
    }
    out
}

fn turn(out: &mut String, tag: char, is: bool, wanted: bool) {
    if is != wanted {
        out.extend(['{', '\\', tag, if wanted { '1' } else { '0' }, '}']);
    }
}

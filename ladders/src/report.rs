//! Mistakes in a ladder file, each with its place and its cure.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// A place in the text, in bytes, if known.
pub(crate) type Span = Option<Range<usize>>;

/// Mistakes listed in one report, at most.
const MAX_MISTAKES: usize = 100;

/// One mistake in a ladder file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// The value's place in the file, such as `rung[2].max_bitrate_kbps`, counted from 0; empty for the file itself.
    pub path: String,
    /// What is wrong, one clause.
    pub message: String,
    /// What to do about it, one clause.
    pub cure: String,
}

/// The mistakes of one ladder file, in the order of the text. Prints as `file:line:column: message` and a line with
/// the cure for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Report {
    /// The file's name as the caller gave it.
    pub file_name: String,
    /// At least one, at most 100.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let Mistake { line, column, message, cure, .. } = mistake;
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{}:{line}:{column}: {message}\n  help: {cure}", self.file_name)?;
        }
        Ok(())
    }
}

/// Collects mistakes while a text is read.
pub(crate) struct Mistakes<'t> {
    text: &'t str,
    found: Vec<(usize, Mistake)>,
}

impl<'t> Mistakes<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, found: Vec::new() }
    }

    /// Notes a mistake at a byte span of the text; its start when there is none.
    pub(crate) fn add(&mut self, span: Span, path: &str, message: String, cure: String) {
        if self.found.len() >= MAX_MISTAKES {
            return;
        }
        let offset = span.map_or(0, |span| span.start);
        let (line, column) = position(self.text, offset);
        self.found.push((offset, Mistake { line, column, path: path.to_owned(), message, cure }));
    }

    /// The report, if there is anything to report.
    pub(crate) fn finish(mut self, file_name: &str) -> Result<(), Report> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|(offset, _)| *offset);
        let mistakes = self.found.into_iter().map(|(_, mistake)| mistake).collect();
        Err(Report { file_name: file_name.to_owned(), mistakes })
    }
}

/// 1-based line and column of a byte offset; the end of the text for one past it.
fn position(text: &str, offset: usize) -> (u32, u32) {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// The word of `known` that `typed` was most likely meant to be.
pub(crate) fn did_you_mean<'k>(typed: &str, known: &[&'k str]) -> Option<&'k str> {
    if typed.chars().count() > 64 {
        return None;
    }
    let folded = typed.to_lowercase().replace('-', "_");
    let near = |word: &&&str| distance(&folded, word) <= (word.len() / 3).max(1);
    let closest = known.iter().filter(near).min_by_key(|word| distance(&folded, word));
    let contains = |word: &&&str| {
        (folded.len() >= 3 && word.contains(folded.as_str())) || (word.len() >= 3 && folded.contains(**word))
    };
    closest.or_else(|| known.iter().find(contains)).copied()
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let width = right.len() + 1;
    let mut rows: Vec<Vec<usize>> = vec![(0..width).collect()];
    for i in 1..=left.len() {
        let mut row = vec![i; width];
        for j in 1..width {
            let cost = usize::from(left[i - 1] != right[j - 1]);
            row[j] = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_find_the_word_that_was_meant() {
        let keys = ["name", "height", "max_bitrate_kbps", "buffer_kbits"];
        for (typed, meant) in [
            ("hieght", Some("height")),
            ("Height", Some("height")),
            ("max_bitrate_kpbs", Some("max_bitrate_kbps")),
            ("max-bitrate-kbps", Some("max_bitrate_kbps")),
            ("bitrate", Some("max_bitrate_kbps")),
            ("nam", Some("name")),
            ("colour", None),
        ] {
            assert_eq!(did_you_mean(typed, &keys), meant, "{typed}");
        }
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        assert_eq!(position("a\nöö = 1", "a\nöö".len()), (2, 3));
        assert_eq!(position("", 10), (1, 1));
        assert_eq!(position("x\n", 2), (2, 1));
    }
}

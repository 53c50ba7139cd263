//! Text that people and programs give to things.

use std::ops::RangeInclusive;

/// Whether a text has as many characters as it may, and no NUL, which PostgreSQL stores in no text. What a refusal says otherwise.
///
/// # Errors
/// One sentence without a subject's name: what the text has to be.
pub fn check(text: &str, length: RangeInclusive<usize>) -> Result<(), String> {
    if length.contains(&text.chars().count()) && !text.contains('\0') {
        return Ok(());
    }
    Err(format!("it has {} to {} characters, none of them NUL", length.start(), length.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_a_nul_is_none() {
        for (text, fine) in [("", false), ("a", true), ("\u{fc}\u{fc}\u{fc}", true), ("abcd", false), ("a\0", false)] {
            assert_eq!(check(text, 1..=3).is_ok(), fine, "{text:?}");
        }
        assert_eq!(check("", 1..=3), Err("it has 1 to 3 characters, none of them NUL".to_owned()));
    }
}

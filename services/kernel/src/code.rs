//! Codes of problems: each is declared once, with what it means and what cures it.

/// A code of a problem. A [`Problem`](crate::Problem) is only made with one, so none is without a cure.
///
/// Declare codes with [`problem_codes!`](crate::problem_codes), which also lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    name: &'static str,
    meaning: &'static str,
    hint: &'static str,
}

impl Code {
    /// A code such as `upload.locked`, a sentence or two on what it means, in which a part between backticks is shown as
    /// code, and what to do about it: plain text that begins in lower case and has no full stop.
    ///
    /// # Panics
    /// When the name is not two words in lower case with a dot between them, or a text has another form; at compile time
    /// where the code is a constant.
    pub const fn new(name: &'static str, meaning: &'static str, hint: &'static str) -> Self {
        assert!(is_name(name.as_bytes()), "a code has the form group.name");
        assert!(!meaning.is_empty() && !hint.is_empty(), "a code has a meaning and a hint");
        assert!(is_sentence(meaning.as_bytes()), "a meaning is a sentence");
        assert!(is_clause(hint.as_bytes()), "a hint begins in lower case and has no full stop");
        Self { name, meaning, hint }
    }

    /// Stable, for programs.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// What it means, in one sentence.
    pub const fn meaning(self) -> &'static str {
        self.meaning
    }

    /// What to do about it.
    pub const fn hint(self) -> &'static str {
        self.hint
    }
}

const fn is_sentence(text: &[u8]) -> bool {
    !text[0].is_ascii_lowercase() && text[text.len() - 1] == b'.'
}

const fn is_clause(text: &[u8]) -> bool {
    !text[0].is_ascii_uppercase() && text[text.len() - 1] != b'.'
}

const fn is_name(name: &[u8]) -> bool {
    let (mut at, mut dots) = (0, 0);
    while at < name.len() {
        let word_ends = name[at] == b'.';
        if word_ends {
            dots += 1;
        }
        let edge = at == 0 || at + 1 == name.len();
        if !(name[at].is_ascii_lowercase() || name[at] == b'_' || (word_ends && !edge)) {
            return false;
        }
        at += 1;
    }
    dots == 1
}

/// Declares codes as constants, and a list of them all:
///
/// ```
/// kernel::problem_codes! {
///     /// Codes of the cellar.
///     pub CODES:
///     CELLAR_FLOODED = "cellar.flooded", "The cellar is under water.", "pump it dry, then ask again";
/// }
/// assert_eq!(CODES[0].name(), "cellar.flooded");
/// ```
#[macro_export]
macro_rules! problem_codes {
    ($(#[$doc:meta])* $vis:vis $all:ident: $($name:ident = $code:literal, $meaning:literal, $hint:literal;)+) => {
        $(#[doc = $meaning] $vis const $name: $crate::Code = $crate::Code::new($code, $meaning, $hint);)+
        $(#[$doc])* $vis const $all: &[$crate::Code] = &[$($name),+];
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_two_words_and_a_dot() {
        for (name, fine) in [
            ("upload.too_large", true),
            ("a.b", true),
            ("", false),
            ("upload", false),
            (".upload", false),
            ("upload.", false),
            ("a.b.c", false),
            ("upload.Locked", false),
            ("upload locked.x", false),
        ] {
            assert_eq!(is_name(name.as_bytes()), fine, "{name}");
        }
    }

    #[test]
    fn a_code_without_a_cure_or_with_texts_of_another_form_cannot_be_made() {
        for (meaning, hint) in
            [("It is so.", ""), ("It is so.", "Cure it"), ("It is so.", "cure it."), ("it is so", "cure it")]
        {
            let made = std::panic::catch_unwind(|| Code::new("a.b", meaning, hint));
            assert!(made.is_err(), "{meaning} {hint}");
        }
    }
}

//! What a job needs of a worker, and what a worker offers.

use std::collections::BTreeSet;
use std::fmt;

/// The most that a job needs or a worker offers.
const MAX_WORDS: usize = 16;
const MAX_WORD_BYTES: usize = 32;

/// Words that say what a machine can do, such as `cpu`, `gpu` and `av1` (encodes it): none twice, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capabilities(BTreeSet<String>);

impl Capabilities {
    /// Reads what [`fmt::Display`] writes.
    pub fn stored(text: &str) -> Self {
        text.split(',').filter(|word| !word.is_empty()).collect()
    }

    /// Whether whoever offers these can do what needs `needs`.
    pub fn cover(&self, needs: &Self) -> bool {
        needs.0.is_subset(&self.0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in their order.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Those that are among `others` too.
    #[must_use]
    pub fn among(&self, others: &Self) -> Self {
        Self(self.0.intersection(&others.0).cloned().collect())
    }

    /// Whether they can be stored: at most 16 words of at most 32 lower-case letters and digits.
    pub(crate) fn are_fit(&self) -> bool {
        let plain = |word: &String| {
            (1..=MAX_WORD_BYTES).contains(&word.len())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        self.0.len() <= MAX_WORDS && self.0.iter().all(plain)
    }

    /// What of these needs none of `workers` offers, or all of them when each is offered and no worker offers all; none when
    /// there is a worker that does. A worker of `None` is of a version that does not say what it offers, and claims everything.
    pub fn lacking<'a>(&self, workers: impl IntoIterator<Item = Option<&'a Self>>) -> Self {
        let mut offered = Self::default();
        for offers in workers {
            let Some(offers) = offers else { return Self::default() };
            if offers.cover(self) {
                return Self::default();
            }
            offered.0.extend(offers.0.iter().cloned());
        }
        let missing: BTreeSet<String> = self.0.difference(&offered.0).cloned().collect();
        if missing.is_empty() { self.clone() } else { Self(missing) }
    }
}

impl<W: Into<String>> FromIterator<W> for Capabilities {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        Self(words.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{word}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn able(text: &str) -> Capabilities {
        Capabilities::stored(text)
    }

    #[test]
    fn what_is_written_is_read_and_has_one_spelling() {
        assert_eq!(able("h264,av1,h264").to_string(), "av1,h264");
        assert_eq!(able(&able("gpu,cpu").to_string()), able("cpu,gpu"));
        assert!(able("").is_empty() && able("").to_string().is_empty());
        assert!(able("h264,av1").are_fit() && able("").are_fit());
        assert!(!able("H264").are_fit() && !able("h 264").are_fit() && !able(&"a".repeat(33)).are_fit());
    }

    #[test]
    fn who_offers_all_that_is_needed_can_do_it() {
        assert!(able("cpu,h264").cover(&able("h264")) && able("").cover(&able("")));
        assert!(!able("cpu,h264").cover(&able("av1,h264")));
    }

    #[test]
    fn what_is_lacking_is_what_nobody_offers() {
        let (cpu, both) = (able("cpu,h264"), able("av1,h264"));
        let lacking =
            |needs: &str, workers: &[Option<&Capabilities>]| able(needs).lacking(workers.iter().copied()).to_string();
        assert_eq!(lacking("av1,h264", &[Some(&cpu)]), "av1");
        assert_eq!(lacking("av1,h264", &[Some(&cpu), Some(&both)]), "");
        assert_eq!(lacking("av1,cpu", &[Some(&cpu), Some(&both)]), "av1,cpu", "no single one offers both");
        assert_eq!(lacking("av1", &[]), "av1");
        assert_eq!(lacking("av1", &[Some(&cpu), None]), "", "one of before does not say");
        assert_eq!(lacking("", &[]), "");
    }
}

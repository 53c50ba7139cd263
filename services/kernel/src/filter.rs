//! Which kinds of events somebody wants: an endpoint of webhooks, a bridge.

use serde::{Deserialize, Serialize};

/// The most filters of a list.
pub const MAX_FILTERS: usize = 32;
/// The most characters of one.
pub const MAX_FILTER: usize = 64;

/// A list of filters, which lets an event through when one of them does: the exact name of an event (`asset.ready`), the beginning of names
/// (`asset.*`), or `*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Filters(Vec<String>);

/// What is no list of filters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// None, or more than are taken.
    #[error("a list has 1 to {MAX_FILTERS} filters")]
    Count,
    /// One that is none.
    #[error("a filter is the name of an event, such as asset.ready, or the beginning of names, such as asset.*, or *")]
    Filter {
        /// Its place in the list, from 0.
        index: usize,
    },
}

impl Filters {
    /// Checks a list; one that stands in it twice is kept once.
    ///
    /// # Errors
    /// See [`FilterError`].
    pub fn new(list: Vec<String>) -> Result<Self, FilterError> {
        if !(1..=MAX_FILTERS).contains(&list.len()) {
            return Err(FilterError::Count);
        }
        let mut filters: Vec<String> = Vec::with_capacity(list.len());
        for (index, filter) in list.into_iter().enumerate() {
            if !is_filter(&filter) {
                return Err(FilterError::Filter { index });
            }
            if !filters.contains(&filter) {
                filters.push(filter);
            }
        }
        Ok(Self(filters))
    }

    /// Whether an event of this name passes.
    pub fn pass(&self, kind: &str) -> bool {
        self.0.iter().any(|filter| match filter.strip_suffix('*') {
            Some(beginning) => kind.starts_with(beginning),
            None => kind == filter,
        })
    }

    /// The list.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Words in lower case with dots between them, of which the last may be `*`.
fn is_filter(text: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    let names = match text.strip_suffix(".*") {
        Some(beginning) => beginning,
        None if text == "*" => return true,
        None => text,
    };
    text.len() <= MAX_FILTER && names.split('.').all(word)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn filters(list: &[&str]) -> Result<Filters, FilterError> {
        Filters::new(list.iter().map(|&text| text.to_owned()).collect())
    }

    #[test]
    fn a_filter_is_a_name_or_the_beginning_of_names() {
        for (list, kind, passes) in [
            (&["asset.ready"][..], "asset.ready", true),
            (&["asset.ready"], "asset.ready.again", false),
            (&["asset.ready"], "asset.read", false),
            (&["asset.*"], "asset.ready", true),
            (&["asset.*"], "asset.renewal.ready", true),
            (&["asset.*"], "assets.ready", false),
            (&["asset.*"], "asset", false),
            (&["asset.renewal.*"], "asset.ready", false),
            (&["*"], "webhook.disabled", true),
            (&["upload.*", "asset.errored"], "asset.errored", true),
            (&["upload.*", "asset.errored"], "asset.ready", false),
        ] {
            assert_eq!(filters(list).unwrap().pass(kind), passes, "{list:?} {kind}");
        }
        assert_eq!(filters(&["*", "a.b", "*"]).unwrap().as_slice(), ["*", "a.b"]);
    }

    #[test]
    fn what_is_none_is_refused_by_its_place() {
        let long = "a".repeat(65);
        for wrong in ["", ".", "a.", ".a", "a..b", "a*", "a.*.b", "**", "*.a", "A.b", "a b", "a-b", ".*", &long] {
            assert_eq!(filters(&["a.b", wrong]), Err(FilterError::Filter { index: 1 }), "{wrong}");
        }
        assert_eq!(filters(&[]), Err(FilterError::Count));
        assert_eq!(filters(&["a"; 33]), Err(FilterError::Count));
    }

    proptest! {
        #[test]
        fn a_name_passes_by_itself_and_by_all_its_beginnings(words in prop::collection::vec("[a-z]{1,5}", 1..6)) {
            let kind = words.join(".");
            prop_assert!(filters(&[&kind]).unwrap().pass(&kind));
            for length in 1..words.len() {
                let beginning = format!("{}.*", words[..length].join("."));
                prop_assert!(filters(&[&beginning]).unwrap().pass(&kind), "{}", beginning);
            }
            let another = format!("{kind}x.*");
            prop_assert!(!filters(&[&another]).unwrap().pass(&kind));
        }

        #[test]
        fn no_text_is_taken_that_lets_nothing_through(text in "[a-z.*]{0,8}|.{0,8}") {
            if let Ok(filters) = filters(&[&text]) {
                prop_assert!(filters.pass(&text.replace('*', "x")));
            }
        }
    }
}

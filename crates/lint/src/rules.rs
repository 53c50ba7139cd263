//! Everything that can be found.

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A recommendation is not followed; some players suffer.
    Warning,
    /// A requirement is broken.
    Error,
}

/// One thing that a presentation must or should keep.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Stable name, such as `hls.target-duration`.
    pub id: &'static str,
    /// How much breaking it matters.
    pub severity: Severity,
    /// Where it is written.
    pub clause: &'static str,
    /// What holds when it is kept.
    pub title: &'static str,
    /// How to mend it.
    pub advice: &'static str,
}

/// A table of rules of one family, ordered by id.
macro_rules! rules {
    ($($name:ident $severity:ident $id:literal $clause:literal $title:literal $advice:literal)*) => {
        $(pub(crate) const $name: &crate::Rule = &crate::Rule {
            id: $id,
            severity: crate::Severity::$severity,
            clause: $clause,
            title: $title,
            advice: $advice,
        };)*
        pub(super) const ALL: &[&crate::Rule] = &[$($name),*];
    };
}

pub(crate) mod bmff;
pub(crate) mod cenc;
pub(crate) mod cmaf;
pub(crate) mod dash;
pub(crate) mod hls;
pub(crate) mod hls_media;
pub(crate) mod input;

const FAMILIES: [&[&Rule]; 7] = [bmff::ALL, cenc::ALL, cmaf::ALL, dash::ALL, hls::ALL, hls_media::ALL, input::ALL];

const COUNT: usize = {
    let (mut count, mut family) = (0, 0);
    while family < FAMILIES.len() {
        count += FAMILIES[family].len();
        family += 1;
    }
    count
};

const fn joined() -> [&'static Rule; COUNT] {
    let mut all = [bmff::ALL[0]; COUNT];
    let (mut at, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut rule = 0;
        while rule < FAMILIES[family].len() {
            all[at] = FAMILIES[family][rule];
            at += 1;
            rule += 1;
        }
        family += 1;
    }
    all
}

/// All rules, ordered by id.
pub static RULES: &[&Rule] = &joined();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_unique_and_explained() {
        assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id), "{:?}", {
            RULES.windows(2).find(|pair| pair[0].id >= pair[1].id).map(|pair| (pair[0].id, pair[1].id))
        });
        for rule in RULES {
            assert!(rule.clause.contains(['§', ',']) || rule.clause.starts_with("RFC"), "{}", rule.id);
            assert!(!rule.title.ends_with('.') && !rule.advice.ends_with('.'), "{}", rule.id);
            assert!(
                rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
            );
        }
    }
}

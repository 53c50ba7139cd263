//! What may be done: permissions as routes name them, and lists of them as keys and people hold them.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most entries of a list.
pub const MAX_GRANTS: usize = 256;

/// One thing that may be done: an action on resources of a kind, written `asset.read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    /// The kind of resource, such as `asset`.
    pub resource: &'static str,
    /// What is done to it. `read` changes nothing.
    pub action: &'static str,
}

impl Permission {
    /// A permission of two words in lower case.
    ///
    /// # Panics
    /// When one of them has another form; at compile time where the permission is a constant.
    pub const fn new(resource: &'static str, action: &'static str) -> Self {
        assert!(is_word(resource.as_bytes()) && is_word(action.as_bytes()), "a permission is two words in lower case");
        Self { resource, action }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.resource, self.action)
    }
}

const fn is_word(word: &[u8]) -> bool {
    let mut at = 0;
    while at < word.len() {
        if !(word[at].is_ascii_lowercase() || word[at] == b'_') {
            return false;
        }
        at += 1;
    }
    !word.is_empty() && word.len() <= 32
}

/// A list that cannot be one of permissions.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidGrants {
    /// There are none, or too many.
    #[error("a list of permissions has 1 to {MAX_GRANTS} entries")]
    Count,
    /// The entry at this place has another form.
    #[error("a permission is written asset.read, asset.* or *")]
    Entry(usize),
}

/// What somebody may: permissions (`asset.read`), all of a kind of resource (`asset.*`), or everything (`*`). By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Grants(Vec<String>);

impl Grants {
    /// The list, in order and without repetitions.
    ///
    /// # Errors
    /// [`InvalidGrants`].
    pub fn new(mut list: Vec<String>) -> Result<Self, InvalidGrants> {
        if !(1..=MAX_GRANTS).contains(&list.len()) {
            return Err(InvalidGrants::Count);
        }
        if let Some(at) = list.iter().position(|entry| !is_grant(entry)) {
            return Err(InvalidGrants::Entry(at));
        }
        list.sort();
        list.dedup();
        Ok(Self(list))
    }

    /// All that these lists have, however long that is; an entry that another one includes is left out.
    pub fn united<'a>(lists: impl IntoIterator<Item = &'a Self>) -> Self {
        let all: BTreeSet<&str> = lists.into_iter().flat_map(|list| &list.0).map(String::as_str).collect();
        if all.contains("*") {
            return Self(vec!["*".to_owned()]);
        }
        let is_included = |entry: &str| {
            let kind = entry.split_once('.').filter(|(_, action)| *action != "*");
            kind.is_some_and(|(resource, _)| all.contains(format!("{resource}.*").as_str()))
        };
        Self(all.iter().filter(|entry| !is_included(entry)).map(|&entry| entry.to_owned()).collect())
    }

    /// Whether it has this permission.
    pub fn allows(&self, permission: Permission) -> bool {
        self.entry_for(permission).is_some()
    }

    /// The first entry that has this permission.
    pub fn entry_for(&self, permission: Permission) -> Option<&str> {
        self.0.iter().map(String::as_str).find(|entry| covers(entry, permission.resource, permission.action))
    }

    /// The first entry of `other` that goes beyond this list.
    pub fn lacks<'a>(&self, other: &'a Self) -> Option<&'a str> {
        let has = |wanted: &str| match wanted.split_once('.') {
            Some((resource, action)) => self.0.iter().any(|entry| covers(entry, resource, action)),
            None => self.0.iter().any(|entry| entry == wanted),
        };
        other.0.iter().map(String::as_str).find(|wanted| !has(wanted))
    }

    /// The first entry that means none of these permissions.
    pub fn unknown(&self, all: &[Permission]) -> Option<&str> {
        let means = |entry: &str| entry == "*" || all.iter().any(|of| covers(entry, of.resource, of.action));
        self.0.iter().map(String::as_str).find(|entry| !means(entry))
    }

    /// The entries.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl TryFrom<Vec<String>> for Grants {
    type Error = InvalidGrants;

    /// As [`Grants::new`], and an empty list is that of somebody who may nothing.
    fn try_from(list: Vec<String>) -> Result<Self, InvalidGrants> {
        if list.is_empty() { Ok(Self::default()) } else { Self::new(list) }
    }
}

impl From<Grants> for Vec<String> {
    fn from(grants: Grants) -> Self {
        grants.0
    }
}

fn is_grant(entry: &str) -> bool {
    let is_parted = |(resource, action): (&str, &str)| {
        is_word(resource.as_bytes()) && (action == "*" || is_word(action.as_bytes()))
    };
    entry == "*" || entry.split_once('.').is_some_and(is_parted)
}

/// Whether an entry has this action, which may be `*` for all that there are.
fn covers(entry: &str, resource: &str, action: &str) -> bool {
    match entry.split_once('.') {
        None => true,
        Some((of, what)) => of == resource && (what == "*" || what == action),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const READ: Permission = Permission::new("asset", "read");
    const DELETE: Permission = Permission::new("asset", "delete");
    const KEYS: Permission = Permission::new("api_key", "read");

    fn grants(list: &[&str]) -> Grants {
        Grants::new(list.iter().map(|&entry| entry.to_owned()).collect()).unwrap()
    }

    #[test]
    fn a_list_allows_what_it_names_and_nothing_else() {
        for (list, allowed) in [
            (&["asset.read"][..], [true, false, false]),
            (&["asset.*"], [true, true, false]),
            (&["*"], [true, true, true]),
            (&["api_key.read", "asset.delete"], [false, true, true]),
            (&["asse.read"], [false, false, false]),
            (&["assets.read"], [false, false, false]),
            (&["asset.reads"], [false, false, false]),
        ] {
            assert_eq!([READ, DELETE, KEYS].map(|permission| grants(list).allows(permission)), allowed, "{list:?}");
        }
    }

    #[test]
    fn nobody_can_give_what_he_lacks() {
        for (has, gives, lacks) in [
            (&["asset.read"][..], &["asset.read"][..], None),
            (&["asset.*"], &["asset.read", "asset.*"], None),
            (&["*"], &["*", "asset.*", "a.b"], None),
            (&["asset.read"], &["asset.*"], Some("asset.*")),
            (&["asset.*"], &["*"], Some("*")),
            (&["asset.*", "job.*"], &["asset.read", "api_key.create", "job.read"], Some("api_key.create")),
        ] {
            assert_eq!(grants(has).lacks(&grants(gives)), lacks, "{has:?} gives {gives:?}");
        }
    }

    #[test]
    fn several_lists_together_have_what_each_of_them_has_and_nothing_else() {
        let of = |lists: &[&[&str]]| {
            let lists: Vec<Grants> = lists.iter().map(|list| grants(list)).collect();
            Grants::united(&lists).as_slice().join(" ")
        };
        assert_eq!(of(&[&["asset.read"], &["job.read", "asset.read"]]), "asset.read job.read");
        assert_eq!(of(&[&["asset.read", "assets.read"], &["asset.*"]]), "asset.* assets.read");
        assert_eq!(of(&[&["asset.read"], &["*"], &["job.*"]]), "*");
        assert_eq!(of(&[]), "");
        let many =
            |action: &str| Grants::new((1..=32).map(|at| format!("{}.{action}", "a".repeat(at))).collect()).unwrap();
        let all = Grants::united(&[many("b"), many("c"), many("d"), many("b")]);
        assert_eq!(all.as_slice().len(), 96, "more than one list may have");
        assert_eq!(grants(&["api_key.*", "asset.read"]).entry_for(KEYS), Some("api_key.*"));
        assert_eq!(grants(&["asset.read"]).entry_for(KEYS), None);
    }

    #[test]
    fn a_list_of_another_form_is_none() {
        let of = |list: &[&str]| Grants::new(list.iter().map(|&entry| entry.to_owned()).collect()).unwrap_err();
        assert_eq!(of(&[]), InvalidGrants::Count);
        assert_eq!(of(&["a.b"; MAX_GRANTS + 1]), InvalidGrants::Count);
        for entry in ["", ".", "a.", ".b", "a", "a.b.c", "*.read", "*.*", "A.b", "a.b ", "a-b.c", "**"] {
            assert_eq!(of(&["a.b", entry]), InvalidGrants::Entry(1), "{entry:?}");
        }
        assert_eq!(grants(&["b.c", "a.b", "b.c"]).as_slice(), ["a.b", "b.c"]);
        let nothing = Grants::try_from(Vec::new()).unwrap();
        assert!(!nothing.allows(READ) && grants(&["a.b"]).lacks(&nothing).is_none());
        assert_eq!(nothing.lacks(&grants(&["asset.read"])), Some("asset.read"));
    }

    #[test]
    fn an_entry_that_means_nothing_is_found() {
        let all = [READ, KEYS];
        assert_eq!(grants(&["*", "asset.*", "api_key.read"]).unknown(&all), None);
        assert_eq!(grants(&["asset.read", "asset.rea"]).unknown(&all), Some("asset.rea"));
        assert_eq!(grants(&["nothing.*"]).unknown(&all), Some("nothing.*"));
    }
}

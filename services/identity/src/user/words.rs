//! What people are found by: how their address or a word of their name begins. Looked for in one part of an index, however many there are.

use std::collections::BTreeSet;

use database::{Database, DbError, Tx, args};

/// The most characters of a word, and so of a search.
pub(super) const MAX_SEARCH: usize = 100;
/// Of a name so many words count.
const MAX_WORDS: usize = 32;

const FORGET: &str = "DELETE FROM user_word WHERE tenant_id = $1 AND user_id = $2";
const PUT: &str = "INSERT INTO user_word (tenant_id, word, user_id) VALUES ($1, $2, $3)";
/// People of a version that had no such table.
const WITHOUT: &str = "SELECT tenant_id, id FROM user_account u WHERE NOT EXISTS
        (SELECT 1 FROM user_word w WHERE w.tenant_id = u.tenant_id AND w.user_id = u.id)
    ORDER BY tenant_id, id LIMIT 200";
/// An update that changes nothing locks the row on both engines.
const STAYS: &str = "UPDATE user_account SET version = version WHERE tenant_id = $1 AND id = $2 RETURNING email, name";

pub(super) const STATEMENTS: &[&str] = &[FORGET, PUT, WITHOUT, STAYS];

/// All that somebody with this address and this name is found by. Each begins what a search may ask for.
fn words(email: &str, name: &str) -> BTreeSet<Vec<u8>> {
    let name = name.to_lowercase();
    let beginnings = std::iter::once(0).chain(name.match_indices(' ').map(|(at, _)| at + 1));
    let of_name = beginnings.map(|at| &name[at..]).filter(|rest| !rest.trim().is_empty()).take(MAX_WORDS);
    let short = |text: &str| text.chars().take(MAX_SEARCH).collect::<String>().into_bytes();
    of_name.map(short).chain([short(email)]).collect()
}

/// Between which words all lie that begin so: from the first up to the second.
pub(super) fn between(search: &str) -> (Vec<u8>, Vec<u8>) {
    let first: Vec<u8> = search.to_lowercase().chars().take(MAX_SEARCH).collect::<String>().into_bytes();
    // No UTF-8 has this byte.
    let beyond = first.iter().copied().chain([0xff]).collect();
    (first, beyond)
}

/// Notes what a person is found by, in the place of what he was found by before.
pub(super) async fn put(tx: &mut Tx, (tenant, id): (&str, &str), (email, name): (&str, &str)) -> Result<(), DbError> {
    tx.execute(FORGET, args![tenant, id]).await?;
    for word in words(email, name) {
        tx.execute(PUT, args![tenant, word, id]).await?;
    }
    Ok(())
}

/// Notes it of everybody of whom it is not noted; how many those were.
pub(super) async fn complete(db: &Database) -> Result<usize, DbError> {
    let mut noted = 0;
    loop {
        let people: Vec<(String, String)> = db.all(WITHOUT, args![]).await?;
        if people.is_empty() {
            return Ok(noted);
        }
        for (tenant, id) in &people {
            let mut tx = db.begin().await?;
            // As he is now, and not as he was when he was read.
            if let Some((email, name)) = tx.optional::<(String, String)>(STAYS, args![tenant, id]).await? {
                put(&mut tx, (tenant, id), (&email, &name)).await?;
            }
            tx.commit().await?;
        }
        noted += people.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_found_by_his_address_and_by_his_name_from_every_word_on() {
        let found = |search: &str| {
            let (first, beyond) = between(search);
            words("anna@x.example", "Anna  Maria M\u{fc}ller").range(first..beyond).count() > 0
        };
        for search in
            ["anna@", "AN", "maria m", "m\u{dc}ll", "M\u{fc}ller", "anna  maria m\u{fc}ller", "anna@x.example"]
        {
            assert!(found(search), "{search}");
        }
        for search in ["nna", "x.example", "\u{fc}ller", "anna@x.example.", "mariam"] {
            assert!(!found(search), "{search}");
        }
    }

    #[test]
    fn what_somebody_is_found_by_is_bounded() {
        let all = words(&"a".repeat(254), &"ab ".repeat(66));
        assert!(all.len() <= MAX_WORDS + 1 && all.iter().all(|word| word.len() <= 4 * MAX_SEARCH));
    }
}

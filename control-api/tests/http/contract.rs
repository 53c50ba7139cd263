//! The contract with clients: `docs/openapi.json` is the whole document as they know it, and what one of them relies on still holds.

mod generated;
mod rules;
mod schema;
mod shape;
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use self::rules::breaks;
use crate::server::Server;

/// What renews the kept document.
const RENEW: &str = "UPDATE_GOLDEN=1 cargo test -p control-api --test http contract";

/// So many breaks are told; what all operations share may break at once.
const MOST_TOLD: usize = 50;

/// What whoever runs the test wants to be done.
#[derive(Clone, Copy, Debug, Default)]
struct Wish {
    /// `UPDATE_GOLDEN`: the kept document is to be that of the code.
    update: bool,
    /// `ALLOW_BREAKING`: although that breaks clients.
    breaking: bool,
}

/// Whether the kept document is to be written anew, or why this does not pass.
fn decide(kept: Option<&Value>, new: &Value, wish: Wish, changelog: &str) -> Result<bool, String> {
    let breaks = kept.map(|kept| breaks(kept, new)).unwrap_or_default();
    let is_meant = wish.update && wish.breaking;
    if !breaks.is_empty() && !is_meant {
        let mut told: Vec<String> = breaks.iter().take(MOST_TOLD).map(|of| format!("  {of}\n")).collect();
        if breaks.len() > MOST_TOLD {
            told.push(format!("  and {} more\n", breaks.len() - MOST_TOLD));
        }
        let told = told.concat();
        return Err(format!(
            "this breaks clients of the API:\n{told}take it back, or, where it is meant, name each of these operations in a line under \
             \"Breaking\" in CHANGELOG.md and run `ALLOW_BREAKING=1 {RENEW}`"
        ));
    }
    let told = told_as_breaking(changelog);
    let operations: BTreeSet<&str> = breaks.iter().map(|of| of.operation.as_str()).collect();
    let untold: Vec<_> = operations.into_iter().filter(|name| !told.contains(&format!("`{name}`"))).collect();
    if !untold.is_empty() {
        return Err(format!(
            "CHANGELOG.md has no line under \"Breaking\" of what is not released that names `{}`",
            untold.join("`, `")
        ));
    }
    match kept {
        Some(kept) if kept == new => Ok(false),
        _ if wish.update => Ok(true),
        Some(_) => Err(format!("docs/openapi.json is out of date, and nothing breaks a client: run `{RENEW}`")),
        None => Err(format!("docs/openapi.json is missing: run `{RENEW}`")),
    }
}

/// What stands in the changelog under "Breaking", of what is not released, which comes first.
fn told_as_breaking(changelog: &str) -> String {
    let release = changelog.split("\n## ").nth(1).unwrap_or_default();
    let breaking = release.split_once("\n### Breaking\n").map_or("", |(_, behind)| behind);
    breaking.split("\n#").next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_a_client_of_the_kept_document_relies_on_still_holds() {
    let mut document = Server::start().await.document().await;
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document.sort_all_objects();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join("docs/openapi.json");
    let read = |text: String| serde_json::from_str::<Value>(&text).expect("docs/openapi.json is JSON");
    let kept = path.exists().then(|| read(std::fs::read_to_string(&path).unwrap()));
    let changelog = std::fs::read_to_string(root.join("CHANGELOG.md")).unwrap();
    let is_set = |name: &str| std::env::var_os(name).is_some();
    let wish = Wish { update: is_set("UPDATE_GOLDEN"), breaking: is_set("ALLOW_BREAKING") };
    match decide(kept.as_ref(), &document, wish, &changelog) {
        Ok(true) => std::fs::write(&path, format!("{document:#}\n")).unwrap(),
        Ok(false) => {}
        Err(refusal) => panic!("{refusal}"),
    }
}

#[tokio::test]
async fn the_document_has_one_order_in_every_process() {
    let (one, other) = (Server::start().await, Server::start().await);
    let bytes = async |server: &Server| server.anonymous("GET", "/api/openapi.json", &[]).await.body;
    let (one, other) = (bytes(&one).await, bytes(&other).await);
    assert!(one == other, "a cache knows the document again");
    let mut sorted: Value = serde_json::from_slice(&one).unwrap();
    sorted.sort_all_objects();
    assert!(one == sorted.to_string(), "by name");
}

const CHANGELOG: &str = "# Changelog\n\n## Unreleased\n\n- Things.\n\n### Breaking\n\n- `make_thing` is gone.\n\n## 0.1.0\n\n### Breaking\n\n\
                         - `old_thing` went.\n";
const UPDATE: Wish = Wish { update: true, breaking: false };
const ALLOW: Wish = Wish { update: true, breaking: true };

fn document(ids: &[&str]) -> Value {
    let paths = ids.iter().map(|id| (format!("/{id}"), json!({ "get": { "operationId": id, "responses": {} } })));
    json!({ "openapi": "3.1.0", "paths": Value::Object(paths.collect()) })
}

#[test]
fn what_is_as_it_was_is_left_alone_and_what_only_grew_is_written_when_that_is_asked_for() {
    let (kept, new) = (document(&["a"]), document(&["a", "b"]));
    for wish in [Wish::default(), UPDATE, ALLOW] {
        assert_eq!(decide(Some(&kept), &kept, wish, ""), Ok(false), "{wish:?}");
    }
    for (known, word) in [(Some(&kept), "out of date"), (None, "missing")] {
        let refusal = decide(known, &new, Wish::default(), "").unwrap_err();
        assert!(refusal.contains(word) && refusal.contains(RENEW) && refusal.lines().count() == 1, "{refusal}");
        assert_eq!(decide(known, &new, UPDATE, ""), Ok(true));
    }
}

#[test]
fn what_breaks_is_written_only_when_that_is_allowed_and_told() {
    let new = document(&["a"]);
    let kept = document(&["a", "make_thing"]);
    for wish in [Wish::default(), UPDATE, Wish { update: false, breaking: true }] {
        let refusal = decide(Some(&kept), &new, wish, CHANGELOG).unwrap_err();
        assert!(refusal.contains("\n  make_thing: it is gone\n") && refusal.contains(RENEW), "{refusal}");
    }
    assert_eq!(decide(Some(&kept), &new, ALLOW, CHANGELOG), Ok(true));
    for id in ["other_thing", "old_thing", "thing"] {
        let refusal = decide(Some(&document(&["a", id])), &new, ALLOW, CHANGELOG).unwrap_err();
        assert!(refusal.ends_with(&format!("names `{id}`")), "{refusal}");
    }
    assert!(decide(Some(&kept), &new, ALLOW, "# Changelog\n\n## Unreleased\n\n- `make_thing` is gone.\n").is_err());
}

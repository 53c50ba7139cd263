#![allow(clippy::unwrap_used)]

use super::*;
use crate::Fault;

#[test]
fn not_binds_more_than_and_and_that_more_than_or() {
    for (text, read) in [
        ("a pr or b pr and c pr", "a pr or b pr and c pr"),
        ("(a pr or b pr) and c pr", "(a pr or b pr) and c pr"),
        ("a pr or (b pr and c pr)", "a pr or b pr and c pr"),
        ("not (a pr) and b pr", "not (a pr) and b pr"),
        ("NOT(a PR AND b pr)or c pr", "not (a pr and b pr) or c pr"),
        ("((a pr))", "a pr"),
        ("a eq \"x\"and(b eq true)", "a eq \"x\" and b eq true"),
        ("a eq \"x\" and(b eq true)", "a eq \"x\" and b eq true"),
        (" a  eq   null ", "a eq null"),
        ("a gt -1.5e3 and b le 7", "a gt -1500.0 and b le 7"),
        ("a eq \"q\\\"\\\\\"", "a eq \"q\\\"\\\\\""),
        ("a eq \"\\u00fc \u{fc}\"", "a eq \"\u{fc} \u{fc}\""),
        ("emails[type eq \"work\" and value co \"@x\"]", "emails[type eq \"work\" and value co \"@x\"]"),
        ("emails[type eq \"work\"].value eq \"a\"", "emails[type eq \"work\" and value eq \"a\"]"),
        ("emails[a pr or b pr].value pr", "emails[(a pr or b pr) and value pr]"),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"J\"",
            "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"J\"",
        ),
    ] {
        let filter = Filter::parse(text);
        assert_eq!(filter.as_ref().map(ToString::to_string).unwrap_or_default(), read, "{text}");
        if let Ok(filter) = filter {
            assert_eq!(Filter::parse(read).unwrap(), filter);
        }
    }
    let pr = |name| Filter::Present(AttributePath::of(name));
    let expected = Filter::Or(vec![pr("a"), Filter::And(vec![pr("b"), Filter::Not(Box::new(pr("c")))])]);
    assert_eq!(Filter::parse("a pr or b pr and not (c pr)").unwrap(), expected);
}

#[test]
fn what_is_no_filter_is_refused_however_long_or_deep_it_is() {
    let deep = format!("{}a pr{}", "(".repeat(MAX_DEPTH + 1), ")".repeat(MAX_DEPTH + 1));
    let deepest = format!("{}a pr{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH));
    assert!(Filter::parse(&deepest).is_ok());
    let long = format!("a eq \"{}\"", "x".repeat(MAX_FILTER_BYTES));
    for text in [
        "",
        " ",
        "a",
        "a eq",
        "a eq x",
        "a is 1",
        "a pr b pr",
        "a pr and",
        "and a pr",
        "not a pr",
        "(a pr",
        "a pr)",
        "a[b pr",
        "a[b pr]]",
        "a[b[c pr]]",
        "a.b[c pr]",
        "a eq \"x",
        "a eq \"\\x\"",
        "a eq 01",
        "a eq 1e999",
        "a pr,b pr",
        "a eq {}",
        "9 pr",
        &deep,
        &long,
        &"(".repeat(4000),
        &"not (".repeat(800),
        &"a[".repeat(2000),
    ] {
        assert_eq!(Filter::parse(text).map_err(|refusal| refusal.fault), Err(Fault::InvalidFilter), "{text}");
    }
}

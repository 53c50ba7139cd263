//! What holds for every filter, path and change.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use scim::patch::{Action, Operation, apply};
use scim::{AttributePath, Fault, Filter, Literal, MAX_FILTER_BYTES, Operator, Path, USER, Wanted, accept};
use serde_json::{Map, Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn word() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), Just("Anna".to_owned()), Just("work".to_owned()), "[ -~\u{fc}\\\\\"]{0,6}"]
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Boolean),
        any::<i32>().prop_map(|number| Literal::Number(number.into())),
        word().prop_map(Literal::Text),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    (0..Operator::ALL.len()).prop_map(|at| Operator::ALL[at].1)
}

/// Comparisons of these attributes, which have parts or not.
fn comparison(names: &'static [&'static str]) -> impl Strategy<Value = Filter> {
    let path = (0..names.len()).prop_map(|at| AttributePath::parse(names[at]).unwrap());
    prop_oneof![
        path.clone().prop_map(Filter::Present),
        (path, operator(), literal()).prop_map(|(path, operator, literal)| Filter::Compare(path, operator, literal)),
    ]
}

fn joined(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Filter::And),
            vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|one| Filter::Not(Box::new(one))),
        ]
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let values = joined(comparison(&["type", "value", "primary"]))
        .prop_map(|within| Filter::Values(AttributePath::of("emails"), Box::new(within)));
    let plain = comparison(&[
        "userName",
        "active",
        "name.familyName",
        "emails",
        "emails.type",
        "title",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    ]);
    joined(prop_oneof![3 => plain, 1 => values])
}

fn person() -> impl Strategy<Value = Map<String, Value>> {
    let email = (word(), prop_oneof![Just("work"), Just("home")])
        .prop_map(|(value, kind)| json!({ "value": value, "type": kind }));
    (word(), any::<Option<bool>>(), vec(email, 0..4), word(), word()).prop_map(
        |(name, active, emails, title, manager)| {
            let body = json!({
                "schemas": [USER.schema.id], "userName": format!("u{name}"), "active": active, "emails": emails,
                "title": title, (ENTERPRISE): { "manager": { "value": manager } },
            });
            accept(USER, body.as_object().unwrap()).unwrap()
        },
    )
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("title".to_owned()),
        Just("name".to_owned()),
        Just("name.givenName".to_owned()),
        Just("emails".to_owned()),
        Just("emails.type".to_owned()),
        Just("emails[type eq \"work\"]".to_owned()),
        Just("emails[type eq \"home\" or value pr].value".to_owned()),
        Just("emails[type eq \"other\"].primary".to_owned()),
        Just("active".to_owned()),
        Just("userName".to_owned()),
        Just(ENTERPRISE.to_owned()),
        Just(format!("{ENTERPRISE}:manager")),
        Just(format!("{ENTERPRISE}:manager.value")),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        word().prop_map(Value::from),
        word().prop_map(|text| json!({ "value": text, "type": "work", "primary": true })),
        word().prop_map(|text| json!([{ "value": text, "primary": true }, { "value": "b" }])),
        word().prop_map(|text| json!({ "givenName": text, "familyName": "M" })),
        word().prop_map(|text| json!({ "department": text })),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let action = prop_oneof![Just(Action::Add), Just(Action::Remove), Just(Action::Replace)];
    (action, path(), value()).prop_map(|(action, path, value)| {
        let value = (action != Action::Remove).then_some(value);
        Operation { action, path: Some(Path::parse(&path).unwrap()), value }
    })
}

proptest! {
    #[test]
    fn a_filter_that_was_written_is_read_as_the_same(filter in filter()) {
        let text = filter.to_string();
        prop_assume!(text.len() <= MAX_FILTER_BYTES);
        prop_assert_eq!(Filter::parse(&text), Ok(filter), "{}", text);
    }

    #[test]
    fn a_filter_means_a_person_or_its_opposite_does(filter in filter(), person in person()) {
        let means = filter.matches(USER, &person);
        prop_assert_eq!(Filter::Not(Box::new(filter.clone())).matches(USER, &person), !means);
        if let Filter::Compare(path, Operator::Eq, literal) = filter {
            prop_assert_eq!(Filter::Compare(path, Operator::Ne, literal).matches(USER, &person), !means);
        }
    }

    #[test]
    fn no_text_is_too_strange_to_be_refused(text in "[ -~\u{fc}\u{0}]{0,40}", other in "[a-c.:$ ()\\[\\]\"not eqpr]{0,60}") {
        for text in [&text, &other] {
            for read in [Filter::parse(text).map(|read| read.to_string()), Path::parse(text).map(|read| read.to_string())] {
                match read {
                    Ok(written) => prop_assert!(Filter::parse(&written).is_ok() || Path::parse(&written).is_ok()),
                    Err(refusal) => prop_assert!([Fault::InvalidFilter, Fault::InvalidPath].contains(&refusal.fault)),
                }
            }
        }
    }

    #[test]
    fn whatever_is_changed_is_in_its_normal_form_then_with_one_primary_value_at_most(
        person in person(), operations in vec(operation(), 1..6)
    ) {
        let mut changed = person.clone();
        if apply(USER, &mut changed, &operations).is_err() {
            prop_assert_eq!(&changed, &person, "what is refused has changed nothing");
        }
        let mut body = changed.clone();
        body.insert("schemas".to_owned(), USER.schemas(&changed));
        prop_assert_eq!(accept(USER, &body), Ok(changed.clone()));
        let emails = changed.get("emails").and_then(Value::as_array).cloned().unwrap_or_default();
        prop_assert!(emails.iter().filter(|email| email["primary"] == true).count() <= 1);
    }

    #[test]
    fn what_is_wanted_and_what_is_left_out_make_up_the_whole(person in person(), at in 0usize..4) {
        let name = ["title", "emails", "active", ENTERPRISE][at];
        let only = Wanted::new(Some([name]), None::<[&str; 0]>).unwrap().of(USER, person.clone());
        let mut rest = Wanted::new(None::<[&str; 0]>, Some([name])).unwrap().of(USER, person.clone());
        prop_assert!(!rest.contains_key(name));
        rest.extend(only);
        prop_assert_eq!(rest, person);
    }
}

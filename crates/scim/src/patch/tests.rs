#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::{GROUP, USER};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn patched(of: &ResourceType, mut was: Value, all: Value) -> Result<Value, Fault> {
    let body = json!({ "schemas": [PATCH_OP], "Operations": all });
    let resource = was.as_object_mut().unwrap();
    let before = resource.clone();
    let result = operations(body.as_object().unwrap()).and_then(|all| apply(of, resource, &all));
    match result {
        Ok(()) => Ok(was),
        Err(refusal) => {
            assert_eq!(*resource, before, "what is refused has changed nothing");
            Err(refusal.fault)
        }
    }
}

fn anna() -> Value {
    json!({
        "userName": "anna", "title": "Teacher", "name": { "givenName": "Anna", "familyName": "M" },
        "emails": [
            { "value": "anna@x.example", "type": "work", "primary": true },
            { "value": "anna@home.example", "type": "home" },
        ],
        (ENTERPRISE): { "department": "Physics", "manager": { "value": "usr_2" } },
    })
}

/// Anna with these attributes changed, and without those that are null.
fn with(changes: Value) -> Value {
    let mut anna = anna();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(anna.as_object_mut().unwrap().remove(name)),
            value => anna[name] = value.clone(),
        }
    }
    anna
}

#[test]
fn what_is_added_stands_beside_what_was_there() {
    let (work, home) = (anna()["emails"][0].clone(), anna()["emails"][1].clone());
    let own = json!({ "value": "a@own.example", "primary": true });
    let mut other = work.clone();
    other["primary"] = json!(false);
    for (path, value, expected) in [
        ("title", json!("Head"), with(json!({ "title": "Head" }))),
        ("NICKNAME", json!("An"), with(json!({ "nickName": "An" }))),
        ("name", json!({ "GivenName": "Ann" }), with(json!({ "name": { "givenName": "Ann", "familyName": "M" } }))),
        (
            "name.middleName",
            json!("B"),
            with(json!({ "name": { "givenName": "Anna", "middleName": "B", "familyName": "M" } })),
        ),
        ("emails", json!([work]), anna()),
        ("emails", json!([own]), with(json!({ "emails": [other, home, own] }))),
        ("emails", json!(own), with(json!({ "emails": [other, home, own] }))),
        (
            "emails[type eq \"home\"]",
            json!({ "display": "Home" }),
            with(json!({ "emails": [work, { "value": "anna@home.example", "type": "home", "display": "Home" }] })),
        ),
        (
            "emails[type eq \"other\"].value",
            json!("a@o.example"),
            with(json!({ "emails": [work, home, { "type": "other", "value": "a@o.example" }] })),
        ),
        (
            "phoneNumbers[type eq \"work\" and primary eq true].value",
            json!("+41"),
            with(json!({ "phoneNumbers": [{ "type": "work", "primary": true, "value": "+41" }] })),
        ),
        ("phoneNumbers.value", json!("+41"), with(json!({ "phoneNumbers": [{ "value": "+41" }] }))),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
            json!("Science"),
            with(
                json!({ (ENTERPRISE): { "department": "Physics", "division": "Science", "manager": { "value": "usr_2" } } }),
            ),
        ),
        (
            ENTERPRISE,
            json!({ "department": "Chemistry" }),
            with(json!({ (ENTERPRISE): { "department": "Chemistry", "manager": { "value": "usr_2" } } })),
        ),
    ] {
        let all = json!([{ "op": "Add", "path": path, "value": value }]);
        assert_eq!(patched(USER, anna(), all), Ok(expected), "{path}");
    }
}

#[test]
fn what_is_replaced_is_gone_and_what_is_not_said_of_it_stays() {
    let work = anna()["emails"][0].clone();
    for (path, value, expected) in [
        ("title", json!("Head"), with(json!({ "title": "Head" }))),
        ("title", json!(null), with(json!({ "title": null }))),
        ("name", json!({ "familyName": "K" }), with(json!({ "name": { "givenName": "Anna", "familyName": "K" } }))),
        ("name.familyName", json!("K"), with(json!({ "name": { "givenName": "Anna", "familyName": "K" } }))),
        ("emails", json!([{ "value": "a@b.c" }]), with(json!({ "emails": [{ "value": "a@b.c" }] }))),
        ("emails", json!([]), with(json!({ "emails": null }))),
        (
            "emails[type eq \"work\"].value",
            json!("a@b.c"),
            with(json!({ "emails": [{ "value": "a@b.c", "type": "work", "primary": true }, anna()["emails"][1]] })),
        ),
        (
            "emails[type eq \"home\"]",
            json!({ "value": "a@b.c", "type": "other" }),
            with(json!({ "emails": [work, { "value": "a@b.c", "type": "other" }] })),
        ),
        (
            "emails[type eq \"home\"].primary",
            json!(true),
            with(json!({ "emails": [
            { "value": "anna@x.example", "type": "work", "primary": false },
            { "value": "anna@home.example", "type": "home", "primary": true },
        ] })),
        ),
        (
            "emails.type",
            json!("other"),
            with(json!({ "emails": [
            { "value": "anna@x.example", "type": "other", "primary": true },
            { "value": "anna@home.example", "type": "other" },
        ] })),
        ),
        (
            ENTERPRISE,
            json!({ "manager": { "value": "usr_3" } }),
            with(json!({ (ENTERPRISE): { "department": "Physics", "manager": { "value": "usr_3" } } })),
        ),
    ] {
        let all = json!([{ "op": "replace", "path": path, "value": value }]);
        assert_eq!(patched(USER, anna(), all), Ok(expected), "{path}");
    }
    let without_path = json!([{ "op": "Replace", "value": {
        "schemas": ["x"], "id": "other", "groups": [], "active": "False", "name.givenName": "Ann", "title": null,
        "emails[type eq \"home\"].value": "a@b.c",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Arts",
    } }]);
    let expected = with(json!({
        "active": false, "title": null, "name": { "givenName": "Ann", "familyName": "M" },
        "emails": [work, { "value": "a@b.c", "type": "home" }],
        (ENTERPRISE): { "department": "Arts", "manager": { "value": "usr_2" } },
    }));
    assert_eq!(patched(USER, anna(), without_path), Ok(expected));
}

#[test]
fn what_is_removed_is_gone() {
    let [work, home] = [0, 1].map(|at| anna()["emails"][at].clone());
    for (path, expected) in [
        ("title", with(json!({ "title": null }))),
        ("nickName", anna()),
        ("name.givenName", with(json!({ "name": { "familyName": "M" } }))),
        ("emails", with(json!({ "emails": null }))),
        ("emails[type eq \"work\" and value co \"@x\"]", with(json!({ "emails": [home] }))),
        ("emails[type eq \"home\"].type", with(json!({ "emails": [work, { "value": "anna@home.example" }] }))),
        ("emails.primary", with(json!({ "emails": [{ "value": "anna@x.example", "type": "work" }, home] }))),
        ("emails[type pr]", with(json!({ "emails": null }))),
        (ENTERPRISE, with(json!({ (ENTERPRISE): null }))),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            with(json!({ (ENTERPRISE): { "department": "Physics" } })),
        ),
    ] {
        assert_eq!(patched(USER, anna(), json!([{ "op": "remove", "path": path }])), Ok(expected), "{path}");
    }
    let group = json!({ "displayName": "a", "members": [{ "value": "usr_1", "type": "User" }, { "value": "usr_2" }] });
    let left = json!({ "displayName": "a", "members": [{ "value": "usr_2" }] });
    for all in [
        json!([{ "op": "remove", "path": "members[value eq \"usr_1\"]" }]),
        json!([{ "op": "Remove", "path": "members", "value": [{ "value": "usr_1" }, { "value": "usr_9" }] }]),
        json!([{ "op": "remove", "path": "members" }, { "op": "add", "path": "members", "value": [{ "value": "usr_2" }] }]),
    ] {
        assert_eq!(patched(GROUP, group.clone(), all.clone()), Ok(left.clone()), "{all}");
    }
}

#[test]
fn what_cannot_be_changed_is_refused_by_its_keyword_and_nothing_is_done_then() {
    let fine = json!({ "op": "add", "path": "title", "value": "Head" });
    for (operation, fault) in [
        (json!({ "op": "remove" }), Fault::NoTarget),
        (json!({ "op": "remove", "path": "emails[type eq \"other\"]" }), Fault::NoTarget),
        (json!({ "op": "replace", "path": "emails[type eq \"other\"].value", "value": "a" }), Fault::NoTarget),
        (json!({ "op": "add", "path": "emails[value co \"nobody\"].value", "value": "a" }), Fault::NoTarget),
        (json!({ "op": "remove", "path": "userName" }), Fault::Mutability),
        (json!({ "op": "replace", "path": "userName", "value": null }), Fault::Mutability),
        (json!({ "op": "replace", "path": "id", "value": "a" }), Fault::Mutability),
        (json!({ "op": "replace", "path": "meta.version", "value": "a" }), Fault::Mutability),
        (json!({ "op": "replace", "value": { "userName": 7 } }), Fault::InvalidValue),
        (json!({ "op": "replace", "path": "active", "value": "maybe" }), Fault::InvalidValue),
        (json!({ "op": "add", "value": "a" }), Fault::InvalidValue),
        (json!({ "op": "add", "path": "password", "value": "a" }), Fault::InvalidPath),
        (json!({ "op": "add", "path": "emails.word", "value": "a" }), Fault::InvalidPath),
        (json!({ "op": "add", "path": "emails[type eq \"home\"].word", "value": "a" }), Fault::InvalidPath),
        (json!({ "op": "add", "path": "name[givenName pr]", "value": "a" }), Fault::InvalidPath),
        (json!({ "op": "add", "path": "", "value": "a" }), Fault::InvalidPath),
        (json!({ "op": "add", "path": 7, "value": "a" }), Fault::InvalidPath),
        (json!({ "op": "add", "path": "emails[word eq \"a\"]", "value": {} }), Fault::InvalidFilter),
        (json!({ "op": "add", "path": "emails[type eq ]", "value": {} }), Fault::InvalidFilter),
        (json!({ "op": "add", "path": "title" }), Fault::InvalidSyntax),
        (json!({ "op": "move", "path": "title", "value": "a" }), Fault::InvalidSyntax),
        (json!("remove"), Fault::InvalidSyntax),
    ] {
        let all = json!([fine, operation]);
        assert_eq!(patched(USER, anna(), all), Err(fault), "{operation}");
    }
    let group = json!({ "displayName": "a", "members": [{ "value": "usr_1" }] });
    let moved = json!([{ "op": "replace", "path": "members[value eq \"usr_1\"].value", "value": "usr_2" }]);
    assert_eq!(patched(GROUP, group, moved), Err(Fault::Mutability));
    for body in [
        json!({}),
        json!({ "schemas": [PATCH_OP] }),
        json!({ "schemas": [PATCH_OP], "Operations": [] }),
        json!({ "schemas": [PATCH_OP], "Operations": vec![fine.clone(); MAX_OPERATIONS + 1] }),
        json!({ "Operations": [fine] }),
    ] {
        assert_eq!(operations(body.as_object().unwrap()).map_err(|refusal| refusal.fault), Err(Fault::InvalidSyntax));
    }
}

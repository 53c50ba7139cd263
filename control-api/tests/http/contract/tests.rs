//! Each rule, there and back: what a change breaks, and what its reverse does.

use serde_json::{Value, json};

use super::rules::breaks;

const POST: &str = "/paths/~1things~1{id}/post";
const SENT: &str = "/components/schemas/NewThing";
const TOLD: &str = "/components/schemas/Thing";

fn base() -> Value {
    let body = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/NewThing" } } });
    let answer = json!({
        "description": "made",
        "headers": { "Location": { "schema": { "type": "string" } } },
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } },
    });
    let post = json!({
        "operationId": "make_thing",
        "security": [{ "bearer": ["thing.create"] }],
        "parameters": [
            { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
            { "name": "limit", "in": "query", "schema": { "type": "integer", "maximum": 100, "default": 50 } },
        ],
        "requestBody": { "content": body },
        "responses": { "201": answer, "404": { "description": "not found" } },
    });
    let sent = json!({
        "type": "object", "additionalProperties": false, "required": ["name"],
        "properties": {
            "name": { "type": "string", "maxLength": 100 },
            "kind": { "type": "string", "enum": ["a", "b"] },
            "count": { "type": ["integer", "null"], "format": "int32", "minimum": 0 },
            "words": { "type": "array", "items": { "type": "string" } },
        },
    });
    let told = json!({
        "type": "object", "required": ["id"],
        "properties": {
            "id": { "type": "string" },
            "note": { "type": ["string", "null"] },
            "kind": { "type": "string", "enum": ["a", "b"] },
            "type": { "type": "string", "enum": ["x", "y"], "x-closed": true },
            "at": { "type": "string", "format": "date-time" },
        },
    });
    json!({
        "openapi": "3.1.0",
        "paths": { "/things/{id}": { "post": post } },
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
            "schemas": { "NewThing": sent, "Thing": told },
        },
    })
}

/// The document with this value at an address of it; with `null`, without what is there.
pub(super) fn with(mut document: Value, address: &str, value: Value) -> Value {
    let (parent, last) = address.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/");
    match document.pointer_mut(parent).unwrap() {
        Value::Object(members) if value.is_null() => assert!(members.remove(&last).is_some(), "{address}"),
        Value::Object(members) => drop(members.insert(last, value)),
        Value::Array(elements) if last == "-" => elements.push(value),
        Value::Array(elements) => drop(elements.remove(last.parse().unwrap())),
        other => panic!("{other} at {parent}"),
    }
    document
}

/// What a change of the document breaks, and what taking it back would.
#[track_caller]
fn check(address: &str, value: Value, there: &[&str], back: &[&str]) {
    let new = with(base(), address, value);
    check_both(&base(), &new, there, back);
}

#[track_caller]
fn check_both(kept: &Value, new: &Value, there: &[&str], back: &[&str]) {
    for (kept, new, faults, way) in [(kept, new, there, "there"), (new, kept, back, "back")] {
        let told: Vec<String> = breaks(kept, new).iter().map(ToString::to_string).collect();
        let expected: Vec<String> = faults.iter().map(|what| format!("make_thing: {what}")).collect();
        assert_eq!(told, expected, "{way}");
    }
}

#[test]
fn operations_stay_where_they_are_under_their_names() {
    check("/paths/~1things~1{id}", Value::Null, &["it is gone"], &[]);
    check(POST, Value::Null, &["it is gone"], &[]);
    let told =
        |kept: &Value, new: &Value| -> Vec<String> { breaks(kept, new).iter().map(ToString::to_string).collect() };
    let renamed = with(base(), &format!("{POST}/operationId"), json!("create_thing"));
    assert_eq!(told(&base(), &renamed), ["make_thing: it is called create_thing now"]);
    assert_eq!(told(&renamed, &base()), ["create_thing: it is called make_thing now"]);
    let nameless = with(base(), &format!("{POST}/operationId"), Value::Null);
    assert_eq!(told(&base(), &nameless), ["make_thing: it is called nothing now"]);
    assert_eq!(told(&nameless, &base()), [""; 0], "nobody knew it by a name");
    assert_eq!(told(&nameless, &with(base(), POST, Value::Null)), ["POST /things/{id}: it is gone"]);
}

#[test]
fn parameters_stay_and_none_becomes_required() {
    let listed = format!("{POST}/parameters");
    let at = |rest: &str| format!("{listed}/{rest}");
    check(&at("0"), Value::Null, &["path parameter id is gone"], &["path parameter id is new, and required"]);
    check(&at("1"), Value::Null, &["query parameter limit is gone"], &[]);
    check(&at("1/required"), json!(true), &["query parameter limit is required now"], &[]);
    check(&at("1/schema/maximum"), json!(50), &["query parameter limit has the tighter maximum 50 now"], &[]);
    check(&at("1/schema/default"), Value::Null, &["query parameter limit has another default now"], &[]);
    check(&at("1/in"), json!("header"), &["query parameter limit is gone"], &["header parameter limit is gone"]);
    let another = ["query parameter limit has another style now"];
    check(&at("1/style"), json!("pipeDelimited"), &another, &another);
    let header = |name: &str| json!({ "name": name, "in": "header", "schema": { "type": "string" } });
    check(&at("-"), header("If-Match"), &[], &["header parameter if-match is gone"]);
    check_both(&with(base(), &at("-"), header("If-Match")), &with(base(), &at("-"), header("if-match")), &[], &[]);
    let sort = json!({ "name": "sort", "in": "query", "required": true, "schema": {} });
    check(&at("-"), sort, &["query parameter sort is new, and required"], &["query parameter sort is gone"]);
    let all = base().pointer(&listed).unwrap().clone();
    let of_path = with(base(), "/paths/~1things~1{id}/parameters", all);
    check_both(&base(), &with(of_path, &listed, Value::Null), &[], &[]);
}

#[test]
fn a_body_is_taken_as_before() {
    let at = |rest: &str| format!("{POST}/requestBody{rest}");
    check(&at("/required"), json!(true), &["body is required now"], &[]);
    check(&at(""), Value::Null, &["body is gone"], &[]);
    check(&at("/content/application~1json"), Value::Null, &["body as application/json is gone"], &[]);
    check(&at("/content/text~1plain"), json!({}), &[], &["body as text/plain is gone"]);
}

#[test]
fn what_was_sent_is_still_taken() {
    let at = |rest: &str| format!("{SENT}/{rest}");
    check(&at("required"), json!(["name", "kind"]), &["body.kind is required now"], &[]);
    check(&at("properties/kind"), Value::Null, &["body.kind is gone, and refused"], &[]);
    check(&at("properties/new"), json!({}), &[], &["body.new is gone, and refused"]);
    check(&at("properties/kind/enum"), json!(["a"]), &["body.kind no longer takes \"b\""], &[]);
    check(&at("properties/kind/enum"), Value::Null, &[], &["body.kind takes listed values alone now"]);
    let (text, number) = ("body.name may no longer be of type string", "body.name may no longer be of type integer");
    check(&at("properties/name/type"), json!("integer"), &[text], &[number]);
    check(&at("properties/name/type"), json!(["null", "string"]), &[], &["body.name may no longer be of type null"]);
    let broader = json!(["number", "null"]);
    check(&at("properties/count/type"), broader, &[], &["body.count may no longer be of type number"]);
    check(&at("properties/count/type"), Value::Null, &[], &["body.count may no longer be of any type"]);
    let (text, number) = ("body.words[] may no longer be of type string", "body.words[] may no longer be of type null");
    check(&at("properties/words/items/type"), json!("null"), &[text], &[number]);
    check(&at("properties/name/default"), json!("x"), &[], &["body.name has another default now"]);
    let another = ["body.words has another contains now"];
    check(&at("properties/words/contains"), json!({}), &another, &another);
}

#[test]
fn what_was_sent_is_within_the_bounds() {
    let at = |rest: &str| format!("{SENT}/{rest}");
    for (address, bound) in [
        ("properties/name/maxLength", json!(99)),
        ("properties/name/minLength", json!(1)),
        ("properties/count/minimum", json!(0.5)),
        ("properties/count/maximum", json!(9)),
        ("properties/count/exclusiveMinimum", json!(1)),
        ("properties/count/exclusiveMaximum", json!(9)),
        ("properties/words/minItems", json!(1)),
        ("properties/words/maxItems", json!(9)),
        ("minProperties", json!(2)),
        ("maxProperties", json!(9)),
    ] {
        let (place, keyword) = address.rsplit_once('/').unwrap_or(("", address));
        let place = place.replace("properties/", "body.");
        let place = if place.is_empty() { "body" } else { place.as_str() };
        check(&at(address), bound.clone(), &[&format!("{place} has the tighter {keyword} {bound} now")], &[]);
    }
    check(&at("properties/name/maxLength"), json!(101), &[], &["body.name has the tighter maxLength 100 now"]);
    check(&at("properties/count/minimum"), Value::Null, &[], &["body.count has the tighter minimum 0 now"]);
    check(&at("properties/name/minLength"), json!(0), &[], &[]);
    check(&at("properties/name/pattern"), json!("^a"), &["body.name has another pattern now"], &[]);
    check(&at("properties/count/multipleOf"), json!(2), &["body.count has another multipleOf now"], &[]);
    check(&at("properties/words/uniqueItems"), json!(true), &["body.words has another uniqueItems now"], &[]);
    check(&at("properties/words/uniqueItems"), json!(false), &[], &[]);
    let format = ["body.count has another format now"];
    check(&at("properties/count/format"), json!("int64"), &[], &format);
    check(&at("properties/count/format"), Value::Null, &[], &format);
    check(&at("properties/name/format"), json!("uuid"), &["body.name has another format now"], &[]);
    check(&at("properties/name/format"), json!("password"), &[], &[]);
}

#[test]
fn properties_without_a_name_are_taken_and_answered_as_before() {
    let sent = format!("{SENT}/additionalProperties");
    check(&sent, Value::Null, &[], &["body refuses properties that it does not know now"]);
    check(&sent, json!({ "type": "integer" }), &[], &["body refuses properties that it does not know now"]);
    let of = |at: &str, kind: &str| with(base(), at, json!({ "type": kind }));
    let (number, text) = ("body.* may no longer be of type integer", "body.* may no longer be of type string");
    check_both(&of(&sent, "integer"), &of(&sent, "string"), &[number], &[text]);
    let open = with(base(), &sent, Value::Null);
    check_both(&open, &with(open.clone(), &format!("{SENT}/properties/kind"), Value::Null), &[], &[]);

    let told = format!("{TOLD}/additionalProperties");
    check(&told, json!({ "type": "integer" }), &[], &["201.* may be of any type now"]);
    check(&told, json!(false), &[], &[]);
    check_both(&of(&told, "integer"), &with(base(), &told, json!(false)), &["201.* is gone"], &[]);
    check_both(&of(&told, "integer"), &of(&told, "number"), &["201.* may be of type number now"], &[]);
}

#[test]
fn answers_come_as_before() {
    let at = |rest: &str| format!("{POST}/responses/{rest}");
    check(&at("404"), Value::Null, &["404 is gone"], &[]);
    check(&at("201/content/application~1json"), Value::Null, &["201 as application/json is gone"], &[]);
    check(&at("201/content/text~1csv"), json!({}), &[], &["201 as text/csv is gone"]);
    check(&at("201/headers/Location"), Value::Null, &["201 header Location is gone"], &[]);
    let either = json!(["string", "integer"]);
    check(&at("201/headers/Location/schema/type"), either, &["201 header Location may be of type integer now"], &[]);
    for (address, value) in [(at("404/description"), json!("none")), (format!("{TOLD}/description"), json!("A thing."))]
    {
        check(&address, value, &[], &[]);
    }
}

#[test]
fn what_is_answered_has_what_it_had() {
    let at = |rest: &str| format!("{TOLD}/{rest}");
    check(&at("properties/note"), Value::Null, &["201.note is gone"], &[]);
    check(&at("properties/id"), Value::Null, &["201.id is gone"], &[]);
    check(&at("required"), Value::Null, &["201.id may be left out now"], &[]);
    check(&at("properties/note/type"), json!("string"), &[], &["201.note may be of type null now"]);
    let (number, text) = ("201.id may be of type integer now", "201.id may be of type string now");
    check(&at("properties/id/type"), json!("integer"), &[number], &[text]);
    check(&at("properties/id/maxLength"), json!(5), &[], &[]);
    check(&at("properties/at/format"), Value::Null, &["201.at has another format now"], &[]);
    check(&at("properties/kind/enum"), json!(["a", "b", "c"]), &[], &[]);
    check(&at("properties/kind/enum"), Value::Null, &[], &[]);
    let others = ["201.kind has other values now"];
    check(&at("properties/kind/enum"), json!(["c"]), &others, &others);
    check(&at("properties/type/enum"), json!(["x", "y", "z"]), &["201.type may be \"z\" now"], &[]);
    check(&at("properties/type/enum"), Value::Null, &["201.type may be any value now"], &[]);
    check(&at("properties/type/x-closed"), Value::Null, &["201.type is no longer closed"], &[]);
}

#[test]
fn nobody_is_asked_for_more_than_before() {
    let ways = |ways: Value| with(base(), &format!("{POST}/security"), ways);
    let [create, update, operator, person, anybody] = ["thing.create", "thing.update", "operator", "person", ""]
        .map(|scope| if scope.is_empty() { ways(json!([])) } else { ways(json!([{ "bearer": [scope] }])) });
    check_both(&create, &anybody, &[], &["it asks for thing.create now"]);
    check_both(&create, &update, &["it asks for thing.update now"], &["it asks for thing.create now"]);
    check_both(&create, &operator, &["it asks for operator now"], &[]);
    check_both(&create, &person, &["it asks for person now"], &["it asks for thing.create now"]);
    check_both(&operator, &person, &["it asks for person now"], &["it asks for operator now"]);
    let both = ways(json!([{ "bearer": ["thing.create", "thing.update"] }]));
    check_both(&create, &both, &["it asks for thing.create, thing.update now"], &[]);
    let either = ways(json!([{ "bearer": ["thing.create"] }, { "cookie": [] }]));
    check_both(&create, &either, &[], &["it asks for thing.create now"]);
    check_both(
        &create,
        &ways(json!([{ "cookie": [] }])),
        &["it asks for a token now"],
        &["it asks for thing.create now"],
    );
    let another = ["the security scheme bearer is another one now"];
    check("/components/securitySchemes/bearer/scheme", json!("basic"), &another, &another);
    let of_all = with(
        with(base(), &format!("{POST}/security"), Value::Null),
        "/security",
        json!([{ "bearer": ["thing.create"] }]),
    );
    check_both(&create, &of_all, &[], &[]);
}

#[test]
fn one_of_several_shapes_is_compared_with_the_one_that_it_was() {
    let of = |at: &str, shapes: &[(&str, &str)]| {
        let shape = |(kind, name): &(&str, &str)| json!({ "type": "object", "properties": { "kind": { "enum": [kind] }, *name: { "type": "string" } } });
        with(base(), at, json!({ "oneOf": shapes.iter().map(shape).collect::<Vec<_>>() }))
    };
    let all = [("circle", "radius"), ("line", "length")];
    check_both(
        &of(TOLD, &all),
        &of(TOLD, &[all[0], ("line", "width")]),
        &["201.length is gone"],
        &["201.width is gone"],
    );
    let foreign = ["201.kind has other values now", "201.radius is gone"];
    check_both(&of(TOLD, &all), &of(TOLD, &all[..1]), &[], &foreign);
    check_both(&of(SENT, &all), &of(SENT, &all[..1]), &["body.kind no longer takes \"line\""], &[]);
}

#[test]
fn it_is_the_same_however_it_is_written() {
    let answer = format!("{POST}/responses/201");
    let schema = |document: &Value, at: &str| document.pointer(at).unwrap().clone();
    let inline = with(base(), &format!("{answer}/content/application~1json/schema"), schema(&base(), TOLD));
    check_both(&base(), &inline, &[], &[]);
    let (id, rest) = (
        json!({ "properties": { "id": { "type": "string" } } }),
        schema(&with(base(), &format!("{TOLD}/properties/id"), Value::Null), TOLD),
    );
    check_both(&base(), &with(base(), TOLD, json!({ "allOf": [id, rest] })), &[], &[]);

    let mut apart = base();
    for (kind, name, at) in [
        ("responses", "Made", answer),
        ("parameters", "Id", format!("{POST}/parameters/0")),
        ("requestBodies", "NewThing", format!("{POST}/requestBody")),
        ("pathItems", "Things", "/paths/~1things~1{id}".to_owned()),
    ] {
        let part = apart.pointer_mut(&at).unwrap();
        let part = std::mem::replace(part, json!({ "$ref": format!("#/components/{kind}/{name}") }));
        apart["components"][kind] = json!({ name: part });
    }
    check_both(&base(), &apart, &[], &[]);
}

#[test]
fn what_refers_to_itself_is_compared_once_and_what_leads_nowhere_is_anything() {
    let within = json!({ "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Thing" }] });
    let nested = with(base(), &format!("{TOLD}/properties/within"), within);
    let without = with(nested.clone(), &format!("{TOLD}/properties/note"), Value::Null);
    check_both(&nested, &without, &["201.note is gone", "201.within.note is gone"], &[]);
    let own = json!({ "$ref": "#/components/schemas/Thing" });
    for schema in [own.clone(), json!({ "allOf": [own] }), json!({ "oneOf": [own, own] }), json!({ "items": own })] {
        let round = with(base(), TOLD, schema);
        check_both(&round, &round, &[], &[]);
    }
    let nowhere = with(base(), TOLD, json!({ "$ref": "#/components/schemas/Nothing" }));
    check_both(&base(), &nowhere, &["201 may be of any type now"], &[]);
}

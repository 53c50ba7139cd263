//! Whatever document there is: it keeps its own promises, and a document that lacks any part of one does not.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::rules::breaks;
use super::tests::with;

/// Schemas of what is sent, which refuse what they do not know, or of what is answered.
fn schemas(is_sent: bool) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (0_u32..9, 9_u32..99)
            .prop_map(|(least, most)| json!({ "type": "string", "minLength": least, "maxLength": most })),
        prop::collection::btree_set("[a-c]", 1..3).prop_map(|words| json!({ "type": "string", "enum": words })),
        any::<i8>().prop_map(|least| json!({ "type": ["integer", "null"], "minimum": least })),
        Just(json!({ "type": "boolean" })),
        // Around in a circle.
        Just(json!({ "oneOf": [{ "type": "null" }, { "$ref": circle(is_sent) }] })),
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            inner.clone().prop_map(|items| json!({ "type": "array", "items": items })),
            inner.clone().prop_map(|one| json!({ "anyOf": [{ "type": "null" }, one] })),
            objects(inner, is_sent),
        ]
    })
}

fn objects(inner: impl Strategy<Value = Value>, is_sent: bool) -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-e]", (inner, any::<bool>()), 1..4).prop_map(move |members| {
        let required: Vec<_> =
            members.iter().filter(|(_, (_, is_required))| *is_required).map(|(name, _)| name).collect();
        let properties: Map<_, _> = members.iter().map(|(name, (schema, _))| (name.clone(), schema.clone())).collect();
        let mut object = json!({ "type": "object", "required": required, "properties": properties });
        if is_sent {
            object["additionalProperties"] = json!(false);
        }
        object
    })
}

fn circle(is_sent: bool) -> &'static str {
    if is_sent { "#/components/schemas/Sent" } else { "#/components/schemas/Told" }
}

/// Operations that send and answer one of these; each of the schemas is used.
fn documents() -> impl Strategy<Value = Value> {
    let operation = (schemas(true), schemas(true), schemas(false), any::<bool>());
    let shared = (objects(schemas(true), true), objects(schemas(false), false));
    (prop::collection::vec(operation, 1..4), shared).prop_map(|(operations, (sent, told))| {
        let mut document = json!({ "openapi": "3.1.0", "paths": {}, "components": { "schemas": { "Sent": sent, "Told": told } } });
        for (index, (limit, body, answer, is_required)) in operations.into_iter().enumerate() {
            document["paths"][format!("/things/{index}")] = json!({ "post": {
                "operationId": format!("make_{index}"),
                "security": [{ "bearer": ["thing.create"] }],
                "parameters": [{ "name": "limit", "in": "query", "required": is_required, "schema": limit }],
                "requestBody": { "content": {
                    "application/json": { "schema": body }, "application/x+json": { "schema": { "$ref": circle(true) } },
                } },
                "responses": {
                    "200": { "content": { "application/json": { "schema": answer } } },
                    "201": { "content": { "application/json": { "schema": { "$ref": circle(false) } } } },
                },
            } });
        }
        document
    })
}

/// Where somebody relies on something: addresses in the document, and whether it is sent.
fn promises(at: &str, value: &Value, is_sent: bool, found: &mut Vec<(String, bool)>) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        let place = format!("{at}/{}", name.replace('/', "~1"));
        let is_sent = is_sent || ["parameters", "requestBody", "Sent"].contains(&name.as_str());
        let members = inner.as_object().into_iter().flat_map(Map::keys).map(|key| key.replace('/', "~1"));
        let elements = (0..inner.as_array().map_or(0, Vec::len)).map(|index| index.to_string());
        let parts: Vec<String> = match name.as_str() {
            "paths" | "properties" | "responses" | "content" => members.collect(),
            "parameters" => elements.collect(),
            "required" if !is_sent => elements.collect(),
            "enum" if is_sent => elements.collect(),
            _ => Vec::new(),
        };
        found.extend(parts.iter().map(|part| (format!("{place}/{part}"), is_sent)));
        if ["post", "requestBody", "operationId"].contains(&name.as_str()) {
            found.push((place.clone(), is_sent));
        }
        promises(&place, inner, is_sent, found);
    }
    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
        promises(&format!("{at}/{index}"), inner, is_sent, found);
    }
}

proptest! {
    #[test]
    fn a_document_keeps_its_own_promises_and_one_that_lacks_something_does_not(
        document in documents(), which in any::<prop::sample::Index>(),
    ) {
        prop_assert_eq!(told(&document, &document), "");
        let mut found = Vec::new();
        promises("", &document, false, &mut found);
        let (address, is_sent) = which.get(&found);
        let without = with(document.clone(), address, Value::Null);
        prop_assert_ne!(told(&document, &without), "", "without {}", address);
        if !is_sent {
            prop_assert_eq!(told(&without, &document), "", "{} is more than there was", address);
        }
    }
}

fn told(kept: &Value, new: &Value) -> String {
    breaks(kept, new).iter().map(|of| format!("{of}\n")).collect()
}

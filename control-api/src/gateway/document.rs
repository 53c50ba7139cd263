//! The `OpenAPI` document of a gateway: its process's own, and those of the units elsewhere, as one.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::uri::PathAndQuery;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use kernel::Unit;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Gateway;
use super::pool::Pool;
use super::upstream::Upstream;
use crate::docs;

/// The largest document that a unit may have.
const MAX_BYTES: usize = 8 << 20;
/// A unit that is slower is left out, or its last known document taken.
const PATIENCE: Duration = Duration::from_secs(3);
/// For so long units are not asked again.
const FRESH: Duration = Duration::from_secs(10);

/// What is known of the documents.
#[derive(Default)]
pub(super) struct Documents(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// When units were last asked, and what came of it.
    merged: Option<(Instant, Bytes)>,
    /// The last document of each unit, by slug.
    of: BTreeMap<&'static str, Value>,
}

impl Gateway {
    /// The document of all units: `own`, which is that of this process, and those of others.
    pub(crate) async fn document(&self, own: Bytes) -> Bytes {
        if self.0.pools.is_empty() {
            return own;
        }
        let mut known = self.0.documents.0.lock().await;
        if let Some((_, merged)) = known.merged.as_ref().filter(|(asked, _)| asked.elapsed() < FRESH) {
            return merged.clone();
        }
        let asked = self.0.pools.iter().map(|pool| self.document_of_any(pool));
        for (pool, found) in self.0.pools.iter().zip(futures::future::join_all(asked).await) {
            if let Some(document) = found {
                known.of.insert(pool.unit.slug, document);
            }
        }
        let others: Vec<_> = self.0.pools.iter().map(|pool| (pool.unit, known.of.get(pool.unit.slug))).collect();
        let own = serde_json::from_slice(&own).expect("this process's own document is JSON");
        let merged = docs::text(merge(own, &others));
        known.merged = Some((Instant::now(), merged.clone()));
        merged
    }

    /// That of the first process of a unit that has one.
    async fn document_of_any(&self, pool: &Pool) -> Option<Value> {
        for upstream in pool.members() {
            match self.document_of(upstream).await {
                Ok(document) => return Some(document),
                Err(error) => {
                    tracing::warn!(unit = pool.unit.slug, base = %upstream.base, error, "a unit's document is missing");
                }
            }
        }
        None
    }

    async fn document_of(&self, upstream: &Upstream) -> Result<Value, String> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = upstream.base.at(PathAndQuery::from_static("/api/openapi.json"));
        let fetched = tokio::time::timeout(PATIENCE, self.fetch(request)).await;
        fetched.unwrap_or_else(|_elapsed| Err("it took too long".to_owned()))
    }

    async fn fetch(&self, request: Request) -> Result<Value, String> {
        let answer = self.0.client.send(request).await.map_err(|error| error.to_string())?;
        if answer.status() != StatusCode::OK {
            return Err(format!("it answered {}", answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await.map_err(|error| error.to_string())?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| error.to_string())
    }
}

/// One document of a process and of the units elsewhere, as far as theirs are known. Of a unit its addresses are taken, and its
/// schemas. `x-lectern-missing` lists the units whose documents are not known, `x-lectern-conflicts` the schemas of which another
/// one has the name already, as `SLUG/NAME`; both are there only with something in them.
fn merge(mut own: Value, others: &[(&Unit, Option<&Value>)]) -> Value {
    let (mut missing, mut conflicts) = (Vec::new(), Vec::new());
    let mut described = Vec::new();
    for (unit, document) in others {
        let Some(document) = document else {
            missing.push(unit.slug);
            continue;
        };
        described.push(unit.slug);
        let theirs = |pointer: &str| document.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
        let paths = object(&mut own, &["paths"]);
        paths.extend(
            theirs("/paths").filter(|(path, _)| unit.owns(path)).map(|(path, item)| (path.clone(), item.clone())),
        );
        let schemas = object(&mut own, &["components", "schemas"]);
        for (name, schema) in theirs("/components/schemas") {
            if schemas.get(name).is_some_and(|known| known != schema) {
                conflicts.push(format!("{}/{name}", unit.slug));
            } else {
                schemas.insert(name.clone(), schema.clone());
            }
        }
    }
    if let Some(Value::String(description)) = own.pointer_mut("/info/description").filter(|_| !described.is_empty()) {
        description
            .push_str(&format!(" Those that are served elsewhere and reached through here: {}.", described.join(", ")));
    }
    for (name, listed) in [("x-lectern-missing", json!(missing)), ("x-lectern-conflicts", json!(conflicts))] {
        if listed.as_array().is_some_and(|listed| !listed.is_empty()) {
            own[name] = listed;
        }
    }
    own
}

/// The object at these names, made where there is none.
fn object<'a>(value: &'a mut Value, names: &[&str]) -> &'a mut Map<String, Value> {
    let at = names.iter().fold(value, |at, name| &mut at[*name]);
    if !at.is_object() {
        *at = json!({});
    }
    at.as_object_mut().expect("it was made one just now")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    static BELLS: Unit = Unit {
        slug: "bells",
        parts: &[],
        addresses: &["/api/v1/bells"],
        tables: &[],
        permissions: &[],
        codes: &[],
        rights: kernel::Rights::nothing("bells know nobody"),
    };
    static WELLS: Unit = Unit {
        slug: "wells",
        parts: &[],
        addresses: &["/api/v1/wells"],
        tables: &[],
        permissions: &[],
        codes: &[],
        rights: kernel::Rights::nothing("wells know nobody"),
    };

    fn document(path: &str, schemas: Value) -> Value {
        let mut paths = json!({ "/healthz": { "get": {} } });
        paths[path] = json!({ "get": { "operationId": path } });
        json!({ "openapi": "3.1.0", "info": { "description": "Own." }, "paths": paths, "components": { "schemas": schemas } })
    }

    #[test]
    fn the_document_has_the_addresses_of_each_unit_and_everybodys_schemas() {
        let own = document("/api/v1/units", json!({ "Problem": { "type": "object" } }));
        let bells = document("/api/v1/bells", json!({ "Problem": { "type": "object" }, "Bell": { "type": "string" } }));
        let mut wells = document("/api/v1/wells/{id}", json!({ "Well": { "type": "integer" } }));
        wells["paths"]["/api/v1/bells"] = json!({ "get": { "operationId": "forged" } });
        let whole = merge(own, &[(&BELLS, Some(&bells)), (&WELLS, Some(&wells))]);
        let names = |pointer: &str| -> Vec<String> {
            let mut names: Vec<String> = whole.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names("/paths"), ["/api/v1/bells", "/api/v1/units", "/api/v1/wells/{id}", "/healthz"]);
        assert_eq!(
            whole["paths"]["/api/v1/bells"]["get"]["operationId"], "/api/v1/bells",
            "a unit speaks for itself alone"
        );
        assert_eq!(names("/components/schemas"), ["Bell", "Problem", "Well"]);
        assert_eq!((&whole["x-lectern-missing"], &whole["x-lectern-conflicts"]), (&Value::Null, &Value::Null));
        assert!(whole["info"]["description"].as_str().is_some_and(|text| text.ends_with(": bells, wells.")));
    }

    #[test]
    fn what_is_missing_and_what_disagrees_is_said() {
        let own = document("/api/v1/units", json!({ "Thing": { "type": "object" } }));
        let bells = document("/api/v1/bells", json!({ "Thing": { "type": "string" } }));
        let whole = merge(own.clone(), &[(&BELLS, Some(&bells)), (&WELLS, None)]);
        assert_eq!(whole["x-lectern-missing"], json!(["wells"]));
        assert_eq!(whole["x-lectern-conflicts"], json!(["bells/Thing"]));
        assert_eq!(whole["components"]["schemas"]["Thing"]["type"], "object");
        assert_eq!(merge(own, &[(&WELLS, None)])["info"]["description"], "Own.");
        assert!(
            merge(json!({}), &[(&BELLS, Some(&json!([])))])["paths"].is_object(),
            "what is no document adds nothing"
        );
    }
}

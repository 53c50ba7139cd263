//! Resources as they are answered.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::conditional::respond_tagged;
use kernel::{Etag, audit, rfc3339};
use scim::Wanted;
use scim::schema::ResourceType;
use serde_json::{Map, Value, json};

use super::{BASE, MEDIA_TYPE};

/// The schema of lists.
const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// A resource with all that there is of it.
pub(super) struct Resource {
    pub(super) kind: &'static ResourceType,
    pub(super) etag: Etag,
    pub(super) json: Map<String, Value>,
}

impl Resource {
    /// As it is, with what is wanted of it; 304 to whoever has it.
    pub(super) fn respond(self, headers: &HeaderMap, wanted: &Wanted) -> Response {
        audit::after(&self.json);
        let body = Value::Object(wanted.of(self.kind, self.json)).to_string();
        respond_tagged(headers, &self.etag, MEDIA_TYPE, "private, no-cache", body.into())
    }

    /// As it was just made.
    pub(super) fn created(self, wanted: &Wanted) -> Response {
        let at = self.json.get("id").and_then(Value::as_str).map(|id| location(self.kind, id));
        let mut response = self.respond(&HeaderMap::new(), wanted);
        *response.status_mut() = StatusCode::CREATED;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(at) = at.and_then(|at| HeaderValue::from_str(&at).ok()) {
            headers.insert(header::LOCATION, at);
        }
        response
    }
}

/// The address of a resource, as a reference that is the same at whatever name the service is reached by (RFC 7643 §2.3.7).
pub(super) fn location(kind: &ResourceType, id: &str) -> String {
    format!("{BASE}{}/{id}", kind.endpoint)
}

/// The tag of a resource in this version.
pub(super) fn etag(id: &str, version: i64) -> Etag {
    Etag::of(format!("scim {id} {version}").as_bytes())
}

/// What the service knows of a resource (RFC 7643 §3.1).
pub(super) fn meta(kind: &ResourceType, id: &str, (created_ms, updated_ms): (i64, i64), etag: &Etag) -> Value {
    json!({
        "resourceType": kind.name,
        "created": rfc3339(created_ms),
        "lastModified": rfc3339(updated_ms),
        "location": location(kind, id),
        "version": etag.as_str(),
    })
}

/// A list: these, the first of which has the number `start`, of `total`.
pub(super) fn listed(total: usize, start: usize, resources: Vec<Value>) -> Response {
    let list = json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    });
    plain(&list)
}

/// Something that nobody keeps.
pub(super) fn plain(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE), (header::CACHE_CONTROL, "no-store")], value.to_string()).into_response()
}

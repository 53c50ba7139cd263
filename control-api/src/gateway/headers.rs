//! What becomes of headers on their way through (RFC 9110 §7.6).

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use kernel::auth::Vouched;
use kernel::{Client, request_id};

/// Of one connection alone, whether `Connection` names them or not (RFC 9110 §7.6.1), and for a proxy alone (§11.7).
static OF_A_CONNECTION: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// What a gateway says of a request, and so nobody who sends one; names that go on are included.
const RESERVED: [&str; 4] = ["forwarded", "lectern-identity", "x-forwarded-", "x-real-ip"];
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What a gateway puts into `Via` (RFC 9110 §7.6.3): a name of its own, so that it knows a request that came round to it again.
pub(super) struct Mark {
    name: String,
    http1: HeaderValue,
    http2: HeaderValue,
}

impl Mark {
    pub(super) fn new() -> Self {
        let name = format!("lectern-{}", uuid::Uuid::new_v4().simple());
        let value = |version| HeaderValue::from_str(&format!("{version} {name}")).expect("it is plain ASCII");
        Self { http1: value("1.1"), http2: value("2"), name }
    }

    /// Whether a request has been here before.
    pub(super) fn is_on(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::VIA).iter().any(|via| via.to_str().is_ok_and(|via| via.contains(&self.name)))
    }
}

/// Makes a client's headers those for a unit: nothing of the connection, nothing that only a gateway may say, and what this one
/// has to say.
pub(super) fn to_unit(parts: &mut Parts, mark: &Mark) {
    let client = parts.extensions.get().map(|Client(address)| *address);
    let host = parts.headers.remove(header::HOST);
    let asked = parts.uri.authority().map(|authority| authority.as_str());
    let forwarded = forwarded(client, asked.or_else(|| host.as_ref()?.to_str().ok()));
    let headers = &mut parts.headers;
    strip(headers);
    // The gateway has begun to read the body by then, which is what was waited for (§10.1.1).
    headers.remove(header::EXPECT);
    let is_reserved = |name: &&HeaderName| RESERVED.iter().any(|reserved| name.as_str().starts_with(reserved));
    let reserved: Vec<HeaderName> = headers.keys().filter(is_reserved).cloned().collect();
    for name in reserved {
        headers.remove(name);
    }
    let via = if parts.version == Version::HTTP_2 { &mark.http2 } else { &mark.http1 };
    headers.append(header::VIA, via.clone());
    let insert = |headers: &mut HeaderMap, name: HeaderName, text: Option<String>| {
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(name, value);
        }
    };
    if let Some(vouched) = parts.extensions.remove::<Vouched>() {
        vouched.tell(headers);
    }
    insert(headers, header::FORWARDED, forwarded);
    insert(headers, request_id::HEADER, request_id::current());
    insert(headers, TRACEPARENT, telemetry::current_traceparent());
}

/// Makes a unit's headers those for a client.
pub(super) fn to_client(headers: &mut HeaderMap) {
    strip(headers);
}

fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        // Of both this one says where the body ends (RFC 9112 §6.3), and it ends here.
        headers.remove(header::CONTENT_LENGTH);
    }
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&OF_A_CONNECTION) {
        headers.remove(name);
    }
}

/// Who asked for what (RFC 7239); how it came here nobody knows who stands behind whatever ends TLS.
fn forwarded(client: Option<IpAddr>, host: Option<&str>) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    let host = host.filter(|host| !host.is_empty() && host.bytes().all(plain)).map(|host| format!("host=\"{host}\""));
    let client = client.map(|client| match client {
        IpAddr::V4(address) => format!("for={address}"),
        IpAddr::V6(address) => format!("for=\"[{address}]\""),
    });
    match (client, host) {
        (Some(client), Some(host)) => Some(format!("{client};{host}")),
        (client, host) => client.or(host),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::Request;

    use super::*;

    fn parts(uri: &str, version: Version, headers: &[(&str, &str)], client: Option<&str>) -> Parts {
        let mut request = Request::builder().uri(uri).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        if let Some(client) = client {
            parts.extensions.insert(Client(client.parse().unwrap()));
        }
        parts
    }

    fn sent(uri: &str, version: Version, headers: &[(&str, &str)], client: Option<&str>) -> Vec<(String, String)> {
        let mark = Mark::new();
        let mut parts = parts(uri, version, headers, client);
        to_unit(&mut parts, &mark);
        let text = |value: &HeaderValue| value.to_str().unwrap().replace(&mark.name, "MARK");
        let mut sent: Vec<_> = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        sent.sort();
        sent
    }

    fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_of_a_connection_ends_with_it_and_the_rest_goes_on() {
        let came = [
            ("host", "school.example:3000"),
            ("connection", "keep-alive, X-Hop ,"),
            ("keep-alive", "timeout=5"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("expect", "100-continue"),
            ("proxy-authorization", "Basic eA=="),
            ("authorization", "Bearer token"),
            ("range", "bytes=0-1"),
            ("if-none-match", "\"a\""),
            ("cookie", "a=1"),
            ("lectern-environment", "staging"),
        ];
        let goes = [
            ("authorization", "Bearer token"),
            ("cookie", "a=1"),
            ("forwarded", "for=192.0.2.7;host=\"school.example:3000\""),
            ("if-none-match", "\"a\""),
            ("lectern-environment", "staging"),
            ("range", "bytes=0-1"),
            ("via", "1.1 MARK"),
        ];
        assert_eq!(sent("/x", Version::HTTP_11, &came, Some("192.0.2.7")), owned(&goes));
        let mut headers = HeaderMap::new();
        let came = [
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("etag", "\"a\""),
            ("upgrade", "h2c"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
        ];
        for (name, value) in came {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        to_client(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["etag"]);
    }

    #[test]
    fn what_only_a_gateway_may_say_is_not_believed_of_a_client() {
        let forged = [
            ("forwarded", "for=10.0.0.1"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-user", "root"),
            ("x-real-ip", "10.0.0.1"),
            ("lectern-identity", "root"),
            ("lectern-identity-signature", "x"),
            ("via", "1.1 cdn"),
        ];
        let client = Some("192.0.2.7");
        let goes = owned(&[("forwarded", "for=192.0.2.7"), ("via", "1.1 MARK"), ("via", "1.1 cdn")]);
        assert_eq!(sent("/", Version::HTTP_11, &forged, client), goes);
        for host in ["", "a\"b", "a;for=10.0.0.1", "a b"] {
            assert_eq!(
                sent("/", Version::HTTP_11, &[("host", host)], client)[0],
                owned(&[("forwarded", "for=192.0.2.7")])[0]
            );
        }
    }

    #[test]
    fn http_2_names_its_host_in_the_address() {
        let goes = owned(&[("forwarded", "for=\"[2001:db8::1]\";host=\"school.example\""), ("via", "2 MARK")]);
        assert_eq!(sent("http://school.example/x", Version::HTTP_2, &[], Some("2001:db8::1")), goes);
        assert_eq!(sent("/x", Version::HTTP_11, &[], None), owned(&[("via", "1.1 MARK")]));
    }

    #[test]
    fn a_gateway_knows_its_own_mark_and_no_other_ones() {
        let (own, other) = (Mark::new(), Mark::new());
        let mut parts = parts("/", Version::HTTP_11, &[], None);
        to_unit(&mut parts, &other);
        assert!(other.is_on(&parts.headers) && !own.is_on(&parts.headers));
        to_unit(&mut parts, &own);
        assert!(own.is_on(&parts.headers) && other.is_on(&parts.headers));
    }
}

//! Requests that leave HTTP, such as those of WebSockets (RFC 6455), and the tunnels that they become (RFC 9110 §7.8).

use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Version, header};
use axum::response::Response;
use http_client::{OnUpgrade, TunnelEnd, tunnel};
use kernel::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::codes;

/// Protocols that carry requests themselves: what is asked through them nobody here would see, `/internal/` included.
const OF_REQUESTS: [&str; 4] = ["h2", "h2c", "http", "tls"];

/// A client that would rather speak another protocol, and what leads to its side of the connection.
pub(super) struct Wish {
    client: OnUpgrade,
    protocols: HeaderValue,
}

/// Takes the wish out of a request that has one. One that is not granted is left out, and the request goes on without.
pub(super) fn wish(parts: &mut Parts, body: &impl HttpBody) -> Option<Wish> {
    let can = parts.version == Version::HTTP_11 && parts.method == Method::GET && body.is_end_stream();
    let says = parts.headers.get_all(header::CONNECTION).iter().any(|value| lists(value, "upgrade"));
    let protocols = parts.headers.get(header::UPGRADE).filter(|_| can && says)?.clone();
    let are_fine = protocols.to_str().is_ok_and(|text| {
        let mut named = text.split(',').map(|protocol| protocol.trim().split('/').next().unwrap_or("").trim());
        named.all(|name| !name.is_empty() && !OF_REQUESTS.iter().any(|of| name.eq_ignore_ascii_case(of)))
    });
    let client = parts.extensions.remove::<OnUpgrade>()?;
    are_fine.then_some(Wish { client, protocols })
}

impl Wish {
    /// Tells a unit of it, behind all that was said of another connection.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        announce(headers, self.protocols.clone());
    }

    /// The protocol of an answer that grants it, and what leads to the unit's side; `None` where that is not what was asked for.
    pub(super) fn granted<B>(self, answer: &mut Response<B>) -> Option<Granted> {
        let protocol = answer.headers().get(header::UPGRADE)?.clone();
        let is_asked_for = protocol.to_str().is_ok_and(|name| lists(&self.protocols, name.trim()));
        let server = answer.extensions_mut().remove::<OnUpgrade>().filter(|_| is_asked_for)?;
        Some(Granted { client: self.client, server, protocol })
    }
}

/// Both sides of what becomes a tunnel once the client has been told.
pub(super) struct Granted {
    client: OnUpgrade,
    server: OnUpgrade,
    protocol: HeaderValue,
}

impl Granted {
    /// Tells the client.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        announce(headers, self.protocol.clone());
    }
}

fn announce(headers: &mut HeaderMap, protocols: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocols);
}

fn lists(value: &HeaderValue, wanted: &str) -> bool {
    value.to_str().is_ok_and(|text| text.split(',').any(|word| word.trim().eq_ignore_ascii_case(wanted)))
}

/// All tunnels of a gateway.
pub(super) struct Tunnels {
    places: Arc<Semaphore>,
    most: u32,
    quiet: Duration,
    closing: watch::Sender<bool>,
}

impl Tunnels {
    pub(super) fn new(most: u32, quiet: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(most as usize)), most, quiet, closing: watch::Sender::new(false) }
    }

    /// How many there are.
    pub(super) fn open(&self) -> usize {
        (self.most as usize).saturating_sub(self.places.available_permits())
    }

    /// A place for one that may come about.
    ///
    /// # Errors
    /// 503: there are as many as there may be.
    pub(super) fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_full| {
            let detail = format!("{} connections have left HTTP here, which is the most", self.most);
            Problem::unavailable(codes::GATEWAY_UNIT_BUSY, detail, 1)
        })
    }

    /// Lets one go on by itself until its sides end it, nothing moves for too long, or the gateway closes. It keeps `places` so
    /// long.
    pub(super) fn begin(&self, granted: Granted, slug: &'static str, places: impl Send + 'static) {
        let Granted { client, server, .. } = granted;
        let (quiet, mut closing) = (self.quiet, self.closing.subscribe());
        tokio::spawn(async move {
            let cut = async {
                let _ = closing.wait_for(|closing| *closing).await;
            };
            let end = tunnel(client, server, quiet, cut).await;
            if end != TunnelEnd::Finished {
                tracing::debug!(unit = slug, ?end, "a tunnel has ended");
            }
            drop(places);
        });
    }

    /// Cuts all of them, with a word to both sides of each, and waits until they are gone.
    pub(super) async fn close(&self) {
        self.closing.send_replace(true);
        drop(self.places.acquire_many(self.most).await);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::body::Body;
    use axum::http::Request;

    use super::*;

    /// Whether the headers are those of a wish, though nothing leads to this client.
    fn is_wish(version: Version, method: Method, connection: &str, upgrade: &str) -> bool {
        let request = Request::builder().version(version).method(method);
        let request = request.header("connection", connection).header("upgrade", upgrade);
        let mut parts = request.body(()).unwrap().into_parts().0;
        // Made of a request that nobody serves, it never leads anywhere.
        let nowhere: OnUpgrade = hyper::upgrade::on(Request::new(()));
        parts.extensions.insert(nowhere);
        wish(&mut parts, &Body::empty()).is_some()
    }

    #[test]
    fn only_a_read_of_http_1_1_without_a_body_leaves_and_never_to_where_requests_are_sent() {
        let (http11, get) = (Version::HTTP_11, Method::GET);
        assert!(is_wish(http11, get.clone(), "keep-alive, Upgrade", "websocket"));
        assert!(is_wish(http11, get.clone(), "upgrade", "raw/1, websocket"));
        for (version, method, connection, upgrade) in [
            (Version::HTTP_10, Method::GET, "upgrade", "websocket"),
            (Version::HTTP_2, Method::GET, "upgrade", "websocket"),
            (http11, Method::POST, "upgrade", "websocket"),
            (http11, Method::GET, "keep-alive", "websocket"),
            (http11, Method::GET, "upgrade", "h2c"),
            (http11, Method::GET, "upgrade", "websocket, H2C"),
            (http11, Method::GET, "upgrade", "TLS/1.3"),
            (http11, Method::GET, "upgrade", "HTTP/2.0"),
            (http11, Method::GET, "upgrade", ""),
        ] {
            assert!(!is_wish(version, method, connection, upgrade), "{connection} {upgrade}");
        }
    }
}

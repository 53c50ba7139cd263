//! Where a request is from.
//!
//! That is the machine at the other end of the connection. Only where that one is trusted is it asked for whom it asks, by `Forwarded`
//! (RFC 7239): whoever else sends the header says nothing by it.

mod forwarded;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

/// The address that a request is from. In the extensions of every request of which that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(pub IpAddr);

/// The machines that are believed when they say for whom they ask, such as a gateway. Cloning it is cheap.
#[derive(Clone)]
pub struct Proxies(Arc<Inner>);

struct Inner {
    is_trusted: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    told: AtomicBool,
}

impl Proxies {
    /// None.
    pub fn none() -> Self {
        Self::trusting(|_| false)
    }

    /// Those of which `is_trusted` says so, of addresses that are no IPv4 ones in the clothes of IPv6.
    pub fn trusting(is_trusted: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner { is_trusted: Box::new(is_trusted), told: AtomicBool::new(false) }))
    }

    fn trust(&self, address: IpAddr) -> bool {
        (self.0.is_trusted)(address)
    }

    /// Who asks: the last one, seen from here, that no trusted machine speaks for.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trust(client) {
            self.doubt(client, headers);
            return client;
        }
        // What cannot be read could have been meant to be read in some way.
        let Some(nodes) = forwarded::nodes(headers) else { return client };
        for node in nodes.into_iter().rev() {
            let Some(address) = node else { break };
            client = address;
            if !self.trust(client) {
                break;
            }
        }
        client
    }

    /// Tells whoever runs this, once, that somebody speaks for others: a proxy that he forgot to name makes all of them one.
    fn doubt(&self, peer: IpAddr, headers: &HeaderMap) {
        let speaks = headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for");
        if speaks && !self.0.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(%peer, "it says for whom it asks and is not believed; if it is a proxy of yours, name it in --trusted-proxies");
        }
    }
}

/// Middleware: finds out where the request is from.
pub async fn find(State(proxies): State<Proxies>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let client = proxies.client(peer.ip(), request.headers());
        request.extensions_mut().insert(Client(client));
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let proxies = Proxies::trusting(|address| address.to_string().starts_with("10."));
        let lines = forwarded.iter().map(|line| (header::FORWARDED, HeaderValue::from_str(line).unwrap()));
        let headers = HeaderMap::from_iter(lines);
        assert_eq!(
            Proxies::none().client(peer.parse().unwrap(), &headers),
            peer.parse::<IpAddr>().unwrap().to_canonical()
        );
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_trusted_machine_says_for_whom_it_asks() {
        for (peer, forwarded, expected) in [
            ("192.0.2.1", &["for=198.51.100.7"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["for=198.51.100.7;host=a"], "198.51.100.7"),
            ("::ffff:10.0.0.1", &["for=198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["for=\"[2001:db8::7]:4711\""], "2001:db8::7"),
            // What a client wrote stands on the left of what the first trusted machine wrote.
            ("10.0.0.1", &["for=203.0.113.9, for=198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["for=203.0.113.9", "for=198.51.100.7, for=10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["for=10.0.0.3, for=10.0.0.2"], "10.0.0.3"),
            // Of somebody who is hidden the machine that hides him is what is known.
            ("10.0.0.1", &["for=203.0.113.9, for=unknown, for=10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["for=203.0.113.9, host=a"], "10.0.0.1"),
            ("10.0.0.1", &["for=\"203.0.113.9, for=198.51.100.7"], "10.0.0.1"),
        ] {
            assert_eq!(client(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }
}

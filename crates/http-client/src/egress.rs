//! Which machines may be asked for somebody who names them: a guard against requests that are made to reach what only
//! this machine can reach.
//!
//! A name is resolved once, what it resolves to is judged, and the connection goes to what was judged and nowhere else: a
//! name that resolves to something else a moment later changes nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;
use url::{Host, Url};

use crate::networks::{Networks, NetworksTextError, in_v4, in_v6, plain};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What is no public address in IPv4, by the IANA registry of special-purpose addresses and that of multicast.
const SPECIAL_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Unicast of the public in IPv6 (RFC 4291 §2.4), and what is set apart within it: protocol assignments with Teredo,
/// documentation, 6to4.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Which addresses are asked: public ones, and the networks that an operator has allowed.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    allowed: Networks,
}

/// An address that is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no public address")]
pub struct NotPublic(pub IpAddr);

impl Egress {
    /// Public addresses alone.
    pub fn public() -> Self {
        Self::default()
    }

    /// Public addresses and those of a list of [`Networks`]. An empty list allows nothing more.
    ///
    /// # Errors
    /// The entry that is no network.
    pub fn allowing(networks: &str) -> Result<Self, NetworksTextError> {
        Ok(Self { allowed: networks.parse()? })
    }

    /// Whether an address may be asked. An IPv4 address inside an IPv6 one is judged as what it is.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = plain(address);
        is_public(address) || self.allowed.hold(address)
    }

    /// Judges an address in a URL that needs no resolving; a name passes, and is judged when it is resolved.
    ///
    /// # Errors
    /// [`NotPublic`].
    pub fn check_url(&self, url: &str) -> Result<(), NotPublic> {
        let address = match Url::parse(url).ok().as_ref().and_then(Url::host) {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            _ => return Ok(()),
        };
        if self.permits(address) { Ok(()) } else { Err(NotPublic(plain(address))) }
    }

    /// Likewise of a request's.
    pub(crate) fn check_uri(&self, uri: &Uri) -> Result<(), NotPublic> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) if !self.permits(address) => Err(NotPublic(plain(address))),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("public addresses")?;
        self.allowed.iter().try_for_each(|network| write!(f, ", {network}"))
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !SPECIAL_V4.iter().any(|&network| in_v4(v4, network)),
        IpAddr::V6(v6) => in_v6(v6, GLOBAL_V6) && !SPECIAL_V6.iter().any(|&network| in_v6(v6, network)),
    }
}

/// Resolves names by the system, and leaves out what may not be asked.
#[derive(Clone)]
pub(crate) struct GuardedResolver {
    system: GaiResolver,
    /// Without it everything may be.
    egress: Option<Egress>,
}

impl GuardedResolver {
    pub(crate) fn new(egress: Option<Egress>) -> Self {
        Self { system: GaiResolver::new(), egress }
    }
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.system.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (resolving, egress) = (self.system.call(name), self.egress.clone());
        Box::pin(async move {
            let found: Vec<SocketAddr> = resolving.await?.collect();
            judged(egress.as_ref(), found).map(Vec::into_iter).map_err(Into::into)
        })
    }
}

/// What may be asked of what a name resolves to; an error when that is nothing and something was refused.
fn judged(egress: Option<&Egress>, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
    let Some(egress) = egress else { return Ok(found) };
    let (fine, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| egress.permits(address.ip()));
    match refused.first() {
        Some(address) if fine.is_empty() => Err(NotPublic(plain(address.ip()))),
        _ => Ok(fine),
    }
}

#[cfg(test)]
mod tests;

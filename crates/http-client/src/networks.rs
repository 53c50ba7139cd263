//! Networks in CIDR notation, as operators list them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

/// The most networks of one list.
const MAX_NETWORKS: usize = 64;

/// How an IPv4 address is written behind a translator (RFC 6052 §2.1).
const TRANSLATED: (Ipv6Addr, u8) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Some networks. Cloning them is cheap.
#[derive(Clone, Debug, Default)]
pub struct Networks(Arc<[Network]>);

/// A network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u8,
}

/// What is no list of networks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworksTextError {
    /// An entry that is none.
    #[error("{0:?} is no network; write them like 10.0.0.0/8 or fd00::/8, parted by commas")]
    Network(String),
    /// More than are read.
    #[error("it names more than {MAX_NETWORKS} networks")]
    TooMany,
}

impl Networks {
    /// Whether one of them holds this address. An IPv4 address inside an IPv6 one is judged as what it is.
    pub fn hold(&self, address: IpAddr) -> bool {
        let address = plain(address);
        self.0.iter().any(|network| network.holds(address))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Network> {
        self.0.iter()
    }
}

impl FromStr for Networks {
    type Err = NetworksTextError;

    /// Networks parted by commas or spaces; an address alone is a network of its own.
    fn from_str(text: &str) -> Result<Self, NetworksTextError> {
        let entries = text.split([',', ' ', '\t', '\n']).filter(|entry| !entry.is_empty());
        let parsed = entries.map(|entry| entry.parse().map_err(|()| NetworksTextError::Network(entry.to_owned())));
        let networks: Vec<Network> = parsed.collect::<Result<_, _>>()?;
        if networks.len() > MAX_NETWORKS {
            return Err(NetworksTextError::TooMany);
        }
        Ok(Self(networks.into()))
    }
}

impl Network {
    fn holds(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => in_v4(address, (network, self.bits)),
            (IpAddr::V6(network), IpAddr::V6(address)) => in_v6(address, (network, self.bits)),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse::<u8>().map_err(|_| ()))?;
        // An IPv4 network in the clothes of an IPv6 one would mean another number of bits.
        let disguised = plain(address) != address;
        if bits <= most && !disguised { Ok(Self { address, bits }) } else { Err(()) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// The IPv4 address that an IPv6 one stands for, or the address itself.
pub(crate) fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    if in_v6(v6, TRANSLATED) {
        let [.., a, b, c, d] = v6.octets();
        return IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    }
    address
}

pub(crate) fn in_v4(address: Ipv4Addr, (network, bits): (Ipv4Addr, u8)) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
    (address.to_bits() ^ network.to_bits()) & mask == 0
}

pub(crate) fn in_v6(address: Ipv6Addr, (network, bits): (Ipv6Addr, u8)) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
    (address.to_bits() ^ network.to_bits()) & mask == 0
}

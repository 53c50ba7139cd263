//! How many requests are answered: of each key, of each tenant, and of each address that says nothing of who asks. Reading and
//! changing are counted apart.
//!
//! - [`Rates`], [`Rate`]: how many. `bucket`: whether one more request is among them, which is arithmetic. `table`: who has sent how
//!   many, in memory that does not grow.
//! - [`Limiter`]: counts. `meter`: what one request was charged, and what its answer says of that.
//!
//! Every process counts for itself. The operator and other processes of the installation are not counted. An operation that has to
//! answer whoever asks says so in the `OpenAPI` document by the extension `x-rate-limits`, with the value `none`; all methods of its
//! path do.

mod bucket;
mod meter;
mod table;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use telemetry::figures::RATE_LIMITED;
use thiserror::Error;
use tokio::time::Instant;
use utoipa::openapi::path::Operation;

use self::bucket::Left;
pub use self::bucket::Rate;
pub(crate) use self::meter::Meter;
use self::table::Table;

/// The extension of an operation that says how it is counted.
const EXTENSION: &str = "x-rate-limits";
/// Sets of eight: keys and tenants that are counted at once, each twice. Only who is known gets in.
const KNOWN: usize = 2_048;
/// Likewise addresses.
const ADDRESSES: usize = 8_192;

/// Whose requests are counted together, and which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    CallerRead,
    CallerChange,
    TenantRead,
    TenantChange,
    AddressRead,
    AddressChange,
    UnknownToken,
}

impl Scope {
    const ALL: [Self; 7] = [
        Self::CallerRead,
        Self::CallerChange,
        Self::TenantRead,
        Self::TenantChange,
        Self::AddressRead,
        Self::AddressChange,
        Self::UnknownToken,
    ];

    /// As headers, figures and options name it.
    fn name(self) -> &'static str {
        match self {
            Self::CallerRead => "caller-read",
            Self::CallerChange => "caller-change",
            Self::TenantRead => "tenant-read",
            Self::TenantChange => "tenant-change",
            Self::AddressRead => "address-read",
            Self::AddressChange => "address-change",
            Self::UnknownToken => "unknown-token",
        }
    }

    /// Generous: a school behind one address presses play at once, and a program uploads in small pieces on a fast line.
    fn usual(self) -> Rate {
        let (requests, window_s) = match self {
            Self::CallerRead => (2_000, 10),
            Self::CallerChange => (1_000, 10),
            Self::TenantRead => (10_000, 10),
            Self::TenantChange => (4_000, 10),
            Self::AddressRead => (12_000, 40),
            Self::AddressChange => (4_000, 40),
            Self::UnknownToken => (300, 60),
        };
        Rate::of(requests, window_s)
    }
}

/// How many requests are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates([Option<Rate>; Scope::ALL.len()]);

impl Default for Rates {
    fn default() -> Self {
        Self(Scope::ALL.map(|scope| Some(scope.usual())))
    }
}

/// What is no rate.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RatesTextError {
    /// A name that nothing is counted under.
    #[error("there is no rate {0:?}; there are {names}", names = Scope::ALL.map(Scope::name).join(", "))]
    Name(String),
    /// Something else than a rate.
    #[error(
        "{0:?} is no rate; write NAME=REQUESTS/SECONDS, of 1 to 1000000 requests in 1 to 86400 seconds, or NAME=none"
    )]
    Rate(String),
    /// A second one of the same name.
    #[error("{0} has two rates")]
    Twice(&'static str),
}

impl Rates {
    /// The usual ones, but for those that are named: `caller-read=2000/10` for 2000 requests in 10 seconds, `caller-read=none` for any number.
    /// What is empty names nothing.
    ///
    /// # Errors
    /// The entry that is no rate.
    pub fn with<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, RatesTextError> {
        let (mut rates, mut named) = (Self::default(), Vec::new());
        for entry in entries.into_iter().filter(|entry| !entry.is_empty()) {
            let unfit = || RatesTextError::Rate(entry.to_owned());
            let (name, text) = entry.split_once('=').ok_or_else(unfit)?;
            let scope = Scope::ALL.into_iter().find(|scope| scope.name() == name);
            let scope = scope.ok_or_else(|| RatesTextError::Name(name.to_owned()))?;
            if named.contains(&scope) {
                return Err(RatesTextError::Twice(scope.name()));
            }
            named.push(scope);
            rates.0[scope as usize] = if text == "none" { None } else { Some(text.parse().map_err(|()| unfit())?) };
        }
        Ok(rates)
    }

    fn of(&self, scope: Scope) -> Option<Rate> {
        self.0[scope as usize]
    }
}

impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (requests, window_s) = text.split_once('/').ok_or(())?;
        Self::new(requests.parse().map_err(|_| ())?, window_s.parse().map_err(|_| ())?).ok_or(())
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in Scope::ALL.into_iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match self.of(scope) {
                Some(rate) => write!(f, "{comma}{}={}/{}", scope.name(), rate.requests(), rate.window_s())?,
                None => write!(f, "{comma}{}=none", scope.name())?,
            }
        }
        Ok(())
    }
}

/// Counts the requests of a process. Cloning it is cheap.
#[derive(Clone)]
pub struct Limiter(Arc<Inner>);

struct Inner {
    rates: Rates,
    known: Table,
    addresses: Table,
    began: Instant,
}

impl Limiter {
    /// One that has seen nobody yet.
    pub fn new(rates: Rates) -> Self {
        let (known, addresses) = (Table::new(KNOWN), Table::new(ADDRESSES));
        Self(Arc::new(Inner { rates, known, addresses, began: Instant::now() }))
    }

    /// Counts a request; what is left, or after how many nanoseconds the next one is answered. `None` where any number is.
    fn take(&self, scope: Scope, whose: Whose<'_>) -> Option<(Rate, Result<Left, u64>)> {
        let rate = self.0.rates.of(scope)?;
        let table = self.table(whose);
        let taken = table.take(table.id(&(scope, whose)), rate, self.now_ns());
        if taken.is_err() {
            RATE_LIMITED.add(&[scope.name()], 1);
        }
        Some((rate, taken))
    }

    /// Takes back what was counted.
    fn give_back(&self, scope: Scope, whose: Whose<'_>) {
        if let Some(rate) = self.0.rates.of(scope) {
            let table = self.table(whose);
            table.give_back(table.id(&(scope, whose)), rate);
        }
    }

    fn table(&self, whose: Whose<'_>) -> &Table {
        match whose {
            Whose::Caller(_) | Whose::Tenant(_) => &self.0.known,
            Whose::Address(_) => &self.0.addresses,
        }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Who has sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose<'a> {
    Caller(&'a str),
    Tenant(&'a str),
    Address(Neighbourhood),
}

/// An address, as far as one person has it alone: of IPv6 the first 64 bits, behind which he may have all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Neighbourhood(u64);

impl From<IpAddr> for Neighbourhood {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            // 32 zero bits are at the beginning of no network that anybody has.
            IpAddr::V4(address) => Self(u64::from(address.to_bits())),
            IpAddr::V6(address) => Self((address.to_bits() >> 64) as u64),
        }
    }
}

/// Whether all that a path takes has to answer whoever asks; takes note of what an operation says.
///
/// # Panics
/// When an operation says something else, or one and not the other.
pub(crate) fn is_free<'a>(path: &str, operations: impl Iterator<Item = &'a Operation>) -> bool {
    let said = operations.map(|operation| {
        let said = operation.extensions.as_ref().and_then(|extensions| extensions.get(EXTENSION));
        assert!(said.is_none_or(|said| said == "none"), "{path}: {EXTENSION} is none, if anything");
        said.is_some()
    });
    let said: Vec<bool> = said.collect();
    let is_free = said.contains(&true);
    assert!(!is_free || !said.contains(&false), "{path}: all of its methods are counted, or none");
    is_free
}

#[cfg(test)]
mod tests;

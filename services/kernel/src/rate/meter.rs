//! What one request was charged, and what its answer says of that.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use media_types::TenantId;

use super::{Limiter, Rate, Scope, Whose};
use crate::client::Client;
use crate::{Problem, codes};

/// What is left (draft-ietf-httpapi-ratelimit-headers §4).
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Of how much (§3).
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Counts one request, under whatever it turns out to be.
pub(crate) struct Meter<'a> {
    limiter: Option<&'a Limiter>,
    address: IpAddr,
    changes: bool,
    /// A caller and his tenant, or an address.
    charged: [Option<Charge>; 2],
}

#[derive(Clone, Copy)]
struct Charge {
    scope: Scope,
    rate: Rate,
    left: u32,
    more_in_s: u64,
}

impl<'a> Meter<'a> {
    /// Of a request that is on its way. Those of which nobody can say where they are from count as from one place.
    pub(crate) fn new(limiter: Option<&'a Limiter>, request: &Request) -> Self {
        let address = request.extensions().get().map_or(Ipv4Addr::UNSPECIFIED.into(), |Client(address)| *address);
        Self { limiter, address, changes: !request.method().is_safe(), charged: [None; 2] }
    }

    /// Of what is no request, or of one that was counted already.
    pub(crate) fn idle() -> Self {
        Self { limiter: None, address: Ipv4Addr::UNSPECIFIED.into(), changes: false, charged: [None; 2] }
    }

    /// Charges whoever asks, by his id, and his tenant, or neither.
    ///
    /// # Errors
    /// 429 when one of them has sent too many.
    pub(crate) fn caller(&mut self, id: &str, tenant: &TenantId) -> Result<(), Problem> {
        let (own, of_tenant) = match self.changes {
            false => (Scope::CallerRead, Scope::TenantRead),
            true => (Scope::CallerChange, Scope::TenantChange),
        };
        let whose = Whose::Caller(id);
        self.charge(own, whose)?;
        // One that has sent too many takes nothing from the others of his tenant, nor they from him.
        self.charge(of_tenant, Whose::Tenant(tenant.as_str())).inspect_err(|_| self.give_back(own, whose))
    }

    /// Charges the address of a request that says nothing of who asks.
    ///
    /// # Errors
    /// 429 when it has sent too many.
    pub(crate) fn address(&mut self) -> Result<(), Problem> {
        let scope = if self.changes { Scope::AddressChange } else { Scope::AddressRead };
        self.charge(scope, Whose::Address(self.address.into()))
    }

    /// Charges the address of a request whose token has to be looked for, before that is done.
    ///
    /// # Errors
    /// 429 when it has sent too many that nobody has.
    pub(crate) fn token(&mut self) -> Result<(), Problem> {
        self.charge(Scope::UnknownToken, Whose::Address(self.address.into()))
    }

    /// Takes that back: somebody has it.
    pub(crate) fn token_is_known(&mut self) {
        self.give_back(Scope::UnknownToken, Whose::Address(self.address.into()));
    }

    /// Says in an answer what is left.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let (mut limit, mut policy) = (String::new(), String::new());
        for Charge { scope, rate, left, more_in_s } in self.charged.iter().flatten() {
            let (name, comma) = (scope.name(), if limit.is_empty() { "" } else { ", " });
            let _ = write!(limit, "{comma}\"{name}\";r={left};t={more_in_s}");
            let _ = write!(policy, "{comma}\"{name}\";q={};w={}", rate.requests(), rate.window_s());
        }
        for (name, text) in [(RATELIMIT, limit), (RATELIMIT_POLICY, policy)] {
            if let Ok(value) = HeaderValue::try_from(text)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        }
    }

    fn charge(&mut self, scope: Scope, whose: Whose<'_>) -> Result<(), Problem> {
        let Some((rate, taken)) = self.limiter.and_then(|limiter| limiter.take(scope, whose)) else { return Ok(()) };
        let (left, more_in_ns) = taken.map_or_else(|wait_ns| (0, wait_ns), |left| (left.requests, left.more_in_ns));
        let more_in_s = more_in_ns.div_ceil(1_000_000_000);
        if let Some(free) = self.charged.iter_mut().find(|charge| charge.is_none()) {
            *free = Some(Charge { scope, rate, left, more_in_s });
        }
        if taken.is_ok() { Ok(()) } else { Err(refusal(scope, rate, more_in_s)) }
    }

    fn give_back(&mut self, scope: Scope, whose: Whose<'_>) {
        if let Some(limiter) = self.limiter {
            limiter.give_back(scope, whose);
        }
        for charge in &mut self.charged {
            charge.take_if(|charge| charge.scope == scope);
        }
    }
}

fn refusal(scope: Scope, rate: Rate, again_in_s: u64) -> Problem {
    let (whose, what) = match scope {
        Scope::CallerRead => ("you", "requests that read"),
        Scope::CallerChange => ("you", "requests that change something"),
        Scope::TenantRead => ("all of your tenant together", "requests that read"),
        Scope::TenantChange => ("all of your tenant together", "requests that change something"),
        Scope::AddressRead => ("your address", "requests that read"),
        Scope::AddressChange => ("your address", "requests that change something"),
        Scope::UnknownToken => ("your address", "requests with tokens that nobody has"),
    };
    let (requests, window_s) = (rate.requests(), rate.window_s());
    let detail = format!("{whose} may send {requests} {what} in {window_s} s, and sent more");
    let again_in_s = u32::try_from(again_in_s).unwrap_or(u32::MAX);
    Problem::new(StatusCode::TOO_MANY_REQUESTS, codes::RATE_LIMITED, detail).retry_after(again_in_s)
}

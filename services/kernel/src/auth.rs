//! The [`Guard`], which finds out who asks and whether he may by the route's [`Policy`].

mod known;
mod still;
mod vouch;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use media_types::TenantId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

pub use self::still::Still;
pub use self::vouch::{Vouched, Vouching};

use self::known::Known;
use self::vouch::Errand;
use crate::principal::{Directory, Holder, Principal};
use crate::rate::Meter;
use crate::{Code, Limiter, Maintenance, Policy, Problem, Rules, codes, default_tenant};

/// Names the tenant, by its slug, that the holder of the admin token acts for.
pub const TENANT: HeaderName = HeaderName::from_static("lectern-tenant");

/// A token that could not protect anything.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("an admin token has 16 to 512 printable ASCII characters without spaces")]
pub struct WeakToken;

/// The admin token, or the service token, kept as its hash: it cannot be printed, and is compared in constant time.
#[derive(Clone)]
pub struct AdminToken {
    sha256: [u8; 32],
}

impl AdminToken {
    /// A token of 16 to 512 printable ASCII characters.
    ///
    /// # Errors
    /// [`WeakToken`] when it is shorter, longer, or has other characters.
    pub fn new(token: &str) -> Result<Self, WeakToken> {
        let fine = (16..=512).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
        if fine { Ok(Self { sha256: digest(token) }) } else { Err(WeakToken) }
    }

    fn is(&self, candidate: &[u8; 32]) -> bool {
        self.sha256.ct_eq(candidate).into()
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Finds out who a request is from, and whether it may pass. Cloning it is cheap.
#[derive(Clone)]
pub struct Guard {
    admin: AdminToken,
    service: Option<AdminToken>,
    directory: Option<Arc<dyn Directory>>,
    known: Arc<Known>,
    limiter: Option<Limiter>,
    maintenance: Option<Maintenance>,
    vouching: Option<Vouching>,
}

impl Guard {
    /// A guard that knows the holder of `admin`, and nobody else.
    pub fn new(admin: AdminToken) -> Self {
        let (service, directory, known) = (None, None, Arc::default());
        Self { admin, service, directory, known, limiter: None, maintenance: None, vouching: None }
    }

    /// Knows the holder of `service` too, for what other processes may.
    #[must_use]
    pub fn with_service(self, service: Option<AdminToken>) -> Self {
        Self { service, ..self }
    }

    /// Knows keys, people and tenants too.
    #[must_use]
    pub fn with_directory(self, directory: Arc<dyn Directory>) -> Self {
        Self { directory: Some(directory), ..self }
    }

    /// Counts requests, and refuses those of whoever sends too many.
    #[must_use]
    pub fn with_limiter(self, limiter: Limiter) -> Self {
        Self { limiter: Some(limiter), ..self }
    }

    /// Refuses what is asked of units that are closed.
    #[must_use]
    pub fn with_maintenance(self, maintenance: Option<Maintenance>) -> Self {
        Self { maintenance, ..self }
    }

    /// Believes gateways about tokens that they know, and as one tells units elsewhere of those that it knows itself.
    #[must_use]
    pub fn with_vouching(self, vouching: Option<Vouching>) -> Self {
        Self { vouching, ..self }
    }

    /// The same, counting none.
    pub(crate) fn without_limiter(self) -> Self {
        Self { limiter: None, ..self }
    }

    /// What a request is to be counted by.
    pub(crate) fn meter(&self, request: &Request) -> Meter<'_> {
        Meter::new(self.limiter.as_ref(), request)
    }

    /// Who has sent `Authorization: Bearer` (RFC 6750 §2.1). His request is counted, or that of his address where he is nobody.
    ///
    /// # Errors
    /// 401 when nobody that is known, 403 when his tenant is suspended, 404 when he names a tenant that is not there, 429 when he
    /// sends too many.
    pub(crate) async fn principal(&self, headers: &HeaderMap, meter: &mut Meter<'_>) -> Result<Principal, Problem> {
        let Some(token) = bearer(headers) else {
            meter.address()?;
            return Err(missing_token());
        };
        let sha256 = digest(token);
        if self.admin.is(&sha256) {
            return self.operators_tenant(headers).await.map(|tenant| Principal::Operator { tenant });
        }
        if self.service.as_ref().is_some_and(|service| service.is(&sha256)) {
            return Ok(Principal::Service);
        }
        let holder = self.holder(token, &sha256, meter).await?;
        let Holder { principal, is_suspended } = holder.ok_or_else(invalid_token)?;
        let who = kind(&principal);
        if let Some(tenant) = principal.tenant() {
            meter.caller(principal.actor(), tenant)?;
        }
        if is_suspended {
            let detail = format!("the tenant of this {who} is suspended");
            return Err(Problem::new(StatusCode::FORBIDDEN, codes::TENANT_SUSPENDED, detail));
        }
        if headers.contains_key(TENANT) {
            let detail = format!("a {who} belongs to one tenant, and only the admin token may name another");
            return Err(forbidden(detail));
        }
        Ok(principal)
    }

    /// The same, if he may by `policy`.
    ///
    /// # Errors
    /// As [`principal`](Self::principal), and 403 when a key or a person may not.
    async fn admit(&self, policy: Policy, headers: &HeaderMap, meter: &mut Meter<'_>) -> Result<Principal, Problem> {
        if policy == Policy::Public {
            return meter.address().map(|()| Principal::Nobody);
        }
        let principal = self.principal(headers, meter).await?;
        let who = kind(&principal);
        match (policy, &principal) {
            (Policy::Operator | Policy::May(_), Principal::Operator { .. })
            | (Policy::Service, Principal::Service)
            | (Policy::Person, Principal::Person(_)) => Ok(principal),
            (Policy::Person, Principal::Operator { .. } | Principal::Key(_)) => {
                Err(forbidden("this is about the person who asks, and a token of another kind is nobody's"))
            }
            (Policy::May(permission), Principal::Key(_) | Principal::Person(_)) => {
                if principal.grants().is_some_and(|own| own.allows(permission)) {
                    return Ok(principal);
                }
                Err(forbidden(format!("this {who} lacks the permission {permission}")))
            }
            (_, Principal::Key(_) | Principal::Person(_)) => {
                Err(forbidden(format!("this is about the installation, which no {who} may see to")))
            }
            _ => Err(invalid_token()),
        }
    }

    /// What a unit elsewhere is to be told of the token of a request. Nothing of what it finds out by itself: the tokens of the
    /// installation, and those that nobody has.
    async fn vouch(&self, errand: &Errand<'_>, headers: &HeaderMap, meter: &mut Meter<'_>) -> Option<Vouched> {
        let vouching = self.vouching.as_ref()?;
        let token = bearer(headers)?;
        let sha256 = digest(token);
        if self.admin.is(&sha256) || self.service.as_ref().is_some_and(|service| service.is(&sha256)) {
            return None;
        }
        // One that opens recordings, say, is not looked for, which would count as a guess.
        if !self.directory.as_ref()?.knows_form(token) {
            return None;
        }
        let holder = self.holder(token, &sha256, meter).await.ok()??;
        vouching.vouch(errand, &sha256, &holder, self.known.asked(&sha256)?)
    }

    /// Remembers what a gateway says of the token of a request, as if that had been asked for here when it was there.
    fn hear(&self, errand: &Errand<'_>, headers: &HeaderMap) {
        let (Some(vouching), Some(token)) = (&self.vouching, bearer(headers)) else { return };
        if !vouch::is_said(headers) {
            return;
        }
        let sha256 = digest(token);
        if self.known.find(&sha256).is_some() {
            return;
        }
        if let Some((holder, asked)) = vouching.hear(errand, &sha256, headers) {
            self.known.keep(sha256, holder, asked);
        }
    }

    async fn operators_tenant(&self, headers: &HeaderMap) -> Result<TenantId, Problem> {
        let Some(slug) = headers.get(TENANT) else { return Ok(default_tenant()) };
        let found = match (slug.to_str(), &self.directory) {
            (Ok(slug), Some(directory)) => directory.tenant(slug).await?,
            _ => None,
        };
        let detail = "there is no tenant of the name in the header Lectern-Tenant";
        found.ok_or_else(|| Problem::not_found(codes::TENANT_NOT_FOUND, detail))
    }

    async fn holder(&self, token: &str, sha256: &[u8; 32], meter: &mut Meter<'_>) -> Result<Option<Holder>, Problem> {
        if let Some(holder) = self.known.find(sha256) {
            return Ok(Some(holder));
        }
        // Who guesses is stopped before anybody is asked; a key that held a while ago is no guess.
        let is_new = !self.known.remembers(sha256);
        if is_new {
            meter.token()?;
        }
        let Some(directory) = &self.directory else { return Ok(None) };
        // Before it is asked: what it says is as old as the question.
        let asked = tokio::time::Instant::now();
        let found = directory.holder(token).await?;
        match &found {
            Some(holder) => {
                self.known.keep(*sha256, holder.clone(), asked);
                if is_new {
                    meter.token_is_known();
                }
            }
            None => self.known.forget(sha256),
        }
        Ok(found)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What refusals call it.
fn kind(principal: &Principal) -> &'static str {
    if matches!(principal, Principal::Person(_)) { "person" } else { "key" }
}

fn forbidden(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, codes::AUTH_FORBIDDEN, detail)
}

fn invalid_token() -> Problem {
    unauthorized(codes::AUTH_INVALID_TOKEN, "the bearer token is not valid here", true)
}

pub(crate) fn missing_token() -> Problem {
    unauthorized(codes::AUTH_MISSING_TOKEN, "this address needs a bearer token", false)
}

fn unauthorized(code: Code, detail: &str, presented: bool) -> Problem {
    // RFC 6750 §3.1: no error attribute when no credentials came at all.
    let challenge =
        if presented { "Bearer realm=\"lectern\", error=\"invalid_token\"" } else { "Bearer realm=\"lectern\"" };
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

/// A guard at one path.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) guard: Guard,
    pub(crate) rules: Arc<Rules>,
    /// Whose path it is; `None` of what every process answers.
    pub(crate) unit: Option<&'static str>,
}

impl Gate {
    /// Whether it is open for whoever has been let in.
    fn check(&self, request: &Request, principal: &Principal) -> Result<(), Problem> {
        match (&self.guard.maintenance, self.unit) {
            (Some(maintenance), Some(unit)) => maintenance.check(unit, !request.method().is_safe(), principal),
            _ => Ok(()),
        }
    }
}

/// Middleware: lets the request pass, with the [`Principal`] it is from, or refuses it.
pub(crate) async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let policy = gate.rules.of(request.method());
    if let Some(unit) = gate.unit.filter(|_| policy != Policy::Public) {
        let errand = Errand { unit, method: request.method(), uri: request.uri() };
        gate.guard.hear(&errand, request.headers());
    }
    let mut meter = gate.guard.meter(&request);
    let admitted = gate.guard.admit(policy, request.headers(), &mut meter).await;
    let admitted = admitted.and_then(|principal| gate.check(&request, &principal).map(|()| principal));
    let mut response = match admitted {
        Ok(principal) => {
            if matches!(principal, Principal::Key(_) | Principal::Person(_)) {
                let still = Still::of(&gate, policy, &request);
                request.extensions_mut().insert(still);
            }
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    meter.tell(response.headers_mut());
    response
}

/// Middleware of what is taken to a unit elsewhere: has that told whom the request is from, where this process knows.
pub(crate) async fn vouch_for(
    State((guard, unit)): State<(Guard, &'static str)>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut meter = guard.meter(&request);
    let errand = Errand { unit, method: request.method(), uri: request.uri() };
    let vouched = guard.vouch(&errand, request.headers(), &mut meter).await;
    if let Some(vouched) = vouched {
        request.extensions_mut().insert(vouched);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests;

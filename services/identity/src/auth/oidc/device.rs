//! Devices without a keyboard (RFC 8628): one shows a short code, which somebody enters at [`page`] in the browser of another, and asks
//! until he has.

pub(super) mod page;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use database::{DbError, Tx, args};
use kernel::Problem;
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::Provider;
use super::clients::Known;
use super::clients::views::Grant;
use super::params::{OfForm, Params};
use super::refusal::{Error, OAuthErrorView, error, invalid_request};
use super::scope;
use super::token::{Granted, Used};
use crate::auth::codes;
use crate::auth::proof::Proof;
use crate::auth::secret::{self, Secret};
use crate::auth::sessions::routes::{agent, fresh};
use crate::auth::sessions::{Account, tenant_id};

/// How long somebody has for it.
const HOLDS_MS: i64 = 600_000;
/// Seconds between two times that a device asks, and how many more it is told each time that it does not wait.
const INTERVAL_S: i64 = 5;
/// Devices of a tenant that wait at once. Two that begin at the same moment may be one more.
const MAX_WAITING: i64 = 1000;
/// Letters of the short code: no vowels, which make words, and none that look like another (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const WAITING: &str = "waiting";
const ALLOWED: &str = "allowed";

macro_rules! device_columns {
    () => {
        "tenant_id, id, client_id, device_sha256, user_code, scope, state, user_id, methods, authenticated_ms, interval_s, asked_ms,
            expires_ms"
    };
}

const SWEEP: &str = "DELETE FROM oauth_device WHERE expires_ms <= $1";
const COUNT: &str = "SELECT COUNT(*) FROM oauth_device WHERE tenant_id = $1";
const INSERT: &str =
    "INSERT INTO oauth_device (tenant_id, id, client_id, device_sha256, user_code, scope, state, user_id, browser_id, methods,
        authenticated_ms, interval_s, asked_ms, expires_ms)
    VALUES ($1, $2, $3, $4, $5, $6, 'waiting', NULL, NULL, NULL, NULL, $7, NULL, $8)";
const FIND: &str = concat!("SELECT ", device_columns!(), " FROM oauth_device WHERE id = $1 LIMIT 1");
/// Of two that happen to have the same code, neither is found.
const BY_USER_CODE: &str = concat!(
    "SELECT ",
    device_columns!(),
    " FROM oauth_device WHERE user_code = $1 AND state = 'waiting' AND expires_ms > $2 LIMIT 2"
);
const ASKED: &str = "UPDATE oauth_device SET asked_ms = $3, interval_s = $4 WHERE tenant_id = $1 AND id = $2";
const ALLOW: &str =
    "UPDATE oauth_device SET state = 'allowed', user_id = $3, browser_id = $4, methods = $5, authenticated_ms = $6
    WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'";
const DENY: &str = "UPDATE oauth_device SET state = 'denied' WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'";
/// Whoever deletes it has it.
const TAKE: &str = "DELETE FROM oauth_device WHERE tenant_id = $1 AND id = $2 AND state = 'allowed'";

/// Every statement of devices, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[SWEEP, COUNT, INSERT, FIND, BY_USER_CODE, ASKED, ALLOW, DENY, TAKE];

database::row! {
    /// A device that waits, or that somebody has let in or sent away.
    pub(in crate::auth::oidc) struct DeviceRow {
        tenant_id: String,
        id: String,
        client_id: String,
        device_sha256: Vec<u8>,
        user_code: String,
        scope: String,
        state: String,
        user_id: Option<String>,
        methods: Option<String>,
        authenticated_ms: Option<i64>,
        interval_s: i64,
        asked_ms: Option<i64>,
        expires_ms: i64,
    }
}

/// Takes what somebody has let in; whether nobody else did at the same time.
pub(super) async fn take(tx: &mut Tx, row: &DeviceRow) -> Result<bool, DbError> {
    Ok(tx.execute(TAKE, args![&row.tenant_id, &row.id]).await? == 1)
}

/// What a device shows, and asks with (RFC 8628 §3.2).
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceView {
    /// What it asks with.
    device_code: String,
    /// What it shows.
    #[schema(example = "WDJB-MJHT")]
    user_code: String,
    /// Where somebody enters that.
    verification_uri: String,
    /// The same with the code in it, for a picture of squares.
    verification_uri_complete: String,
    /// Seconds that somebody has for it.
    expires_in: i64,
    /// Seconds between two times that it asks.
    interval: i64,
}

/// What a device says of itself.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is what the document says of the form")]
pub(crate) struct DeviceForm {
    /// Unless the header `Authorization` says so.
    client_id: Option<String>,
    /// Of a client that has one, unless the header `Authorization` says it.
    #[schema(format = "password")]
    client_secret: Option<String>,
    /// Several with spaces between them; those count that the client may have.
    scope: Option<String>,
}

/// A device begins to wait for somebody who lets it in.
#[utoipa::path(
    post, path = "/oauth2/device", operation_id = "oauth_device", tag = "sign-in",
    request_body(content = DeviceForm, content_type = "application/x-www-form-urlencoded"),
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "what it shows, and asks with", body = DeviceView),
        (status = 400, description = "by RFC 6749", body = OAuthErrorView),
        (status = 401, description = "not a client, or not its secret", body = OAuthErrorView),
        (status = 403, description = "the tenant is suspended", body = OAuthErrorView),
        (status = 404, description = "the installation has no address that it is known by", body = OAuthErrorView),
        (status = 415, description = "no form", body = OAuthErrorView),
        (status = 429, description = "too many devices wait", body = OAuthErrorView),
    )
)]
pub(crate) async fn ask(provider: Provider, headers: HeaderMap, OfForm(params): OfForm) -> Result<Response, Problem> {
    let client = provider.client(&headers, &params).await?;
    if !client.may(Grant::DeviceCode) {
        return Err(error(codes::OAUTH_UNAUTHORIZED_CLIENT, "this client comes to tokens in another way").into());
    }
    let asked = params.get("scope").ok_or(error(codes::OAUTH_INVALID_SCOPE, "the request has no scope"))?;
    let scope = scope::granted(asked, &client.scopes.0);
    let scope =
        scope.ok_or(error(codes::OAUTH_INVALID_SCOPE, "the client may have none of the scopes that it asks for"))?;
    let secret = Secret::draw(secret::DEVICE).map_err(|error| Problem::internal(&error))?;
    let user_code = user_code().map_err(|error| Problem::internal(&error))?;
    let (tenant, hash, now_ms) = (tenant_id(&client.tenant_id)?, secret.sha256(), provider.now_ms());
    let mut tx = provider.sessions.db.begin().await?;
    tx.execute(SWEEP, args![now_ms]).await?;
    let (count,): (i64,) = tx.optional(COUNT, args![&tenant]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_WAITING {
        let detail = format!("{MAX_WAITING} devices of this tenant wait already");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, codes::OAUTH_TOO_MANY_DEVICES, detail);
        return Err(problem.retry_after(60));
    }
    let expires_ms = now_ms + HOLDS_MS;
    let args = args![&tenant, &secret.id, &client.id, &hash[..], &user_code, &scope, INTERVAL_S, expires_ms];
    tx.execute(INSERT, args).await?;
    tx.commit().await?;
    let (at, shown) = (provider.issuer.at("/device"), shown(&user_code));
    Ok(fresh(DeviceView {
        device_code: secret.reveal(),
        verification_uri_complete: format!("{at}?user_code={shown}"),
        verification_uri: at,
        user_code: shown,
        expires_in: HOLDS_MS / 1000,
        interval: INTERVAL_S,
    }))
}

impl Provider {
    /// A device asks whether somebody has let it in (RFC 8628 §3.4).
    pub(super) async fn by_device(
        &self,
        client: &Known,
        params: &Params,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        let shown = params.get("device_code").ok_or(invalid_request("the request has no device_code"))?;
        let id = secret::id(secret::DEVICE, shown).ok_or(EXPIRED)?;
        let row: Option<DeviceRow> = self.sessions.db.optional(FIND, args![id]).await?;
        let is_of = |row: &DeviceRow| bool::from(row.device_sha256.as_slice().ct_eq(&secret::sha256(shown)));
        let row = row.filter(is_of).filter(|row| row.client_id == client.id).ok_or(EXPIRED)?;
        let now_ms = self.now_ms();
        if row.expires_ms <= now_ms {
            return Err(EXPIRED.into());
        }
        let DeviceRow { state, user_id, methods, authenticated_ms, .. } = &row;
        let (user, proof) = match (state.as_str(), user_id, methods, authenticated_ms) {
            (WAITING, ..) => return Err(self.still_waiting(&row, now_ms).await?.into()),
            (ALLOWED, Some(user), Some(methods), Some(at_ms)) => (user, Proof::stored(methods, *at_ms)),
            _ => return Err(error(codes::OAUTH_ACCESS_DENIED, "somebody has refused the device").into()),
        };
        let granted = Granted {
            client,
            account: Account::stored(&row.tenant_id, user)?,
            proof,
            scope: &row.scope,
            nonce: None,
            user_agent: agent(headers),
        };
        self.begin(granted, Used::Device(&row)).await
    }

    /// What a device is told that nobody has let in yet. One that does not wait is to wait longer.
    async fn still_waiting(&self, row: &DeviceRow, now_ms: i64) -> Result<Error, DbError> {
        let is_early = row.asked_ms.is_some_and(|asked_ms| now_ms - asked_ms < row.interval_s * 1000);
        let interval_s = row.interval_s + if is_early { INTERVAL_S } else { 0 };
        let mut tx = self.sessions.db.begin().await?;
        tx.execute(ASKED, args![&row.tenant_id, &row.id, now_ms, interval_s]).await?;
        tx.commit().await?;
        Ok(if is_early {
            error(codes::OAUTH_SLOW_DOWN, "the device has not waited")
        } else {
            error(codes::OAUTH_AUTHORIZATION_PENDING, "nobody has entered the code yet")
        })
    }
}

const EXPIRED: Error = error(codes::OAUTH_EXPIRED_TOKEN, "the device_code is none of this client's that holds");

/// Eight letters that nobody can guess in time.
fn user_code() -> Result<String, std::io::Error> {
    let mut code = String::with_capacity(8);
    while code.len() < 8 {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(std::io::Error::other)?;
        // Of 240 values each letter has twelve; the rest would favour some.
        let letters = random.iter().filter(|byte| **byte < 240).map(|byte| char::from(LETTERS[usize::from(byte % 20)]));
        code.extend(letters.take(8 - code.len()));
    }
    Ok(code)
}

/// As people read it.
fn shown(user_code: &str) -> String {
    let (first, last) = user_code.split_at(user_code.len() / 2);
    format!("{first}-{last}")
}

/// As it is stored, of however somebody writes it. `None` of what can be none.
fn entered(text: &str) -> Option<String> {
    let letters: String =
        text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect();
    (letters.len() == 8 && letters.bytes().all(|byte| LETTERS.contains(&byte))).then_some(letters)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_code_is_known_however_somebody_writes_it() {
        let code = user_code().unwrap();
        assert_ne!(code, user_code().unwrap());
        for written in [shown(&code), code.to_lowercase(), format!(" {}", shown(&code).replace('-', " "))] {
            assert_eq!(entered(&written).as_ref(), Some(&code), "{written}");
        }
        for other in ["", "BCDF", "BCDF-GHJA", "BCDF-GHJKL", "BCDF-GHJ\u{df}"] {
            assert_eq!(entered(other), None, "{other}");
        }
    }
}

//! What a browser keeps: that somebody has signed in there, for twelve hours or until he signs out or closes it, and a secret by which
//! forms are known that this provider has shown there.
//!
//! Whoever has signed in in a browser has a session as anywhere else, by whose end everything ends that it would still let in.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use database::{DbError, Tx, args};
use kernel::Problem;
use media_types::TenantId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Provider;
use super::clients::Known;
use super::params::Params;
use crate::auth::factors::SecondHalf;
use crate::auth::policy::Rules;
use crate::auth::proof::Proof;
use crate::auth::secret::{self, Secret};
use crate::auth::sessions::routes::agent;
use crate::auth::sessions::{self, Account, HalfWay, NewSession, Passed, SessionRow, admit, end_one};

/// Names of cookies, behind a prefix that says what a browser has to hold them to.
const SESSION: &str = "lectern-session";
const FORM: &str = "lectern-form";
const TOUCH: &str = "UPDATE auth_session SET last_used_ms = $4 WHERE tenant_id = $1 AND user_id = $2 AND id = $3";

/// Every statement of browsers, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[TOUCH];

/// How long somebody who has signed in in a browser is known there.
const HOLDS_MS: i64 = 12 * 3_600_000;

/// Somebody who has signed in in this browser, and goes on.
pub(super) struct Browser {
    pub(super) account: Account,
    /// The session of the browser itself.
    pub(super) session: String,
    /// What he has shown there.
    pub(super) proof: Proof,
}

/// What has come of what somebody has shown at a page.
pub(super) enum Came {
    /// He is in, and this is for the browser to keep.
    In(Browser, HeaderValue),
    /// His password was right, and he has codes besides.
    HalfWay(HalfWay),
}

impl Browser {
    fn of(row: &SessionRow) -> Result<Self, Problem> {
        Ok(Self { account: row.account()?, session: row.id.clone(), proof: row.proof() })
    }
}

/// The secret of a browser's forms.
pub(super) struct FormSecret(String);

impl FormSecret {
    /// What forms of this browser say.
    pub(super) fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.as_bytes()))
    }

    /// Whether a form that says so was shown in this browser.
    pub(super) fn is_of(&self, token: Option<&str>) -> bool {
        token.is_some_and(|token| token.as_bytes().ct_eq(self.token().as_bytes()).into())
    }
}

/// Notes that the session of a browser was used, and locks it: whatever ends it meanwhile ends what comes of it now, too. Whether it goes
/// on.
pub(super) async fn touch(tx: &mut Tx, browser: &Browser, now_ms: i64) -> Result<bool, DbError> {
    let Account { tenant, user } = &browser.account;
    Ok(tx.execute(TOUCH, args![tenant, user, &browser.session, now_ms]).await? == 1)
}

impl Provider {
    /// Whether what somebody has shown in a browser is all that his tenant asks for.
    pub(super) async fn is_enough(&self, browser: &Browser) -> Result<bool, Problem> {
        let rules = Rules::of(&self.sessions.db, &browser.account.tenant).await?;
        Ok(!rules.needs_second_factor || browser.proof.are_several())
    }

    /// Who has signed in in the browser that asks.
    pub(super) async fn browser(&self, headers: &HeaderMap) -> Result<Option<Browser>, Problem> {
        let Some(text) = self.cookie(headers, SESSION) else { return Ok(None) };
        let Some(id) = secret::id(secret::BROWSER, &text) else { return Ok(None) };
        let row = self.sessions.session(&id, &secret::sha256(&text)).await?;
        row.as_ref().map(Browser::of).transpose()
    }

    /// The same, if he is of this tenant.
    pub(super) async fn browser_of(&self, headers: &HeaderMap, tenant: &TenantId) -> Result<Option<Browser>, Problem> {
        Ok(self.browser(headers).await?.filter(|browser| browser.account.tenant == *tenant))
    }

    /// Lets somebody in who shows his password in a browser, or a code behind it, in the place of whoever was there. What waits for a code
    /// can be finished in that browser alone.
    ///
    /// # Errors
    /// As people's sessions have them.
    pub(super) async fn come_in(
        &self,
        client: &Known,
        filled: &Params,
        form: &FormSecret,
        headers: &HeaderMap,
    ) -> Result<Came, Problem> {
        let shown = |name: &str| filled.get(name).unwrap_or_default();
        let (account, proof, half) = if let Some(token) = filled.get("code_token") {
            let half = self.sessions.second_half(token, &form.token()).await?;
            (half.account.clone(), half.proof.clone(), Some(half))
        } else {
            let who = (client.slug.as_str(), shown("email"));
            let password = Zeroizing::new(shown("password").to_owned());
            match self.sessions.authenticate(who, password, &form.token()).await? {
                Passed::Whole(account, proof) => (account, proof, None),
                Passed::HalfWay(half) => return Ok(Came::HalfWay(half)),
            }
        };
        if account.tenant.as_str() != client.tenant_id {
            return Err(sessions::invalid_credentials());
        }
        self.enter(account, proof, half.map(|half| (half, shown("code"))), headers).await
    }

    /// Lets somebody in who has shown enough, or shows a code now, in the place of whoever was there.
    ///
    /// # Errors
    /// As people's sessions have them.
    pub(super) async fn enter(
        &self,
        account: Account,
        proof: Proof,
        half: Option<(SecondHalf, &str)>,
        headers: &HeaderMap,
    ) -> Result<Came, Problem> {
        let longest_ms = Rules::of(&self.sessions.db, &account.tenant).await?.session_ms();
        let before = self.browser(headers).await?;
        let secret = Secret::draw(secret::BROWSER).map_err(|error| Problem::internal(&error))?;
        let (session, hash, now_ms) = (secret.id.clone(), secret.sha256(), self.now_ms());
        let mut tx = self.sessions.db.begin().await?;
        let admitted = admit(&mut tx, &account, &proof).await?.ok_or_else(sessions::invalid_credentials)?;
        if let Some((half, code)) = &half {
            self.sessions.settle_code(&mut tx, half, code).await?;
        }
        if let Some(before) = before {
            end_one(&mut tx, &before.account, &before.session).await?;
        }
        let new = NewSession {
            id: &session,
            user_agent: agent(headers),
            family_sha256: hash,
            token_sha256: hash,
            expires_ms: now_ms + HOLDS_MS.min(longest_ms),
            client: None,
            now_ms,
        };
        admitted.begin(&mut tx, new).await?;
        tx.commit().await?;
        if let Some((half, _)) = &half {
            self.sessions.forgive(half);
        }
        let cookie = self.kept(SESSION, &secret.reveal());
        Ok(Came::In(Browser { account, session, proof }, cookie))
    }

    /// Has the browser forget who has signed in there.
    pub(super) fn forget(&self, response: &mut Response) {
        response.headers_mut().append(header::SET_COOKIE, self.kept(SESSION, "; Max-Age=0"));
    }

    /// The secret of this browser's forms; and what it is to keep, where it had none.
    pub(super) fn form_secret(&self, headers: &HeaderMap) -> Result<(FormSecret, Option<HeaderValue>), Problem> {
        if let Some(known) = self.cookie(headers, FORM).filter(|text| secret::is_random(text)) {
            return Ok((FormSecret(known), None));
        }
        let new = secret::random().map_err(|error| Problem::internal(&error))?;
        let cookie = self.kept(FORM, &new);
        Ok((FormSecret(new), Some(cookie)))
    }

    /// Where nobody in between reads along, the browser takes and sends a cookie of ours to nobody but this very host.
    fn prefix(&self) -> &'static str {
        if self.issuer.is_secure() { "__Host-" } else { "" }
    }

    fn cookie(&self, headers: &HeaderMap, name: &str) -> Option<String> {
        let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let value = pairs.find_map(|(known, value)| (known.strip_prefix(self.prefix()) == Some(name)).then_some(value));
        value.map(str::to_owned)
    }

    fn kept(&self, name: &str, value: &str) -> HeaderValue {
        let secure = if self.issuer.is_secure() { "; Secure" } else { "" };
        let text = format!("{}{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}", self.prefix());
        HeaderValue::from_str(&text).expect("a cookie of ours is plain ASCII")
    }
}

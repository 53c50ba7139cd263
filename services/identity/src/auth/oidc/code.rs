//! Codes by which a browser brings a client its tokens: each for one client, one address and one minute, and once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use database::{Tx, args};
use kernel::Problem;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::browser::{Browser, touch};
use super::refusal::{Error, invalid_grant, invalid_request};
use super::{Provider, clients};
use crate::auth::proof::Proof;
use crate::auth::secret::{self, Secret};
use crate::auth::sessions::{Account, end_reused};

/// How long a code holds.
const HOLDS_MS: i64 = 60_000;
/// How long one that was used is known again after that.
const KEPT_MS: i64 = 600_000;

const INSERT: &str =
    "INSERT INTO oauth_code (tenant_id, id, client_id, user_id, browser_id, code_sha256, redirect_uri, scope, nonce,
        challenge, methods, authenticated_ms, session_id, expires_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, $13)";
/// Of a browser's codes the twenty newest stay: their ids grow.
const TRIM: &str = "DELETE FROM oauth_code WHERE tenant_id = $1 AND browser_id = $2 AND id NOT IN
    (SELECT id FROM oauth_code WHERE tenant_id = $1 AND browser_id = $2 ORDER BY id DESC LIMIT 20)";
const SWEEP: &str = "DELETE FROM oauth_code WHERE expires_ms < $1";
const FIND: &str =
    "SELECT tenant_id, id, client_id, user_id, code_sha256, redirect_uri, scope, nonce, challenge, methods, authenticated_ms,
        session_id, expires_ms FROM oauth_code WHERE id = $1 LIMIT 1";
/// Whoever is first has it.
const USE: &str = "UPDATE oauth_code SET session_id = $3 WHERE tenant_id = $1 AND id = $2 AND session_id IS NULL";
const USED: &str = "SELECT session_id FROM oauth_code WHERE tenant_id = $1 AND id = $2";

/// Every statement of codes, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[INSERT, TRIM, SWEEP, FIND, USE, USED];

database::row! {
    /// A code, without itself.
    pub(super) struct CodeRow {
        tenant_id: String,
        id: String,
        client_id: String,
        user_id: String,
        code_sha256: Vec<u8>,
        redirect_uri: String,
        pub(super) scope: String,
        pub(super) nonce: Option<String>,
        challenge: String,
        methods: String,
        authenticated_ms: i64,
        session_id: Option<String>,
        expires_ms: i64,
    }
}

impl CodeRow {
    pub(super) fn account(&self) -> Result<Account, Problem> {
        Account::stored(&self.tenant_id, &self.user_id)
    }

    /// What its person had shown in the browser.
    pub(super) fn proof(&self) -> Proof {
        Proof::stored(&self.methods, self.authenticated_ms)
    }
}

/// What a code is for.
pub(super) struct NewCode<'a> {
    pub(super) client: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) scope: &'a str,
    pub(super) nonce: Option<&'a str>,
    /// The S256 of a verifier (RFC 7636 §4.2).
    pub(super) challenge: &'a str,
}

/// What a client shows with a code.
pub(super) struct Shown<'a> {
    pub(super) code: &'a str,
    pub(super) client: &'a str,
    pub(super) redirect_uri: Option<&'a str>,
    pub(super) verifier: &'a str,
}

impl Provider {
    /// A code for a client, of whoever has signed in in a browser. It ends with his session there; `None` if that has just ended.
    pub(super) async fn issue(&self, new: NewCode<'_>, browser: &Browser) -> Result<Option<String>, Problem> {
        let secret = Secret::draw(secret::CODE).map_err(|error| Problem::internal(&error))?;
        let (hash, now_ms) = (secret.sha256(), self.now_ms());
        let NewCode { client, redirect_uri, scope, nonce, challenge } = new;
        let Account { tenant, user } = &browser.account;
        let mut tx = self.sessions.db.begin().await?;
        if !(touch(&mut tx, browser, now_ms).await? && clients::stays(&mut tx, tenant, client).await?) {
            return Ok(None);
        }
        tx.execute(SWEEP, args![now_ms - KEPT_MS]).await?;
        let args = args![
            tenant,
            &secret.id,
            client,
            user,
            &browser.session,
            &hash[..],
            redirect_uri,
            scope,
            nonce,
            challenge,
            browser.proof.text(),
            browser.proof.at_ms,
            now_ms + HOLDS_MS
        ];
        tx.execute(INSERT, args).await?;
        tx.execute(TRIM, args![tenant, &browser.session]).await?;
        tx.commit().await?;
        Ok(Some(secret.reveal()))
    }

    /// What a client has a code of. One that was used before ends what has come of it.
    pub(super) async fn find(&self, shown: &Shown<'_>) -> Result<CodeRow, Problem> {
        let id = secret::id(secret::CODE, shown.code).ok_or(NO_CODE)?;
        let row: Option<CodeRow> = self.sessions.db.optional(FIND, args![id]).await?;
        let is_of = |row: &CodeRow| bool::from(row.code_sha256.as_slice().ct_eq(&secret::sha256(shown.code)));
        let row = row.filter(is_of).filter(|row| row.client_id == shown.client).ok_or(NO_CODE)?;
        if row.session_id.is_some() {
            let mut tx = self.sessions.db.begin().await?;
            self.reused(&mut tx, &row).await?;
            tx.commit().await?;
            return Err(NO_CODE.into());
        }
        if row.expires_ms <= self.now_ms() {
            return Err(NO_CODE.into());
        }
        if shown.redirect_uri.is_some_and(|uri| uri != row.redirect_uri) {
            return Err(invalid_grant("the code was sent to another redirect_uri").into());
        }
        verify(shown.verifier, &row.challenge)?;
        Ok(row)
    }

    /// Uses a code for a session; whether nobody else did at the same time. Otherwise what he got of it ends.
    pub(super) async fn take(&self, tx: &mut Tx, row: &CodeRow, session: &str) -> Result<bool, Problem> {
        if tx.execute(USE, args![&row.tenant_id, &row.id, session]).await? == 1 {
            return Ok(true);
        }
        self.reused(tx, row).await?;
        Ok(false)
    }

    async fn reused(&self, tx: &mut Tx, row: &CodeRow) -> Result<(), Problem> {
        let found: Option<(Option<String>,)> = tx.optional(USED, args![&row.tenant_id, &row.id]).await?;
        if let Some((Some(session),)) = found {
            end_reused(tx, &row.account()?, &session, self.now_ms()).await?;
        }
        Ok(())
    }
}

/// The same for whatever is wrong with a code.
pub(super) const NO_CODE: Error = invalid_grant("the code is none of this client's that holds");

/// Whether this can be a challenge: the S256 of something (RFC 7636 §4.2).
pub(super) fn is_challenge(text: &str) -> bool {
    secret::is_random(text)
}

/// That a verifier is the one of a challenge (RFC 7636 §4.6).
fn verify(verifier: &str, challenge: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(plain) {
        return Err(invalid_request("a code_verifier has 43 to 128 characters of RFC 7636"));
    }
    let is_it: bool = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)).as_bytes().ct_eq(challenge.as_bytes()).into();
    if is_it { Ok(()) } else { Err(invalid_grant("the code_verifier is not that of the code_challenge")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_that_of_its_challenge_alone() {
        // RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge(challenge));
        assert_eq!(verify(verifier, challenge), Ok(()));
        for wrong in [&verifier.to_lowercase(), &format!("{verifier}a"), &"a".repeat(43)] {
            assert_eq!(verify(wrong, challenge).map_err(Error::word), Err("invalid_grant"), "{wrong}");
        }
        for unfit in ["", challenge.get(1..).unwrap_or_default(), &"a".repeat(129), &format!("{verifier}=")] {
            assert_eq!(verify(unfit, challenge).map_err(Error::word), Err("invalid_request"), "{unfit}");
        }
        for plain in ["", verifier.get(1..).unwrap_or_default(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c="] {
            assert!(!is_challenge(plain), "{plain}");
        }
    }
}

//! The two tokens of a session: what opens the API for a while, and what gets both anew, once.

use database::{DbError, Tx, args};
use kernel::Problem;
use subtle::ConstantTimeEq;

use super::store::{self, Account, Admitted, NewSession, SessionRow, end_reused};
use super::{Sessions, check_tenant, unauthorized};
use crate::auth::codes;
use crate::auth::jwt::{Claims, ISSUER};
use crate::auth::oidc::scope;
use crate::auth::policy::Rules;
use crate::auth::proof::Proof;
use crate::auth::secret::Refresh;
use crate::user::model::ACTIVE;

/// How long an access token holds.
pub(in crate::auth) const ACCESS_S: i64 = 600;
/// How long a session lasts, however often it is refreshed.
pub(in crate::auth) const SESSION_MS: i64 = 30 * 24 * 3_600_000;

/// What somebody has who has signed in.
pub(in crate::auth) struct Tokens {
    pub(in crate::auth) account: Account,
    /// What he has shown so far.
    pub(in crate::auth) proof: Proof,
    pub(in crate::auth) session: String,
    pub(in crate::auth) access: String,
    pub(in crate::auth) refresh: String,
    pub(in crate::auth) session_expires_ms: i64,
    /// Of a client's session, what the client was given.
    pub(in crate::auth) scope: Option<String>,
}

/// Whose a session is besides its person's: a client's.
#[derive(Clone, Copy)]
pub(in crate::auth) struct OfClient<'a> {
    pub(in crate::auth) id: &'a str,
    /// What it was given.
    pub(in crate::auth) scope: &'a str,
    /// How long the session lasts.
    pub(in crate::auth) lasts_ms: i64,
}

/// All of a session with tokens but its row.
pub(in crate::auth) struct Begun<'a> {
    /// The id of the session.
    pub(in crate::auth) session: String,
    refresh: Refresh,
    access: String,
    client: Option<OfClient<'a>>,
    expires_ms: i64,
}

impl Sessions {
    /// All of a new session but its row: nothing that could wait for another transaction than the one that it begins in.
    pub(in crate::auth) async fn prepare<'a>(
        &self,
        account: &Account,
        proof: &Proof,
        client: Option<OfClient<'a>>,
    ) -> Result<Begun<'a>, Problem> {
        let refresh = Refresh::first().map_err(|error| Problem::internal(&error))?;
        let session = refresh.session.clone();
        let longest_ms = Rules::of(&self.db, &account.tenant).await?.session_ms();
        let expires_ms = (self.clock)() + client.map_or(SESSION_MS, |client| client.lasts_ms).min(longest_ms);
        let scope = client.map(|client| client.scope);
        let access = self.access((account, proof), &session, expires_ms, scope).await?;
        Ok(Begun { session, refresh, access, client, expires_ms })
    }

    /// Begins it, of somebody whom the same transaction lets in.
    pub(in crate::auth) async fn begin(
        &self,
        tx: &mut Tx,
        admitted: &Admitted<'_>,
        begun: Begun<'_>,
        user_agent: Option<String>,
    ) -> Result<Tokens, DbError> {
        let Begun { session, refresh, access, client, expires_ms } = begun;
        let new = NewSession {
            id: &session,
            user_agent,
            family_sha256: refresh.family_sha256(),
            token_sha256: refresh.sha256(),
            expires_ms,
            client: client.map(|client| (client.id, client.scope)),
            now_ms: (self.clock)(),
        };
        admitted.begin(tx, new).await?;
        Ok(Tokens {
            account: admitted.account().clone(),
            proof: admitted.proof().clone(),
            session,
            access,
            refresh: refresh.reveal(),
            session_expires_ms: expires_ms,
            scope: client.map(|client| client.scope.to_owned()),
        })
    }

    /// Goes on with a session of this client; without one, with a session that is no client's.
    pub(in crate::auth) async fn refresh(&self, token: &str, client: Option<&str>) -> Result<Tokens, Problem> {
        let now_ms = (self.clock)();
        let shown = Refresh::read(token).ok_or_else(invalid_token)?;
        let row = self.session(&shown.session, &shown.family_sha256()).await?;
        let row = row.filter(|row| row.client_id.as_deref() == client).ok_or_else(invalid_token)?;
        check_tenant(&row.tenant_state)?;
        if !self.is_enough(&row).await? {
            return Err(invalid_token());
        }
        let (account, proof) = (row.account()?, row.proof());
        let next = shown.next().map_err(|error| Problem::internal(&error))?;
        let access = self.access((&account, &proof), &shown.session, row.expires_ms, row.scope.as_deref()).await?;
        let (was, is) = (shown.sha256(), next.sha256());
        let mut tx = self.db.begin().await?;
        let args = args![&account.tenant, &shown.session, &was[..], &is[..], now_ms];
        if tx.execute(store::TURN, args).await? == 0 {
            end_reused(&mut tx, &account, &shown.session, now_ms).await?;
            tx.commit().await?;
            return Err(invalid_token());
        }
        tx.commit().await?;
        Ok(Tokens {
            account,
            proof,
            session: shown.session,
            access,
            refresh: next.reveal(),
            session_expires_ms: row.expires_ms,
            scope: row.scope,
        })
    }

    /// Whether a session is one of a person's own, or he has shown all that his tenant asks for.
    pub(in crate::auth) async fn is_enough(&self, row: &SessionRow) -> Result<bool, Problem> {
        if row.client_id.is_none() || row.proof().are_several() {
            return Ok(true);
        }
        Ok(!Rules::of(&self.db, &row.account()?.tenant).await?.needs_second_factor)
    }

    /// The session whose tokens all begin so, if it goes on and its person may sign in.
    pub(in crate::auth) async fn session(
        &self,
        id: &str,
        family_sha256: &[u8; 32],
    ) -> Result<Option<SessionRow>, DbError> {
        let row = self.going_on(id).await?;
        Ok(row.filter(|row| bool::from(row.family_sha256.as_slice().ct_eq(family_sha256))))
    }

    /// The session of this id, if it goes on and its person may sign in.
    pub(in crate::auth) async fn going_on(&self, id: &str) -> Result<Option<SessionRow>, DbError> {
        let row: Option<SessionRow> = self.db.optional(store::BY_ID, args![id]).await?;
        Ok(row.filter(|row| row.expires_ms > (self.clock)() && row.user_state == ACTIVE))
    }

    /// An access token of a session: of a client's that has this scope, or of no client's.
    pub(in crate::auth) async fn access(
        &self,
        (account, proof): (&Account, &Proof),
        session: &str,
        session_expires_ms: i64,
        scope: Option<&str>,
    ) -> Result<String, Problem> {
        let claims = self.claims((account, proof), session, session_expires_ms, scope);
        Ok(self.signing.signer().await?.sign(&claims))
    }

    /// What such a token says.
    pub(in crate::auth) fn claims(
        &self,
        (account, proof): (&Account, &Proof),
        session: &str,
        session_expires_ms: i64,
        scope: Option<&str>,
    ) -> Claims {
        let now_s = (self.clock)().div_euclid(1000);
        Claims {
            iss: ISSUER.to_owned(),
            sub: account.user.clone(),
            aud: scope::audience(scope).to_owned(),
            exp: (now_s + ACCESS_S).min(session_expires_ms / 1000),
            iat: now_s,
            sid: session.to_owned(),
            tenant: account.tenant.to_string(),
            acr: proof.acr().to_owned(),
            amr: proof.amr().to_vec(),
            auth_time: proof.at_ms.div_euclid(1000),
            act: None,
        }
    }
}

fn invalid_token() -> Problem {
    unauthorized(codes::SESSION_INVALID_TOKEN, "the refresh token holds no more, or never did")
}

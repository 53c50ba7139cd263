//! Proving once more who one is, within a session.

use database::args;
use kernel::{Person, Problem};
use zeroize::Zeroizing;

use super::{INVALID_CODE, check_own, name_of};
use crate::auth::codes;
use crate::auth::passkeys::Claim;
use crate::auth::passkeys::views::PasskeyAssertion;
use crate::auth::proof::{CODE, PASSWORD};
use crate::auth::sessions::store::{BY_ID, PROVE, SessionRow};
use crate::auth::sessions::{Sessions, too_many};

/// What somebody shows.
pub(super) enum Shown {
    Password(Zeroizing<String>),
    /// Of either kind.
    Code(String),
    Passkey(PasskeyAssertion),
}

impl Sessions {
    /// Takes note that a person has just proved who he is; an access token that says so.
    pub(super) async fn step_up(&self, me: &Person, shown: Shown) -> Result<String, Problem> {
        check_own(me)?;
        let missing = || Problem::not_found(codes::SESSION_NOT_FOUND, "the session has ended");
        let row: Option<SessionRow> = self.db.optional(BY_ID, args![&me.session]).await?;
        let row = row.filter(|row| row.user_id == me.id).ok_or_else(missing)?;
        let (now_ms, name) = ((self.clock)(), name_of((&me.tenant, &me.id)));
        let claim = match &shown {
            Shown::Passkey(assertion) => Some(self.own_claim(me, assertion).await?),
            Shown::Password(_) | Shown::Code(_) => {
                self.codes_throttle.enter(name, now_ms).map_err(too_many)?;
                None
            }
        };
        let methods = match (&shown, &claim) {
            (_, Some(claim)) => claim.methods,
            (Shown::Code(_), None) => CODE,
            (_, None) => PASSWORD,
        };
        if let Shown::Password(password) = &shown {
            self.check_password(me, password.clone()).await?;
        }
        let (account, proof) = (row.account()?, row.proof().and(methods, now_ms));
        let access = self.access((&account, &proof), &me.session, row.expires_ms, row.scope.as_deref()).await?;
        let mut tx = self.db.begin().await?;
        if let Some(claim) = &claim {
            self.settle(&mut tx, claim).await.map_err(at_passkey)?;
        }
        if let Shown::Code(code) = &shown
            && !self.spend(&mut tx, (&me.tenant, &me.id), code).await?
        {
            return Err(Problem::invalid("/code", codes::FACTOR_INVALID_CODE, INVALID_CODE));
        }
        let args = args![&me.tenant, &me.id, &me.session, proof.text(), proof.at_ms];
        if tx.execute(PROVE, args).await? == 0 {
            return Err(missing());
        }
        tx.commit().await?;
        self.codes_throttle.leave(&name);
        Ok(access)
    }

    /// What a passkey claims, if it is that of the person who asks.
    async fn own_claim(&self, me: &Person, assertion: &PasskeyAssertion) -> Result<Claim, Problem> {
        let claim = self.claim(assertion).await.map_err(at_passkey)?;
        if (&claim.account.tenant, &claim.account.user) == (&me.tenant, &me.id) {
            return Ok(claim);
        }
        Err(Problem::invalid("/passkey", codes::PASSKEY_REFUSED, "the passkey is somebody else's"))
    }

    /// That it is the person's password, where a password alone lets him in.
    async fn check_password(&self, me: &Person, password: Zeroizing<String>) -> Result<(), Problem> {
        if self.totp(me).await?.is_some_and(|row| row.confirmed_ms.is_some()) {
            let detail = "whoever has codes shows one, or a passkey: a password alone does not let him in either";
            return Err(Problem::invalid("/password", codes::SESSION_STEP_UP_TOO_WEAK, detail));
        }
        let hash = self.person(me).await?.hash;
        if self.hasher.verify(password, hash.as_deref()).await? {
            return Ok(());
        }
        Err(Problem::invalid("/password", codes::SESSION_INVALID_CREDENTIALS, "it is not the password"))
    }
}

/// A refusal of a passkey is one of the request here, where the token holds.
fn at_passkey(problem: Problem) -> Problem {
    if problem.status().is_client_error() {
        return Problem::invalid("/passkey", codes::PASSKEY_REFUSED, problem.detail());
    }
    problem
}

//! Letters to people: links that they ask for when they want to sign in or have forgotten their password, and notices of what has
//! happened to their accounts.
//!
//! Who asks for a link is told nothing, and what that costs tells nothing either: the wish is noted, the same way for every address, and
//! answered behind it. A link that signs in opens the browser that has asked for it and no other one: whoever has somebody else ask, or
//! reads his letters, has half of what is needed.
//!
//! - `store`: their tables. `routes`: what is asked for. `page`: what a link opens.

mod page;
pub(super) mod routes;
mod store;

use std::sync::Arc;

use database::{DbError, Tx, args};
use kernel::{Problem, Sealed, default_tenant};
use media_types::TenantId;
use postbox::{About, Carrier, Link, NewLetter, Open, Postbox};
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use uuid::Uuid;

use super::address::PublicAddress;
use super::challenge::{self, Of, Purpose};
use super::proof::{LINK, Proof};
use super::secret::{self, Secret};
use super::sessions::{Account, HalfWay, Sessions, SignedIn, admit, check_tenant, tenant_id, too_many, unauthorized};
use super::{codes, link};
use crate::org::is_slug;
use crate::user::model::normal_email;

pub(super) use store::STATEMENTS;

use self::store::{AskRow, LinkRow, ReaderRow};

/// How long a link signs in.
const HOLDS_MS: i64 = 15 * MINUTE_MS;
const MINUTE_MS: i64 = 60_000;
/// How long a notice is of use.
const NOTICE_MS: i64 = 2 * 24 * 60 * MINUTE_MS;
/// Wishes that wait at the same time.
const MAX_WAITING: i64 = 4096;
/// Wishes that one transaction answers.
const AT_ONCE: i64 = 50;

/// What letters to people lead to, and who takes them away. Cheap to clone.
#[derive(Clone)]
pub struct Mail {
    address: PublicAddress,
    carrier: Arc<dyn Carrier>,
}

impl Mail {
    /// Letters whose links lead to this address.
    pub fn new(address: PublicAddress, carrier: Arc<dyn Carrier>) -> Self {
        Self { address, carrier }
    }
}

/// What somebody asks a letter for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// A link that signs him in.
    SignIn,
    /// One by which he sets a new password.
    Password,
}

impl Wish {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Password => "password",
        }
    }
}

/// Writes to a person what has happened to his account.
pub(crate) async fn notice(
    tx: &mut Tx,
    (tenant, user): (&TenantId, &str),
    about: &About,
    now_ms: i64,
) -> Result<(), DbError> {
    let found: Option<(String, String)> = tx.optional(store::RECIPIENT, args![tenant, user]).await?;
    let Some((email, locale)) = found else { return Ok(()) };
    let until_ms = now_ms + NOTICE_MS;
    let new = NewLetter { tenant, recipient: &email, locale: &locale, about, link: None, until_ms, now_ms };
    postbox::put(tx, new).await.map(drop)
}

/// Answers what is asked for until `stopped` turns true.
pub(super) async fn answer_until(sessions: Sessions, mut stopped: watch::Receiver<bool>) {
    let mut changed = sessions.db.changed();
    loop {
        changed.mark_unchanged();
        // Whatever has failed has its line in the log already.
        while sessions.answer().await.is_ok_and(|count| count > 0) {}
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            () = sessions.db.next_look(&mut changed) => {}
        }
    }
}

impl Sessions {
    /// The letters, where they go out.
    pub(crate) fn postbox(&self) -> Option<Postbox> {
        let carrier = Arc::clone(&self.mail.as_ref()?.carrier);
        let keyring = Arc::clone(&self.keyring);
        let open: Open = Arc::new(move |bytes: &[u8], is_wrapped: bool| {
            keyring.open(&Sealed { bytes: bytes.to_vec(), is_wrapped }).ok()
        });
        Some(Postbox::new(self.db.clone(), Arc::clone(&self.clock), carrier, open))
    }

    fn mail(&self) -> Result<&Mail, Problem> {
        let detail = "this installation sends no letters";
        self.mail.as_ref().ok_or_else(|| Problem::not_found(codes::MAIL_NOT_CONFIGURED, detail))
    }

    /// Writes to a person what has happened to his account, where letters go out.
    pub(super) async fn notify(&self, tx: &mut Tx, person: (&TenantId, &str), about: &About) -> Result<(), DbError> {
        if self.mail.is_none() {
            return Ok(());
        }
        notice(tx, person, about, (self.clock)()).await
    }

    /// Takes note that whoever has this address wants a letter. What is no address, and of no tenant, is noted as well.
    async fn ask(&self, wish: Wish, (slug, email): (&str, &str), browser: &str) -> Result<(), Problem> {
        self.mail()?;
        let (email, now_ms) = (normal_email(email), (self.clock)());
        let name = secret::sha256(&format!("mail\0{slug}\0{}", email.as_deref().unwrap_or_default()));
        self.letters_throttle.enter(name, now_ms).map_err(too_many)?;
        let (slug, email) = match &email {
            Some(email) if is_slug(slug) => (slug, email.as_str()),
            _ => ("", ""),
        };
        let (id, browser) = (format!("ask_{}", Uuid::now_v7().simple()), secret::sha256(browser));
        let mut tx = self.db.begin().await?;
        let (waiting,): (i64,) = tx.optional(store::WAITING, args![]).await?.ok_or(DbError::NoRow)?;
        if waiting >= MAX_WAITING {
            let detail = "too many people ask for letters at the moment";
            return Err(Problem::unavailable(codes::MAIL_BUSY, detail, 10));
        }
        let args = args![&default_tenant(), id, wish.as_str(), slug, email, &browser[..], now_ms];
        tx.execute(store::ASK, args).await?;
        tx.wake();
        Ok(tx.commit().await?)
    }

    /// Answers some of what was asked for: writes a letter to whoever there is; how much there was.
    pub(crate) async fn answer(&self) -> Result<usize, Problem> {
        let Ok(mail) = self.mail() else { return Ok(0) };
        if self.db.optional::<(String,)>(store::ANY, args![]).await?.is_none() {
            return Ok(0);
        }
        let mut tx = self.db.begin().await?;
        let asks: Vec<AskRow> = tx.all(store::TAKE_ASKS, args![AT_ONCE]).await?;
        for ask in &asks {
            self.answer_one(&mut tx, mail, ask).await?;
        }
        tx.commit().await?;
        Ok(asks.len())
    }

    async fn answer_one(&self, tx: &mut Tx, mail: &Mail, ask: &AskRow) -> Result<(), Problem> {
        let now_ms = (self.clock)();
        let found: Option<ReaderRow> = tx.optional(store::READER, args![&ask.slug, &ask.email]).await?;
        // Nobody waits any more for what was asked for long ago.
        let Some(reader) = found.filter(|_| now_ms - ask.created_ms < HOLDS_MS) else { return Ok(()) };
        let (tenant, user) = (tenant_id(&reader.tenant_id)?, reader.id.as_str());
        let (random, sealed) = self.keyring.draw().map_err(|error| Problem::internal(&error))?;
        let (secret, about, until_ms) = if ask.purpose == Wish::SignIn.as_str() {
            let (secret, until_ms) = (Secret::of(secret::SIGN_IN_LINK, &random), now_ms + HOLDS_MS);
            let (hash, browser) = (secret.sha256(), &ask.browser_sha256[..]);
            tx.execute(store::TRIM_LINKS, args![&tenant, user, now_ms]).await?;
            let args = args![&tenant, &secret.id, user, &hash[..], browser, until_ms];
            tx.execute(store::PUT_LINK, args).await?;
            (secret, About::SignIn { minutes: HOLDS_MS / MINUTE_MS }, until_ms)
        } else {
            let secret = Secret::of(secret::LINK, &random);
            link::put(tx, (&tenant, user), &secret, now_ms).await?;
            (secret, About::Password { minutes: link::HOLDS_MS / MINUTE_MS }, now_ms + link::HOLDS_MS)
        };
        let begins = mail.address.at(&format!("{}#{}", page::PATH, secret.beginning()));
        let Sealed { bytes, is_wrapped } = sealed;
        let new = NewLetter {
            tenant: &tenant,
            recipient: &reader.email,
            locale: &reader.locale,
            about: &about,
            link: Some(Link { begins, secret: bytes, is_wrapped }),
            until_ms,
            now_ms,
        };
        postbox::put(tx, new).await?;
        Ok(())
    }

    /// Begins the session of the person whom this link was sent to, or half of one, in the browser that has asked for it.
    async fn sign_in_by_link(
        &self,
        token: &str,
        browser: Option<&str>,
        user_agent: Option<String>,
    ) -> Result<SignedIn, Problem> {
        self.mail()?;
        let now_ms = (self.clock)();
        let id = secret::id(secret::SIGN_IN_LINK, token).ok_or_else(invalid_link)?;
        let (hash, browser) = (secret::sha256(token), secret::sha256(browser.ok_or_else(invalid_link)?));
        let row: Option<LinkRow> = self.db.optional(store::LINK, args![id]).await?;
        let is_it = |row: &LinkRow| {
            let is_token = row.token_sha256.as_slice().ct_eq(&hash);
            bool::from(is_token & row.browser_sha256.as_slice().ct_eq(&browser)) && row.expires_ms > now_ms
        };
        let row = row.filter(is_it).ok_or_else(invalid_link)?;
        check_tenant(&row.tenant_state)?;
        let account = Account::stored(&row.tenant_id, &row.user_id)?;
        if row.code_since_ms.is_some() {
            return self.half_way_by_link(account, &row.id, now_ms).await.map(SignedIn::HalfWay);
        }
        let proof = Proof::new(LINK, now_ms);
        let begun = self.prepare(&account, &proof, None).await?;
        let mut tx = self.db.begin().await?;
        let admitted = admit(&mut tx, &account, &proof).await?.ok_or_else(invalid_link)?;
        take(&mut tx, &account.tenant, &row.id, now_ms).await?;
        let tokens = self.begin(&mut tx, &admitted, begun, user_agent).await?;
        tx.commit().await?;
        Ok(SignedIn::Whole(tokens))
    }

    /// Uses up a link, and has the sign-in wait for a code.
    async fn half_way_by_link(&self, account: Account, id: &str, now_ms: i64) -> Result<HalfWay, Problem> {
        let token = Secret::draw(secret::HALF_WAY).map_err(|error| Problem::internal(&error))?.reveal();
        let of = Of { tenant: &account.tenant, user: Some(&account.user) };
        let mut tx = self.db.begin().await?;
        take(&mut tx, &account.tenant, id, now_ms).await?;
        challenge::put(&mut tx, of, Purpose::Code(LINK), &secret::bound(&token, ""), now_ms).await?;
        tx.commit().await?;
        Ok(HalfWay { account, token })
    }
}

async fn take(tx: &mut Tx, tenant: &TenantId, id: &str, now_ms: i64) -> Result<(), Problem> {
    if tx.execute(store::TAKE_LINK, args![tenant, id, now_ms]).await? == 0 {
        return Err(invalid_link());
    }
    Ok(())
}

/// Whatever is the matter with it: who has found a link somewhere is not told where it would do.
fn invalid_link() -> Problem {
    unauthorized(codes::SESSION_INVALID_LINK, "the link was used, has ended, or was asked for in another browser")
}

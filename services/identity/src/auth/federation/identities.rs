//! Who a person is at providers, as he himself sees to it.

use database::args;
use kernel::{Person, Problem};
use postbox::{About, Factor};
use serde_json::json;

use super::Federation;
use super::sign_in::{Purpose, Returned};
use super::store::{self, IdentityRow};
use crate::auth::codes;
use crate::auth::factors::check_recent;
use crate::auth::sessions::tell;

impl Federation {
    /// Where somebody who has signed in is sent to, to say who he is at a provider.
    pub(super) async fn leave_to_link(&self, me: &Person, provider: &str, bound: &str) -> Result<String, Problem> {
        check_recent(me, self.now_ms())?;
        let of = self.open(&me.tenant, provider).await?;
        self.leave((&me.tenant, &of), Purpose::Link(&me.id), bound, None).await
    }

    /// The identity with which he has come back.
    pub(super) async fn linked(&self, me: &Person, returned: Returned<'_>, bound: &str) -> Result<(), Problem> {
        check_recent(me, self.now_ms())?;
        let waiting = self.waiting(returned.state).await?;
        let proved = self.proved(&waiting, returned, bound).await?;
        if waiting.purpose() != Purpose::Link(&me.id) || proved.tenant != me.tenant {
            let detail = "somebody else was sent to the provider, or for something else";
            return Err(Problem::bad_request(codes::PROVIDER_SIGN_IN_INVALID, detail));
        }
        self.link_to(me, &proved).await
    }

    pub(super) async fn identities(&self, me: &Person) -> Result<Vec<IdentityRow>, Problem> {
        Ok(self.db().all(store::IDENTITIES, args![&me.tenant, &me.id]).await?)
    }

    pub(super) async fn unlink(&self, me: &Person, id: &str) -> Result<(), Problem> {
        let now_ms = self.now_ms();
        check_recent(me, now_ms)?;
        let mut tx = self.db().begin().await?;
        if tx.execute(store::UNLINK, args![&me.tenant, &me.id, id]).await? == 0 {
            return Err(Problem::not_found(codes::IDENTITY_NOT_FOUND, "there is no such identity of yours"));
        }
        let data = json!({ "id": me.id, "identity_id": id });
        tell(&mut tx, &me.tenant, ("user.identity_removed", &me.id), data, now_ms).await?;
        let about = About::FactorRemoved { factor: Factor::Provider };
        self.sessions.notify(&mut tx, (&me.tenant, &me.id), &about).await?;
        Ok(tx.commit().await?)
    }
}
